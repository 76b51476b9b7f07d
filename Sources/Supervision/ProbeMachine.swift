import Resources
import Timing

/// Which of a container's three probes.
package enum ProbeKind: String, Hashable, Sendable, CaseIterable {
    case startup, liveness, readiness
    /// `Readiness`, as events begin.
    package var title: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }
}

/// When a probe is tried and how many results change its verdict (Kubernetes' fields of the same names).
package struct ProbePolicy: Hashable, Sendable {
    package var initialDelay: Duration
    package var period: Duration
    package var timeout: Duration
    package var successThreshold: Int
    package var failureThreshold: Int
    /// Overrides the pod's grace period when this probe ends the container.
    package var gracePeriod: Duration?

    package init(
        initialDelay: Duration = .zero, period: Duration = .seconds(10), timeout: Duration = .seconds(1), successThreshold: Int = 1,
        failureThreshold: Int = 3, gracePeriod: Duration? = nil
    ) {
        self.initialDelay = initialDelay
        self.period = max(period, .milliseconds(1))
        self.timeout = timeout
        self.successThreshold = max(successThreshold, 1)
        self.failureThreshold = max(failureThreshold, 1)
        self.gracePeriod = gracePeriod
    }

    /// How long it takes after a start until a program that never answers has failed.
    package var timeToFail: Duration {
        Probe.timeToFail(initialDelay: initialDelay, period: period, failureThreshold: failureThreshold, timeout: timeout)
    }
}

/// One probe of one run of a container: when to try next, and what the results mean.
///
/// Until the first success, startup and readiness are tried quickly between their periods: a program that is up after 30 ms is known to be so
/// after 40. A quick try that fails changes nothing, so thresholds mean what they mean in Kubernetes.
package struct ProbeMachine: Sendable {
    package static let quickDelay = Duration.milliseconds(20)
    /// How young a container is whose failures do not count yet. Kubernetes first probes when its agent has seen the container run, about a
    /// second after its start; the first try here goes within a millisecond, before most programs have bound their port, and a threshold of one
    /// would restart them for ever.
    package static let youth = Duration.seconds(1)
    /// Periods vary by this part, so that the probes of many pods drift apart.
    package static let jitter = 0.05

    /// What the probe says once its threshold is reached.
    package enum Verdict: Hashable, Sendable { case passed, failed }

    /// What a finished try means.
    package struct Outcome: Hashable, Sendable {
        /// The verdict that now holds, when this result reached a threshold.
        package var verdict: Verdict?
        /// Whether a failure counted towards the threshold: only those are told to people.
        package var isCounted: Bool
    }

    package let kind: ProbeKind
    package let policy: ProbePolicy
    package private(set) var verdict: Verdict?
    /// Counted successes and failures in a row, up to now.
    private(set) var successCount = 0
    private(set) var failureCount = 0
    /// What the last try that failed answered; empty after one that succeeded.
    private(set) var lastFailure = ""
    private var hasSucceeded = false
    private var nextQuickDelay = Self.quickDelay
    private var nextCounted: Instant
    private let grownUpAt: Instant
    private var random: SeededRandom
    private var state: State

    private enum State {
        case waiting(until: Instant, isCounted: Bool)
        case inFlight(isCounted: Bool)
    }

    /// `since` is the start of the container: initialDelaySeconds counts from there. `verdict` is what an earlier agent had found.
    package init(_ kind: ProbeKind, _ policy: ProbePolicy, since: Instant, now: Instant, seed: UInt64, verdict: Verdict? = nil) {
        self.kind = kind
        self.policy = policy
        self.verdict = verdict
        hasSucceeded = verdict == .passed
        random = SeededRandom(seed: seed)
        grownUpAt = since + Self.youth
        nextCounted = max(now, since + policy.initialDelay)
        state = .waiting(until: nextCounted, isCounted: true)
    }

    /// When it wants to be tried next; `never` while a try is under way.
    package var nextTry: Instant { if case .waiting(let until, _) = state { until } else { .never } }

    /// Whether a try is to begin now; if so it counts as begun.
    package mutating func begin(now: Instant) -> Bool {
        guard case .waiting(let until, let isCounted) = state, now >= until else { return false }
        if isCounted { nextCounted = now + jittered(policy.period) }
        state = .inFlight(isCounted: isCounted)
        return true
    }

    /// Too many probes were under way: this try is left out, and counts for nothing.
    package mutating func skip(now: Instant) {
        guard case .inFlight = state else { return }
        scheduleNext(now: now, hasFailed: true)
    }

    /// Whether the try under way, should it fail, reaches the threshold.
    package func isLastTry(now: Instant) -> Bool {
        guard case .inFlight(let isCounted) = state, isCounted, hasSucceeded || now >= grownUpAt else { return false }
        return failureCount + 1 >= policy.failureThreshold
    }

    /// Takes the answer of the probe under way. `message` says how it failed.
    package mutating func finish(succeeded: Bool, message: String = "", now: Instant) -> Outcome {
        guard case .inFlight(let isRegular) = state else { return Outcome(verdict: nil, isCounted: false) }
        lastFailure = succeeded ? "" : message
        let isYoung = !hasSucceeded && now < grownUpAt
        let isCounted = isRegular && !isYoung
        var reached: Verdict?
        if succeeded {
            // From the first success on it is a regular probe; the period counts from here.
            if !hasSucceeded { nextCounted = now + jittered(policy.period) }
            hasSucceeded = true
            failureCount = 0
            successCount += 1
            if successCount >= policy.successThreshold || verdict == .passed { reached = .passed }
        } else if isCounted {
            successCount = 0
            failureCount += 1
            if failureCount >= policy.failureThreshold { reached = .failed }
        } else if isYoung {
            nextCounted = min(nextCounted, max(now, grownUpAt))
        }
        if let reached { verdict = reached }
        scheduleNext(now: now, hasFailed: !succeeded)
        return Outcome(verdict: reached, isCounted: isCounted)
    }

    private mutating func scheduleNext(now: Instant, hasFailed: Bool) {
        if hasFailed, !hasSucceeded, kind != .liveness, nextQuickDelay < policy.period {
            let quick = now + nextQuickDelay
            nextQuickDelay = nextQuickDelay * 2
            if quick < nextCounted {
                state = .waiting(until: quick, isCounted: false)
                return
            }
        }
        state = .waiting(until: max(now, nextCounted), isCounted: true)
    }

    private mutating func jittered(_ period: Duration) -> Duration {
        let part = Double.random(in: -Self.jitter...Self.jitter, using: &random)
        return .nanoseconds(Int64(Double(period.nanoseconds) * (1 + part)))
    }
}
