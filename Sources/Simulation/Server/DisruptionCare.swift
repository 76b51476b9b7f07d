import Formats
import Reconciling
import Resources

/// Runs the disruption plan for every budget that changed, or whose pods or Deployments did.
final class DisruptionCare {
    private unowned let plane: ControlPlane
    private lazy var passes = Passes<ObjectKey>(plane, .disruptionPlan) { [unowned self] in plan($0) }

    init(_ plane: ControlPlane) { self.plane = plane }

    func open() { passes.open() }
    func budgetChanged(_ key: ObjectKey) { passes.mark(key) }

    func podChanged(_ key: ObjectKey, _ old: ObservedPod?, _ new: ObservedPod?) {
        guard !plane.budgets.isEmpty else { return }
        for (budget, observed) in plane.budgets where budget.namespace == key.namespace {
            if [old, new].contains(where: { $0.map { observed.selects($0.meta.labels) } ?? false }) { passes.mark(budget) }
        }
    }

    func sizeChanged(in namespace: String) { for budget in plane.budgets.keys where budget.namespace == namespace { passes.mark(budget) } }

    private func plan(_ key: ObjectKey) -> Plan {
        guard let budget = plane.budgets[key] else { return Plan() }
        let pods = plane.pods.values.filter { $0.meta.namespace == key.namespace && budget.selects($0.meta.labels) }
        return DisruptionPlan.plan(.init(budget: budget, pods: pods, wantedReplicas: wantedReplicas(of: pods)), now: plane.wallClock)
    }

    /// Of each Deployment once.
    private func wantedReplicas(of pods: [ObservedPod]) -> Int {
        var wanted: [String: Int] = [:]
        for pod in pods {
            guard let owner = pod.meta.controller,
                let set = plane.sets[ObjectKey(.replicaSets, namespace: pod.meta.namespace, name: owner.name)]
            else { continue }
            if let above = set.meta.controller,
                let deployment = plane.deployments[ObjectKey(.deployments, namespace: pod.meta.namespace, name: above.name)]
            {
                wanted[deployment.meta.uid] = deployment.replicas
            } else {
                wanted[set.meta.uid] = set.replicas
            }
        }
        return wanted.values.reduce(0, +)
    }
}
