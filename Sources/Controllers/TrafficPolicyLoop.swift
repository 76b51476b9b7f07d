import Linux
import Reconciling
import Resources

/// Keeps the status of TrafficPolicies: whether each holds for what it targets.
final class TrafficPolicyLoop {
    private let mirror: ClusterMirror
    private let writing: Writing
    private var byNamespace: [String: Set<ObjectKey>] = [:]
    private let loop: EventLoop
    private(set) lazy var queue = PassQueue<ObjectKey>(loop: loop) { [unowned self] key, done in pass(key, done) }

    init(loop: EventLoop, mirror: ClusterMirror, writing: Writing) {
        self.loop = loop
        self.mirror = mirror
        self.writing = writing
        mirror.policies.onChange { [unowned self] key, old, new in
            if new == nil { byNamespace.take(key, from: key.namespace) } else { byNamespace[key.namespace, default: []].insert(key) }
            queue.mark(key)
            // A status alone changes nothing for others.
            guard old?.meta.generation != new?.meta.generation || old == nil || new == nil else { return }
            let touched = Set(((old?.policy.targets ?? []) + (new?.policy.targets ?? [])).map(\.service))
            mark(key.namespace) { other, policy in other != key && policy.policy.targets.contains { touched.contains($0.service) } }
        }
        mirror.services.onChange { [unowned self] key, old, new in
            guard old?.ports != new?.ports || old?.meta.isDeleting != new?.meta.isDeleting else { return }
            mark(key.namespace) { _, policy in policy.names(key.name) }
        }
        followConfigMaps()
    }

    private func followConfigMaps() {
        mirror.configMaps.onChange { [unowned self] key, old, new in
            // What is in it counts by its length alone.
            if old?.bodySize != new?.bodySize { mark(key.namespace) { _, policy in policy.policy.bodySources.contains(key.name) } }
        }
    }

    /// In their order, so that the same events give the same passes.
    private func mark(_ namespace: String, where isTouched: (ObjectKey, ObservedPolicy) -> Bool) {
        for key in (byNamespace[namespace] ?? []).sorted() {
            if let policy = mirror.policies[key], isTouched(key, policy) { queue.mark(key) }
        }
    }

    private func pass(_ key: ObjectKey, _ done: @escaping (Writing.Outcome) -> Void) {
        guard let policy = mirror.policies[key], !policy.meta.isDeleting else {
            queue.forget(key)
            return done(.init())
        }
        let all = (byNamespace[key.namespace] ?? []).sorted().compactMap { mirror.policies[$0] }
        let services = policy.services.sorted()
            .compactMap { mirror.services[ObjectKey(.services, namespace: key.namespace, name: $0)] }
        var bodySizes: [String: Int] = [:]
        for name in policy.policy.bodySources {
            bodySizes[name] = mirror.configMaps[ObjectKey(.configMaps, namespace: key.namespace, name: name)]?.bodySize
        }
        let view = TrafficPolicyPlan.View(policy: policy, all: all, services: services, bodySizes: bodySizes)
        let plan = TrafficPolicyPlan.plan(view, now: Clock.realtime())
        writing.perform(plan.changes, component: TrafficPolicyPlan.component, done)
    }
}
