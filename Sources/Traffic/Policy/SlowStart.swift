import Timing

/// How much of its share an endpoint gets while it warms up.
enum SlowStart {
    /// At first, as in Envoy: with nothing it would never warm up.
    static let least = 0.1

    /// From `least` to 1 in a straight line over the window.
    static func factor(readySince: Instant, window: Duration, now: Instant) -> Double {
        let age = (now - readySince).inSeconds
        let whole = window.inSeconds
        return age >= whole ? 1 : max(least, age / whole)
    }
}
