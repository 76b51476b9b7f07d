import Timing

/// Whether `steady up` hangs, as one role judges it: asked again and again it has said nothing for `limit`, while the role itself ran on time. Where a
/// role is dead or stopped, which only `up` can mend, `missedLimit` is enough.
///
/// A role that was stopped or starved, or that ran on a machine which slept, knows nothing of that time: `up` gets a whole limit then. An `up` that
/// answers no beats, as one of an older version, is never judged; nor is one that has not welcomed the role yet.
package struct HostSilence: Hashable, Sendable {
    /// As long as `up` bears with a role; see `RoleMachine.silenceLimit`.
    package static let limit: Duration = RoleMachine.silenceLimit
    /// What comes later than it should by this was held up by something that may have held up the answers, too.
    package static let lateness: Duration = .seconds(1)

    /// From a question to when it is too late for its answer, while somebody is missed: an `up` that works brings a role back in a tenth of it, unless
    /// that one dies again and again.
    package static let missedLimit: Duration = .seconds(1)
    /// From one look at who is missed to the next, for as long as a question waits for its answer.
    package static let lookPeriod: Duration = .milliseconds(250)
    /// Of a look, which judges sooner; see `lateness`.
    package static let lookLateness: Duration = .milliseconds(250)

    /// An `up` that waits for the disk is borne with for this long. SIGKILL would not end it before the disk is back, and then it would die instead of
    /// going on, in the midst of an upgrade for instance. Not for ever: one that writes without end is seen waiting as well.
    package static let diskLimit: Duration = .seconds(60)

    private let period: Duration
    private var askedAt: Instant
    /// The last sign of life, or what counts as one; nil while there is nobody to be judged.
    private var heardAt: Instant?
    /// The last time that it said something, or that this role knows nothing of what it said.
    private var spokeAt: Instant
    /// The first question since then.
    private var unansweredSince: Instant?

    /// When to look next who is missed; nil while no question waits for its answer.
    package private(set) var lookAgain: Instant?

    /// - Parameter period: from one question to the next.
    package init(period: Duration, now: Instant) {
        self.period = period
        askedAt = now
        spokeAt = now
    }

    /// There is an `up`, also one that has become another program. `answersBeats` is what it says of itself.
    package mutating func welcomed(answersBeats: Bool, now: Instant) {
        heardAt = now
        heard(now: now)
        if !answersBeats { heardAt = nil }
    }

    /// It said something, whatever it is.
    package mutating func heard(now: Instant) {
        guard heardAt != nil else { return }
        (heardAt, spokeAt) = (now, now)
        (unansweredSince, lookAgain) = (nil, nil)
    }

    /// It is gone, and other rules hold until the next one's welcome.
    package mutating func lost() { (heardAt, unansweredSince, lookAgain) = (nil, nil, nil) }

    /// It is asked for a sign of life, as every `period`. True: it hangs, and is to be killed. Then it has a whole limit to be gone.
    ///
    /// - Parameter waitsForDisk: whether it does just now; only asked when an answer is missing.
    package mutating func asked(now: Instant, waitsForDisk: () -> Bool = { false }) -> Bool {
        let isLate = now - askedAt > period + Self.lateness
        askedAt = now
        guard heardAt != nil else { return false }
        if isLate { heard(now: now) }
        if unansweredSince != nil { bear(now: now, waitsForDisk) }
        if let last = heardAt, now - last >= Self.limit { return kill(now: now) }
        if unansweredSince == nil { (unansweredSince, lookAgain) = (now, now + Self.missedLimit) }
        return false
    }

    /// It is `lookAgain`. True: it hangs, and is to be killed.
    ///
    /// - Parameter isMissed: whether a role is dead or stopped.
    package mutating func looked(now: Instant, waitsForDisk: () -> Bool = { false }, isMissed: () -> Bool) -> Bool {
        guard let due = lookAgain, let since = unansweredSince, now >= due else { return false }
        lookAgain = now + Self.lookPeriod
        guard now - due <= Self.lookLateness else {
            (unansweredSince, lookAgain) = (now, now + Self.missedLimit)
            return false
        }
        guard now - since >= Self.missedLimit, isMissed() else { return false }
        bear(now: now, waitsForDisk)
        return unansweredSince == since && kill(now: now)
    }

    /// One that waits for the disk is as good as heard.
    private mutating func bear(now: Instant, _ waitsForDisk: () -> Bool) {
        guard now - spokeAt < Self.diskLimit, waitsForDisk() else { return }
        (heardAt, unansweredSince, lookAgain) = (now, now, now + Self.missedLimit)
    }

    private mutating func kill(now: Instant) -> Bool {
        (heardAt, unansweredSince, lookAgain) = (now, now, now + Self.limit)
        return true
    }
}
