import APIClient
import Linux
import Timing

/// Stopping everything.
extension HostRole {
    /// Stops everything in order: the proxy ends its exchanges, the agents stop their pods, the server goes last. `done` is called at the end,
    /// BEFORE this process is asked to stop. A stop that is under way becomes one that deletes everything as soon as one of those who ask for it does.
    package func shutDown(purging: Bool = false, _ done: @escaping () -> Void = {}) {
        if purging, !isPurging {
            isPurging = true
            if stop != nil {
                StopNote.purge.write(directory)
                RoleLog.say(.information, "everything will be deleted")
            }
        }
        if let stop { return stop.alsoCall(done) }
        upgrade?.abandon()
        for name in custodies.keys.sorted() { custodies[name]?.end() }
        agents.end()
        (purging ? StopNote.purge : .stop).write(directory)
        let proxies = roles.filter { $0.name.hasPrefix("proxy") }
        let agentRoles = roles.filter { $0.name.hasPrefix("agent") }
        let servers = roles.filter { $0.name == "server" }
        RoleLog.say(.information, purging ? "stopping, everything will be deleted" : "stopping")
        let sequence = StopSequence(
            loop: loop,
            stages: [
                .init("proxy: finishing open requests", proxies, limit: .seconds(10)),
                .init("nodes: stopping all pods", agentRoles, limit: .seconds(600)) { [unowned self] role in
                    if let line = connection(role.name) { return line.send(["op": "shutdown"]) }
                    // One that was started and has not said hello has nothing in hand yet: what runs there is killed at the end. One that was taken over
                    // comes, and is asked then.
                    if !role.isTakenOver { role.signal(15) }
                },
                .init("server: closing the journal", servers, limit: .seconds(10)),
            ],
            onProgress: { [unowned self] in onProgress($0) })
        stop = sequence
        sequence.alsoCall(done)
        sequence.alsoCall { [unowned self] in
            clearAll { [unowned self] in
                if !isPurging {
                    noteStop()
                    // The note goes last: nobody brings `up` back where there is no socket.
                    for path in [directory.hostSocket, directory.apiSocket, directory.stopNote] { try? Files.removeTree(path) }
                }
                // The answers to whoever asked go out first. What is asked for until then is done as well.
                loop.schedule(after: .milliseconds(10)) { [unowned self] in
                    if isPurging { purge() }
                    onStopped()
                }
            }
        }
        sequence.begin()
    }

    private func clearAll(_ done: @escaping () -> Void) {
        var left = configuration.nodes.count
        for node in configuration.nodes {
            deputy.killLeftovers(directory.node(node.name)) {
                left -= 1
                if left == 0 { done() }
            }
        }
    }

    /// A stop that is under way waits for nothing any more.
    package func hurry() { stop?.hurry() }

    /// Deletes all that the instance kept.
    private func purge() {
        directory.purge()
        // What others put there stays.
        _ = Files.removeEmptyDirectory(directory.path)
    }
}
