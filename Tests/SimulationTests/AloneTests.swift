import Resources
import Testing
import Timing

@testable import Simulation

/// Every replica fails, and no server is there for good: each agent decides by itself.
@Suite struct AloneTests {
    /// How every process of the world begins to fail, and fails again some time after each restart.
    enum Ailment: Sendable, CaseIterable {
        /// It answers nobody.
        case hangs
        /// It serves, and its liveness probe says no.
        case refuses

        /// How far apart two instances on a node are restarted at least.
        var spacing: Duration { self == .hangs ? .seconds(1) : RestartTrial.length }
    }

    /// Lets every process fail that there is from a moment on, and notes which pod was restarted when by its agent's own decision.
    private final class CommonCause: Check {
        let name = "one instance at a time without a server"
        struct Restart { var at: Instant, pod: SimulatedPod }
        private(set) var restarts: [String: [Restart]] = [:]
        private let ailment: Ailment
        /// How long a restart helps.
        private let relief: Duration
        private var isStruck = false

        init(_ ailment: Ailment, relief: Duration) {
            self.ailment = ailment
            self.relief = relief
        }

        func strike(_ world: World) {
            isStruck = true
            for process in world.host.processes { befall(process) }
        }

        private func befall(_ process: SimulatedProcess) { if ailment == .hangs { process.hang() } else { process.isSick = true } }

        func observe(_ observation: Observation, in world: World) {
            switch observation {
            case .started(let process) where isStruck:
                world.schedule(after: relief, for: process.life) { [self] in befall(process) }
            case .restartDecided(let pod, isServing: true): decided(pod, world)
            default: break
            }
        }

        private func decided(_ pod: SimulatedPod, _ world: World) {
            let node = pod.agent.machine.node
            for other in restarts[node] ?? [] where other.pod.uid != pod.uid {
                if !other.pod.machine.containers.allSatisfy(\.isReady) {
                    world.violate(name, "\(pod.key.name) is restarted while \(other.pod.key.name) of the same node is not ready")
                }
                if world.now - other.at < ailment.spacing {
                    world.violate(name, "\(pod.key.name) is restarted \((world.now - other.at).inSeconds) s after \(other.pod.key.name)")
                }
            }
            restarts[node, default: []].append(Restart(at: world.now, pod: pod))
        }
    }

    /// Three zones with two replicas in each, without a server from a moment on, all of which fail from another one on; five minutes of that.
    private func runAlone(_ ailment: Ailment, relief: Duration, seed: UInt64) throws -> (cause: CommonCause, violation: Violation?) {
        var objects = Samples.web(replicas: 6, livenessPeriod: 1)
        if ailment == .hangs {
            // Nothing else asks it: it stays Ready.
            var container = objects[0]["spec"]["template"]["spec"]["containers"].elements[0]
            container["readinessProbe"] = .null
            objects[0]["spec"]["template"]["spec"]["containers"] = [container]
        }
        let world = World(Scenario("alone", objects: objects), seed: seed)
        defer { world.close() }
        let people = People(world: world)
        let cause = CommonCause(ailment, relief: relief)
        world.watch(cause)
        world.host.start()
        world.schedule(after: .milliseconds(100), for: nil) { people.apply(world.scenario.objects) }
        while Rest.problem(in: world) != nil, world.now - .zero < SimulationRun.startLimit { world.run(until: world.now + .seconds(1)) }
        try #require(Rest.problem(in: world) == nil)
        try #require(world.host.nodes.allSatisfy { world.host.machines[$0]?.processes.count == 2 })
        world.host.handle("server", .fail)
        world.run(until: world.now + .seconds(5))
        cause.strike(world)
        world.run(until: world.now + .seconds(300))
        #expect(world.host.server == nil)
        return (cause, world.violation)
    }

    @Test(arguments: Ailment.allCases, 1...2 as ClosedRange<UInt64>)
    func `Without a server an instance that is not helped stays the only one of its node`(ailment: Ailment, seed: UInt64) throws {
        let (cause, violation) = try runAlone(ailment, relief: .seconds(2), seed: seed)
        #expect(violation == nil)
        #expect(cause.restarts.count == 3)
        for (node, restarts) in cause.restarts {
            let pods = restarts.map(\.pod.uid)
            // From the first one that fails again on.
            let again = try #require(pods.indices.first { pods[..<$0].contains(pods[$0]) }, "\(node)")
            #expect(Set(pods[again...]).count == 1, "\(node): \(restarts.map { ($0.at, $0.pod.key.name) })")
            // Where it takes a minute until another one may be restarted, none is.
            #expect(ailment == .hangs || Set(pods).count == 1)
        }
    }

    @Test(arguments: Ailment.allCases, 1...2 as ClosedRange<UInt64>)
    func `Without a server every instance has its turn where restarts help`(ailment: Ailment, seed: UInt64) throws {
        let (cause, violation) = try runAlone(ailment, relief: .seconds(70), seed: seed)
        #expect(violation == nil)
        #expect(cause.restarts.count == 3)
        for (node, restarts) in cause.restarts {
            #expect(Set(restarts.map(\.pod.uid)).count == 2, "\(node): \(restarts.map { ($0.at, $0.pod.key.name) })")
        }
    }
}
