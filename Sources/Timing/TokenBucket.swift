/// Lets through so many in a time, with bursts of as many: a bucket of tokens that fills evenly.
package struct TokenBucket: Sendable, Equatable {
    package let capacity: Int
    private let period: Duration
    private var tokens: Double
    private var filled: Instant

    /// Full: `capacity` may come at once, and as many again in each `period`.
    package init(capacity: Int, per period: Duration, now: Instant) {
        self.capacity = capacity
        self.period = period
        tokens = Double(capacity)
        filled = now
    }

    /// Whole tokens that are left.
    package mutating func remaining(now: Instant) -> Int {
        fill(now)
        return Int(tokens)
    }

    /// Takes one token; false when there is none.
    package mutating func take(now: Instant) -> Bool {
        fill(now)
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }

    /// How long until there is a token; zero when there is one.
    package mutating func wait(now: Instant) -> Duration {
        fill(now)
        return tokens >= 1 ? .zero : period * ((1 - tokens) / Double(capacity))
    }

    /// Whether nobody has taken anything for so long that it can be forgotten.
    package mutating func isFull(now: Instant) -> Bool {
        fill(now)
        return tokens >= Double(capacity)
    }

    private mutating func fill(_ now: Instant) {
        guard now > filled else { return }
        // The share first: long rests do not overflow.
        tokens = min(Double(capacity), tokens + Double(capacity) * ((now - filled) / period))
        filled = now
    }
}
