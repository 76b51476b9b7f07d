import Timing
import Traffic

/// Asks what is offered on nodes whose agents are missed whether anybody accepts there: the real rounds, and connections that take no time.
final class SimulatedInquirer {
    private static let roundTime: Duration = .microseconds(300)

    private unowned let proxy: SimulatedProxy
    private var inquiry = NodeInquiry()
    /// Called when `refusals` says something else.
    private let onChange: () -> Void
    private var told: [NodeInquiry.Refusal] = []

    init(_ proxy: SimulatedProxy, onChange: @escaping () -> Void) {
        self.proxy = proxy
        self.onChange = onChange
    }

    var refusals: [NodeInquiry.Refusal] { inquiry.refusals(by: proxy.router.table) }

    func absent(_ nodes: [String: String]) {
        for node in inquiry.heard(nodes) { ask(node) }
        compare()
    }

    private func compare() {
        guard refusals != told else { return }
        told = refusals
        onChange()
    }

    private func ask(_ node: String) {
        guard let absence = inquiry.absence(of: node) else { return }
        let endpoints = proxy.router.table.readyEndpoints(on: node)
        let world = proxy.world
        world.schedule(after: Self.roundTime, for: proxy.life) { [self] in
            let isAnybodyThere = endpoints.contains { world.host.listener(at: $0.host, port: $0.port)?.isListening ?? false }
            let outcome: NodeInquiry.Outcome =
                endpoints.isEmpty ? .nobodyToAsk : isAnybodyThere ? .notRefused : .refusedByAll(endpoints)
            guard let pause = inquiry.ended(node, absence, outcome) else { return }
            compare()
            world.schedule(after: pause, for: proxy.life) { [self] in ask(node) }
        }
    }
}
