import Resources
import Timing
import Wire

/// A backend's rules, shared by all requests that were let in while they held: another policy does not change what a request was promised, its times,
/// its repeats, its session, and who answers in its place. How much may be under way, and how an endpoint is chosen, is as of now: it concerns all.
package final class PolicyTerms: Sendable {
    package let rules: TrafficRules

    init(_ rules: TrafficRules) { self.rules = rules }
}

/// What a backend's policy remembers: who may come in, how much is under way, how many repeats there were.
package struct BackendGate: Sendable {
    private(set) var rules = TrafficRules()
    /// The rules for who is let in from now on; nil where they are those without a policy.
    private var terms: PolicyTerms?
    /// How long answers take to begin; kept where hedging goes by it.
    private var answerTimes: RunningQuantile?
    private var limiter = RateLimiter([])
    private var budget = RetryBudget()
    /// Where there are rules for it, and until its line is empty.
    private(set) var shedder: LoadShedder?
    /// Written by `Router.noteAnswer(by:)`.
    var failover = FailoverState()
    private var openCount = 0
    private var waitingCount = 0
    private var repeatingCount = 0
    /// Whether the rules can keep an endpoint from getting traffic, so that `Router.mayTake` is asked.
    private(set) var isSelective = false
    /// Nil where no rule asks for one.
    private(set) var breaker: CircuitBreaker?
    /// Of the breaker that was there last.
    private var lastTrial = CircuitBreaker.Trial(round: 0)

    /// Puts rules in force. Limits that did not change go on from what is left of them; what is under way stays counted.
    mutating func follow(_ new: TrafficRules) {
        if new.rateLimits != limiter.rules { limiter = RateLimiter(new.rateLimits) }
        if let shedding = new.loadShedding {
            if shedder == nil { shedder = LoadShedder(shedding) } else { shedder?.follow(shedding) }
        } else if shedder?.lineCount == 0 {
            shedder = nil
        } else {
            // Who is in line is let in one after the other.
            shedder?.follow(LoadSheddingRules())
        }
        if new.fallbacks.isEmpty { failover = FailoverState() }
        if new != rules { terms = new == TrafficRules() ? nil : PolicyTerms(new) }
        let percentile = new.retries.hedging?.percentile
        if percentile != rules.retries.hedging?.percentile { answerTimes = percentile.map { RunningQuantile(percent: $0) } }
        if new.breaker != breaker?.rules {
            lastTrial = breaker?.trial ?? lastTrial
            breaker = new.breaker.map { CircuitBreaker($0, after: lastTrial) }
        }
        rules = new
        isSelective = !new.health.isEmpty || new.limits.endpointConnections != nil
    }

    /// What a request that is let in now is treated by.
    func stay(_ backend: BackendID, hash: UInt64, quota: RateQuota? = nil) -> Stay {
        Stay(backend, hash: hash, terms: terms, quota: quota)
    }

    /// What came of asking for admission.
    enum Entry {
        /// `left` must follow.
        case goes(RateQuota?)
        /// `next` or `leave` follows.
        case waits(until: Instant, displaced: UInt64?)
        case refused(Refusal)
    }

    /// - Parameters:
    ///   - place: what it is in line by, should it have to wait.
    ///   - age: how long it has waited for the loop to come to it.
    mutating func admit(_ head: RequestHead, client: UInt32, place: LoadShedder.Place, age: Duration) -> Entry {
        var quota: RateQuota?
        switch limiter.admit(head, client: client, now: place.since) {
        case .refused(let excess): return .refused(.rateLimited(excess))
        case .passes(let least): quota = least
        }
        if let limit = rules.limits.parallelRequests, openCount >= limit { return .refused(.tooManyParallel) }
        // Who is in line by a policy that is gone is let in; nobody is refused by it.
        if shedder != nil, rules.loadShedding != nil {
            var place = place
            place.priority = shedder?.priority(head, client: client) ?? LoadSheddingRules.usualPriority
            switch shedder?.meet(place, age: age, openCount: openCount) {
            case .refused: return .refused(.overloaded)
            case .waits(let until, let displaced): return .waits(until: until, displaced: displaced)
            case .goes, nil: break
            }
        }
        enter(now: place.since)
        return .goes(quota)
    }

    private mutating func enter(now: Instant) {
        openCount += 1
        budget.noteRequest(now: now)
    }

    /// Lets the next in line in, where there is room; `left` must follow.
    mutating func next(now: Instant) -> LoadShedder.Place? {
        guard let place = shedder?.next(openCount: openCount, now: now) else { return nil }
        endShedding()
        enter(now: now)
        return place
    }

    mutating func leaveLine(_ number: UInt64) {
        shedder?.leave(number)
        endShedding()
    }

    /// The last of a line whose policy is gone takes what is remembered along.
    private mutating func endShedding() {
        if rules.loadShedding == nil, shedder?.lineCount == 0 { shedder = nil }
    }

    mutating func left(_ stay: Stay) {
        openCount -= 1
        if stay.isWaiting { waitingCount -= 1 }
        if stay.isRepeating { repeatingCount -= 1 }
        if let trial = stay.trial { breaker?.ended(trial) }
    }

    /// What became of a request in the end.
    mutating func note(isFailure: Bool, of trial: CircuitBreaker.Trial?, now: Instant) {
        breaker?.note(isFailure: isFailure, of: trial, now: now)
    }

    /// What became of a flow. Flows pass no gate: while the breaker finds out, each of them decides.
    mutating func noteFlow(isFailure: Bool, now: Instant) {
        if let trial = breaker?.trial { breaker?.note(isFailure: isFailure, of: trial, now: now) }
    }

    /// Asks the breaker; nil where there is none.
    mutating func enterCircuit(now: Instant) -> CircuitBreaker.Answer? { breaker?.admit(now: now) }

    /// A trial came to nothing before it began.
    mutating func leaveCircuit(_ trial: CircuitBreaker.Trial) { breaker?.ended(trial) }

    mutating func refusesFlow(now: Instant) -> Bool { breaker?.refusesFlow(now: now) ?? false }

    /// An endpoint became ready.
    mutating func giveChance() { breaker?.giveChance() }

    /// Whether one more may wait for an endpoint.
    mutating func mayWait(_ stay: inout Stay) -> Bool {
        if stay.isWaiting { return true }
        if let limit = rules.limits.pendingRequests, waitingCount >= limit { return false }
        waitingCount += 1
        stay.isWaiting = true
        return true
    }

    mutating func stopsWaiting(_ stay: inout Stay) {
        if stay.isWaiting { waitingCount -= 1 }
        stay.isWaiting = false
    }

    /// Whether a request that an endpoint lost may go to another.
    mutating func mayRepeat(_ stay: inout Stay, now: Instant) -> Bool {
        guard stay.repeatCount < stay.retries.limit, mayAdd(stay, now: now) else { return false }
        noteAdded(&stay, now: now)
        stay.repeatCount += 1
        return true
    }

    /// Whether a request may be sent a second time while the first attempt is out; it counts as a repeat does, but for itself alone, and once it is
    /// known to go out: `noteAdded` follows.
    mutating func mayHedge(_ stay: Stay, now: Instant) -> Bool { stay.retries.hedging != nil && mayAdd(stay, now: now) }

    /// Whether the parallel limit and the budget have room for one attempt more.
    private mutating func mayAdd(_ stay: Stay, now: Instant) -> Bool {
        if let limit = rules.limits.parallelRetries, !stay.isRepeating, repeatingCount >= limit { return false }
        return budget.mayRepeat(percent: stay.retries.percent, minPerSecond: stay.retries.minPerSecond, now: now)
    }

    /// One attempt more goes out.
    mutating func noteAdded(_ stay: inout Stay, now: Instant) {
        budget.noteRepeat(now: now)
        if !stay.isRepeating { repeatingCount += 1 }
        stay.isRepeating = true
    }

    /// How long after the first attempt a second one goes out; nil: never.
    func hedgeDelay(_ stay: Stay) -> Duration? {
        guard let hedging = stay.retries.hedging else { return nil }
        return max(hedging.delay, answerTimes?.value ?? .zero)
    }

    /// An answer began so long after its attempt.
    mutating func noteAnswer(after time: Duration) { answerTimes?.note(time) }

    /// One request's stay behind the gate; the router's to change.
    package struct Stay: Sendable {
        let backend: BackendID
        /// What `consistentHash` goes by.
        let hash: UInt64
        /// What held when it was let in; nil without a policy.
        package let terms: PolicyTerms?
        /// Without a policy the usual ones.
        var retries: RetryRules { terms?.rules.retries ?? RetryRules() }
        /// What is left of the limit that it was counted by.
        package let quota: RateQuota?
        /// What the client's token said; nil where there is none, or the policy keeps no sessions.
        var session: SessionTokens.Content?
        var isWaiting = false
        var isRepeating = false
        var repeatCount = 0
        /// The breaker finds out by it.
        var trial: CircuitBreaker.Trial?
        /// For how long the circuit is open, so that no endpoint gets it, only a fallback; nil: it is not.
        package internal(set) var circuitWait: Duration?

        init(_ backend: BackendID, hash: UInt64, terms: PolicyTerms?, quota: RateQuota?) {
            self.quota = quota
            self.backend = backend
            self.hash = hash
            self.terms = terms
        }

        /// Takes over what the breaker said.
        mutating func follow(_ answer: CircuitBreaker.Answer) {
            switch answer {
            case .pass: break
            case .trial(let trial): self.trial = trial
            case .refused(let wait): circuitWait = wait
            }
        }
    }

    /// Why a policy lets a request not in.
    package enum Refusal: Equatable, Sendable {
        case rateLimited(RateQuota)
        case tooManyParallel
        case overloaded
        /// All of the Service fails, and it is left in peace for so long.
        case circuitOpen(wait: Duration)
    }
}
