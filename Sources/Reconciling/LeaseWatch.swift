import Timing

/// Judges leases by when their renewals were seen here, on one monotonic clock; what time the holder wrote does not matter.
///
/// Whoever watches may have been stopped itself: after such a pause, as after a start, every lease gets a whole period.
package struct LeaseWatch: Sendable {
    /// Between two ticks. A tick is what finds expired leases, and its lateness is what betrays a pause.
    package static let tickPeriod: Duration = .seconds(1)
    /// A tick that comes later than this was held up by something that may have held up the renewals too.
    package static let pauseThreshold: Duration = .seconds(2)

    private struct Entry: Sendable {
        var mark: String
        var period: Duration
        var seen: Instant
        /// A renewal was seen to come, since the start or since it ran out. What was found written is none: its holder may be long dead.
        var isRenewed = false
    }
    private var entries: [String: Entry] = [:]
    private var lastTick: Instant

    package init(now: Instant) { lastTick = now }

    package var isEmpty: Bool { entries.isEmpty }

    /// Notes a lease. Only a `mark` that differs from the last one counts as a renewal.
    package mutating func observe(_ name: String, mark: String, period: Duration, now: Instant) {
        guard let entry = entries[name], !entry.mark.isEmpty else {
            entries[name] = Entry(mark: mark, period: period, seen: now)
            return
        }
        entries[name]?.period = period
        if entry.mark == mark { return }
        entries[name]?.mark = mark
        entries[name]?.seen = now
        entries[name]?.isRenewed = true
    }

    /// Whether the holder is known to live: not merely that its time is not over yet.
    package func isRenewed(_ name: String) -> Bool { entries[name]?.isRenewed ?? false }

    /// Its holder is known to be gone before the period is over: only a renewal that comes from now on is one.
    package mutating func lose(_ name: String) { entries[name]?.isRenewed = false }

    /// Starts a period for something that should have a lease and has shown none.
    package mutating func expect(_ name: String, period: Duration, now: Instant) {
        if entries[name] == nil { entries[name] = Entry(mark: "", period: period, seen: now) }
    }

    /// The lease is gone: nobody is judged by it.
    package mutating func forget(_ name: String) { entries[name] = nil }

    /// What has run out, by name. Call it every `tickPeriod`.
    package mutating func tick(now: Instant) -> [String] {
        if now - lastTick > Self.pauseThreshold { for name in entries.keys { entries[name]?.seen = now } }
        lastTick = now
        let expired = expired(now: now)
        for name in expired { entries[name]?.isRenewed = false }
        return expired
    }

    /// Whose lease was not renewed for a whole period, by name.
    package func expired(now: Instant) -> [String] { entries.filter { now - $0.value.seen >= $0.value.period }.keys.sorted() }
}
