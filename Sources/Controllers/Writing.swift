import APIClient
import Formats
import Reconciling
import Resources

/// Performs what plans want and says when it is done and visible.
final class Writing {
    /// What became of the writes of one pass.
    struct Outcome {
        /// The first refusal that a later pass has to know of; that an object is gone already is none.
        var failure: StatusError?
        var failedReason: String?
    }

    private let api: any ResourceAPI
    private let expectations: Expectations
    private let recorder: Recorder

    init(api: any ResourceAPI, expectations: Expectations, recorder: Recorder) {
        self.api = api
        self.expectations = expectations
        self.recorder = recorder
    }

    /// - Parameter component: whose announcements these are.
    /// - Parameter done: called when every write was answered and every cache shows it; at once when there are none.
    func perform(_ changes: [Change], component: String, _ done: @escaping (Outcome) -> Void) {
        guard !changes.isEmpty else { return done(Outcome()) }
        var outcome = Outcome()
        var open = changes.count
        var written: [ResourceType: Expectations.Writes] = [:]
        for change in changes {
            api.perform(change.request) { [self] result in
                switch result {
                case .success(let reply):
                    note(change.request, reply, &written)
                    announce(change, reply, component)
                case .failure(let error):
                    if let lasting = refusal(change, error, component) {
                        outcome.failure = outcome.failure ?? lasting
                        outcome.failedReason = outcome.failedReason ?? change.announcement?.failureReason
                    }
                }
                open -= 1
                if open == 0 { settle(written) { done(outcome) } }
            }
        }
    }

    private func note(_ request: Request, _ reply: Reply, _ written: inout [ResourceType: Expectations.Writes]) {
        guard let type = request.type else { return }
        if case .delete(let key, let options) = request, let uid = options.preconditionUID {
            written[type, default: .init()].deleted.append((key, uid))
        } else if let revision = reply.object["metadata"]["resourceVersion"].string.flatMap({ Revision($0) }) {
            let before = written[type]?.revision ?? .zero
            written[type, default: .init()].revision = max(before, revision)
        }
    }

    private func settle(_ written: [ResourceType: Expectations.Writes], _ done: @escaping () -> Void) {
        guard !written.isEmpty else { return done() }
        var open = written.count
        for (type, writes) in written {
            expectations.wait(for: writes, of: type) {
                open -= 1
                if open == 0 { done() }
            }
        }
    }

    private func announce(_ change: Change, _ reply: Reply, _ component: String) {
        guard let announcement = change.announcement else { return }
        let name = announcement.namesObject ? reply.object["metadata"]["name"].string ?? "" : ""
        recorder.record(EventNote(announcement.regarding, .normal, announcement.reason, announcement.message + name, from: component))
    }

    /// Nil for a refusal that means the goal is reached.
    private func refusal(_ change: Change, _ error: StatusError, _ component: String) -> StatusError? {
        switch change.request {
        case .create: break
        default: if error.reason == "NotFound" { return nil }
        }
        if let announcement = change.announcement, let reason = announcement.failureReason, error.reason != "Conflict" {
            recorder.record(
                EventNote(announcement.regarding, .warning, reason, announcement.failureMessage + error.message, from: component))
        }
        return error
    }
}

extension Request {
    /// The kind that is asked about.
    var type: ResourceType? {
        switch self {
        case .get(let key, _), .update(let key, _, _, _), .patch(let key, _, _, _), .delete(let key, _), .evict(let key, _),
            .restart(let key, _):
            key.type
        case .create(_, let type, _, _): type
        case .list(let list), .deleteCollection(let list, _): list.type
        }
    }
}
