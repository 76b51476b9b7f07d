import Linux
import Timing

/// Stores what a node's programs print while their agent is dead or stopped, so that none of them waits for a reader: `steady up` runs one then.
///
/// Each container's output goes to a file beside its log, in the log's form; the agent takes it over when it is back. A crash of `up` between
/// reading and writing loses that chunk; a stopped agent that goes on may read a chunk before it learns of the file, which then stands behind it.
package final class OutputDrain {
    private var watches: [(pod: String, watch: EventLoop.Watch)] = []
    private var buffer = [UInt8](repeating: 0, count: OutputTray.size)

    /// What is kept for one container; beyond it output is thrown away rather than its program stopped.
    static let spillLimit = 10 << 20

    /// Begins with every container that the node has. No agent may be at work there, so none is added meanwhile.
    package init(loop: EventLoop, nodeDirectory: String) {
        let pods = nodeDirectory + "/pods"
        for uid in (try? Files.list(pods)) ?? [] {
            let paths = PodPaths(node: nodeDirectory, uid: uid)
            for name in paths.containerNames {
                let output = paths.output(name)
                guard Files.exists(output), let descriptor = try? OutputPipe.openForReader(output) else { continue }
                let spill = paths.spill(name)
                guard let watch = try? loop.watch(descriptor, .read, { [unowned self] _ in store(descriptor, spill) }) else {
                    closeDescriptor(descriptor)
                    continue
                }
                watches.append((uid, watch))
            }
        }
    }

    /// How many containers it reads.
    package var count: Int { watches.count }

    /// One chunk a turn.
    private func store(_ descriptor: Int32, _ spill: String) {
        let count = Files.readAvailable(descriptor, into: &buffer)
        guard count > 0, Files.size(spill) < Self.spillLimit, (try? Files.makeDirectories(Files.directory(of: spill))) != nil,
            let file = try? Files.openForAppending(spill)
        else { return }
        defer { closeDescriptor(file) }
        // A full disk loses output, not the program.
        try? Files.writeAll(ContainerLog.entries(buffer[..<count], at: Clock.realtime()), to: file, named: spill)
    }

    /// Leaves one pod's output to the agent; what was read of it is stored.
    package func leave(pod: String) { end { $0 == pod } }

    /// Leaves the output to the agent.
    package func end() { end { _ in true } }

    private func end(where isLeft: (String) -> Bool) {
        for (pod, watch) in watches where isLeft(pod) {
            watch.cancel()
            closeDescriptor(watch.fd)
        }
        watches.removeAll { isLeft($0.pod) }
    }
}
