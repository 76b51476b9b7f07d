import Reconciling
import Resources

/// Runs the EndpointSlice plan for every Service whose pods changed, and the withdrawal plan for pods on their way out.
final class EndpointCare {
    private unowned let plane: ControlPlane
    private var lastRevision: [String: Revision] = [:]
    private var touched: Set<String> = []
    private lazy var services = Passes<ObjectKey>(plane, .endpointPlan) { [unowned self] in planSlices($0) }
    private lazy var withdrawals = Passes<String>(plane, .endpointPlan) { [unowned self] in planWithdrawals($0) }

    init(_ plane: ControlPlane) { self.plane = plane }

    func open() {
        services.onSettled = { [unowned self] key in if !leaving(key.namespace).isEmpty { withdrawals.mark(key.namespace) } }
        services.open()
        withdrawals.open()
    }

    func zonesChanged() { for key in plane.services.keys.sorted() { services.mark(key) } }
    func serviceChanged(_ key: ObjectKey) { services.mark(key) }

    /// What policies select pods by stands in the slices.
    func policyChanged(_ key: ObjectKey, _ old: TrafficPolicy?, _ new: TrafficPolicy?) {
        guard old?.targets != new?.targets || old?.rules.balance.selectorKeys != new?.rules.balance.selectorKeys else { return }
        let names = Set((old?.targets ?? []).map(\.service) + (new?.targets ?? []).map(\.service))
        for name in names.sorted() { services.mark(ObjectKey(.services, namespace: key.namespace, name: name)) }
    }

    private func labelKeys(of service: ObjectKey) -> Set<String> {
        plane.policies.reduce(into: []) { keys, policy in
            guard policy.key.namespace == service.namespace, policy.value.targets.contains(where: { $0.service == service.name }) else {
                return
            }
            keys.formUnion(policy.value.rules.balance.selectorKeys)
        }
    }

    func podChanged(_ key: ObjectKey, _ old: ObservedPod?, _ new: ObservedPod?) {
        for (service, observed) in plane.services where service.namespace == key.namespace {
            if [old, new].contains(where: { $0.map { observed.selects($0.meta.labels) } ?? false }) { services.mark(service) }
        }
        if let new, isLeaving(new) { withdrawals.mark(key.namespace) }
    }

    func sliceChanged(_ key: ObjectKey, _ old: ObservedSlice?, _ new: ObservedSlice?) {
        touched.insert(key.namespace)
        for slice in [old, new] {
            if let name = slice?.service { services.mark(ObjectKey(.services, namespace: key.namespace, name: name)) }
        }
        if !leaving(key.namespace).isEmpty { withdrawals.mark(key.namespace) }
    }

    func slicesReached(_ revision: Revision) {
        for namespace in touched { lastRevision[namespace] = revision }
        touched.removeAll(keepingCapacity: true)
    }

    private func isLeaving(_ pod: ObservedPod) -> Bool { pod.meta.isDeleting && !pod.isWithdrawn && !pod.nodeName.isEmpty }

    private func leaving(_ namespace: String) -> [ObservedPod] {
        plane.pods.values.filter { $0.meta.namespace == namespace && isLeaving($0) }.sorted { $0.key < $1.key }
    }

    private func planSlices(_ key: ObjectKey) -> Plan {
        guard let service = plane.services[key] else { return Plan() }
        return EndpointSlicePlan.plan(
            .init(
                service: service,
                pods: plane.pods.values.filter { $0.meta.namespace == key.namespace && service.selects($0.meta.labels) },
                slices: plane.slices.values.filter { $0.meta.namespace == key.namespace && $0.service == key.name }
                    .sorted { $0.key < $1.key },
                zoneOfNode: plane.zoneOfNode, labelKeys: labelKeys(of: key)))
    }

    private func planWithdrawals(_ namespace: String) -> Plan {
        var plan = Plan()
        for pod in leaving(namespace) {
            let isAwaited = plane.services.contains {
                $0.key.namespace == namespace && $0.value.selects(pod.meta.labels) && services.isUnsettled($0.key)
            }
            if isAwaited { continue }
            let mentions = plane.slices.values.filter { $0.meta.namespace == namespace }.flatMap { slice in
                slice.endpoints.filter { $0.podUID == pod.meta.uid }.map {
                    WithdrawalPlan.Mention(isReady: $0.isReady, isTerminating: $0.isTerminating, revision: slice.meta.revision)
                }
            }
            plan.changes +=
                WithdrawalPlan.plan(
                    .init(pod: pod, mentions: mentions, lastSliceRevision: lastRevision[namespace] ?? .zero),
                    now: plane.wallClock
                ).changes
        }
        return plan
    }
}
