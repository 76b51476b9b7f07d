import Linux
import Timing

/// The server is the one role that can find out that it will never start: its journal may be damaged, or written by a newer version.
extension HostRole {
    func serving() {
        guard !hasServed else { return }
        hasServed = true
        beginsToRun()
        onServing(configuration.apiAddress)
    }

    /// A server that cannot start will not do better the next time. Who starts an instance is told, and gets back what was there before; one that
    /// has served goes on without it, and `steady status` tells why.
    func cannotStart(_ role: RoleProcess?, _ reason: String) {
        role?.failed(because: reason)
        guard role?.name == "server", !hasServed, !isResuming, stop == nil else { return }
        abandon(because: "the server cannot start: \(reason)")
    }

    /// A role that ends by itself each time it is started keeps the instance from being one: who starts it is told which, and what it said.
    func neverStarts(_ role: RoleProcess) {
        guard !isResuming, stop == nil else { return }
        let log = directory.roleLog(role.name)
        // Each attempt says much the same.
        var said: [Substring] = []
        for line in ((try? Files.text(log)) ?? "").split(separator: "\n") where line != said.last { said.append(line) }
        said = said.suffix(Self.shownLineCount)
        var text = "\(role.name) cannot be started: it failed \(role.failedStartCount) times"
        if let reason = role.failure { text += "\n  \(reason)" }
        if !said.isEmpty { text += "\nthe last lines of \(log):\n" + said.map { "  \($0)" }.joined(separator: "\n") }
        abandon(because: text)
    }

    /// Of a role's log, in the reason why the instance does not start.
    private static let shownLineCount = 5

    /// Ends a start that failed.
    private func abandon(because reason: String) {
        failure = reason
        // What the server has begun is ended in order: pods may run already.
        guard !hasServed else { return shutDown() }
        for name in custodies.keys.sorted() { custodies[name]?.end() }
        // Killed, not asked: an agent that is asked stops its pods, and some may have outlived what stopped the instance.
        let sequence = StopSequence(loop: loop, stages: [.init("", roles, limit: .seconds(1)) { $0.signal(9) }], onProgress: { _ in })
        stop = sequence
        sequence.alsoCall { [unowned self] in
            for path in [directory.hostSocket, directory.apiSocket] { try? Files.removeTree(path) }
            onStopped()
        }
        sequence.begin()
    }
}
