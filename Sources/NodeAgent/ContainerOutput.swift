import Linux
import Timing

/// What the programs of a container print, on its way to the log.
extension ContainerProcess {
    /// Makes the pipe where it is missing, and reads it from now on. What `up` has stored is taken over with `readOutput`.
    func openOutput(owner: Launch.User?) throws(LinuxError) {
        if output != nil { return }
        let pipe = try OutputPipe(paths.output(name), owner: owner, through: context.tray)
        do throws(LinuxError) {
            outputWatch = try context.loop.watch(pipe.fd, .read) { [weak self] _ in self?.storeOutput() }
        } catch {
            // A pipe that nobody empties stops the program.
            pipe.close()
            throw error
        }
        output = pipe
        context.descriptors.store("output:\(podUID)/\(name)", pipe.fd)
    }

    /// Takes over what `up` has stored of a program that was adopted, and reads what it prints from now on. It lives already: what cannot be opened
    /// now is tried again, as long as it takes.
    func readOutput() {
        mergeSpill()
        guard let waiting = waitingOutput else { return }
        do throws(LinuxError) {
            try openOutput(owner: waiting.owner)
            waitingOutput = nil
        } catch {
            context.loop.schedule(after: Self.attendPause) { [weak self] in self?.readOutput() }
        }
    }

    /// `up` has stored output while this agent was stopped, or did not read yet.
    func mergeSpill() { log.merge(spill: paths.spill(name)) }

    /// One chunk a turn: a program that prints without end starves nobody.
    private func storeOutput() {
        _ = output?.store { [log] bytes in log.append(bytes, at: Clock.realtime()) }
    }
}
