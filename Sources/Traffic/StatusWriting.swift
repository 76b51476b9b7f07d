import Formats
import Resources
import Timing

/// When a proxy writes its `ProxyStatus`, and what it is: one write is under way at a time, what happens meanwhile is in the next one, which follows at
/// once. The status is kept in the server's memory only, so after the server was lost it is written anew.
///
/// What is to be done is in the answers: plan a turn, write, wait.
package struct StatusWriting: Sendable {
    /// Between two attempts while the server does not answer; doubled up to the last.
    package static let firstRetry = Duration.milliseconds(20)
    package static let longestRetry = Duration.seconds(1)

    private let key: ObjectKey
    private var revision: Revision?
    private var isDue = false
    private var isWriting = false
    private var isPlanned = false
    private var pause = StatusWriting.firstRetry
    /// What the server confirmed last; nil when it may have forgotten.
    private var confirmed: Value?

    package init(proxy: String) { key = ObjectKey(.proxyStatuses, name: proxy) }

    /// A table that knows everything up to this revision is in force. Answers as `report`.
    package mutating func routes(by revision: Revision) -> Bool {
        self.revision = revision
        return report()
    }

    /// The server was lost and may have forgotten what it was told. Answers as `report`.
    package mutating func serverWasLost() -> Bool {
        confirmed = nil
        return revision != nil && report()
    }

    /// Something that the status tells has changed. True: `turn` is to be called once this turn is over.
    package mutating func report() -> Bool {
        isDue = true
        guard !isPlanned, !isWriting else { return false }
        isPlanned = true
        return true
    }

    /// The turn that was planned has come. Returns what is to be written now.
    ///
    /// - Parameters:
    ///   - takeReport: what is still open where nothing new is sent; called only when something is due.
    ///   - refusals: the nodes whose endpoints refuse, by the table of the revision.
    package mutating func turn(_ takeReport: () -> [Router.Draining], _ refusals: () -> [NodeInquiry.Refusal]) -> Value? {
        isPlanned = false
        return next(takeReport, refusals)
    }

    /// What is to be written now; nil: nothing. AFTER `written` and `retry`.
    package mutating func next(_ takeReport: () -> [Router.Draining], _ refusals: () -> [NodeInquiry.Refusal]) -> Value? {
        guard isDue, !isWriting, let revision else { return nil }
        isDue = false
        let status = Self.status(revision, takeReport(), refusals())
        if status == confirmed { return nil }
        isWriting = true
        return status
    }

    /// The request that writes a status: one that exists is merged, which replaces its lists whole.
    package func request(_ status: Value, isNew: Bool) -> Request {
        guard isNew else { return .patch(key, .merge(["status": status])) }
        let object: Value = [
            "apiVersion": .string(key.type.apiVersion), "kind": .string(key.type.kind), "metadata": ["name": .string(key.name)],
            "spec": .object([:]), "status": status,
        ]
        return .create(object, type: key.type, namespace: "")
    }

    /// The server has it.
    package mutating func written(_ status: Value) {
        confirmed = status
        pause = Self.firstRetry
        isWriting = false
    }

    /// It could not be written: returns how long to wait before `retry`.
    package mutating func failed() -> Duration {
        confirmed = nil
        defer { pause = min(pause * 2, Self.longestRetry) }
        return pause
    }

    package mutating func retry() {
        isWriting = false
        isDue = true
    }

    /// Writes nothing more.
    package mutating func stop() { isWriting = true }

    /// The status' value: endpoints sorted by address, nodes by name.
    package static func status(_ revision: Revision, _ report: [Router.Draining], _ refusals: [NodeInquiry.Refusal] = []) -> Value {
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
