import Timing

/// What clients saw, in numbers.
package struct Tally: Sendable {
    package internal(set) var sentCount = 0
    package private(set) var servedCount = 0
    /// Lost requests by reason.
    package private(set) var lostCounts: [String: Int] = [:]
    package private(set) var firstLoss: Instant?
    package private(set) var lastLoss: Instant?
    package private(set) var slowest = Duration.zero

    package var lostCount: Int { lostCounts.values.reduce(0, +) }

    mutating func served(after duration: Duration) {
        servedCount += 1
        slowest = max(slowest, duration)
    }

    mutating func lost(_ why: String, at: Instant) {
        lostCounts[why, default: 0] += 1
        firstLoss = firstLoss ?? at
        lastLoss = at
    }
}
