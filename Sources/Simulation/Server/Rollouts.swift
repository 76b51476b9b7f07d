import Reconciling
import Resources

/// Runs the Deployment plan and the ReplicaSet plan for whatever changed.
final class Rollouts {
    private unowned let plane: ControlPlane
    private var setFailures: [ObjectKey: ReplicaSetPlan.Failure] = [:]
    private var deploymentFailures: [ObjectKey: StatusError] = [:]
    private(set) lazy var deployments = Passes<ObjectKey>(plane, .deploymentPlan) { [unowned self] in planDeployment($0) }
    private(set) lazy var sets = Passes<ObjectKey>(plane, .replicaSetPlan) { [unowned self] in planSet($0) }

    init(_ plane: ControlPlane) { self.plane = plane }

    func open() {
        deployments.onOutcome = { [unowned self] key, error, _ in deploymentFailures[key] = error }
        sets.onOutcome = { [unowned self] key, error, isCreate in
            setFailures[key] = error.map { .init(reason: isCreate ? "FailedCreate" : "FailedDelete", message: $0.message) }
        }
        deployments.open()
        sets.open()
    }

    func setChanged(_ key: ObjectKey, _ old: ObservedReplicaSet?, _ new: ObservedReplicaSet?) {
        sets.mark(key)
        for meta in [old?.meta, new?.meta] {
            guard let meta, let owner = meta.controller else { continue }
            deployments.mark(ObjectKey(.deployments, namespace: meta.namespace, name: owner.name))
        }
    }

    func podChanged(_ old: ObservedPod?, _ new: ObservedPod?) {
        for pod in [old, new] {
            guard let pod, let owner = pod.meta.controller else { continue }
            let set = ObjectKey(.replicaSets, namespace: pod.meta.namespace, name: owner.name)
            sets.mark(set)
            // With Recreate the new version waits for the end of every old pod.
            if old != nil, new.map(\.isFinished) ?? true, let above = plane.sets[set]?.meta.controller {
                let key = ObjectKey(.deployments, namespace: pod.meta.namespace, name: above.name)
                if plane.deployments[key]?.strategy == .recreate { deployments.mark(key) }
            }
        }
    }

    private func planDeployment(_ key: ObjectKey) -> Plan {
        guard let deployment = plane.deployments[key] else { return Plan() }
        let sets = plane.sets.values.filter {
            $0.meta.namespace == key.namespace
                && ($0.meta.controller?.uid == deployment.meta.uid
                    || $0.meta.controller == nil && deployment.selector.selects($0.meta.labels))
        }.sorted { $0.key < $1.key }
        var counts: [String: Int] = [:]
        if deployment.strategy == .recreate {
            for pod in plane.pods.values where !pod.isFinished { counts[pod.meta.controller?.uid ?? "", default: 0] += 1 }
        }
        let uids = DeploymentPlan.looksAtPods(of: deployment, sets) ? Set(sets.map(\.meta.uid)) : []
        let pods = uids.isEmpty ? [] : plane.pods.values.filter { $0.meta.controller.map { uids.contains($0.uid) } ?? false }
        var plan = DeploymentPlan.plan(
            .init(
                deployment: deployment, sets: sets, podCounts: counts, pods: pods.sorted { $0.key < $1.key },
                failure: deploymentFailures[key]),
            now: plane.wallClock)
        if plane.world.isPlanted(.brokenStableVersion) { keepBrokenSets(sets, &plan) }
        return plan
    }

    /// The planted bug: an old version that never became ready is waited for, as StatefulSets of Kubernetes do.
    private func keepBrokenSets(_ sets: [ObservedReplicaSet], _ plan: inout Plan) {
        let broken = Set(sets.filter { $0.replicas > 0 && $0.status.ready < $0.status.replicas }.map(\.key))
        plan.changes.removeAll { change in
            if case .patch(let key, _, nil, _) = change.request { broken.contains(key) } else { false }
        }
    }

    private func planSet(_ key: ObjectKey) -> Plan {
        guard let set = plane.sets[key] else { return Plan() }
        let pods = plane.pods.values.filter {
            $0.meta.namespace == key.namespace
                && ($0.meta.controller?.uid == set.meta.uid || $0.meta.controller == nil && set.selector.selects($0.meta.labels))
        }
        return ReplicaSetPlan.plan(
            .init(set: set, pods: pods, zoneOfNode: plane.zoneOfNode, failure: setFailures[key]),
            now: plane.wallClock)
    }
}
