import Formats
import Resources
import Timing

/// What every cause that takes a serving pod away is counted against: the PodDisruptionBudget that selects it, or else a share of its workload.
///
/// Evictions and restarts are judged here at the tip of the store, one after the other, so that no two of them use the same allowance.
extension Registry {
    /// More evicted pods than this that are still there, and something is wrong with those who should stop them (Kubernetes' figure).
    private static let disruptedPodLimit = 2000

    /// A budget's status before and after something was taken off it.
    typealias Spent = (slot: Slot, old: StoredObject, new: Value)

    /// Nil: nothing has to be taken off a budget. Throws when the budget has nothing left.
    func spending(_ pod: Value, _ now: Timestamp) throws(StatusError) -> Spent? {
        let metadata = pod["metadata"]
        // What does not serve yet, or does no longer, is nobody's loss.
        if ["Succeeded", "Failed", "Pending"].contains(pod["status"]["phase"].string ?? "Pending") { return nil }
        if !metadata["deletionTimestamp"].isNull { return nil }
        let list = ListRequest(.disruptionBudgets, namespace: metadata["namespace"].string ?? "")
        let labels = metadata["labels"].stringMap
        let found = keyspace.tipSlots(matching: list).compactMap { slot in keyspace.tip(slot).map { (slot, $0) } }
            .filter { DisruptionBudget($0.1.value).selector?.matches(labels) ?? false }
        guard let (slot, stored) = found.first else {
            try requireShare(of: pod, now)
            return nil
        }
        guard found.count == 1 else {
            throw .internalError("This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.")
        }
        var budget = DisruptionBudget(stored.value)
        if !Self.isReady(pod) {
            if budget.alwaysAllowsUnhealthy { return nil }
            if budget.status.currentHealthy >= budget.status.desiredHealthy, budget.status.desiredHealthy > 0 { return nil }
        }
        let name = budget.meta.name
        guard budget.status.observedGeneration >= budget.meta.generation else {
            throw .disruptionBudget("The disruption budget \(name) is still being processed by the server.")
        }
        guard budget.status.disruptedPods.count < Self.disruptedPodLimit else {
            throw .forbidden(
                "pods \"\(metadata["name"].string ?? "")\" is forbidden: DisruptedPods map too big - too many evictions not confirmed by PDB controller"
            )
        }
        guard budget.status.disruptionsAllowed > 0 else {
            throw .disruptionBudget(
                "The disruption budget \(name) needs \(budget.status.desiredHealthy) healthy pods and has \(budget.status.currentHealthy) currently"
            )
        }
        budget.status.disruptionsAllowed -= 1
        budget.status.disruptedPods[metadata["name"].string ?? ""] = now
        var new = stored.value
        new["status"] = budget.status.value(conditions: stored.value["status"]["conditions"], now: now)
        return (slot, stored, new)
    }

    /// The budget of workloads that have none: max(1, 25 %) of the replicas may be missing. A pod that serves nothing may always be replaced.
    private func requireShare(of pod: Value, _ now: Timestamp) throws(StatusError) {
        guard Self.isReady(pod), let workload = workload(of: pod) else { return }
        let healthy = workload.pods.count { Self.isHealthy($0, now) }
        let most = DisruptionBudget.standardShare(of: workload.replicas)
        guard workload.replicas - healthy < most else {
            throw .disruptionBudget(
                "No PodDisruptionBudget selects the pod: of \(workload.replicas) replicas \(most) may be missing at a time, and \(workload.replicas - healthy) are"
            )
        }
    }

    /// How many pods somebody wants, and those that there are.
    typealias Workload = (replicas: Int, pods: [Value])

    /// The Deployment that a pod belongs to, with all its versions, or the ReplicaSet by itself; nil for a pod that nobody replaces.
    ///
    /// In the middle of a roll no version has all its replicas, so that each for itself would have a budget too many. O(pods of the namespace).
    func workload(of pod: Value) -> Workload? {
        guard let set = replicaSet(of: pod) else { return nil }
        let namespace = pod["metadata"]["namespace"].string ?? ""
        var replicas = Int(set["spec"]["replicas"].int ?? 1)
        var uids: Set = [set["metadata"]["uid"].string ?? ""]
        if let owner = Self.controller(of: set), owner["kind"].string == "Deployment", let name = owner["name"].string,
            let deployment = keyspace.tip(Slot(ObjectKey(.deployments, namespace: namespace, name: name)))?.value,
            deployment["metadata"]["uid"] == owner["uid"]
        {
            replicas = Int(deployment["spec"]["replicas"].int ?? 1)
            let sets = keyspace.tipSlots(matching: ListRequest(.replicaSets, namespace: namespace)).compactMap { keyspace.tip($0)?.value }
            uids = Set(sets.filter { Self.controller(of: $0)?["uid"] == owner["uid"] }.compactMap { $0["metadata"]["uid"].string })
        }
        let pods = keyspace.tipSlots(matching: ListRequest(.pods, namespace: namespace)).compactMap { keyspace.tip($0)?.value }
        return (replicas, pods.filter { uids.contains(Self.controller(of: $0)?["uid"].string ?? "") })
    }

    func replicaSet(of pod: Value) -> Value? {
        guard let owner = Self.controller(of: pod), owner["kind"].string == "ReplicaSet", let name = owner["name"].string else {
            return nil
        }
        let set = keyspace.tip(Slot(ObjectKey(.replicaSets, namespace: pod["metadata"]["namespace"].string ?? "", name: name)))?.value
        return set?["metadata"]["uid"] == owner["uid"] ? set : nil
    }

    static func controller(of object: Value) -> Value? {
        object["metadata"]["ownerReferences"].elements.first { $0["controller"].bool == true }
    }

    static func isReady(_ pod: Value) -> Bool {
        pod["status"]["conditions"].elements.contains { $0["type"].string == Condition.ready && $0["status"].string == "True" }
    }

    /// Ready, and nothing that was granted is about to take it away.
    private static func isHealthy(_ pod: Value, _ now: Timestamp) -> Bool {
        isReady(pod) && pod["metadata"]["deletionTimestamp"].isNull && !EvictionRequest.isMade(of: pod) && !isRestartPending(pod, now)
    }

    static func isRestartPending(_ pod: Value, _ now: Timestamp) -> Bool {
        let total = RestartPermit.restartTotal(ofStatus: pod["status"])
        return RestartPermit(annotations: pod["metadata"]["annotations"])?.isPending(restartTotal: total, now: now) ?? false
    }
}

extension StatusError {
    /// 429 in the words by which `kubectl drain` knows to try again.
    static func disruptionBudget(_ why: String) -> StatusError {
        StatusError(
            code: 429, reason: "TooManyRequests", message: "Cannot evict pod as it would violate the pod's disruption budget.",
            details: Details(name: "", group: "", kind: "", causes: [Cause(reason: "DisruptionBudget", message: why, field: "")]))
    }
}
