import Formats
import Resources
import Timing

/// `pods/restart`: leave to restart a container of a pod that serves, because its liveness probe fails.
///
/// One restart of a workload at a time, each on trial for a minute, and only while its budget has something left: so restarts that do not help stay
/// with one pod, also where a program is Ready at once and fails again a moment later, and what serves goes on serving. That pod may be restarted again
/// and again: its agent makes it wait ever longer. A pod that is held back for long is replaced first, as by an eviction: that takes nothing away, also where a budget never
/// allows any disruption. A pod that is not Ready is never held back.
extension Registry {
    /// How long a pod is held back before a replacement is asked for. One replacement of a workload at a time.
    static let replacementDelay: Duration = .seconds(60)

    mutating func permitRestart(_ key: ObjectKey, _ epoch: LeaseEpoch?, now: Timestamp) throws(StatusError) -> Submission {
        try requireSubresource(.restart, of: key)
        try requireEpoch(epoch, of: key)
        let slot = Slot(key)
        guard let pod = keyspace.tip(slot) else { throw .notFound(key) }
        let isGoing = !pod.value["metadata"]["deletionTimestamp"].isNull
        if !Self.isReady(pod.value) || isGoing || Self.isRestartPending(pod.value, now) { return decided(.success(Self.permitted)) }
        if EvictionRequest.isMade(of: pod.value) { return decided(.success(Self.replaced)) }
        let workload = workload(of: pod.value)
        var records: [RegistryRecord] = []
        do throws(StatusError) {
            if let workload { try requireNoneUnderWay(of: workload, beside: key.name, now) }
            let spent = try spending(pod.value, now)
            if let spent { _ = commit(spent.slot, replacing: spent.old, with: spent.new, records: &records) }
            var new = pod.value
            let permit = RestartPermit(at: now, restartTotal: RestartPermit.restartTotal(ofStatus: new["status"]))
            new["metadata"]["annotations"][RestartPermit.annotation] = .string(permit.text)
            _ = commit(slot, replacing: pod, with: new, records: &records)
            return committed(records, Self.permitted)
        } catch {
            guard error.code == 429, let workload, isReplacementDue(pod.value, workload, now) else { throw error }
            _ = commit(slot, replacing: pod, with: Self.asked(pod.value, now), records: &records)
            return committed(records, Self.replaced)
        }
    }

    /// The pod that was restarted last has to be Ready again, and its trial over, before the next is touched.
    private func requireNoneUnderWay(of workload: Workload, beside name: String, _ now: Timestamp) throws(StatusError) {
        for pod in workload.pods {
            guard pod["metadata"]["name"].string != name, pod["metadata"]["deletionTimestamp"].isNull,
                let permit = RestartPermit(annotations: pod["metadata"]["annotations"])
            else { continue }
            let other = "pod \(pod["metadata"]["name"].string ?? "") of the same workload was restarted"
            if !Self.isReady(pod) || Self.isRestartPending(pod, now) {
                throw .disruptionBudget("\(other) and is not ready again: a restart may not help")
            }
            if permit.isOnTrial(now: now) {
                throw .disruptionBudget(
                    "\(other) less than \(Int(RestartPermit.trial.inSeconds)) s ago: whether a restart helps is not known yet")
            }
        }
    }

    private func isReplacementDue(_ pod: Value, _ workload: Workload, _ now: Timestamp) -> Bool {
        guard isReplacedFirst(pod, DeleteOptions()), !workload.pods.contains(where: { EvictionRequest.isMade(of: $0) }) else {
            return false
        }
        let held = [Condition](conditions: pod["status"]["conditions"])[Condition.restartHeldBack]
        guard let held, held.isTrue, let since = held.lastTransitionTime else { return false }
        return now - since >= Self.replacementDelay
    }

    private static let permitted = answer(.permitted, "the container may be restarted")
    private static let replaced = answer(.replaced, "a replacement is made first; the pod goes when that is available")

    private static func answer(_ word: RestartAnswer, _ message: String) -> Reply {
        Reply(
            .status([
                "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "reason": .string(word.rawValue),
                "message": .string(message), "code": 201,
            ]), isCreated: true)
    }
}
