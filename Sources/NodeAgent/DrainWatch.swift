import APIClient
import Linux
import Resources
import Supervision

/// Tells the drain machine what the proxies write, and those who wait how far they are.
final class DrainWatch {
    private let cache: ObjectCache
    private var machine: DrainMachine
    private var waiting: [Int: (DrainMachine.Stage) -> Void] = [:]

    init(api: any ResourceAPI, proxyCount: Int) {
        machine = DrainMachine(proxyCount: proxyCount)
        cache = ObjectCache(api: api, list: ListRequest(.proxyStatuses))
    }

    func start(onSynced: @escaping () -> Void) {
        cache.start(
            onChange: { [weak self] key, _, new in
                guard let self else { return }
                tell(machine.heard(new.map { ProxyStatus($0) }, of: key))
            }, onSynced: onSynced)
    }

    private func tell(_ steps: [DrainMachine.Step]) { for step in steps { waiting[step.wait]?(step.stage) } }

    /// See `DrainMachine.expect`.
    func expect(_ proxies: Set<String>) { tell(machine.expect(proxies)) }

    func stop() { cache.stop() }

    /// See `DrainMachine.acknowledged`.
    var acknowledged: Revision? { machine.acknowledged }

    /// Calls `reached` with each stage that is reached, the last time with the goal; perhaps at once.
    func wait(
        for address: String, from revision: Revision, until goal: DrainMachine.Stage, _ reached: @escaping (DrainMachine.Stage) -> Void
    ) -> Cancellation {
        let (wait, stage) = machine.wait(for: address, from: revision, until: goal)
        if stage > .routed { reached(stage) }
        guard stage < goal else { return .done }
        waiting[wait] = { [weak self] stage in
            if stage == goal { self?.waiting[wait] = nil }
            reached(stage)
        }
        return Cancellation { [weak self] in
            self?.machine.callOff(wait)
            self?.waiting[wait] = nil
        }
    }
}
