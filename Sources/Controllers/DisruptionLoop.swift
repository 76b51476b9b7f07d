import Linux
import Reconciling
import Resources

/// Runs the disruption plan for every budget that changed, or whose pods or workloads did.
final class DisruptionLoop {
    private let mirror: ClusterMirror
    private let writing: Writing
    private var byNamespace: [String: Set<ObjectKey>] = [:]
    private let loop: EventLoop
    private(set) lazy var queue = PassQueue<ObjectKey>(loop: loop) { [unowned self] key, done in pass(key, done) }

    init(loop: EventLoop, mirror: ClusterMirror, writing: Writing) {
        self.loop = loop
        self.mirror = mirror
        self.writing = writing
        mirror.budgets.onChange { [unowned self] key, _, new in
            if new == nil { byNamespace.take(key, from: key.namespace) } else { byNamespace[key.namespace, default: []].insert(key) }
            queue.mark(key)
        }
        mirror.pods.onChange { [unowned self] key, old, new in
            guard let keys = byNamespace[key.namespace] else { return }
            for budget in keys where [old, new].contains(where: { pod in selects(budget, pod) }) { queue.mark(budget) }
        }
        mirror.replicaSets.onChange { [unowned self] key, old, new in
            if old?.replicas != new?.replicas { markAll(in: key.namespace) }
        }
        mirror.deployments.onChange { [unowned self] key, old, new in
            if old?.replicas != new?.replicas { markAll(in: key.namespace) }
        }
    }

    private func selects(_ budget: ObjectKey, _ pod: ObservedPod?) -> Bool {
        pod.map { mirror.budgets[budget]?.selects($0.meta.labels) ?? false } ?? false
    }

    private func markAll(in namespace: String) { for key in byNamespace[namespace] ?? [] { queue.mark(key) } }

    private func pass(_ key: ObjectKey, _ done: @escaping (Writing.Outcome) -> Void) {
        guard let budget = mirror.budgets[key], !budget.meta.isDeleting else {
            queue.forget(key)
            return done(.init())
        }
        let pods = mirror.pods.views.values.filter { $0.meta.namespace == key.namespace && budget.selects($0.meta.labels) }
        let view = DisruptionPlan.View(budget: budget, pods: pods, wantedReplicas: wantedReplicas(of: pods))
        let plan = DisruptionPlan.plan(view, now: Clock.realtime())
        if let delay = plan.lookAgain { queue.mark(key, after: delay) }
        writing.perform(plan.changes, component: DisruptionPlan.component, done)
    }

    /// Of each workload once: a Deployment's word counts before that of its sets. Pods that nobody controls are not expected by anybody.
    private func wantedReplicas(of pods: [ObservedPod]) -> Int {
        var wanted: [String: Int] = [:]
        for pod in pods {
            guard let owner = pod.meta.controller, owner.kind == "ReplicaSet",
                let set = mirror.replicaSets[ObjectKey(.replicaSets, namespace: pod.meta.namespace, name: owner.name)]
            else { continue }
            if let above = set.meta.controller, above.kind == "Deployment",
                let deployment = mirror.deployments[ObjectKey(.deployments, namespace: pod.meta.namespace, name: above.name)]
            {
                wanted[deployment.meta.uid] = deployment.replicas
            } else {
                wanted[set.meta.uid] = set.replicas
            }
        }
        return wanted.values.reduce(0, +)
    }
}
