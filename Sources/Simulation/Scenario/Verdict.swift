import Timing

/// What the seeds of one drill came to, in a form that a person can act on.
package struct Verdict: Sendable {
    /// From harmless to worst; the worst run of a drill decides.
    package enum Judgement: Int, Sendable, Comparable {
        /// Every request was answered, but for those that were in flight at what failed.
        case survived
        /// What was to fail never did: nothing is known, good or bad.
        case notReached
        case lostRequests
        /// Replicas were still missing at the end of the time.
        case notRecovered
        /// It did not even run before anything failed.
        case notStarted
        /// The orchestrator itself broke a promise.
        case brokenPromise

        package static func < (a: Judgement, b: Judgement) -> Bool { a.rawValue < b.rawValue }
    }

    package var drill: Drill
    package var judgement: Judgement
    package var seedCount: Int
    /// Seeds in which happened what the drill is about; the others say nothing, and no number here is of them.
    package var reachedCount: Int
    /// Of these, seeds in which nobody could tell it from no fault at all.
    package var effectlessCount: Int
    /// Seeds that survived.
    package var survivedCount: Int
    package var sentCount: Int
    /// Over all seeds.
    package var losses: [LossCause: Int]
    /// The lowest over all seeds.
    package var least: DrillRun.Outcome.Least?
    /// The longest over the seeds that recovered.
    package var recoveryTime: Duration?
    package var worst: DrillRun.Outcome

    /// - Precondition: there is at least one outcome.
    package init(_ drill: Drill, _ outcomes: [DrillRun.Outcome]) {
        precondition(!outcomes.isEmpty, "a verdict needs an outcome")
        self.drill = drill
        let judgements = outcomes.map { Self.judgement($0, drill) }
        let reached = zip(outcomes, judgements).filter { $0.1 != .notReached }
        judgement = reached.map(\.1).max() ?? .notReached
        seedCount = outcomes.count
        reachedCount = reached.count
        effectlessCount = reached.count { !$0.0.hadEffect }
        survivedCount = judgements.count { $0 == .survived }
        worst = (reached.isEmpty ? Array(zip(outcomes, judgements)) : reached).max { Self.isMilder($0, than: $1) }.map(\.0) ?? outcomes[0]
        let outcomes = reached.map(\.0)
        sentCount = outcomes.reduce(0) { $0 + $1.sentCount }
        losses = [:]
        for outcome in outcomes { losses.merge(outcome.losses) { $0 + $1 } }
        least = outcomes.compactMap(\.least).min { Self.share($0) < Self.share($1) }
        recoveryTime = outcomes.compactMap(\.recoveryTime).max()
    }

    package var lostCount: Int { losses.values.reduce(0, +) }
    /// Requests that another manifest could have saved; when nothing fails, these are all.
    package var avoidableLossCount: Int {
        losses.filter { drill.fault == nil || !$0.key.isUnavoidable }.values.reduce(0, +)
    }
    package var isSurvived: Bool { judgement == .survived }

    /// What one run came to.
    package static func judgement(_ outcome: DrillRun.Outcome, _ drill: Drill) -> Judgement {
        if outcome.violation != nil { return .brokenPromise }
        if outcome.startProblem != nil { return .notStarted }
        // Where nothing ever serves again the fault finds nobody, either.
        if outcome.recoveryTime == nil { return .notRecovered }
        if drill.fault != nil, outcome.struckAt == nil { return .notReached }
        let lost = drill.fault == nil ? outcome.lostCount : outcome.avoidableLossCount
        return lost > 0 ? .lostRequests : .survived
    }

    private static func share(_ least: DrillRun.Outcome.Least) -> Double { Double(least.ready) / Double(max(1, least.wanted)) }

    private static func isMilder(_ a: (DrillRun.Outcome, Judgement), than b: (DrillRun.Outcome, Judgement)) -> Bool {
        if a.1 != b.1 { return a.1 < b.1 }
        if a.0.avoidableLossCount != b.0.avoidableLossCount { return a.0.avoidableLossCount < b.0.avoidableLossCount }
        if a.0.recoveryTime != b.0.recoveryTime { return (a.0.recoveryTime ?? .zero) < (b.0.recoveryTime ?? .zero) }
        return (a.0.least.map(share) ?? 1) > (b.0.least.map(share) ?? 1)
    }
}

extension Verdict {
    /// Which of many is worth a closer look: the worst judgement, then the most avoidable losses, then the longest recovery.
    package static func worst(of verdicts: [Verdict]) -> Verdict? {
        verdicts.max { a, b in
            if a.judgement != b.judgement { return a.judgement < b.judgement }
            if a.avoidableLossCount != b.avoidableLossCount { return a.avoidableLossCount < b.avoidableLossCount }
            return (a.recoveryTime ?? .zero) < (b.recoveryTime ?? .zero)
        }
    }
}
