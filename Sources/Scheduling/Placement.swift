import Resources

/// Where one pod goes, or why nowhere.
package struct Placement: Sendable {
    /// Where a pod goes, or why nowhere.
    package enum Verdict: Sendable, Hashable {
        case node(String)
        /// `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.`
        case nowhere(explanation: String)
    }

    package var candidate: Candidate
    package var verdict: Verdict
    /// Why there, in one sentence; the same as the verdict's explanation where there is no place.
    package var reason: String

    /// Places a batch, each pod seeing the ones before it; `view` has them all afterwards. O(pods × nodes).
    ///
    /// Higher priority first, then age, then name.
    package static func place(_ pending: [Candidate], in view: inout ClusterView) -> [Placement] {
        let order = pending.sorted { a, b in
            if a.priority != b.priority { return a.priority > b.priority }
            if a.creation != b.creation { return a.creation < b.creation }
            return a.key < b.key
        }
        let names = view.nodes.map(\.name)
        return order.map { candidate in
            let (verdict, reason) = choose(candidate, names, &view)
            if case .node(let name) = verdict { view.occupy(candidate, on: name) }
            return Placement(candidate: candidate, verdict: verdict, reason: reason)
        }
    }

    private static func choose(_ pod: Candidate, _ names: [String], _ view: inout ClusterView) -> (Verdict, reason: String) {
        guard !names.isEmpty else { return nowhere("no nodes available to schedule pods") }
        let nodes = names.compactMap { view.states[$0] }
        let spreads: [Spread]
        if pod.constraints.isEmpty {
            spreads = []
        } else {
            let wanted = nodes.filter { pod.wants($0) }
            spreads = pod.constraints.map { Spread($0, for: pod, in: &view, nodes: wanted) }
        }
        let onNode = view.members(of: pod.group)
        var inZone: [String: Int] = [:]
        for node in nodes { inZone[node.zone, default: 0] += onNode[node.name] ?? 0 }

        var best: Score?
        var runnerUp: Score?
        var fitCount = 0
        var refusals: [String: Int] = [:]
        for node in nodes {
            let found = Filters.refusals(pod, node, spreads)
            guard found.isEmpty else {
                for reason in found { refusals[reason, default: 0] += 1 }
                continue
            }
            let score = Score(pod, node, spreads, groupInZone: inZone[node.zone] ?? 0, groupOnNode: onNode[node.name] ?? 0)
            fitCount += 1
            if best.map({ score < $0 }) ?? true {
                runnerUp = best
                best = score
            } else if runnerUp.map({ score < $0 }) ?? true {
                runnerUp = score
            }
        }
        if let best {
            let why = runnerUp.map { best.advantage(over: $0) } ?? "the only one that fits"
            return (.node(best.name), "\(best.name) of \(fitCount) fitting nodes (of \(nodes.count)): \(why)")
        }
        let reasons = refusals.map { "\($0.value) \($0.key)" }.sorted().joined(separator: ", ")
        return nowhere("0/\(nodes.count) nodes are available: \(reasons).")
    }

    private static func nowhere(_ explanation: String) -> (Verdict, reason: String) { (.nowhere(explanation: explanation), explanation) }
}
