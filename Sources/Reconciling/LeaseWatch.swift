import Resources
import Timing

/// Judges leases by when their renewals were seen here, on one monotonic clock; what time the holder wrote does not matter.
///
/// Whoever watches may have been stopped itself, or the disk of its store may hang: after such a pause, as after a start, every lease gets a whole
/// period. It gets no second one before it is renewed: a further pause merely does not count. So also on a disk that is so slow that every look at the
/// leases is late a holder that is gone is given up, after twice as many looks as its period has seconds at the latest.
package struct LeaseWatch: Sendable {
    /// From one tick to the question before the next. A tick is what finds expired leases, and its lateness is what betrays a pause.
    package static let tickPeriod: Duration = .seconds(1)
    /// A tick that comes this long after the last was held up by something that may have held up the renewals too.
    ///
    /// A second is `tickPeriod`. Another two are what the question may take on a disk that is slow, at a second for each write: it waits for the one
    /// that is under way and for its own. A holder renews every 3 s of its 10, and can lose as much.
    package static let pauseThreshold: Duration = .seconds(3)
    /// For a lease that tells none, or that nobody has shown yet: what agents and proxies ask for.
    package static let defaultPeriod: Duration = .seconds(10)

    /// Asked of the store BEFORE each tick: a dry run, which changes nothing and is answered AFTER everything that was accepted before it is
    /// published. Renewals need no disk, yet they are published in order behind what does: while the disk hangs none is seen of anybody, and no
    /// tick comes either.
    package static let question = Request.create(
        [
            "apiVersion": .string(ResourceType.leases.apiVersion), "kind": .string(ResourceType.leases.kind),
            "metadata": ["generateName": "lease-watch-", "namespace": .string(namespace)],
        ], type: .leases, namespace: namespace, WriteOptions(isDryRun: true))
    private static let namespace = "kube-node-lease"

    /// Whether a tick follows this answer. What is refused because the disk failed, or has too much before it, took renewals with it.
    package static func ticks(after answer: Result<Reply, StatusError>) -> Bool {
        switch answer {
        case .success: true
        case .failure(let error): error.code < 500 && error.code != 429
        }
    }

    private struct Entry: Sendable {
        /// What its holder wrote last; empty while no lease was shown.
        var mark = ""
        var period = LeaseWatch.defaultPeriod
        /// When its time began, which a pause puts off.
        var seen: Instant
        /// A renewal was seen to come, since the start or since it ran out. What was found written is none: its holder may be long dead.
        var isRenewed = false
        /// A pause gave it a whole period since it was last renewed.
        var isSpared = false

        /// - Parameter lateness: how much of the pause was more than the usual time between two ticks.
        mutating func pause(for lateness: Duration, now: Instant) {
            seen = isSpared ? min(now, seen + lateness) : now
            isSpared = true
        }
    }
    private var entries: [String: Entry] = [:]
    private var lastTick: Instant

    package init(now: Instant) { lastTick = now }

    package var isEmpty: Bool { entries.isEmpty }

    /// Notes a lease. Others change leases as well, as a fence does: only what its holder writes anew is a renewal.
    package mutating func observe(_ lease: Lease, now: Instant) {
        let name = lease.meta.name
        let mark = "\(lease.holder) \(lease.renewTime?.nanosecondsSince1970 ?? 0)"
        let known = entries[name] ?? Entry(seen: now)
        var entry = known
        entry.period = lease.duration > .zero ? lease.duration : Self.defaultPeriod
        if known.mark != mark {
            entry.mark = mark
            entry.seen = now
            entry.isRenewed = !known.mark.isEmpty
            entry.isSpared = false
        }
        entries[name] = entry
    }

    /// Whether the holder is known to live: not merely that its time is not over yet.
    package func isRenewed(_ name: String) -> Bool { entries[name]?.isRenewed ?? false }

    /// Its holder is known to be gone before the period is over: only a renewal that comes from now on is one.
    package mutating func lose(_ name: String) { entries[name]?.isRenewed = false }

    /// Starts a period for something that should have a lease and has shown none.
    package mutating func expect(_ name: String, now: Instant) {
        if entries[name] == nil { entries[name] = Entry(seen: now) }
    }

    /// The lease is gone: nobody is judged by it.
    package mutating func forget(_ name: String) { entries[name] = nil }

    /// What has run out, by name. Call it every `tickPeriod`, AFTER the store has answered `question`.
    package mutating func tick(now: Instant) -> [String] {
        let sinceLast = now - lastTick
        if sinceLast > Self.pauseThreshold {
            for name in entries.keys { entries[name]?.pause(for: sinceLast - Self.tickPeriod, now: now) }
        }
        lastTick = now
        let expired = expired(now: now)
        for name in expired { entries[name]?.isRenewed = false }
        return expired
    }

    /// Whose lease was not renewed for a whole period, by name.
    package func expired(now: Instant) -> [String] { entries.filter { now - $0.value.seen >= $0.value.period }.keys.sorted() }
}
