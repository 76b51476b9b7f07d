import Formats
import Resources
import Supervision
import Timing

/// Writes pod statuses as `PodStatusWriting` says.
final class SimulatedStatusWriter {
    private let api: any SimulatedAPI
    private var machine: PodStatusWriting<() -> Void>

    init(_ api: any SimulatedAPI, node: String) {
        self.api = api
        machine = PodStatusWriting(node: node)
    }

    func begin(epoch: Int64) { perform(machine.begin(epoch: epoch)) }

    func submit(_ key: ObjectKey, uid: String, _ status: Value) { perform(machine.submit(key, uid: uid, status)) }

    func forget(_ key: ObjectKey, uid: String) { machine.forget(key, uid: uid) }

    func whenWritten(_ key: ObjectKey, _ body: @escaping () -> Void) { perform(machine.whenWritten(key, body)) }

    private func perform(_ steps: [PodStatusWriting<() -> Void>.Step]) {
        let world = api.world
        for step in steps {
            switch step {
            case .plan: world.later(for: api.life) { [self] in perform(machine.turn()) }
            case .write(let write):
                api.perform(write.request, by: .nodeAgent) { [self] in perform(machine.answered(write, $0, using: &world.random)) }
            case .wait(let pause, let write): world.schedule(after: pause, for: api.life) { [self] in perform(machine.retry(write)) }
            case .tell(let waiters, _): for waiter in waiters { waiter() }
            case .refused(let write, let error): world.violate("statuses are accepted", "that of \(write.key) is refused: \(error.message)")
            }
        }
    }
}
