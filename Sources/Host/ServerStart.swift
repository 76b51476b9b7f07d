import Linux
import Timing

/// The server is the one role that can find out that it will never start: its journal may be damaged, or written by a newer version.
extension HostRole {
    func serving() {
        guard !hasServed else { return }
        hasServed = true
        onServing(configuration.apiAddress)
    }

    /// A server that cannot start will not do better the next time. Who starts an instance is told, and gets back what was there before; one that
    /// has served goes on without it, and `steady status` tells why.
    func cannotStart(_ role: RoleProcess?, _ reason: String) {
        role?.failed(because: reason)
        guard role?.name == "server", !hasServed, !isResuming, stop == nil else { return }
        failure = reason
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
