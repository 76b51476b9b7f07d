import Resources

/// A node with what is left of it.
package struct NodeState: Sendable {
    package var name: String
    package var labels: [String: String]
    package var zone: String
    package var taints: [Taint]
    package var isUnschedulable: Bool
    package var isReady: Bool
    /// See `ClusterView.setAway`.
    package internal(set) var isAgentAway = false
    package var allocatable: [String: Quantity]
    package internal(set) var requested: [String: Quantity] = [:]
    /// What nodes are compared by; see `Needs.weighed`.
    var weighed: [String: Quantity] = [:]
    package internal(set) var podCount = 0
    var hostPorts: [Needs.HostPort: Int] = [:]

    package init(_ node: Node) {
        name = node.meta.name
        labels = node.meta.labels
        // A node without a zone is one by itself.
        zone = node.zone.isEmpty ? "node/" + node.meta.name : node.zone
        taints = node.taints
        isUnschedulable = node.isUnschedulable
        isReady = node.isReady
        allocatable = node.allocatable
    }

    mutating func take(_ needs: Needs) {
        requested.add(needs.requests)
        weighed.add(needs.weighed)
        podCount += 1
        for port in needs.hostPorts { hostPorts[port, default: 0] += 1 }
    }

    mutating func give(_ needs: Needs) {
        for (name, amount) in needs.requests { requested[name] = (requested[name] ?? .zero) - amount }
        for (name, amount) in needs.weighed { weighed[name] = (weighed[name] ?? .zero) - amount }
        podCount -= 1
        for port in needs.hostPorts {
            let left = (hostPorts[port] ?? 0) - 1
            hostPorts[port] = left > 0 ? left : nil
        }
    }
}

/// The nodes and what lies on them, kept up to date pod by pod: placing a batch never counts anything again.
package struct ClusterView: Sendable {
    private struct Occupant: Sendable {
        var node: String
        var namespace: String
        var labels: [String: String]
        var group: String?
        var needs: Needs
        /// Being deleted: holds its resources and no longer counts as a neighbour.
        var isLeaving: Bool
    }

    /// Which pods a spread constraint counts.
    struct Neighbourhood: Hashable, Sendable {
        var namespace: String
        var selector: LabelSelector
    }

    /// Different selectors whose counts are kept; beyond it they are counted anew when asked for.
    static let neighbourhoodLimit = 256

    private(set) var states: [String: NodeState] = [:]
    /// Kept beside the states: a node may come, and change, while its agent is away.
    private var away: Set<String> = []
    private var occupants: [ObjectKey: Occupant] = [:]
    private var groups: [String: [String: Int]] = [:]
    private var neighbourhoods: [Neighbourhood: [String: Int]] = [:]

    package init() {}

    /// By name.
    package var nodes: [NodeState] { states.values.sorted { $0.name < $1.name } }

    /// Adds or replaces a node; what lies on it stays.
    package mutating func setNode(_ node: Node) {
        var state = NodeState(node)
        if let old = states[state.name] {
            state.requested = old.requested
            state.weighed = old.weighed
            state.podCount = old.podCount
            state.hostPorts = old.hostPorts
        } else {
            for occupant in occupants.values where occupant.node == state.name { state.take(occupant.needs) }
        }
        state.isAgentAway = away.contains(state.name)
        states[state.name] = state
    }

    /// The nodes whose agents are known to be away, all of them each time: nothing that is placed there begins before they are back. What lies there
    /// stays.
    package mutating func setAway(_ nodes: Set<String>) {
        away = nodes
        for name in states.keys { states[name]?.isAgentAway = nodes.contains(name) }
    }

    /// Takes a node out, with what was placed there.
    package mutating func removeNode(_ name: String) { states[name] = nil }

    /// Puts a pod on a node; one that is there already is replaced.
    package mutating func occupy(_ candidate: Candidate, on node: String, isLeaving: Bool = false) {
        vacate(candidate.key)
        let occupant = Occupant(
            node: node, namespace: candidate.key.namespace, labels: candidate.labels, group: candidate.group, needs: candidate.needs,
            isLeaving: isLeaving)
        occupants[candidate.key] = occupant
        states[node]?.take(occupant.needs)
        count(occupant, 1)
    }

    /// The pod takes up no room any more.
    package mutating func vacate(_ key: ObjectKey) {
        guard let occupant = occupants.removeValue(forKey: key) else { return }
        states[occupant.node]?.give(occupant.needs)
        count(occupant, -1)
    }

    /// How many pods of a group each node has.
    func members(of group: String?) -> [String: Int] { group.flatMap { groups[$0] } ?? [:] }

    /// How many pods each node has that a selector counts. Counted once, then kept up to date.
    mutating func neighbours(_ neighbourhood: Neighbourhood) -> [String: Int] {
        if let known = neighbourhoods[neighbourhood] { return known }
        var counts: [String: Int] = [:]
        for occupant in occupants.values where !occupant.isLeaving && occupant.namespace == neighbourhood.namespace {
            if neighbourhood.selector.matches(occupant.labels) { counts[occupant.node, default: 0] += 1 }
        }
        if neighbourhoods.count >= Self.neighbourhoodLimit { neighbourhoods.removeAll() }
        neighbourhoods[neighbourhood] = counts
        return counts
    }

    private mutating func count(_ occupant: Occupant, _ change: Int) {
        guard !occupant.isLeaving else { return }
        if let group = occupant.group {
            let left = (groups[group]?[occupant.node] ?? 0) + change
            groups[group, default: [:]][occupant.node] = left > 0 ? left : nil
            if groups[group]?.isEmpty ?? false { groups[group] = nil }
        }
        for neighbourhood in neighbourhoods.keys
        where neighbourhood.namespace == occupant.namespace && neighbourhood.selector.matches(occupant.labels) {
            neighbourhoods[neighbourhood]?[occupant.node, default: 0] += change
        }
    }
}
