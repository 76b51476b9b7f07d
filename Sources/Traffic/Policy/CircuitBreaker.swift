import Resources
import Timing

/// Leaves a Service in peace whose requests all fail, and finds out with few of them whether it works again.
///
/// Closed: everything goes. Open: everything is refused at once, for a time that grows with each opening. Half-open: so many requests as the rules
/// say go through; all of them succeed and it closes, or one fails and it opens again.
struct CircuitBreaker: Sendable {
    /// In the words of circuit breakers.
    enum State: Equatable, Sendable {
        case closed
        case open(until: Instant, for: Duration)
        case halfOpen(openTrials: Int, successCount: Int)
    }

    let rules: BreakerRules
    private(set) var state = State.closed
    private var streak = 0
    private var requestCount = 0
    private var failureCount = 0
    private var intervalEnd = Instant.zero
    private var pause = GrowingPause()
    /// Which half-open time it is: a trial of an earlier one says nothing about this one.
    private(set) var trial: Trial

    /// - Parameter last: of the breaker whose place it takes, whose trials may still be under way.
    init(_ rules: BreakerRules, after last: Trial = Trial(round: 0)) {
        self.rules = rules
        trial = last
    }

    /// Tells the trials of one half-open time from those of another.
    struct Trial: Hashable, Sendable {
        fileprivate var round: Int
        init(round: Int) { self.round = round }
    }

    /// What came of asking.
    enum Answer: Equatable, Sendable {
        case pass
        /// `ended` must follow.
        case trial(Trial)
        /// Not before so long.
        case refused(Duration)
    }

    mutating func admit(now: Instant) -> Answer {
        if case .open(let until, _) = state {
            if now < until { return .refused(until - now) }
            beginTrials()
        }
        guard case .halfOpen(let openTrials, let successCount) = state else { return .pass }
        guard openTrials + successCount < rules.trialRequests else { return .refused(.seconds(1)) }
        state = .halfOpen(openTrials: openTrials + 1, successCount: successCount)
        return .trial(trial)
    }

    /// Whether a flow is refused: flows are no trials, but what becomes of them is counted.
    mutating func refusesFlow(now: Instant) -> Bool {
        guard case .open(let until, _) = state else { return false }
        if now < until { return true }
        beginTrials()
        return false
    }

    /// A trial is over, however it went; AFTER `note`, where there was an outcome.
    mutating func ended(_ trial: Trial) {
        if trial == self.trial, case .halfOpen(let openTrials, let successCount) = state {
            state = .halfOpen(openTrials: max(0, openTrials - 1), successCount: successCount)
        }
    }

    /// Takes in what became of a request in the end.
    ///
    /// - Parameter trial: what `admit` called it; others that were let in before do not decide about a trial.
    mutating func note(isFailure: Bool, of trial: Trial?, now: Instant) {
        switch state {
        case .open: break
        case .halfOpen(let openTrials, let successCount):
            guard trial == self.trial else { return }
            if isFailure { return open(now) }
            if successCount + 1 >= rules.trialRequests { return close(now) }
            state = .halfOpen(openTrials: openTrials, successCount: successCount + 1)
        case .closed:
            if now >= intervalEnd { beginInterval(now) }
            requestCount += 1
            guard isFailure else {
                streak = 0
                return
            }
            streak += 1
            failureCount += 1
            let isStreak = rules.consecutiveErrors > 0 && streak >= rules.consecutiveErrors
            let isShare =
                rules.failurePercentage > 0 && requestCount >= rules.requestVolume
                && failureCount * 100 >= requestCount * rules.failurePercentage
            if isStreak || isShare { open(now) }
        }
    }

    /// An endpoint became ready: what was found out about the others says nothing of it.
    mutating func giveChance() {
        if case .open = state { beginTrials() }
    }

    private mutating func beginTrials() {
        trial.round += 1
        state = .halfOpen(openTrials: 0, successCount: 0)
    }

    private mutating func open(_ now: Instant) {
        let time = pause.next(base: rules.openTime, longest: rules.maxOpenTime, now: now)
        state = .open(until: now + time, for: time)
    }

    private mutating func close(_ now: Instant) {
        state = .closed
        streak = 0
        beginInterval(now)
    }

    private mutating func beginInterval(_ now: Instant) {
        intervalEnd = now + rules.interval
        requestCount = 0
        failureCount = 0
    }
}
