import APIClient
import Linux
import Supervision
import Timing

/// Keeps which nodes' agents are there, and says which are missed.
final class AgentWatch {
    private let loop: EventLoop
    private var presences: [String: AgentPresence] = [:]
    private var timers: [String: EventLoop.Timer] = [:]
    /// Called when `absent` has changed.
    var onChange: () -> Void = {}

    init(loop: EventLoop) { self.loop = loop }

    private(set) var absent = AbsentAgents()
    /// All nodes that there are agents for.
    var nodes: Set<String> = [] { didSet { absent.nodes = nodes } }

    /// The node's agent is not to be started: it was failed on purpose, by an earlier `up`.
    func isDown(_ node: String) {
        presences[node] = AgentPresence(downSince: loop.now)
        planTick(node)
    }

    func handle(_ event: AgentPresence.Event, of node: String) {
        presences[node, default: AgentPresence()].handle(event, now: loop.now)
        planTick(node)
        let absent = AbsentAgents(presences.compactMapValues(\.absence), of: nodes)
        guard absent != self.absent else { return }
        self.absent = absent
        onChange()
    }

    private func planTick(_ node: String) {
        timers.removeValue(forKey: node)?.cancel()
        guard let at = presences[node]?.lookAgain else { return }
        timers[node] = loop.schedule(at: at) { [weak self] in self?.handle(.tick, of: node) }
    }

    /// Everything stops: nobody is missed any more.
    func end() {
        for timer in timers.values { timer.cancel() }
        timers = [:]
        presences = [:]
    }
}
