import Formats
import Resources
import Timing

/// Holds a Lease as the roles do: makes it or takes it over, renews it every period, takes it again under the next epoch.
final class Renewal {
    private let api: any SimulatedAPI
    private let key: ObjectKey
    private let holder: String
    private let period: Duration
    private let writer: Writers.Writer
    private var lease: Value?
    private var hasRepeated = false
    private(set) var epoch: Int64?
    var onEpoch: ((Int64) -> Void)?

    init(_ api: any SimulatedAPI, namespace: String, name: String, holder: String, period: Duration, writer: Writers.Writer) {
        self.api = api
        key = ObjectKey(.leases, namespace: namespace, name: name)
        self.holder = holder
        self.period = period
        self.writer = writer
    }

    func start() {
        guard let lease else { return read() }
        write(.update(key, renewed(lease)))
    }

    private func read() {
        api.perform(.get(key), by: writer) { [self] result in
            switch result {
            case .success(let reply): write(.update(key, renewed(reply.object)))
            case .failure(let error) where error.code == 404: create()
            case .failure: again()
            }
        }
    }

    private func create() {
        let fresh: Value = [
            "apiVersion": .string(key.type.apiVersion), "kind": .string(key.type.kind),
            "metadata": ["name": .string(key.name), "namespace": .string(key.namespace)],
        ]
        var made = renewed(fresh)
        made["spec"]["leaseTransitions"] = .int(epoch ?? 0)
        write(.create(made, type: key.type, namespace: key.namespace))
    }

    private func renewed(_ lease: Value) -> Value {
        var lease = lease
        let now = api.world.wallClock(of: key.name).rfc3339Micro
        if lease["spec"]["holderIdentity"].string != holder {
            let transitions = lease["spec"]["leaseTransitions"].int ?? 0
            lease["spec"]["holderIdentity"] = .string(holder)
            lease["spec"]["acquireTime"] = .string(now)
            lease["spec"]["leaseTransitions"] = .int(max(transitions + 1, epoch ?? 0))
        }
        lease["spec"]["leaseDurationSeconds"] = 10
        lease["spec"]["renewTime"] = .string(now)
        return lease
    }

    private func write(_ request: Request) {
        api.perform(request, by: writer) { [self] result in
            switch result {
            case .success(let reply):
                lease = reply.object
                let transitions = reply.object["spec"]["leaseTransitions"].int ?? 0
                let isNew = transitions != epoch
                epoch = transitions
                again()
                if isNew { onEpoch?(transitions) }
            case .failure(let error):
                lease = nil
                let mayRepeat = !hasRepeated
                hasRepeated = true
                if mayRepeat, error.code == 409 {
                    read()
                } else if mayRepeat, error.code == 404, case .update = request {
                    create()
                } else {
                    again()
                }
            }
        }
    }

    private func again() {
        hasRepeated = false
        api.world.schedule(after: period, for: api.life) { [self] in start() }
    }
}
