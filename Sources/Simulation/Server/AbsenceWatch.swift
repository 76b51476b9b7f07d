import Supervision
import Timing

/// Which agents `up` misses, as its real machines say, and who is told: the controllers, and every proxy.
final class AbsenceWatch {
    private static let delay: Duration = .microseconds(200)

    private unowned let world: World
    /// The `up` that watches.
    private var up: Life
    private var presences: [String: AgentPresence] = [:]
    /// The names of the absences, by node.
    private(set) var absent: [String: String] = [:]

    init(world: World, up: Life) {
        self.world = world
        self.up = up
    }

    /// Another `up` begins: it knows who is to stay down, and finds who runs.
    func begin(_ up: Life, down: [String], running: [String]) {
        self.up = up
        presences = [:]
        for node in down {
            presences[node] = AgentPresence(downSince: world.now)
            planTick(node)
        }
        for node in running { presences[node, default: AgentPresence()].handle(.came, now: world.now) }
        compare()
    }

    func handle(_ event: AgentPresence.Event, of node: String) {
        world.later(for: up) { [self] in
            presences[node, default: AgentPresence()].handle(event, now: world.now)
            planTick(node)
            compare()
        }
    }

    private func planTick(_ node: String) {
        guard let at = presences[node]?.lookAgain else { return }
        world.schedule(at: at, for: up) { [self] in
            presences[node]?.handle(.tick, now: world.now)
            compare()
        }
    }

    private func compare() {
        let now = presences.compactMapValues(\.absence)
        guard now != absent else { return }
        absent = now
        tell()
    }

    /// Everybody hears all of it, whenever it changes and whenever somebody begins.
    func tell() {
        world.schedule(after: Self.delay, for: up) { [self] in
            world.host.server?.plane.absent(absent)
            for proxy in world.host.proxies.sorted(by: { $0.key < $1.key }) { proxy.value.inquirer.absent(absent) }
        }
    }
}
