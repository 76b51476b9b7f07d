import Resources
import Timing

/// What came of one attempt at an endpoint.
package enum AttemptOutcome: Equatable, Sendable {
    /// A whole response with this status.
    case answered(Int)
    /// A connection for a flow.
    case connected
    /// It accepted no connection, broke one off, answered with something that is no HTTP, or not in time.
    case failed
}

/// Why an endpoint was taken out.
package enum EjectionReason: String, Sendable {
    case consecutive5Xx = "consecutive-5xx"
    case consecutiveGateway = "consecutive-gateway-errors"
    case consecutiveLocal = "consecutive-local-origin-failures"
    case failurePercentage = "failure-percentage"
    /// It was let in again for a trial, and failed.
    case trialFailed = "trial-failed"
}

/// What one endpoint did to the requests of one backend lately: a circuit breaker of its own.
///
/// Pure counting; whether it may be taken out is decided by who knows the others (`BackendHealth`).
struct EndpointConduct: Sendable {
    /// Successes in a row that end a trial.
    static let trialSuccesses = 3
    /// One request at a time is a trial; one whose end is not heard of for so long makes room for the next.
    static let trialPatience = Duration.seconds(1)

    /// Closed, open and half-open, in the words of circuit breakers.
    enum State: Equatable, Sendable {
        case serving
        case ejected(until: Instant)
        case onTrial(nextAt: Instant, successCount: Int)
    }

    var state = State.serving
    private(set) var errorStreak = 0
    private(set) var gatewayStreak = 0
    private(set) var localStreak = 0
    /// Of the interval under way.
    private(set) var requestCount = 0
    private(set) var failureCount = 0
    private var pause = GrowingPause()
    /// When it was taken out last.
    private(set) var outSince = Instant.zero

    var isServing: Bool { state == .serving }

    /// Counts an outcome; returns whether it was a failure by these rules.
    mutating func note(_ outcome: AttemptOutcome, _ rules: PassiveHealth) -> Bool {
        requestCount += 1
        switch outcome {
        case .connected:
            localStreak = 0
            if !rules.splitExternalLocalOriginErrors {
                errorStreak = 0
                gatewayStreak = 0
            }
            return false
        case .answered(let status):
            localStreak = 0
            gatewayStreak = (502...504).contains(status) ? gatewayStreak + 1 : 0
            errorStreak = status >= 500 ? errorStreak + 1 : 0
            if status < 500 { return false }
        case .failed:
            if rules.splitExternalLocalOriginErrors {
                localStreak += 1
            } else {
                gatewayStreak += 1
                errorStreak += 1
            }
        }
        failureCount += 1
        return true
    }

    /// The rule that its failures in a row meet; nil while they meet none.
    func reason(_ rules: PassiveHealth) -> EjectionReason? {
        if Self.reaches(errorStreak, rules.consecutive5XxErrors) { return .consecutive5Xx }
        if Self.reaches(gatewayStreak, rules.consecutiveGatewayErrors) { return .consecutiveGateway }
        if rules.splitExternalLocalOriginErrors, Self.reaches(localStreak, rules.consecutiveLocalOriginFailures) {
            return .consecutiveLocal
        }
        return nil
    }

    /// Whether it does better than one that meets the rule: it is not half-way there itself.
    func isBetter(than reason: EjectionReason, _ rules: PassiveHealth) -> Bool {
        switch reason {
        case .consecutive5Xx, .failurePercentage, .trialFailed: errorStreak * 2 < max(1, rules.consecutive5XxErrors) || errorStreak == 0
        case .consecutiveGateway: gatewayStreak * 2 < rules.consecutiveGatewayErrors
        case .consecutiveLocal: localStreak * 2 < rules.consecutiveLocalOriginFailures
        }
    }

    private static func reaches(_ streak: Int, _ limit: Int) -> Bool { limit > 0 && streak >= limit }

    mutating func eject(_ rules: PassiveHealth, now: Instant) -> Duration {
        let time = pause.next(base: rules.baseEjectionTime, longest: rules.maxEjectionTime, now: now)
        state = .ejected(until: now + time)
        outSince = now
        forgetStreaks()
        return time
    }

    /// It serves again, as if nothing had been.
    mutating func serve() {
        state = .serving
        forgetStreaks()
        beginInterval()
    }

    private mutating func forgetStreaks() {
        errorStreak = 0
        gatewayStreak = 0
        localStreak = 0
    }

    mutating func beginInterval() {
        requestCount = 0
        failureCount = 0
    }
}
