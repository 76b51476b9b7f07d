/// A moment on the machine's monotonic clock, in nanoseconds since an origin that only this boot knows.
///
/// Decisions compare Instants and add `Duration`s; they never read a clock. What people see is a `Timestamp`.
package struct Instant: Comparable, Hashable, Sendable, CustomStringConvertible {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The origin; tests start here.
    package static let zero = Instant(nanoseconds: 0)
    /// Later than any moment that will come.
    package static let never = Instant(nanoseconds: .max)

    package static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }

    /// Saturates at `never` instead of wrapping.
    package static func + (a: Instant, b: Duration) -> Instant {
        let (sum, overflow) = a.nanoseconds.addingReportingOverflow(b.nanoseconds)
        return Instant(nanoseconds: overflow ? .max : sum)
    }

    package static func - (a: Instant, b: Duration) -> Instant { a + (.zero - b) }

    package static func - (a: Instant, b: Instant) -> Duration { .nanoseconds(a.nanoseconds - b.nanoseconds) }

    package static func += (a: inout Instant, b: Duration) { a = a + b }

    package var description: String { self == .never ? "never" : "\(Duration.nanoseconds(nanoseconds))" }
}

extension Duration {
    /// The whole length in nanoseconds, clamped to what 64 bits hold (292 years).
    package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, carry) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carry ? (seconds < 0 ? .min : .max) : sum
    }

    /// The length in seconds, for printing and for arithmetic where precision does not matter.
    package var inSeconds: Double { Double(nanoseconds) / 1e9 }

    /// Whole milliseconds, rounded up, never negative: what `epoll_wait` takes.
    package var millisecondsRoundedUp: Int64 { Swift.max(0, nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 > 0 ? 1 : 0)) }
}
