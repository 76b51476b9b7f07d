import Formats
import Linux
import Resources
import Timing

/// Holds a Lease: makes it or takes it over, then renews it every period.
///
/// Its epoch is `spec.leaseTransitions`: it grows whenever the lease changes hands, so that what an earlier holder still writes can be told
/// from ours. When somebody else changed the lease (a fenced node's was taken away) it is taken again under the next epoch and `onEpoch` is
/// called. When the server forgot it (leases live in memory) it is made again under the same epoch.
///
/// Once started it lives until `stop`, whoever holds it.
package final class LeaseRenewal {
    private let api: any ResourceAPI
    private let key: ObjectKey
    private let holder: String
    private let duration: Duration
    private let period: Duration
    private var lease: Value?
    private var timer: EventLoop.Timer?
    private var isStopped = true
    /// Within one period one attempt may follow a conflict at once; two holders that fight must not do so without a pause.
    private var hasRepeated = false

    /// Nil until the lease is held.
    package private(set) var epoch: Int64?
    /// When the server last confirmed that we hold it.
    package private(set) var renewedAt: Instant?
    /// Called when it is first held and whenever the epoch changes.
    package var onEpoch: ((Int64) -> Void)?
    /// Called for each attempt that failed; it is repeated after the period by itself.
    package var onFailure: ((StatusError) -> Void)?

    /// - Parameters:
    ///   - holder: names this process; another start of the same role is another holder.
    ///   - duration: how long others believe the lease without a renewal; whole seconds, at least one.
    package init(
        api: any ResourceAPI, namespace: String, name: String, holder: String, duration: Duration, period: Duration
    ) {
        self.api = api
        key = ObjectKey(.leases, namespace: namespace, name: name)
        self.holder = holder
        self.duration = duration
        self.period = period
    }

    /// Renews at once, and from then on periodically.
    package func start() {
        isStopped = false
        renew()
    }

    /// Renews no more; the lease runs out by itself.
    package func stop() {
        isStopped = true
        timer?.cancel()
        timer = nil
    }

    private func renew() {
        guard let lease else { return read() }
        write(.update(key, renewed(lease)))
    }

    private func read() {
        api.perform(.get(key)) { [self] result in
            guard !isStopped else { return }
            switch result {
            case .success(let reply): write(.update(key, renewed(reply.object)))
            case .failure(let error) where error.code == 404: create()
            case .failure(let error): failed(error)
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

    /// The lease as we hold it, now. The stored resourceVersion stays in, so that a change by others is a Conflict.
    private func renewed(_ lease: Value) -> Value {
        var lease = lease
        let now = Clock.realtime().rfc3339Micro
        if lease["spec"]["holderIdentity"].string != holder {
            let transitions = lease["spec"]["leaseTransitions"].int ?? 0
            lease["spec"]["holderIdentity"] = .string(holder)
            lease["spec"]["acquireTime"] = .string(now)
            lease["spec"]["leaseTransitions"] = .int(max(transitions + 1, epoch ?? 0))
        }
        lease["spec"]["leaseDurationSeconds"] = .int(max(1, duration.components.seconds))
        lease["spec"]["renewTime"] = .string(now)
        return lease
    }

    private func write(_ request: Request) {
        api.perform(request) { [self] result in
            guard !isStopped else { return }
            switch result {
            case .success(let reply): held(reply.object)
            case .failure(let error):
                // Gone, made by somebody else, or changed: what is there now is read before the next attempt.
                lease = nil
                let mayRepeat = !hasRepeated
                hasRepeated = true
                if mayRepeat, error.code == 409 {
                    read()
                } else if mayRepeat, error.code == 404, case .update = request {
                    create()
                } else {
                    failed(error)
                }
            }
        }
    }

    private func held(_ lease: Value) {
        self.lease = lease
        renewedAt = api.loop.now
        let transitions = lease["spec"]["leaseTransitions"].int ?? 0
        let isNew = transitions != epoch
        epoch = transitions
        again()
        if isNew { onEpoch?(transitions) }
    }

    private func failed(_ error: StatusError) {
        again()
        onFailure?(error)
    }

    private func again() {
        hasRepeated = false
        timer = api.loop.schedule(after: period) { [self] in renew() }
    }
}
