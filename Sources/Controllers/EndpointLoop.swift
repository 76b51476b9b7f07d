import Linux
import Reconciling
import Resources

/// Writes the slices of every Service whose pods changed, and tells the agents of deleted pods once their pods are in no slice.
final class EndpointLoop {
    private let loop: EventLoop
    private let mirror: ClusterMirror
    private let writing: Writing
    private var services: [ObjectKey: Set<ObjectKey>] = [:]
    private var slices: [ObjectKey: Set<ObjectKey>] = [:]
    private var servicesByNamespace: [String: Set<ObjectKey>] = [:]
    /// The pods that each Service selects.
    private var members: [ObjectKey: Set<ObjectKey>] = [:]
    /// The Services that select each pod.
    private var selectors: [ObjectKey: [ObjectKey]] = [:]
    /// Pods that are being deleted and wait for the word that they are withdrawn, by namespace.
    private var leaving: [String: Set<ObjectKey>] = [:]
    /// The last revision at which a slice of the namespace was written or removed.
    private var lastRevision: [String: Revision] = [:]
    private var touched: Set<String> = []
    /// The policies of each Service that select pods by labels.
    private var selectingPolicies: [ObjectKey: Set<ObjectKey>] = [:]
    private(set) lazy var queue = PassQueue<ObjectKey>(loop: loop) { [unowned self] key, done in pass(key, done) }
    private(set) lazy var withdrawals = PassQueue<String>(loop: loop) { [unowned self] namespace, done in withdraw(namespace, done) }

    init(loop: EventLoop, mirror: ClusterMirror, writing: Writing) {
        self.loop = loop
        self.mirror = mirror
        self.writing = writing
        mirror.services.onChange { [unowned self] key, old, new in serviceChanged(key, old, new) }
        mirror.pods.onChange { [unowned self] key, old, new in podChanged(key, old, new) }
        mirror.slices.onChange { [unowned self] key, old, new in sliceChanged(key, old, new) }
        mirror.policies.onChange { [unowned self] key, old, new in policyChanged(key, old, new) }
        mirror.nodes.onChange { [unowned self] _, old, new in
            guard old?.zone != new?.zone else { return }
            for key in mirror.services.views.keys { queue.mark(key) }
        }
        queue.onSettled = { [unowned self] key in if leaving[key.namespace] != nil { withdrawals.mark(key.namespace) } }
    }

    /// To be called AFTER the slices' cache has moved to a revision: what was touched up to it was touched at it, or before.
    func slicesReached(_ revision: Revision) {
        for namespace in touched { lastRevision[namespace] = revision }
        touched.removeAll(keepingCapacity: true)
    }

    private func serviceChanged(_ key: ObjectKey, _ old: ObservedService?, _ new: ObservedService?) {
        queue.mark(key)
        if new == nil {
            servicesByNamespace.take(key, from: key.namespace)
        } else {
            servicesByNamespace[key.namespace, default: []].insert(key)
        }
        guard old?.selector != new?.selector || old?.isExternalName != new?.isExternalName else { return }
        for pod in members.removeValue(forKey: key) ?? [] { selectors[pod]?.removeAll { $0 == key } }
        guard let new else { return }
        for (podKey, pod) in mirror.pods.views where podKey.namespace == key.namespace && new.selects(pod.meta.labels) {
            members[key, default: []].insert(podKey)
            selectors[podKey, default: []].append(key)
        }
    }

    private func policyChanged(_ key: ObjectKey, _ old: ObservedPolicy?, _ new: ObservedPolicy?) {
        func targets(_ observed: ObservedPolicy?) -> Set<ObjectKey> {
            guard let policy = observed?.policy, !policy.rules.balance.selectorKeys.isEmpty else { return [] }
            return Set(policy.targets.map { ObjectKey(.services, namespace: key.namespace, name: $0.service) })
        }
        let (before, after) = (targets(old), targets(new))
        for service in before.subtracting(after) { selectingPolicies.take(key, from: service) }
        for service in after { selectingPolicies[service, default: []].insert(key) }
        guard before != after || old?.policy.rules.balance.selectorKeys != new?.policy.rules.balance.selectorKeys else { return }
        for service in before.union(after).sorted() { queue.mark(service) }
    }

    /// The labels that the policies of a Service select pods by.
    private func labelKeys(of service: ObjectKey) -> Set<String> {
        Set((selectingPolicies[service] ?? []).flatMap { mirror.policies[$0]?.policy.rules.balance.selectorKeys ?? [] })
    }

    private func podChanged(_ key: ObjectKey, _ old: ObservedPod?, _ new: ObservedPod?) {
        let before = selectors[key] ?? []
        if old == nil || new == nil || old?.meta.labels != new?.meta.labels { reselect(key, new) }
        if Self.matters(old, new) {
            for service in before { queue.mark(service) }
            for service in selectors[key] ?? [] where !before.contains(service) { queue.mark(service) }
        }
        if let new, new.meta.isDeleting, !new.isWithdrawn, !new.nodeName.isEmpty {
            leaving[key.namespace, default: []].insert(key)
            withdrawals.mark(key.namespace)
        } else if old?.meta.isDeleting ?? false {
            leaving.take(key, from: key.namespace)
        }
    }

    private func reselect(_ key: ObjectKey, _ pod: ObservedPod?) {
        for service in selectors.removeValue(forKey: key) ?? [] { members.take(key, from: service) }
        guard let pod else { return }
        let found = (servicesByNamespace[key.namespace] ?? []).filter { mirror.services[$0]?.selects(pod.meta.labels) ?? false }.sorted()
        for service in found { members[service, default: []].insert(key) }
        if !found.isEmpty { selectors[key] = found }
    }

    /// Whether a change of a pod can change a slice.
    private static func matters(_ old: ObservedPod?, _ new: ObservedPod?) -> Bool {
        let before = old.map { EndpointSlicePlan.lists($0) } ?? false
        let after = new.map { EndpointSlicePlan.lists($0) } ?? false
        guard before || after else { return false }
        guard let old, let new, before == after else { return true }
        return old.isReady != new.isReady || old.meta.isDeleting != new.meta.isDeleting || old.podIP != new.podIP
            || old.meta.uid != new.meta.uid
            || old.nodeName != new.nodeName || old.meta.labels != new.meta.labels
    }

    private func sliceChanged(_ key: ObjectKey, _ old: ObservedSlice?, _ new: ObservedSlice?) {
        touched.insert(key.namespace)
        func service(_ slice: ObservedSlice?) -> ObjectKey? {
            slice?.service.map { ObjectKey(.services, namespace: key.namespace, name: $0) }
        }
        for slice in [old, new] {
            if let service = service(slice) { queue.mark(service) }
        }
        if let before = service(old), before != service(new) { slices.take(key, from: before) }
        if let after = service(new) { slices[after, default: []].insert(key) }
        if leaving[key.namespace] != nil { withdrawals.mark(key.namespace) }
    }

    private func pass(_ key: ObjectKey, _ done: @escaping (Writing.Outcome) -> Void) {
        guard let service = mirror.services[key] else {
            queue.forget(key)
            return done(.init())
        }
        let view = EndpointSlicePlan.View(
            service: service, pods: (members[key] ?? []).compactMap { mirror.pods[$0] },
            slices: (slices[key] ?? []).compactMap { mirror.slices[$0] },
            zoneOfNode: mirror.zoneOfNode, labelKeys: labelKeys(of: key))
        writing.perform(EndpointSlicePlan.plan(view).changes, component: "endpoint-slice-controller", done)
    }

    /// All pods of a namespace that wait and whose Services have nothing left to write.
    private func withdraw(_ namespace: String, _ done: @escaping (Writing.Outcome) -> Void) {
        let pods = (leaving[namespace] ?? []).sorted().compactMap { mirror.pods[$0] }
            .filter { pod in !(selectors[pod.key] ?? []).contains { queue.isUnsettled($0) } }
        guard !pods.isEmpty else { return done(.init()) }
        let wanted = Set(pods.map(\.meta.uid))
        var mentions: [String: [WithdrawalPlan.Mention]] = [:]
        for (key, slice) in mirror.slices.views where key.namespace == namespace {
            for endpoint in slice.endpoints where wanted.contains(endpoint.podUID) {
                mentions[endpoint.podUID, default: []].append(
                    WithdrawalPlan.Mention(isReady: endpoint.isReady, isTerminating: endpoint.isTerminating, revision: slice.meta.revision))
            }
        }
        let now = Clock.realtime()
        let changes = pods.flatMap { pod in
            WithdrawalPlan.plan(
                .init(pod: pod, mentions: mentions[pod.meta.uid] ?? [], lastSliceRevision: lastRevision[namespace] ?? .zero), now: now
            ).changes
        }
        writing.perform(changes, component: "endpoint-slice-controller", done)
    }
}
