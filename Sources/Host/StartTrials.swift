import Timing

/// Finds out, while an instance starts, that one of its roles never will: it ends by itself again and again before it has shown that it works.
///
/// A role that has worked once is never given up, nor is one that came up too late to have been there at the start: those are tried again for ever.
struct StartTrials {
    private let begun: Instant
    private var startedAt: Instant?
    private(set) var failureCount = 0
    private var hasWorked = false

    /// Waits between attempts double from 20 ms on, so that so many are made in less than a second.
    static let attemptLimit = 6
    /// After this time two failures are enough: a role may take long to find out that it cannot start.
    static let patience: Duration = .seconds(15)
    /// What fails later than this is no start that failed.
    static let startLimit: Duration = .seconds(60)
    /// Longer than a role's first sign of life, shorter than the second.
    static let provenAfter: Duration = .seconds(1)

    init(now: Instant) { begun = now }

    /// Its process runs.
    mutating func started(now: Instant) { startedAt = now }

    /// It said something.
    mutating func heard(now: Instant) {
        if let startedAt, now - startedAt >= Self.provenAfter { hasWorked = true }
    }

    /// Its process ended, or could not be made.
    ///
    /// - Parameter wasKilled: by somebody else; that says nothing about the role.
    mutating func ended(wasKilled: Bool) {
        if !wasKilled { failureCount += 1 }
        startedAt = nil
    }

    /// Whether the start of the instance is over with this role.
    func isHopeless(now: Instant) -> Bool {
        guard !hasWorked, now - begun < Self.startLimit else { return false }
        return failureCount >= Self.attemptLimit || failureCount >= 2 && now - begun >= Self.patience
    }
}
