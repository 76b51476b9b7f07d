import Timing

/// Whether a node's agent is there, as `steady up` sees it: away from the end of its process until its next one says hello, and absent once that has
/// lasted for `patience`.
///
/// An agent that crashed is back within milliseconds, so only an absence is told to others. It is one of the two witnesses of a node's loss: the
/// proxies, which find whether anybody still answers there, are the other.
package struct AgentPresence: Sendable {
    /// Where an agent is; all that a state knows is in its case.
    package enum State: Hashable, Sendable {
        /// Not seen yet: one that never came cannot be missed, and an instance that starts on a busy machine must not give up its nodes.
        case unseen
        case present
        /// To be missed at `until`.
        case away(since: Instant, until: Instant)
        case absent(since: Instant)
    }

    /// What is seen of an agent.
    package enum Event: Hashable, Sendable {
        /// Its process said hello, or was found running.
        case came
        case went
        /// Time has passed.
        case tick
    }

    package private(set) var state: State

    /// How long an agent may be away: ten times what `up` needs to bring it back.
    package static let patience: Duration = .milliseconds(500)
    /// A tick that comes later than this was held up (a stopped `up`), and so may be the hello of an agent that is long back.
    package static let lateness: Duration = .milliseconds(100)

    /// - Parameter downSince: since when the agent is known to be down and to stay so; nil: nothing is known of it yet.
    package init(downSince: Instant? = nil) {
        state = downSince.map { .away(since: $0, until: $0 + Self.patience) } ?? .unseen
    }

    /// The name of the absence, nil while there is none: no two of a node have the same while the machine runs, so what was found out during one is
    /// never taken for news of another.
    package var absence: String? {
        guard case .absent(let since) = state else { return nil }
        return "\(since.nanoseconds)"
    }

    /// When to send `tick` next; nil when only other events matter.
    package var lookAgain: Instant? {
        guard case .away(_, let until) = state else { return nil }
        return until
    }

    /// Takes an event in.
    package mutating func handle(_ event: Event, now: Instant) {
        switch (state, event) {
        case (.unseen, .came), (.present, .came), (.away, .came), (.absent, .came): state = .present
        case (.present, .went): state = .away(since: now, until: now + Self.patience)
        case (.away(let since, let until), .tick):
            guard now >= until else { return }
            state = now - until > Self.lateness ? .away(since: since, until: now + Self.patience) : .absent(since: since)
        // One more that died before it said hello brings nobody back.
        case (.unseen, .went), (.away, .went), (.absent, .went): break
        case (.unseen, .tick), (.present, .tick), (.absent, .tick): break
        }
    }
}
