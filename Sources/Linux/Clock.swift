import Glibc
import Timing

/// The machine's clocks. Only drivers read them; decisions are given `now`.
package enum Clock {
    /// The monotonic clock, which stands still while the machine is suspended.
    package static func monotonic() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// Civil time.
    package static func realtime() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(nanosecondsSince1970: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// A seed that differs per process and moment.
    package static func seed() -> UInt64 { UInt64.random(in: .min ... .max) }
}
