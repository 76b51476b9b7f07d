import Resources
import Supervision

/// Tells the real drain machine what the proxies write, and those who wait how far they are.
final class DrainAcknowledgements {
    private let cache: FollowedObjects
    private var machine: DrainMachine
    private var waiting: [Int: (DrainMachine.Stage) -> Void] = [:]

    init(_ api: any SimulatedAPI, proxyCount: Int) {
        machine = DrainMachine(proxyCount: proxyCount)
        cache = FollowedObjects(api, ListRequest(.proxyStatuses))
    }

    func start(onSynced: @escaping () -> Void) {
        cache.start(
            onChange: { [unowned self] key, _, new in
                tell(machine.heard(new.map { ProxyStatus($0) }, of: key))
            }, onSynced: onSynced)
    }

    private func tell(_ steps: [DrainMachine.Step]) { for step in steps { waiting[step.wait]?(step.stage) } }

    /// See `DrainMachine.expect`.
    func expect(_ proxies: Set<String>) { tell(machine.expect(proxies)) }

    var acknowledged: Revision? { machine.acknowledged }

    /// Calls `reached` with each stage that is reached, the last time with the goal; perhaps at once.
    func wait(
        for address: String, from revision: Revision, until goal: DrainMachine.Stage, _ reached: @escaping (DrainMachine.Stage) -> Void
    ) {
        let (wait, stage) = machine.wait(for: address, from: revision, until: goal)
        if stage > .routed { reached(stage) }
        guard stage < goal else { return }
        waiting[wait] = { [unowned self] stage in
            if stage == goal { waiting[wait] = nil }
            reached(stage)
        }
    }
}
