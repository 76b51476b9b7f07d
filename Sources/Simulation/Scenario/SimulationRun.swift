import Resources
import Timing
import Traffic

/// One seed of one scenario: start, faults and actions, calm, rest, and then planned actions that may lose nothing.
package final class SimulationRun {
    /// What one run came to.
    package struct Outcome: Sendable {
        package var seed: UInt64
        package var violation: Violation?
        package var digest: UInt64
        package var eventCount: Int
        package var stepCount: Int
        package var marks: Set<Mark>
        /// How much virtual time passed.
        package var duration: Duration
        package var tally: Tally
        /// From the end of the faults until everything was as wanted; nil when it never was.
        package var recoveryTime: Duration?
        /// The fewest ready replicas that any Deployment had during faults and actions, after its start.
        package var leastReady: Int?
        package var history: History
        /// What runs it again and shows all of it; nil for scenarios that are nobody's but the caller's.
        package var replay: String?
    }

    /// How long a start may take, and how long coming to rest may: the longest back-off and half as much again.
    package static let startLimit: Duration = .seconds(120)
    package static let restLimit: Duration = .seconds(600)
    private static let lookPeriod: Duration = .milliseconds(500)

    package let world: World
    private let people: People
    private lazy var chaos = Chaos(world: world, people: people)
    private var leastReady: Int?
    private var recoveryTime: Duration?

    package init(_ scenario: Scenario, seed: UInt64) {
        world = World(scenario, seed: seed)
        people = People(world: world)
    }

    /// Lets it happen, from the first start to the last check.
    package func run() -> Outcome {
        defer { world.close() }
        world.twist = { [unowned self] program, isBroken in chaos.twist(program, isBroken: isBroken) }
        world.host.start()
        world.schedule(after: .milliseconds(100), for: nil) { [self] in people.apply(world.scenario.objects) }
        guard rest(within: Self.startLimit, "everything starts") else { return outcome }
        world.clients.start(to: world.backends)
        if chaos.isHarmless { world.observe(.settled) }
        chaos.start()
        let end = world.now + world.scenario.chaosTime
        while world.violation == nil, world.now < end {
            world.run(until: min(end, world.now + Self.lookPeriod))
            noteReady()
        }
        let lostZone =
            world.scenario.leavesZone && world.scenario.zones.count > 1 && world.chance(0.25) ? world.pick(world.scenario.zones) : nil
        chaos.stop(leaving: lostZone)
        let calmSince = world.now
        world.run(until: world.now + .seconds(1))
        guard rest(within: Self.restLimit, "everything comes to rest when faults are over") else { return outcome }
        recoveryTime = world.now - calmSince - Rest.quietTime
        checkCaches()
        planned()
        return outcome
    }

    /// Planned actions in a world without faults, under load: nothing may be lost.
    private func planned() {
        guard world.violation == nil, let deployment = people.deployments.first else { return }
        // What was lost on the way here is over.
        world.run(until: world.now + .seconds(2))
        guard forgiven() else { return }
        world.observe(.settled)
        let steps: [() -> Void] = [
            { [self] in people.roll(deployment) }, { [self] in people.scale(deployment, to: deployment.replicas + 2) },
            { [self] in people.scale(deployment, to: deployment.replicas) },
            { [self] in people.drain(world.host.nodes.first { !world.host.givenUp.contains($0) } ?? "", evicting: true) },
            { [self] in people.uncordon() },
            { [self] in
                people.upgrade()
                people.roll(deployment)
            },
        ]
        for step in steps {
            guard world.violation == nil else { return }
            step()
            world.run(until: world.now + .milliseconds(500))
            guard rest(within: Self.restLimit, "a planned action comes to its end") else { return }
        }
        checkCaches()
    }

    /// What proxies hold against endpoints comes to its end by itself, with traffic.
    private func forgiven() -> Bool {
        let end = world.now + Self.restLimit
        while world.violation == nil {
            guard let harm = world.host.proxies.sorted(by: { $0.key < $1.key }).lazy.compactMap({ $0.value.lastingHarm() }).first else {
                return true
            }
            if world.now >= end { world.violate("policies let go when nothing fails", harm) }
            world.run(until: world.now + Self.lookPeriod)
        }
        return false
    }

    private func rest(within limit: Duration, _ promise: String) -> Bool {
        let end = world.now + limit
        while world.violation == nil {
            guard let problem = Rest.problem(in: world) else { return true }
            if world.now >= end {
                world.violate(promise, "not within \(limit.inSeconds) s: \(problem)")
                return false
            }
            world.run(until: world.now + Self.lookPeriod)
        }
        return false
    }

    private func checkCaches() {
        guard world.violation == nil else { return }
        // A client that was cut off finds out by its own limit.
        world.run(until: world.now + Network.timeout + .seconds(2))
        if Rest.problem(in: world) == nil, let stale = Rest.staleCache(in: world) { world.violate("watches have no gaps", stale) }
    }

    private func noteReady() {
        guard let plane = world.host.server?.plane else { return }
        for deployment in plane.deployments.values {
            leastReady = min(leastReady ?? .max, deployment.status.ready)
        }
    }

    private var outcome: Outcome {
        Outcome(
            seed: world.seed, violation: world.violation, digest: world.history.digest, eventCount: world.history.eventCount,
            stepCount: world.stepCount, marks: world.marks, duration: world.now - .zero, tally: world.tally, recoveryTime: recoveryTime,
            leastReady: leastReady, history: world.history, replay: Replay.command(world.scenario, seed: world.seed))
    }
}
