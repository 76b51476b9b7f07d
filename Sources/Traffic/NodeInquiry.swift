/// What a proxy finds out about nodes whose agents are absent: whether anybody still accepts at the ready endpoints there.
///
/// It asks in rounds, over all of a node's ready endpoints, by connecting and closing at once. A node is said to refuse when several rounds in a row
/// found nobody, and no longer when one finds somebody, or when the table offers an endpoint there that was not asked.
package struct NodeInquiry: Sendable {
    /// What came of one round.
    package enum Outcome: Hashable, Sendable {
        /// Each of these refused, and they were all.
        case refusedByAll(Set<EndpointAddress>)
        /// Somebody accepted, or did not answer in time, which says nothing.
        case notRefused
        /// The table offers nothing there.
        case nobodyToAsk
    }

    /// Rounds that have to agree: a program may close its listener for a moment to open it anew.
    package static let roundsNeeded = 2
    /// Between rounds that have to agree.
    package static let confirmationPause: Duration = .milliseconds(20)
    /// Between rounds afterwards. Shorter than `Router.suspicion`, so that no client's request tries a dead node.
    package static let lookPause: Duration = .milliseconds(100)
    /// Where somebody answers, the pause grows up to this: programs are not to be bothered for as long as their agent is away.
    package static let longestPause: Duration = .seconds(1)
    /// Nodes that are asked about; no instance has more. What exceeds it is left to its lease.
    package static let nodeLimit = 128

    private struct Case {
        var absence: String
        var agreeingRounds = 0
        /// What was asked in the rounds that agree.
        var refused: Set<EndpointAddress> = []
        var pause = NodeInquiry.lookPause
    }
    private var cases: [String: Case] = [:]

    package init() {}

    /// All absences, by node. Says whose endpoints are to be asked from now on, sorted.
    package mutating func heard(_ absences: [String: String]) -> [String] {
        let absences = absences.sorted { $0.key < $1.key }.prefix(Self.nodeLimit)
        let begun = absences.filter { cases[$0.key]?.absence != $0.value }.map(\.key)
        cases = Dictionary(
            uniqueKeysWithValues: absences.map { node, absence in
                if let known = cases[node], known.absence == absence { return (node, known) }
                return (node, Case(absence: absence))
            })
        return begun
    }

    /// The absence during which a node's endpoints are asked; nil when its agent is there.
    package func absence(of node: String) -> String? { cases[node]?.absence }

    /// A round is over that was begun during this absence. Says how long to wait for the next one, nil when none is to follow.
    package mutating func ended(_ node: String, _ absence: String, _ outcome: Outcome) -> Duration? {
        guard var known = cases[node], known.absence == absence else { return nil }
        defer { cases[node] = known }
        switch outcome {
        case .refusedByAll(let endpoints):
            // What was not asked before has to be found twice as well.
            known.agreeingRounds = endpoints.isSubset(of: known.refused) ? min(known.agreeingRounds + 1, Self.roundsNeeded) : 1
            known.refused = endpoints
            known.pause = Self.lookPause
            return known.agreeingRounds < Self.roundsNeeded ? Self.confirmationPause : Self.lookPause
        case .notRefused, .nobodyToAsk:
            known.agreeingRounds = 0
            known.refused = []
            defer { known.pause = min(known.pause * 2, Self.longestPause) }
            return known.pause
        }
    }

    /// The nodes where nobody accepts, with the absence during which that was found, sorted.
    package func refusals(by table: RouteTable) -> [Refusal] {
        cases.sorted { $0.key < $1.key }.compactMap { node, known in
            guard known.agreeingRounds >= Self.roundsNeeded else { return nil }
            let offered = table.readyEndpoints(on: node)
            return !offered.isEmpty && offered.isSubset(of: known.refused) ? Refusal(node: node, absence: known.absence) : nil
        }
    }

    /// A node of whose ready endpoints none accepts.
    package struct Refusal: Hashable, Sendable {
        package var node: String
        package var absence: String
        package init(node: String, absence: String) {
            self.node = node
            self.absence = absence
        }
    }
}
