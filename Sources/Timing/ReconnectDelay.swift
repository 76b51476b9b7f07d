/// How long to wait before what failed is tried again, for a lost watch 20 ms: doubled up to 1 s, each shortened by up to half at random, so that the
/// watchers of a server that comes back do not come all at once.
package struct ReconnectDelay: Sendable {
    private var failureCount = 0
    private let first: Duration
    private let longest: Duration

    package static let first = Duration.milliseconds(20)
    package static let longest = Duration.seconds(1)

    /// With other bounds for what costs more than a watch; `longest` is at most 64 times `first`.
    package init(first: Duration = Self.first, longest: Duration = Self.longest) {
        self.first = first
        self.longest = longest
    }

    /// It worked.
    package mutating func reset() { failureCount = 0 }

    /// How long to wait before the next attempt.
    package mutating func next(using random: inout some RandomNumberGenerator) -> Duration {
        // Six doublings pass the limit.
        let full = min(first * (1 << min(failureCount, 6)), longest)
        failureCount += 1
        return full * Double.random(in: 0.5...1, using: &random)
    }
}
