import Linux
import Timing
import Traffic

/// Asks the endpoints of nodes whose agents are absent whether anybody accepts there, as `NodeInquiry` says.
///
/// One round of a node is under way at a time, one connection of it at a time; it ends with the first endpoint that does not refuse. A refusal comes
/// from the kernel within microseconds, so a node of 100 endpoints costs a few milliseconds.
final class NodeInquirer {
    /// Endpoints of a node in one turn of the loop.
    static let stepSize = 32

    private let plane: Dataplane
    private var inquiry = NodeInquiry()
    private var rounds: [String: Round] = [:]
    private var timers: [String: EventLoop.Timer] = [:]
    /// Called when `refusals` may say something else.
    var onChange: () -> Void = {}

    init(plane: Dataplane) { self.plane = plane }

    /// What the status says, by the table in force.
    var refusals: [NodeInquiry.Refusal] { inquiry.refusals(by: plane.router.table) }

    /// All absences that are known, by node.
    func absent(_ nodes: [String: String]) {
        let begun = inquiry.heard(nodes)
        for node in rounds.keys where inquiry.absence(of: node) == nil || begun.contains(node) { rounds.removeValue(forKey: node)?.end() }
        for node in timers.keys where inquiry.absence(of: node) == nil { timers.removeValue(forKey: node)?.cancel() }
        for node in begun { ask(node) }
        onChange()
    }

    private func ask(_ node: String) {
        timers.removeValue(forKey: node)?.cancel()
        guard let absence = inquiry.absence(of: node) else { return }
        let endpoints = plane.router.table.readyEndpoints(on: node).sorted()
        guard !endpoints.isEmpty else { return ended(node, absence, .nobodyToAsk) }
        let round = Round(plane, endpoints) { [unowned self] isRefused in
            rounds[node] = nil
            ended(node, absence, isRefused ? .refusedByAll(Set(endpoints)) : .notRefused)
        }
        rounds[node] = round
        round.step()
    }

    private func ended(_ node: String, _ absence: String, _ outcome: NodeInquiry.Outcome) {
        guard let pause = inquiry.ended(node, absence, outcome) else { return }
        timers[node] = plane.loop.schedule(after: pause) { [weak self] in self?.ask(node) }
        onChange()
    }

    func stop() {
        for round in rounds.values { round.end() }
        for timer in timers.values { timer.cancel() }
        rounds = [:]
        timers = [:]
    }
}

/// One endpoint after the other, until one does not refuse.
private final class Round: ChannelOwner {
    private let plane: Dataplane
    private let endpoints: [EndpointAddress]
    private var next = 0
    private var channel: ByteChannel?
    private var deadline: EventLoop.Timer?
    private var done: ((_ isRefused: Bool) -> Void)?

    init(_ plane: Dataplane, _ endpoints: [EndpointAddress], _ done: @escaping (_ isRefused: Bool) -> Void) {
        self.plane = plane
        self.endpoints = endpoints
        self.done = done
    }

    /// Nobody is told.
    func end() {
        done = nil
        close()
    }

    func step() {
        for _ in 0..<NodeInquirer.stepSize {
            guard done != nil else { return }
            guard next < endpoints.count else { return finish(isRefused: true) }
            do throws(LinuxError) {
                let channel = try plane.connector.connect(to: endpoints[next])
                channel.owner = self
                self.channel = channel
                deadline = plane.loop.schedule(after: UpstreamConnector.connectLimit) { [weak self] in self?.finish(isRefused: false) }
                return
            } catch {
                // Anything else is a want of our own, which says nothing of them.
                guard error.isRefusal else { return finish(isRefused: false) }
                refused()
            }
        }
        plane.loop.later { [weak self] in self?.step() }
    }

    func channelIsReady(_ channel: ByteChannel) {
        guard !channel.isConnecting else { return }
        let isRefused = channel.failure?.isRefusal ?? UpstreamConnector.isConnectedToItself(channel, endpoints[next])
        close()
        guard isRefused else { return finish(isRefused: false) }
        refused()
        plane.loop.later { [weak self] in self?.step() }
    }

    /// Nobody is at the endpoint, and the next one's turn has come.
    private func refused() {
        plane.avoid(endpoints[next])
        next += 1
    }

    private func close() {
        deadline?.cancel()
        channel?.close()
        channel = nil
    }

    private func finish(isRefused: Bool) {
        close()
        let done = done
        self.done = nil
        done?(isRefused)
    }
}
