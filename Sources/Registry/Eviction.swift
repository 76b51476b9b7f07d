import Formats
import Resources
import Timing

/// `pods/eviction`: a deletion that a disruption budget may refuse, and that puts the replacement first where there will be one.
///
/// Refusals are Kubernetes': 429 with the cause `DisruptionBudget`. Where no budget selects the pod, of its ReplicaSet's replicas max(1, 25 %) may
/// be missing at a time. A granted eviction of a Ready pod that a ReplicaSet replaces is carried out by the ReplicaSet's plan, which deletes the
/// pod once its replacement is available; any other pod is deleted at once.
extension Registry {
    /// Set on a pod that goes when its replacement is available.
    private static let evictionRequested = "steady.dev/eviction-requested"
    /// More evicted pods than this that are still there, and something is wrong with those who should stop them (Kubernetes' figure).
    private static let disruptedPodLimit = 2000

    mutating func evict(_ key: ObjectKey, _ options: DeleteOptions, now: Timestamp) throws(StatusError) -> Submission {
        try requireSubresource(.eviction, of: key)
        let slot = Slot(key)
        let pod = try requireDeletable(slot, key, options)
        var records: [RegistryRecord] = []
        let before = keyspace.tipRevision
        let isAsked = !pod.value["metadata"]["annotations"][Self.evictionRequested].isNull
        let replacesFirst = isReplacedFirst(pod.value, options)
        if !(isAsked && replacesFirst) {
            let spent = try spending(pod.value, now)
            if !options.isDryRun, let spent { _ = commit(spent.slot, replacing: spent.old, with: spent.new, records: &records) }
            if replacesFirst {
                if !options.isDryRun { _ = commit(slot, replacing: pod, with: Self.asked(pod.value, now), records: &records) }
            } else {
                _ = try delete(slot, key, options, now: now, records: &records)
            }
        }
        let reply = Reply(
            .status(["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "code": 201]), isCreated: true)
        return keyspace.tipRevision == before ? decided(.success(reply)) : committed(records, reply)
    }

    /// Ready, and one of a ReplicaSet's that makes another. Who asks for no grace at all wants the pod gone now.
    private func isReplacedFirst(_ pod: Value, _ options: DeleteOptions) -> Bool {
        guard Self.isReady(pod), pod["metadata"]["deletionTimestamp"].isNull, options.gracePeriodSeconds != 0, let set = replicaSet(of: pod)
        else { return false }
        return set["metadata"]["deletionTimestamp"].isNull && (set["spec"]["replicas"].int ?? 1) > 0
    }

    private static func asked(_ pod: Value, _ now: Timestamp) -> Value {
        var pod = pod
        pod["metadata"]["annotations"][evictionRequested] = .string(now.rfc3339)
        return pod
    }

    // MARK: Budgets

    private typealias Spent = (slot: Slot, old: StoredObject, new: Value)

    /// Nil: nothing has to be taken off a budget. Throws when the budget has nothing left.
    private func spending(_ pod: Value, _ now: Timestamp) throws(StatusError) -> Spent? {
        let metadata = pod["metadata"]
        // What does not serve yet, or does no longer, is nobody's loss.
        if ["Succeeded", "Failed", "Pending"].contains(pod["status"]["phase"].string ?? "Pending") { return nil }
        if !metadata["deletionTimestamp"].isNull { return nil }
        let list = ListRequest(.disruptionBudgets, namespace: metadata["namespace"].string ?? "")
        let labels = metadata["labels"].stringMap
        let found = keyspace.tipSlots(matching: list).compactMap { slot in keyspace.tip(slot).map { (slot, $0) } }
            .filter { DisruptionBudget($0.1.value).selector?.matches(labels) ?? false }
        guard let (slot, stored) = found.first else {
            try requireShare(of: pod)
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
    private func requireShare(of pod: Value) throws(StatusError) {
        guard Self.isReady(pod), let set = replicaSet(of: pod) else { return }
        let replicas = Int(set["spec"]["replicas"].int ?? 1)
        let uid = set["metadata"]["uid"].string
        let list = ListRequest(.pods, namespace: pod["metadata"]["namespace"].string ?? "")
        let healthy = keyspace.tipSlots(matching: list).compactMap { keyspace.tip($0)?.value }.count { other in
            let metadata = other["metadata"]
            return Self.isReady(other) && metadata["deletionTimestamp"].isNull && metadata["annotations"][Self.evictionRequested].isNull
                && metadata["ownerReferences"].elements.contains { $0["controller"].bool == true && $0["uid"].string == uid }
        }
        let most = max(1, replicas / 4)
        guard replicas - healthy < most else {
            throw .disruptionBudget(
                "No PodDisruptionBudget selects the pod: of \(replicas) replicas \(most) may be missing at a time, and \(replicas - healthy) are"
            )
        }
    }

    private func replicaSet(of pod: Value) -> Value? {
        guard let owner = pod["metadata"]["ownerReferences"].elements.first(where: { $0["controller"].bool == true }),
            owner["kind"].string == "ReplicaSet", let name = owner["name"].string
        else { return nil }
        let set = keyspace.tip(Slot(ObjectKey(.replicaSets, namespace: pod["metadata"]["namespace"].string ?? "", name: name)))?.value
        return set?["metadata"]["uid"] == owner["uid"] ? set : nil
    }

    private static func isReady(_ pod: Value) -> Bool {
        pod["status"]["conditions"].elements.contains { $0["type"].string == Condition.ready && $0["status"].string == "True" }
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
