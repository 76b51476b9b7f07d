import Timing

/// What the seeds of one drill came to, in a form that a person can act on.
package struct Verdict: Sendable {
    /// From harmless to worst; the worst run of a drill decides.
    package enum Judgement: Int, Sendable, Comparable {
        /// What was to fail never did, and nothing else went wrong: nothing is known, good or bad. One seed that says something outweighs it.
        case notReached
        /// Every request was answered, but for those that were in flight at what failed.
        case survived
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
    /// Seeds that say something: in which happened what the drill is about, or something worse. The others count in no number here.
    package var reachedCount: Int
    /// Of these, seeds in which nobody could tell it from no fault at all.
    package var effectlessCount: Int
    /// Of these, seeds whose time was over before the fault was.
    package var unfinishedCount: Int
    /// Seeds that survived.
    package var survivedCount: Int
    package var sentCount: Int
    /// Requests that another manifest could have saved; where nothing failed, these are all.
    package var avoidableLossCount: Int
    /// Over the seeds that were reached.
    package var losses: [LossCause: Int]
    /// The lowest over the seeds that were reached.
    package var least: DrillRun.Outcome.Least?
    /// The longest over the seeds that were reached and recovered.
    package var recoveryTime: Duration?
    package var worst: DrillRun.Outcome

    /// - Precondition: there is at least one outcome.
    package init(_ drill: Drill, _ outcomes: [DrillRun.Outcome]) {
        precondition(!outcomes.isEmpty, "a verdict needs an outcome")
        self.drill = drill
        let judgements = outcomes.map { Self.judgement($0, drill) }
        let reached = zip(outcomes, judgements).filter { $0.1 != .notReached }
        judgement = judgements.max() ?? .notReached
        seedCount = outcomes.count
        reachedCount = reached.count
        effectlessCount = reached.count { !$0.0.hadEffect }
        unfinishedCount = reached.count { !$0.0.isFaultOver }
        survivedCount = judgements.count { $0 == .survived }
        worst = (reached.isEmpty ? Array(zip(outcomes, judgements)) : reached).max { Self.isMilder($0, than: $1) }.map(\.0) ?? outcomes[0]
        let outcomes = reached.map(\.0)
        sentCount = outcomes.reduce(0) { $0 + $1.sentCount }
        avoidableLossCount = outcomes.reduce(0) { $0 + Self.avoidableLossCount($1) }
        losses = [:]
        for outcome in outcomes { losses.merge(outcome.losses) { $0 + $1 } }
        least = outcomes.compactMap(\.least).min { Self.share($0) < Self.share($1) }
        recoveryTime = outcomes.compactMap(\.recoveryTime).max()
    }

    package var lostCount: Int { losses.values.reduce(0, +) }
    package var isSurvived: Bool { judgement == .survived }

    /// What one run came to.
    package static func judgement(_ outcome: DrillRun.Outcome, _ drill: Drill) -> Judgement {
        if outcome.violation != nil { return .brokenPromise }
        if outcome.startProblem != nil { return .notStarted }
        if outcome.recoveryTime == nil { return .notRecovered }
        // Where nothing serves the fault finds nobody: that must not hide an outage, which is worse.
        if avoidableLossCount(outcome) > 0 { return .lostRequests }
        return drill.fault != nil && outcome.struckAt == nil ? .notReached : .survived
    }

    /// What is lost without a fault is lost by a plan.
    private static func avoidableLossCount(_ outcome: DrillRun.Outcome) -> Int {
        outcome.struckAt == nil ? outcome.lostCount : outcome.avoidableLossCount
    }

    private static func share(_ least: DrillRun.Outcome.Least) -> Double { Double(least.ready) / Double(max(1, least.wanted)) }

    private static func isMilder(_ a: (DrillRun.Outcome, Judgement), than b: (DrillRun.Outcome, Judgement)) -> Bool {
        if a.1 != b.1 { return a.1 < b.1 }
        let lost = (avoidableLossCount(a.0), avoidableLossCount(b.0))
        if lost.0 != lost.1 { return lost.0 < lost.1 }
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
