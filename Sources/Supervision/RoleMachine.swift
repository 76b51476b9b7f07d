import Resources
import Timing

/// One role of the instance (server, agent, proxy) as `steady up` sees it: when to start it, when to give it up, when to leave it alone.
///
/// A role that dies is started again at once; one that dies again and again waits longer each time. One whose heartbeat stops is killed: SIGKILL
/// also ends a stopped process, so a paused role is never doubled.
package struct RoleMachine: Sendable {
    /// Where a role is; all that a state knows is in its case.
    package enum State: Hashable, Sendable {
        /// To be started at this time.
        case waiting(Instant)
        /// It runs; `heardAt` is its last sign of life.
        case running(startedAt: Instant, heardAt: Instant)
        /// It was sent SIGKILL and has not ended yet.
        case ending(startedAt: Instant)
        /// It was asked to end, so that another process takes its place at once.
        case replacing(startedAt: Instant, until: Instant)
        /// Failed on purpose (`steady node fail`): it stays down until it is recovered.
        case failed
        /// Everything stops: it is not started again.
        case stopped
    }

    /// What happens to a role.
    package enum Event: Hashable, Sendable {
        /// Its process runs: started now, or found running by a new `up`.
        case started
        case startFailed
        case heard
        case exited
        /// Another process is to take its place.
        case replace
        case fail
        case recover
        case stop
        /// Time has passed.
        case tick
    }

    /// What is to be done about it.
    package enum Action: Hashable, Sendable {
        case start
        /// Ask it to end.
        case end
        case kill
    }

    package private(set) var state: State

    /// Its end would be nobody's surprise.
    package var isExpectedToEnd: Bool {
        switch state {
        case .failed, .stopped, .ending, .replacing: true
        case .waiting, .running: false
        }
    }
    /// How often it was started again after a death.
    package private(set) var restartCount = 0
    private var delay: Duration = .zero
    private let silenceLimit: Duration

    /// A role that beats every 2 seconds and was silent this long is dead or stopped.
    package static let silenceLimit: Duration = .seconds(10)
    /// An agent's: the next one must have the node's lease (10 seconds, renewed every 2) before it runs out, or the node counts as lost and its pods
    /// are replaced.
    package static let agentSilenceLimit: Duration = .seconds(6)
    /// A tick that comes later than this was held up by something that may have held up the role, too, or what it said.
    package static let lateness: Duration = .seconds(1)

    /// How long this role may be silent.
    package static func silenceLimit(of role: String) -> Duration { RoleName.isAgent(role) ? agentSilenceLimit : silenceLimit }
    /// A run this long proves that the role works: the next death is answered at once again.
    package static let provenAfter: Duration = .seconds(10)
    /// One that is asked to end has this long: a server closes its journal in much less.
    package static let endingLimit: Duration = .seconds(5)
    /// The first wait after a second early death; doubled up to `longestDelay`.
    package static let firstDelay: Duration = .milliseconds(20)
    package static let longestDelay: Duration = .seconds(5)

    package init(now: Instant, silenceLimit: Duration = Self.silenceLimit) {
        state = .waiting(now)
        self.silenceLimit = silenceLimit
    }

    /// When to send `tick` next; nil when only other events matter.
    package var lookAgain: Instant? {
        switch state {
        case .waiting(let at): at
        case .running(_, let heardAt): heardAt + silenceLimit
        case .replacing(_, let until): until
        case .ending, .failed, .stopped: nil
        }
    }

    /// What to do about an event.
    package mutating func handle(_ event: Event, now: Instant) -> [Action] {
        switch (state, event) {
        case (.waiting(let at), .tick) where now >= at: return [.start]
        case (.waiting, .tick): return []
        case (.waiting, .started): state = .running(startedAt: now, heardAt: now)
        case (.waiting, .startFailed): wait(now)
        case (.waiting, .fail): state = .failed
        case (.waiting, .stop): state = .stopped
        // Late news of an earlier process.
        case (.waiting, .heard), (.waiting, .exited), (.waiting, .recover), (.waiting, .replace): break

        case (.running(let startedAt, _), .heard): state = .running(startedAt: startedAt, heardAt: now)
        case (.running(let startedAt, let heardAt), .tick):
            guard now - heardAt >= silenceLimit else { return [] }
            // `up` itself was stopped: everybody gets a whole limit.
            guard now - heardAt < silenceLimit + Self.lateness else {
                state = .running(startedAt: startedAt, heardAt: now)
                return []
            }
            state = .ending(startedAt: startedAt)
            return [.kill]
        case (.running(let startedAt, _), .exited), (.ending(let startedAt), .exited):
            restartCount += 1
            if now - startedAt >= Self.provenAfter { delay = .zero }
            wait(now)
        case (.running(let startedAt, _), .replace):
            state = .replacing(startedAt: startedAt, until: now + Self.endingLimit)
            return [.end]
        case (.replacing, .exited):
            delay = .zero
            state = .waiting(now)
        case (.replacing(let startedAt, let until), .tick):
            guard now >= until else { return [] }
            state = .ending(startedAt: startedAt)
            return [.kill]
        case (.replacing, .started), (.replacing, .startFailed), (.replacing, .heard), (.replacing, .replace), (.replacing, .recover): break
        case (.running, .fail), (.ending, .fail), (.replacing, .fail):
            state = .failed
            return [.kill]
        case (.running, .stop), (.ending, .stop), (.replacing, .stop): state = .stopped
        case (.running, .started), (.running, .recover), (.running, .startFailed): break
        case (.ending, .started), (.ending, .recover), (.ending, .startFailed), (.ending, .heard), (.ending, .tick),
            (.ending, .replace):
            break

        case (.failed, .recover):
            delay = .zero
            state = .waiting(now)
            return [.start]
        case (.failed, .stop): state = .stopped
        // One that waited for the place of the one before, or that an `up` which was killed at the wrong moment has left.
        case (.failed, .started), (.failed, .heard): return [.kill]
        case (.failed, .startFailed), (.failed, .exited), (.failed, .fail), (.failed, .tick), (.failed, .replace): break

        case (.stopped, _): break
        }
        return []
    }

    private mutating func wait(_ now: Instant) {
        state = .waiting(now + delay)
        delay = delay == .zero ? Self.firstDelay : min(delay * 2, Self.longestDelay)
    }
}
