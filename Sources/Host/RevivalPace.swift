import Timing

/// When a role that misses `up` may start it again: the first time at once, then ever later, for as long as none comes back.
///
/// Each role has its own. Whoever sees that another one tries counts that as a try: so all of them together start one `up` at a time.
package struct RevivalPace: Hashable, Sendable {
    /// Before the second try, doubled from one to the next …
    package static let firstDelay = Duration.milliseconds(100)
    /// … up to this.
    package static let longestDelay = Duration.seconds(5)

    private var delay = Duration.zero
    private var next = Instant.zero
    private var isOther = false

    package init() {}

    /// Whether a try may be made now. BEFORE the lock of `up` is asked for.
    package func isDue(now: Instant) -> Bool { now >= next }

    /// The lock is somebody else's: a new `up` is on its way, or lives already.
    package mutating func othersTry() { isOther = true }

    /// The lock could be had. False when that shows that somebody else's try has failed: the next one waits.
    package mutating func isFree(now: Instant) -> Bool {
        guard isOther else { return true }
        tried(now: now)
        return false
    }

    /// An `up` was started, by this role or another.
    package mutating func tried(now: Instant) {
        isOther = false
        delay = min(max(Self.firstDelay, delay * 2), Self.longestDelay)
        next = now + delay
    }

    /// `up` is back.
    package mutating func isOver() { self = RevivalPace() }
}
