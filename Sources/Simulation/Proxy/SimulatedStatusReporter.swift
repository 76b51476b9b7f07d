import Formats
import Resources
import Timing
import Traffic

/// Writes a proxy's `ProxyStatus`: one write at a time, what happens meanwhile is in the next.
final class SimulatedStatusReporter {
    private static let firstPause = Duration.milliseconds(20)
    private static let longestPause = Duration.seconds(1)

    private let api: any SimulatedAPI
    private let key: ObjectKey
    var takeReport: () -> [Router.Draining] = { [] }
    var refusals: () -> [NodeInquiry.Refusal] = { [] }
    private var revision: Revision?
    private var isDue = false
    private var isWriting = false
    private var isPlanned = false
    private var pause = SimulatedStatusReporter.firstPause
    private var confirmed: Value?

    init(_ api: any SimulatedAPI, name: String) {
        self.api = api
        key = ObjectKey(.proxyStatuses, name: name)
    }

    func routes(by revision: Revision) {
        self.revision = revision
        report()
    }

    func serverWasLost() {
        confirmed = nil
        if revision != nil { report() }
    }

    func report() {
        isDue = true
        guard !isPlanned, !isWriting else { return }
        isPlanned = true
        api.world.later(for: api.life) { [self] in
            isPlanned = false
            writeIfDue()
        }
    }

    private func writeIfDue() {
        guard isDue, !isWriting, let revision else { return }
        isDue = false
        let report = takeReport()
        let status: Value = [
            "routeRevision": .string(revision.description),
            "endpoints": .array(
                report.map {
                    [
                        "address": .string($0.address.description), "activeExchanges": .int(Int64($0.exchangeCount)),
                        "activeFlows": .int(Int64($0.flowCount)),
                    ]
                }), "activeFlows": 0,
            "refusals": .array(refusals().map { ["node": .string($0.node), "absence": .string($0.absence)] }),
        ]
        if status == confirmed { return }
        isWriting = true
        write(status, isNew: false)
    }

    private func write(_ status: Value, isNew: Bool) {
        let object: Value = [
            "apiVersion": .string(key.type.apiVersion), "kind": .string(key.type.kind), "metadata": ["name": .string(key.name)],
            "spec": .object([:]), "status": status,
        ]
        let request: Request = isNew ? .create(object, type: key.type, namespace: "") : .patch(key, .merge(["status": status]))
        api.perform(request, by: .proxy) { [self] result in
            switch result {
            case .success:
                confirmed = status
                pause = Self.firstPause
                isWriting = false
                writeIfDue()
            case .failure(let error) where error.code == 404 && !isNew: write(status, isNew: true)
            case .failure:
                confirmed = nil
                api.world.schedule(after: pause, for: api.life) { [self] in
                    isWriting = false
                    isDue = true
                    writeIfDue()
                }
                pause = min(pause * 2, Self.longestPause)
            }
        }
    }
}
