import Formats
import Resources
import Timing

/// Tells a pod's agent that the pod was taken out of the routes, and which revision the proxies must have reached to know it.
package struct WithdrawalPlan {
    /// What the plan looks at.
    package struct View {
        package var pod: ObservedPod
        /// How the slices that list the pod show it.
        package var mentions: [Mention]
        /// The last write of any slice of the namespace, a removal included; zero when there never was one.
        package var lastSliceRevision: Revision

        package init(pod: ObservedPod, mentions: [Mention], lastSliceRevision: Revision) {
            self.pod = pod
            self.mentions = mentions
            self.lastSliceRevision = lastSliceRevision
        }
    }

    /// One endpoint slice's word on a pod.
    package struct Mention: Sendable {
        package var isReady: Bool
        package var isTerminating: Bool
        package var revision: Revision
        package init(isReady: Bool, isTerminating: Bool, revision: Revision) {
            self.isReady = isReady
            self.isTerminating = isTerminating
            self.revision = revision
        }
    }

    /// Nothing while a slice still offers the pod. Call it only when no slice of a Service that selects the pod is about to be written.
    package static func plan(_ view: View, now: Timestamp) -> Plan {
        var plan = Plan()
        let pod = view.pod
        guard pod.meta.isDeleting, !pod.isWithdrawn, !pod.nodeName.isEmpty else { return plan }
        guard view.mentions.allSatisfy({ $0.isTerminating && !$0.isReady }) else {
            plan.explanation.append("pod \(pod.meta.name) is still offered by a slice")
            return plan
        }
        // A pod that no slice lists may have been listed a moment ago (its labels changed, its Service was deleted): then the last write of any
        // slice of the namespace is late enough.
        let revision = view.mentions.map(\.revision).max() ?? view.lastSliceRevision
        let wasRouted = revision > .zero
        plan.changes.append(
            Change(
                .patch(
                    pod.key,
                    .strategic([
                        "metadata": ["uid": .string(pod.meta.uid)],
                        "status": [
                            "conditions": [
                                [
                                    "type": .string(Condition.withdrawn), "status": "True",
                                    "reason": .string(wasRouted ? "EndpointsWithdrawn" : "NoService"), "message": "",
                                    "observedRevision": .string(revision.description), "lastTransitionTime": .string(now.rfc3339),
                                ]
                            ]
                        ],
                    ]), .status)))
        plan.explanation.append("pod \(pod.meta.name) is withdrawn from revision \(revision) on")
        return plan
    }
}
