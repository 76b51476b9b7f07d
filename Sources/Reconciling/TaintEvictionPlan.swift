import Resources
import Timing

/// Drives pods off a node that bears a NoExecute taint which they do not tolerate, or not for ever.
///
/// As Kubernetes' taint eviction controller: a pod that does not tolerate every such taint goes at once; one that tolerates them for a time goes
/// after the shortest of its matching `tolerationSeconds`, counted from the moment in which the first of the taints was seen, and stays
/// if they are taken away before. A pod goes by an ordinary deletion: it is withdrawn from its Services and acknowledged before it is stopped.
package struct TaintEvictionPlan {
    package static let component = "taint-eviction-controller"
    /// Pods deleted in one pass. The rest follows in the next, when these have been seen.
    package static let changeLimit = 500

    /// What the plan looks at.
    package struct View {
        /// What `ObservedNode.evictingTaints` says; empty for a node that is gone.
        package var taints: [Taint]
        /// The pods bound to the node.
        package var pods: [ObservedPod]
        /// Since when each pod, by uid, bears a taint for a time: what the last pass returned.
        package var since: [String: Instant]

        package init(taints: [Taint], pods: [ObservedPod], since: [String: Instant] = [:]) {
            self.taints = taints
            self.pods = pods
            self.since = since
        }
    }

    /// How long a pod may stay.
    package enum Stay: Hashable, Sendable {
        case forever
        /// The shortest `tolerationSeconds` of the tolerations that match; zero where some taint is not tolerated at all.
        case limited(Duration)
    }

    /// How long tolerations let a pod stay with NoExecute taints. A negative time is none, as in Kubernetes.
    package static func stay(with taints: [Taint], _ tolerations: [Toleration]) -> Stay {
        var shortest: Int64?
        for taint in taints {
            let matching = tolerations.filter { $0.tolerates(taint) }
            if matching.isEmpty { return .limited(.zero) }
            for seconds in matching.compactMap(\.tolerationSeconds) { shortest = min(shortest ?? seconds, seconds) }
        }
        return shortest.map { .limited(.seconds(max(0, $0))) } ?? .forever
    }

    /// The plan, and since when pods bear a taint for a time: to be handed to the next pass.
    package static func plan(_ view: View, now: Instant) -> (plan: Plan, since: [String: Instant]) {
        var plan = Plan()
        var since: [String: Instant] = [:]
        for pod in view.pods.sorted(by: { $0.key < $1.key }) where !pod.meta.isDeleting {
            let began = view.since[pod.meta.uid]
            guard !view.taints.isEmpty, case .limited(let stay) = stay(with: view.taints, pod.tolerations) else {
                if began != nil { plan.events.append(note(pod, "Cancelling deletion of Pod \(pod.meta.namespace)/\(pod.meta.name)")) }
                continue
            }
            let start = began ?? now
            let left = start + stay - now
            // Also of those that go now: were the deletion refused, they would not begin again.
            since[pod.meta.uid] = start
            guard left <= .zero, plan.changes.count < changeLimit else {
                plan.lookAgain(after: max(left, .zero))
                continue
            }
            plan.changes.append(.delete(pod.key, uid: pod.meta.uid))
            plan.events.append(note(pod, "Marking for deletion Pod \(pod.meta.namespace)/\(pod.meta.name)"))
        }
        if !plan.changes.isEmpty {
            let names = view.taints.map(\.text).joined(separator: ", ")
            plan.explanation.append("\(plan.changes.count) pods do not tolerate \(names) any longer: deleting them")
        }
        return (plan, since)
    }

    private static func note(_ pod: ObservedPod, _ message: String) -> EventNote {
        EventNote(ObjectReference(.pods, pod.meta), .normal, "TaintManagerEviction", message, from: component)
    }
}
