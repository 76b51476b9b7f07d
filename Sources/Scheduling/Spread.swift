import Resources

/// One spread constraint of one pod, with the counts it is judged by.
struct Spread {
    let constraint: TopologySpreadConstraint
    /// Whether the pod itself is among those that the selector counts.
    private let countsItself: Bool
    private let countInDomain: [String: Int]
    private let least: Int

    /// - Parameter nodes: those that selector and affinity let the pod onto; only their domains count (Kubernetes' `nodeAffinityPolicy: Honor`).
    init(_ constraint: TopologySpreadConstraint, for pod: Candidate, in view: inout ClusterView, nodes: [NodeState]) {
        self.constraint = constraint
        guard var selector = constraint.labelSelector else {
            countsItself = false
            countInDomain = [:]
            least = 0
            return
        }
        for key in constraint.matchLabelKeys {
            if let value = pod.labels[key] { selector.requirements.append(.init(key, .in, [value])) }
        }
        countsItself = selector.matches(pod.labels)
        let perNode = view.neighbours(ClusterView.Neighbourhood(namespace: pod.key.namespace, selector: selector))
        var counts: [String: Int] = [:]
        for node in nodes {
            guard let domain = node.labels[constraint.topologyKey] else { continue }
            counts[domain, default: 0] += perNode[node.name] ?? 0
        }
        countInDomain = counts
        // With fewer domains than asked for, the missing ones count as empty.
        least = counts.count < (constraint.minDomains ?? 1) ? 0 : counts.values.min() ?? 0
    }

    /// Nil when the node lacks the topology label.
    func skew(on node: NodeState) -> Int? {
        guard let domain = node.labels[constraint.topologyKey] else { return nil }
        return (countInDomain[domain] ?? 0) + (countsItself ? 1 : 0) - least
    }
}
