import Timing

/// How the grace period of a stop is divided: how long TERM waits for what, and when KILL comes.
///
/// Kubernetes gives the preStop hook and what the program does on TERM one grace period together, and so does this. What comes first may take most of
/// it: a request that is cut off is lost, while a program that is told late has, mostly, nothing left to do.
package struct StopTimes: Hashable, Sendable {
    /// So long requests in flight are waited for, once nothing new comes.
    package var requestsBy: Instant
    /// So long the proxies are waited for, who would send more, and the preStop hook: TERM waits for nothing after this.
    package var terminateAt: Instant
    package var killAt: Instant

    /// A quarter of the grace period is the program's own: so much is left between TERM and KILL though a request never ends.
    static let ownShare: Int64 = 4
    /// So much is left though a proxy never acknowledges, or the preStop hook does not end (the kubelet's minimum); of a short grace period the
    /// quarter.
    static let leastEnd = Duration.seconds(2)

    package init(grace: Duration, from now: Instant) {
        let own = grace / Self.ownShare
        killAt = now + grace
        requestsBy = killAt - own
        terminateAt = killAt - min(Self.leastEnd, own)
    }

    /// TERM waits for nothing.
    package static func atOnce(grace: Duration, now: Instant) -> StopTimes {
        var times = StopTimes(grace: grace, from: now)
        times.requestsBy = now
        times.terminateAt = now
        return times
    }

    /// A shorter grace period came: only ever sooner.
    package mutating func shorten(to other: StopTimes) {
        requestsBy = min(requestsBy, other.requestsBy)
        terminateAt = min(terminateAt, other.terminateAt)
        killAt = min(killAt, other.killAt)
    }
}
