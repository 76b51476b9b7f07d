import Resources
import Timing
import Wire

/// What a backend's policy remembers: who may come in, how much is under way, how many repeats there were.
package struct BackendGate: Sendable {
    private(set) var rules = TrafficRules()
    private var limiter = RateLimiter([])
    private var budget = RetryBudget()
    private var openCount = 0
    private var waitingCount = 0
    private var repeatingCount = 0
    /// Whether the rules can keep an endpoint from getting traffic, so that `Router.mayTake` is asked.
    private(set) var isSelective = false

    /// Puts rules in force. Limits that did not change go on from what is left of them; what is under way stays counted.
    mutating func follow(_ new: TrafficRules) {
        if new.rateLimits != limiter.rules { limiter = RateLimiter(new.rateLimits) }
        rules = new
    }

    /// Nil: the request comes in, and `left` must follow.
    mutating func admit(_ head: RequestHead, client: UInt32, now: Instant) -> Refusal? {
        if let excess = limiter.admit(head, client: client, now: now) { return .rateLimited(limit: excess.limit, wait: excess.wait) }
        if let limit = rules.limits.parallelRequests, openCount >= limit { return .tooManyParallel }
        openCount += 1
        budget.noteRequest(now: now)
        return nil
    }

    mutating func left(_ stay: Stay) {
        openCount -= 1
        if stay.isWaiting { waitingCount -= 1 }
        if stay.isRepeating { repeatingCount -= 1 }
    }

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
        guard stay.repeatCount < rules.retries.limit else { return false }
        if let limit = rules.limits.parallelRetries, !stay.isRepeating, repeatingCount >= limit { return false }
        guard budget.mayRepeat(percent: rules.retries.percent, minPerSecond: rules.retries.minPerSecond, now: now) else { return false }
        stay.repeatCount += 1
        if !stay.isRepeating { repeatingCount += 1 }
        stay.isRepeating = true
        return true
    }

    /// One request's stay behind the gate; the router's to change.
    package struct Stay: Sendable {
        let backend: BackendID
        /// What `consistentHash` goes by.
        let hash: UInt64
        var isWaiting = false
        var isRepeating = false
        var repeatCount = 0

        init(_ backend: BackendID, hash: UInt64) {
            self.backend = backend
            self.hash = hash
        }
    }

    /// Why a policy lets a request not in.
    package enum Refusal: Equatable, Sendable {
        /// `limit`: requests in the rule's period.
        case rateLimited(limit: Int, wait: Duration)
        case tooManyParallel
    }
}
