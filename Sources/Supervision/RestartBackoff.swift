import Timing

/// How long a container waits before it is started again.
///
/// What ran well comes back at once, so that one crash of a healthy program costs nothing; what keeps failing waits ever longer.
package struct RestartBackoff: Hashable, Sendable {
    /// At most this many immediate restarts of a container that had been healthy …
    package static let immediateRestartLimit = 10
    /// … within this time: beyond it the program is in a slow crash loop.
    package static let immediateRestartWindow = Duration.seconds(600)
    package static let firstDelay = Duration.milliseconds(100)
    package static let longestDelay = Duration.seconds(300)
    /// Waits of this length and more are shown as `CrashLoopBackOff`.
    package static let shownFrom = Duration.seconds(1)
    /// A container without readiness and startup probes counts as healthy after this time.
    package static let healthyWithoutProbes = Duration.seconds(1)
    /// Being Ready for at least this time forgives everything.
    package static let forgivenAfter = Duration.seconds(10)

    private var lastDelay = Duration.zero
    private var hasFailed = false
    private var immediateRestarts: [Instant] = []

    package init() {}

    /// The wait before the next start. `readyFor` is how long the run that ended had last been Ready; nil when it never was.
    package mutating func delay(afterRunReadyFor readyFor: Duration?, now: Instant) -> Duration {
        if let readyFor {
            if readyFor >= max(Self.forgivenAfter, lastDelay * 2) {
                lastDelay = .zero
                hasFailed = false
            }
            immediateRestarts.removeAll { now - $0 >= Self.immediateRestartWindow }
            if immediateRestarts.count < Self.immediateRestartLimit {
                immediateRestarts.append(now)
                return .zero
            }
        } else if !hasFailed {
            hasFailed = true
            return .zero
        }
        hasFailed = true
        lastDelay = lastDelay == .zero ? Self.firstDelay : min(lastDelay * 2, Self.longestDelay)
        return lastDelay
    }
}
