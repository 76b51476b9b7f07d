import Formats
import Resources
import Timing

/// Keeps as many pods as a ReplicaSet asks for.
///
/// A pod with the annotation `steady.dev/eviction-requested` does not count as a replica any more: its replacement is made first, and it is deleted
/// once enough others are available (or at once when it is not Ready itself).
package struct ReplicaSetPlan {
    /// Creations, and as many deletions, in one pass. The rest follows in the next, when these have been seen.
    package static let changeLimit = 500
    /// Finished pods (evicted by their node, say) that are kept for people to look at.
    package static let finishedPodLimit = 10
    package static let component = "replicaset-controller"

    /// Everything the plan looks at.
    package struct View {
        package var set: ObservedReplicaSet
        /// The pods that the set controls, and those of its namespace without a controller that match.
        package var pods: [ObservedPod]
        package var zoneOfNode: [String: String]
        /// Why the last write was refused; nil when it was not.
        package var failure: Failure?

        package init(set: ObservedReplicaSet, pods: [ObservedPod], zoneOfNode: [String: String] = [:], failure: Failure? = nil) {
            self.set = set
            self.pods = pods
            self.zoneOfNode = zoneOfNode
            self.failure = failure
        }
    }

    /// A pod that could not be created, and why.
    package struct Failure: Sendable, Hashable {
        /// `FailedCreate`, `FailedDelete`.
        package var reason: String
        package var message: String
        package init(reason: String, message: String) {
            self.reason = reason
            self.message = message
        }
    }

    /// One pass. O(n log n) in the number of pods when some must go, else O(n).
    package static func plan(_ view: View, now: Timestamp) -> Plan {
        var plan = Plan()
        let set = view.set
        let owner = Owner.controller(.replicaSets, set.meta)
        var active: [ObservedPod] = []
        var finished: [ObservedPod] = []
        var claims: [(key: ObjectKey, change: Change)] = []
        active.reserveCapacity(view.pods.count)
        for pod in view.pods {
            switch Ownership.verdict(pod.meta, owner: set.meta, selector: set.selector, canAdopt: !set.meta.isDeleting && !pod.isFinished) {
            case .foreign: continue
            case .released:
                claims.append((pod.key, Ownership.release(pod.meta, .pods, from: set.meta.uid)))
                continue
            case .adopted:
                claims.append((pod.key, Ownership.adopt(pod.meta, .pods, by: owner)))
            case .kept: break
            }
            if pod.isActive { active.append(pod) } else if pod.isFinished, !pod.meta.isDeleting { finished.append(pod) }
        }
        claims.sort { $0.key < $1.key }
        plan.changes += claims.map(\.change)
        if !claims.isEmpty { plan.explanation.append("\(claims.count) pods are adopted or let go, by their labels") }
        let counted = active.filter { !$0.isEvictionRequested }
        let leaving = active.filter(\.isEvictionRequested)
        if !set.meta.isDeleting {
            scale(view, counted, now, &plan)
            evict(view, counted, leaving, now, &plan)
            discard(finished, set, &plan)
        }
        writeStatus(view, active: active, counted: counted, now, &plan)
        return plan
    }

    private static func scale(_ view: View, _ counted: [ObservedPod], _ now: Timestamp, _ plan: inout Plan) {
        let set = view.set
        let missing = set.replicas - counted.count
        if missing > 0 {
            let pod = newPod(set)
            let announcement = Announcement(
                ObjectReference(.replicaSets, set.meta), "SuccessfulCreate", "Created pod: ", namesObject: true,
                failureReason: "FailedCreate",
                failureMessage: "Error creating: ")
            let count = min(missing, changeLimit)
            for _ in 0..<count { plan.changes.append(Change(.create(pod, type: .pods, namespace: set.meta.namespace), announcement)) }
            plan.explanation.append("\(counted.count) of \(set.replicas) replicas exist: creating \(count)")
        } else if missing < 0 {
            let count = min(-missing, changeLimit)
            let order = DeletionOrder(now: now, minReady: set.minReady, zoneOfNode: view.zoneOfNode).sorted(counted)
            for pod in order.prefix(count) { plan.changes.append(deletion(pod, set)) }
            plan.explanation.append("\(counted.count) replicas exist, \(set.replicas) are wanted: deleting \(count)")
        }
    }

    /// Deletes pods whose eviction was asked for, as far as the others carry the load.
    private static func evict(_ view: View, _ counted: [ObservedPod], _ leaving: [ObservedPod], _ now: Timestamp, _ plan: inout Plan) {
        guard !leaving.isEmpty else { return }
        let set = view.set
        let available = counted.count { $0.waitUntilAvailable(minReady: set.minReady, now: now) == .zero }
        let (serving, idle) = leaving.sorted { $0.meta.name < $1.meta.name }.partitioned { $0.isReady }
        let spare = max(0, available + serving.count - set.replicas)
        let going = idle + serving.prefix(spare)
        for pod in going.prefix(changeLimit) { plan.changes.append(deletion(pod, set)) }
        let waiting = leaving.count - going.count
        if waiting > 0 { plan.explanation.append("\(waiting) pods wait to be evicted until their replacements are available") }
    }

    private static func discard(_ finished: [ObservedPod], _ set: ObservedReplicaSet, _ plan: inout Plan) {
        guard finished.count > finishedPodLimit else { return }
        let oldestFirst = finished.sorted { ($0.meta.creation, $0.meta.name) < ($1.meta.creation, $1.meta.name) }
        for pod in oldestFirst.prefix(finished.count - finishedPodLimit) {
            plan.changes.append(.delete(pod.key, uid: pod.meta.uid, grace: 0))
        }
    }

    private static func deletion(_ pod: ObservedPod, _ set: ObservedReplicaSet) -> Change {
        .delete(
            pod.key, uid: pod.meta.uid,
            Announcement(
                ObjectReference(.replicaSets, set.meta), "SuccessfulDelete", "Deleted pod: \(pod.meta.name)", failureReason: "FailedDelete",
                failureMessage: "Error deleting: "))
    }

    /// The pod that the template describes; the store appends five characters to `generateName`.
    static func newPod(_ set: ObservedReplicaSet) -> Value {
        let template = set.template["metadata"]
        var metadata: Value = ["generateName": .string(set.meta.name + "-")]
        if !template["labels"].isNull { metadata["labels"] = template["labels"] }
        if !template["annotations"].isNull { metadata["annotations"] = template["annotations"] }
        if !template["finalizers"].isNull { metadata["finalizers"] = template["finalizers"] }
        metadata["ownerReferences"] = .array([Owner.controller(.replicaSets, set.meta).value])
        return ["apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": set.template["spec"]]
    }

    private static func writeStatus(_ view: View, active: [ObservedPod], counted: [ObservedPod], _ now: Timestamp, _ plan: inout Plan) {
        let set = view.set
        let templateLabels = set.template["metadata"]["labels"].stringMap
        var status = ObservedReplicaSet.Status()
        status.observedGeneration = set.meta.generation
        var leavingReady = 0
        var leavingAvailable = 0
        for pod in active {
            status.replicas += 1
            if templateLabels.allSatisfy({ pod.meta.labels[$0.key] == $0.value }) { status.fullyLabeled += 1 }
            guard let wait = pod.waitUntilAvailable(minReady: set.minReady, now: now) else { continue }
            if wait > .zero { plan.lookAgain(after: wait) }
            if pod.isEvictionRequested {
                leavingReady += 1
                if wait == .zero { leavingAvailable += 1 }
            } else {
                status.ready += 1
                // One that is about to be restarted is not to be counted on by a rollout that would take another in the same moment.
                if pod.isRestartPending(now: now) {
                    plan.lookAgain(after: RestartPermit.lifetime)
                } else if wait == .zero {
                    status.available += 1
                }
            }
        }
        // Pods about to be evicted count only as far as they stand in for replicas that are not there yet: a rollout that counted on more
        // would take as much from the others at the same moment.
        status.ready += min(leavingReady, max(0, set.replicas - status.ready))
        status.available += min(leavingAvailable, max(0, set.replicas - status.available))
        var conditions = Conditions(set.conditions)
        let alike = FailingAlike(active, wanted: set.replicas, now: now)
        if alike.heldCount == 0 {
            conditions.remove(Condition.failingAlike)
        } else if alike.isSeveral || conditions[Condition.failingAlike] != nil {
            conditions.set(Condition.failingAlike, "True", reason: "RestartsHeldBack", message: alike.message, now: now, isRenewed: true)
        }
        if let left = alike.trialLeft { plan.lookAgain(after: left) }
        if let failure = view.failure {
            conditions.set("ReplicaFailure", "True", reason: failure.reason, message: failure.message, now: now)
        } else {
            conditions.remove("ReplicaFailure")
        }
        guard status != set.status || conditions.list != set.conditions.elements else { return }
        plan.changes.append(
            .patchStatus(
                set.key,
                [
                    "replicas": .int(Int64(status.replicas)), "fullyLabeledReplicas": .int(Int64(status.fullyLabeled)),
                    "readyReplicas": .int(Int64(status.ready)), "availableReplicas": .int(Int64(status.available)),
                    "observedGeneration": .int(status.observedGeneration), "conditions": conditions.list.isEmpty ? nil : conditions.value,
                ]))
    }
}

extension Sequence {
    /// Those for which the test holds, and the others; each in their order.
    func partitioned(_ test: (Element) -> Bool) -> (matching: [Element], others: [Element]) {
        var matching: [Element] = []
        var others: [Element] = []
        for element in self {
            if test(element) { matching.append(element) } else { others.append(element) }
        }
        return (matching, others)
    }
}
