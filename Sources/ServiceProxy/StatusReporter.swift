import APIClient
import Formats
import Linux
import Resources
import Timing
import Traffic

/// Writes the proxy's `ProxyStatus`: the revision it routes by, what is still open at endpoints that get nothing new, and where nobody accepts.
///
/// One write is under way at a time; what happens meanwhile is in the next one, which follows at once. The status is kept in the server's
/// memory only, so after the server was lost it is written anew.
final class StatusReporter {
    /// Between two attempts while the server does not answer; doubled up to the last.
    static let firstRetry = Duration.milliseconds(20)
    static let longestRetry = Duration.seconds(1)

    private let api: any ResourceAPI
    private let key: ObjectKey
    private let takeReport: () -> [Router.Draining]
    /// The nodes whose endpoints refuse, by the table of `revision`.
    var refusals: () -> [NodeInquiry.Refusal] = { [] }
    private var revision: Revision?
    private var isDue = false
    private var isWriting = false
    private var isPlanned = false
    private var pause = StatusReporter.firstRetry
    /// What the server confirmed last; nil when it may have forgotten.
    private var confirmed: Value?
    private var retry: EventLoop.Timer?
    /// The server has what was written; called for each write.
    var onWritten: () -> Void = {}

    /// `takeReport` seals what it leaves out, see `Router.drainReport`: it is called for each write.
    init(api: any ResourceAPI, name: String, takeReport: @escaping () -> [Router.Draining]) {
        self.api = api
        key = ObjectKey(.proxyStatuses, name: name)
        self.takeReport = takeReport
    }

    /// A table that knows everything up to this revision is in force. Call it AFTER the dataplane has it.
    func routes(by revision: Revision) {
        self.revision = revision
        report()
    }

    /// The server was lost and may have forgotten what it was told.
    func serverWasLost() {
        confirmed = nil
        if revision != nil { report() }
    }

    /// Something that the status tells has changed. Written at the end of this turn.
    func report() {
        isDue = true
        guard !isPlanned, !isWriting else { return }
        isPlanned = true
        api.loop.later { [weak self] in
            self?.isPlanned = false
            self?.writeIfDue()
        }
    }

    func stop() {
        retry?.cancel()
        isWriting = true
    }

    private func writeIfDue() {
        guard isDue, !isWriting, let revision else { return }
        isDue = false
        let status = Self.status(revision, takeReport(), refusals())
        if status == confirmed { return }
        isWriting = true
        write(status, isNew: false)
    }

    private func write(_ status: Value, isNew: Bool) {
        let object: Value = [
            "apiVersion": .string(key.type.apiVersion), "kind": .string(key.type.kind), "metadata": ["name": .string(key.name)],
            "spec": .object([:]), "status": status,
        ]
        // Merging replaces the list of endpoints whole.
        let request: Request = isNew ? .create(object, type: key.type, namespace: "") : .patch(key, .merge(["status": status]))
        api.perform(request) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success: written(status)
            case .failure(let error) where error.code == 404 && !isNew: write(status, isNew: true)
            case .failure: failed()
            }
        }
    }

    private func written(_ status: Value) {
        confirmed = status
        pause = Self.firstRetry
        isWriting = false
        onWritten()
        writeIfDue()
    }

    private func failed() {
        confirmed = nil
        retry = api.loop.schedule(after: pause) { [weak self] in
            guard let self else { return }
            isWriting = false
            isDue = true
            writeIfDue()
        }
        pause = min(pause * 2, Self.longestRetry)
    }

    /// The status' value: endpoints sorted by address, nodes by name.
    static func status(_ revision: Revision, _ report: [Router.Draining], _ refusals: [NodeInquiry.Refusal] = []) -> Value {
        [
            "routeRevision": .string(revision.description),
            "endpoints": .array(
                report.map {
                    [
                        "address": .string($0.address.description), "activeExchanges": .int(Int64($0.exchangeCount)),
                        "activeFlows": .int(Int64($0.flowCount)),
                    ]
                }),
            "activeFlows": .int(Int64(report.reduce(0) { $0 + $1.flowCount })),
            "refusals": .array(refusals.map { ["node": .string($0.node), "absence": .string($0.absence)] }),
        ]
    }
}
