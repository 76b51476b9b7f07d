import Formats
import Resources
import Timing

/// `pods/restart`: leave to restart a container of a pod that serves, because its liveness probe fails.
///
/// One restart of a workload at a time, each on trial (`RestartTrial`), and only while its budget has something left: so restarts that do not help stay
/// with one pod, and what serves goes on serving. That pod may be restarted again and again: its agent makes it wait ever longer. A pod that is held
/// back for long is replaced first, as by an eviction: that takes nothing away, also where a budget never allows any disruption. A replacement is a
/// restart by other means, and on trial like one. A pod that is not Ready is never held back.
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
            if let workload { try requireNoneUnderWay(of: workload, beside: pod.value, now) }
            let spent = try spending(pod.value, now)
            if let spent { _ = commit(spent.slot, replacing: spent.old, with: spent.new, records: &records) }
            var new = pod.value
            let permit = RestartPermit(
                at: now, restartTotal: RestartPermit.restartTotal(ofStatus: new["status"]), isRepeated: Self.isRepeated(pod.value, now))
            new["metadata"]["annotations"][RestartPermit.annotation] = .string(permit.text)
            _ = commit(slot, replacing: pod, with: new, records: &records)
            return committed(records, Self.permitted)
        } catch {
            guard error.code == 429, let workload, isReplacementDue(pod.value, workload, now) else { throw error }
            _ = commit(slot, replacing: pod, with: Self.asked(pod.value, now), records: &records)
            return committed(records, Self.replaced)
        }
    }

    /// Whether a pod that asks for a restart was restarted already, and was not helped.
    private static func isRepeated(_ pod: Value, _ now: Timestamp) -> Bool {
        let trial = RestartTrial(pod)
        guard let permit = trial.permit, permit.isUsed(restartTotal: trial.restartTotal) else { return false }
        return trial.failedAgainAt != nil || trial.stage(now: now) == .watched
    }

    /// Whether what becomes of another pod says something of this one: both are of one version. A version that fails keeps nothing from the one that serves.
    private static func isAlike(_ other: Value, _ pod: Value) -> Bool {
        other["metadata"]["name"] != pod["metadata"]["name"] && other["metadata"]["deletionTimestamp"].isNull
            && controller(of: other)?["uid"] == controller(of: pod)?["uid"]
    }

    /// The pod that was restarted last has to be Ready again, and to have proved itself, before the next is touched.
    private func requireNoneUnderWay(of workload: Workload, beside asking: Value, _ now: Timestamp) throws(StatusError) {
        for pod in workload.pods where Self.isAlike(pod, asking) {
            let trial = RestartTrial(pod)
            guard let stage = trial.stage(now: now) else { continue }
            let reason = Self.reason(stage, isRepeated: trial.permit?.isRepeated ?? false, window: Int(trial.window.inSeconds))
            throw .disruptionBudget("pod \(pod["metadata"]["name"].string ?? "") of the same workload \(reason)")
        }
    }

    private static func reason(_ stage: RestartTrial.Stage, isRepeated: Bool, window: Int) -> String {
        switch stage {
        case .awaited where isRepeated: "is about to be restarted once more: the last restart did not help"
        case .awaited: "is about to be restarted: whether that helps is not known yet"
        case .down where isRepeated: "was restarted and failed again, and is not ready: a restart does not help"
        case .down: "was restarted and is not ready again: a restart may not help"
        case .watched where isRepeated:
            "was restarted and failed again within \(window) s: a restart does not help, and it alone is restarted until one does"
        case .watched: "was restarted and is ready again for less than \(window) s: whether a restart helps is not known yet"
        }
    }

    private func isReplacementDue(_ pod: Value, _ workload: Workload, _ now: Timestamp) -> Bool {
        guard isReplacedFirst(pod, DeleteOptions()), !workload.pods.contains(where: { EvictionRequest.isMade(of: $0) }) else {
            return false
        }
        let held = [Condition](conditions: pod["status"]["conditions"])[Condition.restartHeldBack]
        guard let held, held.isTrue, let since = held.lastTransitionTime, now - since >= Self.replacementDelay else { return false }
        return !workload.pods.contains { Self.isAwaited($0, before: pod, now) }
    }

    /// Whether another pod, restarted or new, is to show first whether a fresh start helps; or has shown that it does not, and is the one to be tried.
    private static func isAwaited(_ other: Value, before pod: Value, _ now: Timestamp) -> Bool {
        guard isAlike(other, pod) else { return false }
        let trial = RestartTrial(other)
        if let failed = trial.failedAgainAt {
            // Of several that were not helped the last one is tried: the replacement of a replacement.
            guard let own = RestartTrial(pod).failedAgainAt else { return true }
            return (failed, other["metadata"]["name"].string ?? "") > (own, pod["metadata"]["name"].string ?? "")
        }
        return trial.isAwaited(now: now) || trial.isFirstRun && trial.isReady && trial.isUnderWay(now: now)
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
