import Resources
import Timing

/// Civil time as each place shows it: wrong, running too fast or too slow, and put right or wrong by a jump. What lasts is never measured by it.
struct WallClocks {
    private struct Clock {
        /// How far it is ahead at `since`.
        var lead = Duration.zero
        var since = Instant.zero
        /// Millionths by which it runs too fast.
        var drift: Int64 = 0
    }
    private var clocks: [String: Clock] = [:]
    /// By how much every clock has jumped: all roles run on one machine.
    private var jumped = Duration.zero

    /// The origin of the world's civil time: 2026-01-01T00:00:00Z.
    private static let epoch = Timestamp(secondsSince1970: 1_767_225_600)

    /// What the place's clock shows.
    func time(at place: String, now: Instant) -> Timestamp { Self.epoch + (now - .zero) + jumped + lead(of: place, now) }

    /// The machine's clock is set.
    mutating func jump(by length: Duration) { jumped += length }

    /// A place shows something else than the rest, from the start.
    mutating func set(_ place: String, ahead lead: Duration, now: Instant) { clocks[place] = Clock(lead: lead, since: now) }

    /// Runs too fast by this many millionths from now on, or too slow.
    mutating func drift(_ place: String, by millionths: Int64, now: Instant) {
        clocks[place] = Clock(lead: lead(of: place, now), since: now, drift: millionths)
    }

    /// Nobody's clock goes wrong any further; what they are wrong by stays.
    mutating func settle(now: Instant) { for place in clocks.keys.sorted() { drift(place, by: 0, now: now) } }

    private func lead(of place: String, _ now: Instant) -> Duration {
        guard let clock = clocks[place] else { return .zero }
        if clock.drift == 0 { return clock.lead }
        return clock.lead + .nanoseconds((now - clock.since).nanoseconds / 1_000_000 * clock.drift)
    }
}
