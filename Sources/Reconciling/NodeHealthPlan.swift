import Formats
import Resources
import Timing

/// What plans read of a Node.
package struct ObservedNode: Sendable {
    package var meta: ObservedMeta
    package var isUnschedulable: Bool
    package var taints: [Value]
    /// The NoExecute taints that drive pods off. Not the one of a lost node: its pods are freed when what ran there is known to be dead.
    package var evictingTaints: [Taint]
    package var conditions: Value

    package init(_ node: Value) {
        meta = ObservedMeta(node)
        isUnschedulable = node["spec"]["unschedulable"].bool ?? false
        taints = node["spec"]["taints"].elements
        evictingTaints = taints.map { Taint($0) }.filter { $0.effect == .noExecute && $0.key != NodeHealthPlan.unreachable }
        conditions = node["status"]["conditions"]
    }

    package var key: ObjectKey { meta.key(.nodes) }
    package var zone: String? { meta.labels["topology.kubernetes.io/zone"] }
    package var readyStatus: String? { conditions.condition("Ready")?["status"].string }
}

/// Declares nodes lost, has what they left behind killed, and only then frees their pods to be replaced.
package struct NodeHealthPlan {
    package static let unreachable = "node.kubernetes.io/unreachable"
    package static let component = "node-controller"
    /// Pods deleted in one pass.
    package static let changeLimit = 500

    /// How it is known that a node is lost.
    package enum Cause: Hashable, Sendable {
        case leaseRanOut
        /// The agent is away, and every proxy has found since then that nobody accepts what is offered there.
        case nobodyThere
        /// The agent is away, and the store knows of nothing that it has begun: what it began without its status being written yet is killed with the rest,
        /// and made again elsewhere.
        case nothingBegun
        /// `up` has no agent for it, and none renewed its lease since the server runs: what the store has of it is of an instance with other nodes, as after
        /// a restore.
        case noAgent

        /// It is lost only while its agent is away. Nobody need be killed for an absence that is over.
        package var restsOnAbsence: Bool { self != .leaseRanOut }

        fileprivate var message: String {
            switch self {
            case .leaseRanOut: "The node's agent stopped renewing its lease."
            case .nobodyThere: "The node's agent is away, and what ran there refuses connections."
            case .nothingBegun: "The node's agent is away, and began none of its pods."
            case .noAgent: "The node has no agent: the instance runs without it."
            }
        }
    }

    /// What the plan looks at.
    package struct View {
        /// Nil: the pods name a node that does not exist.
        package var node: ObservedNode?
        package var name: String
        /// The lease ran out, or what `NodeLossPlan` looks at says the same earlier.
        package var isExpired: Bool
        package var cause: Cause
        /// The agent was seen to renew the lease. After a start of the server neither this nor `isExpired` holds for a while: a node that was lost before
        /// stays lost, one that was not stays as it is.
        package var isRenewed: Bool
        /// Everything that ran there is known to be dead since the node was lost.
        package var isFenced: Bool
        /// Whether another node could take the pods. When all are lost at once, nothing is gained by giving the pods up, and the reason is likely
        /// to be here.
        package var hasLivingPeer: Bool
        /// The pods bound to the node.
        package var pods: [ObservedPod]
        /// `spec.leaseTransitions` of its lease; nil when there is no lease.
        package var leaseTransitions: Int64?

        package init(
            node: ObservedNode?, name: String, isExpired: Bool, isRenewed: Bool, isFenced: Bool, hasLivingPeer: Bool, pods: [ObservedPod],
            leaseTransitions: Int64? = nil, cause: Cause = .leaseRanOut
        ) {
            self.node = node
            self.cause = cause
            self.name = name
            self.isExpired = isExpired
            self.isRenewed = isRenewed
            self.isFenced = isFenced
            self.hasLivingPeer = hasLivingPeer
            self.pods = pods
            self.leaseTransitions = leaseTransitions
        }
    }

    /// The plan, and whether the node has to be fenced now.
    package static func plan(_ view: View, now: Timestamp) -> (plan: Plan, fences: Bool) {
        var plan = Plan()
        guard view.isExpired else {
            if view.isRenewed { recover(view, now, &plan) }
            return (plan, false)
        }
        if let node = view.node { declareLost(node, view.cause, now, &plan) }
        guard view.hasLivingPeer || view.node == nil else {
            plan.explanation.append("no other node lives that could take the pods of \(view.name): they keep their places")
            return (plan, false)
        }
        guard view.isFenced else {
            plan.explanation.append("\(view.name) is lost: what it left behind is killed before its pods are replaced")
            // Only AFTER the store has it that the node is lost: while it takes no writes nothing could be replaced, and renewals may be missing for
            // the same reason.
            return (plan, plan.changes.isEmpty)
        }
        for pod in view.pods.sorted(by: { $0.key < $1.key }).prefix(changeLimit) {
            plan.changes.append(.delete(pod.key, uid: pod.meta.uid, grace: 0))
            plan.events.append(
                EventNote(
                    ObjectReference(.pods, pod.meta), .normal, "TaintManagerEviction",
                    "Marking for deletion Pod \(pod.meta.namespace)/\(pod.meta.name)",
                    from: "taint-eviction-controller"))
        }
        return (plan, false)
    }

    /// The write that makes all further status writes of the lost agent stale; to be done once, before the pods are freed.
    package static func outdate(_ view: View) -> Change? {
        guard let transitions = view.leaseTransitions else { return nil }
        let key = ObjectKey(.leases, namespace: "kube-node-lease", name: view.name)
        return .patch(key, ["spec": ["leaseTransitions": .int(transitions + 1)]])
    }

    private static func declareLost(_ node: ObservedNode, _ cause: Cause, _ now: Timestamp, _ plan: inout Plan) {
        if node.readyStatus != "Unknown" {
            var conditions = Conditions(node.conditions)
            conditions.set("Ready", "Unknown", reason: "NodeStatusUnknown", message: cause.message, now: now)
            plan.changes.append(.patchStatus(node.key, ["conditions": conditions.value]))
            plan.events.append(
                EventNote(
                    ObjectReference(.nodes, node.meta), .normal, "NodeNotReady", "Node \(node.meta.name) status is now: NodeNotReady",
                    from: component))
        }
        let missing: [String] = ["NoSchedule", "NoExecute"].filter { effect in
            !node.taints.contains { isOurs($0) && $0["effect"].string == effect }
        }
        guard !missing.isEmpty else { return }
        let stamp = now.rfc3339
        let added: [Value] = missing.map { ["key": .string(unreachable), "effect": .string($0), "timeAdded": .string(stamp)] }
        plan.changes.append(.patch(node.key, ["spec": ["taints": .array(node.taints + added)]]))
    }

    private static func recover(_ view: View, _ now: Timestamp, _ plan: inout Plan) {
        guard let node = view.node else { return }
        let rest = node.taints.filter { !isOurs($0) }
        if rest.count != node.taints.count {
            plan.changes.append(.patch(node.key, ["spec": ["taints": rest.isEmpty ? nil : .array(rest)]]))
            plan.explanation.append("\(view.name) renews its lease again")
        }
        // The agent writes Ready when it starts. One that was only held up does not know that it was given up.
        let ready = node.conditions.condition("Ready")
        if ready?["status"].string == "Unknown", ready?["reason"].string == "NodeStatusUnknown" {
            var conditions = Conditions(node.conditions)
            conditions.set("Ready", "True", reason: "LeaseRenewed", message: "The node's agent renews its lease.", now: now)
            plan.changes.append(.patchStatus(node.key, ["conditions": conditions.value]))
            plan.events.append(
                EventNote(
                    ObjectReference(.nodes, node.meta), .normal, "NodeReady", "Node \(node.meta.name) status is now: NodeReady",
                    from: component))
        }
    }

    private static func isOurs(_ taint: Value) -> Bool { taint["key"].string == unreachable }
}
