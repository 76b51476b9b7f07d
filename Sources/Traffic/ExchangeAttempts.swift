import Resources
import Timing
import Wire

/// Why an exchange or a flow got no endpoint, and what a client is told.
package enum ExchangeFailure: String, Sendable, Equatable {
    case noReadyEndpoint = "no-ready-endpoint"
    case noSuchBackend = "no-such-backend"
    case connectFailed = "connect-failed"
    case tooManyWaiting = "too-many-waiting"
    case endpointReset = "endpoint-reset"
    case badResponse = "bad-response"
    case rateLimited = "rate-limited"
    case tooManyParallel = "too-many-requests"
    case requestTimeout = "request-timeout"
    case overloaded = "overloaded"
    case tooManyConnections = "too-many-connections"
    case circuitOpen = "circuit-open"
    case noWeight = "no-weight"

    /// The HTTP status: 503 where trying again later is all there is to do, 502 where an endpoint misbehaved, 504 where it took too long.
    package var status: Int {
        switch self {
        case .noReadyEndpoint, .noSuchBackend, .connectFailed, .tooManyWaiting, .tooManyParallel, .overloaded, .tooManyConnections,
            .circuitOpen, .noWeight:
            503
        case .endpointReset, .badResponse: 502
        case .requestTimeout: 504
        case .rateLimited: 429
        }
    }

    /// Whether it says that the Service does not work, and not that a policy refused the request.
    package var isFault: Bool {
        switch self {
        case .noReadyEndpoint, .connectFailed, .endpointReset, .badResponse, .requestTimeout: true
        default: false
        }
    }

    /// Whether no endpoint could answer, so that a policy's fallback does.
    package var isForWantOfEndpoint: Bool {
        switch self {
        case .noReadyEndpoint, .noSuchBackend, .connectFailed, .circuitOpen, .noWeight: true
        case .tooManyWaiting, .endpointReset, .badResponse, .rateLimited, .tooManyParallel, .requestTimeout, .overloaded,
            .tooManyConnections:
            false
        }
    }
}

/// What becomes of one exchange or flow when an endpoint fails it: the next endpoint, a short wait, or the end.
///
/// The rule: what never reached a program may be repeated without limit other than time; what may have been run is repeated only where
/// running it twice is the same as once (RFC 9110, section 9.2.2), and all of it is still at hand.
package struct ExchangeAttempts: Sendable {
    /// How long a connection waits for an endpoint to become ready or to accept: long enough for a killed process to be started again,
    /// short enough that clients of a dead service are told.
    package static let waitLimit = Duration.seconds(2)
    /// The first wait between two rounds over all endpoints; doubled up to `longestPause`. A table with a ready endpoint ends the wait at
    /// once.
    package static let firstPause = Duration.milliseconds(2)
    package static let longestPause = Duration.milliseconds(50)
    /// How often an exchange that was sent and dropped may be repeated: a request that kills its servers must not visit them all.
    package static let repeatLimit = 1
    /// How long a repeat waits at least. When a node goes, its programs die within milliseconds of each other: a repeat that came sooner could meet
    /// one that is about to.
    package static let settlingPause = Duration.milliseconds(20)
    /// In place of `waitLimit` where a policy names somebody else who answers: long enough for a process that is replaced, hardly noticed otherwise.
    package static let shortWaitLimit = Duration.milliseconds(100)

    /// What to do next with an exchange.
    package enum Step: Equatable, Sendable {
        case choose
        case wait(until: Instant)
        case fail(ExchangeFailure)
    }

    /// Endpoints that failed in this round.
    package private(set) var avoided: [EndpointID] = []
    /// A kept connection was lost: the others of its endpoint are probably as old, so the next attempt makes a new one.
    package private(set) var wantsFreshConnection = false
    private var troubleSince: Instant?
    private var pause = Self.firstPause
    private var lossCount = 0
    private var hasRefusal = false
    /// Those that had the request and lost it: others come first for all repeats. While a repeat waits, milliseconds, an endpoint may leave the table and
    /// its number be given to another, which is then avoided once: the price of numbers without a generation.
    private var lostBy: [EndpointID] = []
    /// Whether running the request twice is the same as once, or its policy does not mind.
    package var mayRunTwice: Bool
    /// How long it waits for an endpoint.
    package var patience = Self.waitLimit
    /// Whether a broken connection is a reason to repeat.
    private var repeatsBroken = true
    /// What the policy says of the pause before a repeat.
    package var backOff = RetryRules.usualBackOff

    package init(isIdempotent: Bool) { mayRunTwice = isIdempotent }

    /// Takes over what a policy says about repeats, and about others who answer.
    package mutating func follow(_ rules: TrafficRules, _ head: RequestHead) {
        backOff = rules.retries.backOff ?? RetryRules.usualBackOff
        repeatsBroken = rules.retries.repeatsBroken
        if !rules.fallbacks.isEmpty { patience = Self.shortWaitLimit }
        if !mayRunTwice, rules.retries.notIdempotent != .never {
            mayRunTwice = rules.retries.mayRunTwice(isIdempotent: false, hasKey: head.headers.contains("Idempotency-Key"))
        }
    }

    /// Takes another endpoint than this one, where there is another.
    package mutating func avoid(_ endpoint: EndpointID) { avoided.append(endpoint) }

    /// The methods that RFC 9110 calls idempotent.
    package static func isIdempotent(method: String) -> Bool {
        switch method {
        case "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE": true
        default: false
        }
    }

    /// Nobody accepted: nothing was sent, so any request may go elsewhere.
    package mutating func refused(by endpoint: EndpointID, now: Instant) -> Step {
        begin(now)
        hasRefusal = true
        avoided.append(endpoint)
        return .choose
    }

    /// The connection broke before anything of a response was passed on.
    ///
    /// - Parameters:
    ///   - isAnythingSent: whether a byte of the request was handed to the kernel. That no byte was acknowledged proves nothing.
    ///   - isWholeRequestAtHand: whether what was sent can be sent again.
    ///   - isConnectionReused: a kept connection that ends is no fault of its endpoint, so the endpoint is not avoided.
    ///   - jitter: from 0 to 1, drawn by the caller.
    ///   - mayRepeat: whether what was sent may be sent again for the so manieth time; asked last.
    package mutating func lost(
        by endpoint: EndpointID, isAnythingSent: Bool, isWholeRequestAtHand: Bool, isConnectionReused: Bool, now: Instant,
        jitter: Double = 0,
        mayRepeat: (_ count: Int) -> Bool = { $0 <= ExchangeAttempts.repeatLimit }
    ) -> Step {
        if isAnythingSent {
            let isReason = repeatsBroken
            let until = repeatTime(
                after: isConnectionReused ? nil : endpoint, isWholeRequestAtHand: isWholeRequestAtHand, now: now, jitter: jitter,
                mayRepeat: { isReason && mayRepeat($0) })
            if isConnectionReused { wantsFreshConnection = true }
            return until.map { .wait(until: $0) } ?? .fail(.endpointReset)
        }
        begin(now)
        if isConnectionReused {
            wantsFreshConnection = true
        } else {
            avoided.append(endpoint)
        }
        return .choose
    }

    /// An attempt that an endpoint may have run came to nothing: when the next one may begin, or nil where there is to be none.
    ///
    /// - Parameter endpoint: whose fault it was; nil: nobody's.
    package mutating func repeatTime(
        after endpoint: EndpointID?, isWholeRequestAtHand: Bool, now: Instant, jitter: Double, mayRepeat: (_ count: Int) -> Bool
    ) -> Instant? {
        lossCount += 1
        guard mayRunTwice, isWholeRequestAtHand, mayRepeat(lossCount) else { return nil }
        // A program had it, perhaps for long: who refused it before that, and since when, is over.
        if let endpoint { lostBy.append(endpoint) }
        avoided = lostBy
        hasRefusal = false
        troubleSince = now
        return now + backOff.pause(before: lossCount, jitter: jitter)
    }

    /// `choose` found no endpoint: another round after a pause, until the time is over.
    package mutating func foundNone(_ choice: Router.Choice, now: Instant) -> Step {
        begin(now)
        if choice == .noBackend { return .fail(.noSuchBackend) }
        // No pod that comes would be of any use.
        if choice == .noWeight(isFinal: true) { return .fail(.noWeight) }
        avoided.removeAll(keepingCapacity: true)
        lostBy.removeAll(keepingCapacity: true)
        let deadline = (troubleSince ?? now) + patience
        guard now < deadline else {
            if case .noWeight = choice { return .fail(.noWeight) }
            return .fail(hasRefusal ? .connectFailed : .noReadyEndpoint)
        }
        defer { pause = min(pause * 2, Self.longestPause) }
        return .wait(until: min(now + pause, deadline))
    }

    private mutating func begin(_ now: Instant) {
        if troubleSince == nil { troubleSince = now }
    }
}
