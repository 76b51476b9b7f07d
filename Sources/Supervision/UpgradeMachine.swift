import Timing

/// The roles of an instance on their way to the program that `steady up` runs by now: which one moves next, and when one is given up.
///
/// They move one after the other, in the order in which they are given: the next one BEFORE nobody waits for this one any more. On the way forward
/// a role that is not healthy in time ends the upgrade; on the way back there is nothing to go back to, so it is left to those who bring back what dies.
package struct UpgradeMachine: Sendable {
    /// Where the roles go.
    package enum Direction: Hashable, Sendable { case forward, back }

    /// One role as it is just now.
    package struct Role: Hashable, Sendable {
        package var name: String
        /// It says that it runs the program of `up`.
        package var hasMoved: Bool
        /// It has a line to `up`.
        package var isConnected: Bool
        /// It does its work.
        package var isReady: Bool
        /// It is down because somebody wanted that, and comes back with the right program by itself.
        package var isExcused: Bool
        /// How often it has died.
        package var deathCount: Int

        package init(
            _ name: String, hasMoved: Bool, isConnected: Bool, isReady: Bool, isExcused: Bool = false, deathCount: Int = 0
        ) {
            self.name = name
            self.hasMoved = hasMoved
            self.isConnected = isConnected
            self.isReady = isReady
            self.isExcused = isExcused
            self.deathCount = deathCount
        }

        var isHealthy: Bool { isExcused || hasMoved && isConnected && isReady }
    }

    /// How far the upgrade is; all that a state knows is in its case.
    package enum State: Hashable, Sendable {
        /// `up` itself has just moved: the roles come back to it until then.
        case gathering(until: Instant)
        /// One role was told to move; it was last connected then, and had died so often when it was told.
        case moving(String, since: Instant, connectedAt: Instant, deathCount: Int)
        /// All have moved; they have to stay healthy for a while.
        case settling(since: Instant, until: Instant)
        case over
    }

    /// What is to be done.
    package enum Action: Hashable, Sendable {
        /// Have the role run the program of `up`; by force where it cannot be asked.
        case move(String, byForce: Bool)
        /// It was waited for, and is healthy now.
        case arrived(String, after: Duration)
        /// It was waited for in vain on the way back.
        case leave(String)
        case succeed
        /// This role was not healthy in time.
        case fail(String)
    }

    /// A role that is not healthy within this time has failed.
    package static let limit: Duration = .seconds(10)
    /// One that has no line to `up` for so long has failed already: a node whose agent is away for 10 s is taken for lost, and by then everything
    /// must have gone back.
    package static let silenceLimit: Duration = .seconds(5)
    /// One that has died so often since it was told to move has failed already.
    package static let deathLimit = 3
    /// How long the others have on the way back to come; those that have not are killed.
    package static let gatheringLimitBack: Duration = .seconds(1)
    /// All roles must be healthy for so long at the end: longer than what fails at its first task takes to die.
    package static let settlingTime: Duration = .seconds(1)

    package private(set) var state: State
    private let direction: Direction
    private var left: Set<String> = []

    package init(_ direction: Direction, now: Instant) {
        self.direction = direction
        state = .gathering(until: now + (direction == .forward ? Self.silenceLimit : Self.gatheringLimitBack))
    }

    /// When to look again if nothing happens before.
    package var lookAgain: Instant? {
        switch state {
        case .gathering(let until): until
        case .moving(_, let since, let connectedAt, _):
            direction == .back ? since + Self.limit : min(since + Self.limit, connectedAt + Self.silenceLimit)
        case .settling(let since, let until): min(since + Self.settlingTime, until)
        case .over: nil
        }
    }

    /// What to do about the roles as they are; call it whenever one of them changes, and when time has passed.
    package mutating func look(_ roles: [Role], now: Instant) -> [Action] {
        let roles = roles.filter { !left.contains($0.name) }
        switch state {
        case .gathering(let until):
            if let missing = roles.first(where: { !$0.isExcused && !$0.isConnected }), now < until || direction == .forward {
                return now < until ? [] : fail(missing.name)
            }
            return goOn(roles, now)
        case .moving(let name, let since, var connectedAt, let deathCount):
            guard let role = roles.first(where: { $0.name == name }), !role.isHealthy else {
                return [.arrived(name, after: now - since)] + goOn(roles, now)
            }
            if role.isConnected { connectedAt = now }
            state = .moving(name, since: since, connectedAt: connectedAt, deathCount: deathCount)
            let isLost = now - connectedAt >= Self.silenceLimit || role.deathCount - deathCount >= Self.deathLimit
            if now - since < Self.limit, !isLost || direction == .back { return [] }
            guard direction == .back else { return fail(name) }
            left.insert(name)
            return [.leave(name)] + goOn(roles.filter { $0.name != name }, now)
        case .settling(let since, let until):
            if let ill = roles.first(where: { !$0.isHealthy }) {
                state = .settling(since: now, until: until)
                if now < until { return [] }
                guard direction == .back else { return fail(ill.name) }
                left.insert(ill.name)
                return [.leave(ill.name)]
            }
            guard now - since >= Self.settlingTime else { return [] }
            state = .over
            return [.succeed]
        case .over: return []
        }
    }

    private mutating func goOn(_ roles: [Role], _ now: Instant) -> [Action] {
        guard let next = roles.first(where: { !$0.isHealthy }) else {
            state = .settling(since: now, until: now + Self.limit)
            return []
        }
        state = .moving(next.name, since: now, connectedAt: now, deathCount: next.deathCount)
        return next.hasMoved ? [] : [.move(next.name, byForce: !next.isConnected)]
    }

    private mutating func fail(_ name: String) -> [Action] {
        state = .over
        return [.fail(name)]
    }
}
