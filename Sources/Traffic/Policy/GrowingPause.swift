import Timing

/// A pause that is longer each time it is needed again, and shorter again with the time in which it was not.
struct GrowingPause: Sendable {
    /// How many pauses the next one is reckoned by; falls by one with each `base` that passes after a pause.
    private(set) var count = 0
    private var countedUntil = Instant.zero

    /// The pause that begins now: `base` times how often there was one lately, at most `longest`.
    mutating func next(base: Duration, longest: Duration, now: Instant) -> Duration {
        let quiet = now - countedUntil
        if quiet > .zero, base > .zero { count = max(0, count - Int(clamping: quiet.nanoseconds / max(1, base.nanoseconds))) }
        count += 1
        let pause = min(base * count, max(longest, base))
        // More than `longest` holds needs no counting.
        if base * (count - 1) >= max(longest, base) { count -= 1 }
        countedUntil = now + pause
        return pause
    }
}
