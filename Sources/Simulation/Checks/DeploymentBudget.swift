import Formats
import Reconciling
import Resources
import Timing

/// Never more pods than replicas and surge, and never fewer ready ones than the strategy allows because of what we do ourselves.
///
/// Plans see the world a moment late: a readiness that was lost less than `sightTime` ago still counts, and so does a size that was changed as lately.
final class DeploymentBudget: Check {
    let name = "the rollout's budget holds"
    private static let sightTime: Duration = .seconds(5)

    private struct Size {
        var at: Instant
        var replicas: Int
        var surge: Int
        var unavailable: Int
    }
    private struct Known {
        var pod: ObservedPod
        var readySince: Instant?
        /// When it was ready last.
        var readyUntil: Instant?
        /// When the ReplicaSet's plan asked for its deletion.
        var deletedAt: Instant?
        /// When somebody else did, or it was gone.
        var takenAt: Instant?
    }
    private var sizes: [String: [Size]] = [:]
    private var deploymentOfSet: [String: String] = [:]
    private var pods: [ObjectKey: Known] = [:]

    func observe(_ observation: Observation, in world: World) {
        switch observation {
        case .published(let event, _, _): published(event.key, event.isDeletion ? nil : event.object, isNew: event.previous == nil, world)
        case .submitting(.delete(let key, let options), .replicaSetPlan, _) where key.type == .pods && options.gracePeriodSeconds != 0:
            deleting(key, world)
        case .recovered(let registry, _):
            // Anything can have reached the disk without anybody having heard of it.
            pods = pods.filter { registry.object($0.key) != nil }
            for key in pods.keys { pods[key]?.deletedAt = nil }
            for type in [ResourceType.deployments, .replicaSets, .pods] {
                for object in registry.list(ListRequest(type)).items {
                    let meta = ObservedMeta(object)
                    published(ObjectKey(type, namespace: meta.namespace, name: meta.name), object, isNew: false, world)
                }
            }
        default: break
        }
    }

    private func published(_ key: ObjectKey, _ object: Value?, isNew: Bool, _ world: World) {
        switch key.type.plural {
        case "deployments":
            guard let object else { return }
            let deployment = ObservedDeployment(object)
            let allowance = deployment.allowance
            // Recreate means to have nobody for a while.
            let unavailable = deployment.strategy == .recreate ? deployment.replicas : allowance.unavailable
            let size = Size(at: world.now, replicas: deployment.replicas, surge: allowance.surge, unavailable: unavailable)
            var known = sizes[deployment.meta.uid] ?? []
            if let last = known.last, last.replicas == size.replicas, last.surge == size.surge, last.unavailable == size.unavailable {
                return
            }
            // What was in force until a moment ago may still be acted on.
            if !known.isEmpty { known[known.count - 1].at = world.now }
            known = known.suffix(8) + [size]
            sizes[deployment.meta.uid] = known
        case "replicasets":
            guard let object else { return }
            let meta = ObservedMeta(object)
            deploymentOfSet[meta.uid] = meta.controller?.uid
        case "pods":
            guard let object else {
                guard var known = pods[key], known.deletedAt == nil else { return pods[key] = nil }
                known.takenAt = known.takenAt ?? world.now
                pods[key] = known
                return
            }
            let pod = ObservedPod(object)
            let before = pods[key].flatMap { $0.pod.meta.uid == pod.meta.uid ? $0 : nil }
            let readyUntil = pod.isReady ? nil : before?.pod.isReady ?? false ? world.now : before?.readyUntil
            let readySince = pod.isReady ? before?.readySince ?? world.now : nil
            pods[key] = Known(
                pod: pod, readySince: readySince, readyUntil: readyUntil, deletedAt: before?.deletedAt,
                takenAt: before?.takenAt ?? (pod.meta.isDeleting && before?.deletedAt == nil ? world.now : nil))
            if isNew { created(pod, world) }
        default: break
        }
    }

    private func owner(_ pod: ObservedPod) -> String? { pod.meta.controller.flatMap { deploymentOfSet[$0.uid] } }

    /// What held lately: the sizes in force within the last moments.
    private func current(_ deployment: String, _ now: Instant) -> [Size] {
        guard let known = sizes[deployment], let last = known.last else { return [] }
        return known.dropLast().filter { now - $0.at < Self.sightTime } + [last]
    }

    private func members(_ deployment: String) -> [Known] {
        pods.values.filter { owner($0.pod) == deployment && $0.pod.isActive && $0.takenAt == nil }
    }

    /// Pods that somebody else took a moment ago: plans do not know of it yet.
    private func justTaken(_ deployment: String, _ now: Instant) -> Int {
        pods = pods.filter { $0.value.takenAt.map { now - $0 < .seconds(600) } ?? true }
        return pods.values.count { known in
            known.takenAt.map { now - $0 < Self.sightTime } ?? false && known.readySince != nil && owner(known.pod) == deployment
        }
    }

    private func created(_ pod: ObservedPod, _ world: World) {
        guard let deployment = owner(pod) else { return }
        let sizes = current(deployment, world.now)
        guard let limit = sizes.map({ $0.replicas + $0.surge }).max() else { return }
        let count = members(deployment).count { !$0.pod.isEvictionRequested && $0.deletedAt == nil }
        if count > limit { world.violate(name, "\(count) pods exist with \(pod.meta.name), at most \(limit) may") }
    }

    private func deleting(_ key: ObjectKey, _ world: World) {
        guard let known = pods[key], let deployment = owner(known.pod), known.deletedAt == nil, !known.pod.meta.isDeleting else { return }
        pods[key]?.deletedAt = world.now
        // Granted by a budget when it was asked for, and replaced since.
        if known.pod.isEvictionRequested { return }
        // One that has become ready this moment was chosen as one that was not.
        guard let since = known.readySince, world.now - since >= Self.sightTime else { return }
        let sizes = current(deployment, world.now)
        // Scaling down in the middle of a roll takes from every version in proportion, ready or not, as Kubernetes does: what people ask for.
        if sizes.count > 1 { return }
        guard let needed = sizes.map({ $0.replicas - $0.unavailable }).min() else { return }
        let left = members(deployment).filter { member in
            member.deletedAt.map { world.now - $0 > Self.sightTime } ?? true
                && (member.pod.isReady || member.readyUntil.map { world.now - $0 < Self.sightTime } ?? false)
        }
        let taken = justTaken(deployment, world.now)
        if left.count + taken < needed {
            let names = left.map(\.pod.meta.name).sorted().joined(separator: ", ")
            world.violate(
                name,
                "\(key.name) is deleted while ready: \(left.count) are left (\(names)), \(taken) were just taken, \(needed) are needed")
        }
    }
}
