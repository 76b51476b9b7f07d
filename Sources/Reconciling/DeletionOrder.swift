import Timing

/// Which pods of a ReplicaSet go first: Kubernetes' order, with zones before nodes.
///
/// Unassigned, then pending, then not ready, then ready but not yet available, then the cheaper deletion cost, then the one with more siblings beside it, then the one that became
/// ready last, then more restarts, then the younger. Ties go by name, so that every run chooses the same.
package struct DeletionOrder {
    private let now: Timestamp
    private let minReady: Duration
    private let zoneOfNode: [String: String]

    /// - Parameter zoneOfNode: nodes without a zone count as a zone of their own.
    package init(now: Timestamp, minReady: Duration = .zero, zoneOfNode: [String: String]) {
        self.now = now
        self.minReady = minReady
        self.zoneOfNode = zoneOfNode
    }

    /// The pods, first to go first. O(n log n).
    package func sorted(_ pods: [ObservedPod]) -> [ObservedPod] {
        var candidates = pods.map { Candidate(pod: $0, tier: tier($0)) }
        // A pod's crowding is its place among those of its node when they are lined up by worth: so the last one kept of every node has
        // rank 1, whatever the numbers. The same again for zones, over the nodes' ranks.
        candidates.sort { keepsBefore($0, $1) }
        var countOnNode: [String: Int] = [:]
        for index in candidates.indices {
            let node = candidates[index].pod.nodeName
            countOnNode[node, default: 0] += 1
            candidates[index].nodeRank = countOnNode[node, default: 0]
        }
        candidates.sort { a, b in
            if a.tier != b.tier { return a.tier > b.tier }
            if a.nodeRank != b.nodeRank { return a.nodeRank < b.nodeRank }
            return keepsBefore(a, b)
        }
        var countInZone: [String: Int] = [:]
        for index in candidates.indices {
            let node = candidates[index].pod.nodeName
            let zone = zoneOfNode[node] ?? "node/" + node
            countInZone[zone, default: 0] += 1
            candidates[index].zoneRank = countInZone[zone, default: 0]
        }
        candidates.sort { a, b in
            if a.tier != b.tier { return a.tier < b.tier }
            if a.zoneRank != b.zoneRank { return a.zoneRank > b.zoneRank }
            if a.nodeRank != b.nodeRank { return a.nodeRank > b.nodeRank }
            return keepsBefore(b, a)
        }
        return candidates.map(\.pod)
    }

    private struct Candidate {
        var pod: ObservedPod
        var tier: Tier
        var nodeRank = 0
        var zoneRank = 0
    }

    /// What counts before crowding; smaller goes first.
    private struct Tier: Comparable {
        var isAssigned: Bool
        var phase: Int
        /// 0 not ready, 1 ready, 2 available.
        var readiness: Int
        var cost: Int32

        static func < (a: Tier, b: Tier) -> Bool {
            if a.isAssigned != b.isAssigned { return !a.isAssigned }
            if a.phase != b.phase { return a.phase < b.phase }
            if a.readiness != b.readiness { return a.readiness < b.readiness }
            return a.cost < b.cost
        }
    }

    private func tier(_ pod: ObservedPod) -> Tier {
        let phase =
            switch pod.phase {
            case .pending: 0
            case .unknown: 1
            default: 2
            }
        let readiness =
            switch pod.waitUntilAvailable(minReady: minReady, now: now) {
            case nil: 0
            case .some(.zero): 2
            case .some: 1
            }
        return Tier(isAssigned: !pod.nodeName.isEmpty, phase: phase, readiness: readiness, cost: pod.cost)
    }

    /// Whether `a` is worth more than `b`, crowding aside.
    private func keepsBefore(_ a: Candidate, _ b: Candidate) -> Bool {
        if a.tier != b.tier { return a.tier > b.tier }
        if a.pod.isReady, let since = a.pod.readyChanged, let other = b.pod.readyChanged, since != other { return since < other }
        if a.pod.restartCount != b.pod.restartCount { return a.pod.restartCount < b.pod.restartCount }
        if a.pod.meta.creation != b.pod.meta.creation { return a.pod.meta.creation < b.pod.meta.creation }
        return a.pod.meta.name < b.pod.meta.name
    }
}
