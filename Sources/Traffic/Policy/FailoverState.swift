import Timing

/// Whether a backend's requests are answered by its policy's fallback, as it is told to people: each change once, and not more often than they read.
struct FailoverState: Sendable {
    /// Between two changes that are told; what comes sooner is told when it lasts.
    static let quiet = Duration.seconds(10)

    private(set) var isAway = false
    private var quietUntil = Instant.zero

    /// Takes note of who answered a request; true when that is news.
    mutating func note(isAway: Bool, now: Instant) -> Bool {
        guard isAway != self.isAway, now >= quietUntil else { return false }
        self.isAway = isAway
        quietUntil = now + Self.quiet
        return true
    }
}
