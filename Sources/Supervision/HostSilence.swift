import Timing

/// Whether `steady up` hangs, as one role judges it: asked again and again it has said nothing for `limit`, while the role itself ran on time.
///
/// A role that was stopped or starved, or that ran on a machine which slept, knows nothing of that time: `up` gets a whole limit then. An `up` that
/// answers no beats, as one of an older version, is never judged; nor is one that has not welcomed the role yet.
package struct HostSilence: Hashable, Sendable {
    /// As long as `up` bears with a role; see `RoleMachine.silenceLimit`.
    package static let limit: Duration = RoleMachine.silenceLimit
    /// What comes later than it should by this was held up by something that may have held up the answers, too.
    package static let lateness: Duration = .seconds(1)

    private let period: Duration
    private var askedAt: Instant
    /// The last sign of life; nil while there is nobody to be judged.
    private var heardAt: Instant?

    /// - Parameter period: from one question to the next.
    package init(period: Duration, now: Instant) {
        self.period = period
        askedAt = now
    }

    /// There is an `up`, also one that has become another program. `answersBeats` is what it says of itself.
    package mutating func welcomed(answersBeats: Bool, now: Instant) { heardAt = answersBeats ? now : nil }

    /// It said something, whatever it is.
    package mutating func heard(now: Instant) {
        if heardAt != nil { heardAt = now }
    }

    /// It is gone, and other rules hold until the next one's welcome.
    package mutating func lost() { heardAt = nil }

    /// It is asked for a sign of life, as every `period`. True: it hangs, and is to be killed. Then it has a whole limit to be gone.
    package mutating func asked(now: Instant) -> Bool {
        let isLate = now - askedAt > period + Self.lateness
        askedAt = now
        guard let last = heardAt else { return false }
        if isLate { heardAt = now }
        guard !isLate, now - last >= Self.limit else { return false }
        heardAt = now
        return true
    }
}
