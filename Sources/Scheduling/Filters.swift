import Resources

/// Why a node cannot take a pod, in Kubernetes' words where it has any.
package enum Filters {
    /// Every reason that the first filter which refuses has; none: the node is fit. In the order of Kubernetes' plug-ins.
    static func refusals(_ pod: Candidate, _ node: NodeState, _ spreads: [Spread]) -> [String] {
        if node.isUnschedulable, !pod.tolerations.contains(where: { $0.tolerates(unschedulable) }) { return ["node(s) were unschedulable"] }
        if let taint = untolerated(pod, node) { return ["node(s) had untolerated taint {\(taint.key): \(taint.value)}"] }
        if !node.isReady { return ["node(s) were not ready"] }
        // No pod tolerates this: nobody is there to begin it.
        if node.isAgentAway { return ["node(s) whose agent is away"] }
        if !pod.wants(node) { return ["node(s) didn't match Pod's node affinity/selector"] }
        if pod.needs.hostPorts.contains(where: { node.hostPorts[$0] != nil }) {
            return ["node(s) didn't have free ports for the requested pod ports"]
        }
        let short = shortages(pod, node)
        if !short.isEmpty { return short }
        for spread in spreads where spread.constraint.isRequired {
            guard let skew = spread.skew(on: node) else {
                return ["node(s) didn't match pod topology spread constraints (missing required label)"]
            }
            if skew > spread.constraint.maxSkew { return ["node(s) didn't match pod topology spread constraints"] }
        }
        return []
    }

    private static let unschedulable = Taint("node.kubernetes.io/unschedulable", .noSchedule)

    private static func untolerated(_ pod: Candidate, _ node: NodeState) -> Taint? {
        node.taints.first { taint in taint.effect != .preferNoSchedule && !pod.tolerations.contains { $0.tolerates(taint) } }
    }

    /// A resource that the node does not know is one it has none of.
    private static func shortages(_ pod: Candidate, _ node: NodeState) -> [String] {
        var out: [String] = []
        if let limit = node.allocatable["pods"], Quantity(Int64(node.podCount + 1)) > limit { out.append("Too many pods") }
        for (name, amount) in pod.needs.requests.sorted(by: { $0.key < $1.key }) {
            if (node.requested[name] ?? .zero) + amount > (node.allocatable[name] ?? .zero) { out.append("Insufficient \(name)") }
        }
        return out
    }
}
