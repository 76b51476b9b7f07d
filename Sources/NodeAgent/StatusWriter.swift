import APIClient
import Formats
import Linux
import Resources
import Supervision
import Timing

/// Writes pod statuses as `PodStatusWriting` says.
final class StatusWriter {
    private let api: any ResourceAPI
    private var machine: PodStatusWriting<(Revision) -> Void>
    private var retries: [ObjectKey: EventLoop.Timer] = [:]
    private var random = SystemRandomNumberGenerator()
    /// A status was refused for what it says; it is not written again until it changes.
    var onRefusal: (_ key: ObjectKey, _ uid: String, StatusError) -> Void = { _, _, _ in }

    init(api: any ResourceAPI, node: String) {
        self.api = api
        machine = PodStatusWriting(node: node)
    }

    /// The lease's; nil: writes wait.
    var epoch: LeaseEpoch? { machine.epoch }

    func begin(epoch: Int64) { perform(machine.begin(epoch: epoch)) }

    /// Takes the newest status of a pod; it goes out at the end of this turn, or when the write before it has been answered.
    func submit(_ key: ObjectKey, uid: String, _ status: Value) { perform(machine.submit(key, uid: uid, status)) }

    /// Nothing of the pod is written any more.
    func forget(_ key: ObjectKey, uid: String) { machine.forget(key, uid: uid) }

    /// Calls back with the revision of the stored status, once what was submitted is stored.
    func whenWritten(_ key: ObjectKey, _ body: @escaping (Revision) -> Void) { perform(machine.whenWritten(key, body)) }

    private func perform(_ steps: [PodStatusWriting<(Revision) -> Void>.Step]) {
        for step in steps {
            switch step {
            case .plan:
                api.loop.later { [weak self] in
                    guard let self else { return }
                    perform(machine.turn())
                }
            case .write(let write):
                api.perform(write.request) { [weak self] result in
                    guard let self else { return }
                    perform(machine.answered(write, result, using: &random))
                }
            case .wait(let pause, let write):
                retries[write.key]?.cancel()
                retries[write.key] = api.loop.schedule(after: pause) { [weak self] in
                    guard let self else { return }
                    retries[write.key] = nil
                    perform(machine.retry(write))
                }
            case .tell(let waiters, let revision): for waiter in waiters { waiter(revision) }
            case .refused(let write, let error): onRefusal(write.key, write.uid, error)
            }
        }
    }
}
