import Resources

/// How good a fit node is for a pod; the least is the best, and no two nodes are equal because the name decides in the end.
///
/// Wishes of the manifest come first. Then the default spread: the zone with the fewest pods of the group, in it the node with the fewest. Then
/// room: the node that is emptiest after taking the pod.
struct Score: Comparable {
    var discouragingTaintCount: Int
    /// Negated, so that less is better.
    var unmetPreference: Int
    var softSkew: Int
    var groupInZone: Int
    var groupOnNode: Int
    /// The fullest of cpu and memory, in thousandths of what the node has; pods without requests weigh something, too.
    var fullness: Int64
    var podCount: Int
    var name: String

    init(_ pod: Candidate, _ node: NodeState, _ spreads: [Spread], groupInZone: Int, groupOnNode: Int) {
        discouragingTaintCount = node.taints.count { taint in
            taint.effect == .preferNoSchedule && !pod.tolerations.contains { $0.tolerates(taint) }
        }
        unmetPreference = pod.affinity.preferredNodeTerms.reduce(0) {
            $1.term.matches(labels: node.labels, name: node.name) ? $0 - $1.weight : $0
        }
        softSkew = spreads.reduce(0) { $1.constraint.isRequired ? $0 : $0 + ($1.skew(on: node) ?? Int(Int32.max)) }
        self.groupInZone = groupInZone
        self.groupOnNode = groupOnNode
        fullness = ["cpu", "memory"].reduce(0) { worst, resource in
            guard let has = node.allocatable[resource], has > .zero else { return worst }
            let taken = (node.weighed[resource] ?? .zero) + (pod.needs.weighed[resource] ?? .zero)
            return max(worst, Int64(clamping: taken.nanos * 1000 / has.nanos))
        }
        podCount = node.podCount
        name = node.name
    }

    /// The first thing in which this is better than the next best, as `<` compares them.
    func advantage(over other: Score) -> String {
        if discouragingTaintCount != other.discouragingTaintCount { return "fewer PreferNoSchedule taints than \(other.name)" }
        if unmetPreference != other.unmetPreference { return "meets more of the pod's preferred node affinity than \(other.name)" }
        if softSkew != other.softSkew { return "better for the pod's topology spread than \(other.name)" }
        if groupInZone != other.groupInZone {
            return "its zone has \(groupInZone) of the pod's group, that of \(other.name) has \(other.groupInZone)"
        }
        if groupOnNode != other.groupOnNode { return "it has \(groupOnNode) of the pod's group, \(other.name) has \(other.groupOnNode)" }
        if fullness != other.fullness {
            return "with the pod it is \(Double(fullness) / 10) % full, \(other.name) would be \(Double(other.fullness) / 10) %"
        }
        if podCount != other.podCount { return "it has \(podCount) pods, \(other.name) has \(other.podCount)" }
        return "as good as \(other.name), and first by name"
    }

    static func < (a: Score, b: Score) -> Bool {
        if a.discouragingTaintCount != b.discouragingTaintCount { return a.discouragingTaintCount < b.discouragingTaintCount }
        if a.unmetPreference != b.unmetPreference { return a.unmetPreference < b.unmetPreference }
        if a.softSkew != b.softSkew { return a.softSkew < b.softSkew }
        if a.groupInZone != b.groupInZone { return a.groupInZone < b.groupInZone }
        if a.groupOnNode != b.groupOnNode { return a.groupOnNode < b.groupOnNode }
        if a.fullness != b.fullness { return a.fullness < b.fullness }
        if a.podCount != b.podCount { return a.podCount < b.podCount }
        return a.name < b.name
    }
}
