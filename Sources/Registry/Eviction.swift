import Formats
import Resources
import Timing

/// `pods/eviction`: a deletion that a disruption budget may refuse, and that puts the replacement first where there will be one.
///
/// Refusals are Kubernetes': 429 with the cause `DisruptionBudget`. Where no budget selects the pod, of its workload's replicas max(1, 25 %) may
/// be missing at a time. A granted eviction of a Ready pod that a ReplicaSet replaces is carried out by the ReplicaSet's plan, which deletes the
/// pod once its replacement is available; any other pod is deleted at once.
extension Registry {
    mutating func evict(_ key: ObjectKey, _ options: DeleteOptions, now: Timestamp) throws(StatusError) -> Submission {
        try requireSubresource(.eviction, of: key)
        let slot = Slot(key)
        let pod = try requireDeletable(slot, key, options)
        var records: [RegistryRecord] = []
        let before = keyspace.tipRevision
        let isAsked = EvictionRequest.isMade(of: pod.value)
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
    func isReplacedFirst(_ pod: Value, _ options: DeleteOptions) -> Bool {
        guard Self.isReady(pod), pod["metadata"]["deletionTimestamp"].isNull, options.gracePeriodSeconds != 0, let set = replicaSet(of: pod)
        else { return false }
        return set["metadata"]["deletionTimestamp"].isNull && (set["spec"]["replicas"].int ?? 1) > 0
    }

    static func asked(_ pod: Value, _ now: Timestamp) -> Value {
        var pod = pod
        pod["metadata"]["annotations"][EvictionRequest.annotation] = .string(now.rfc3339)
        return pod
    }
}
