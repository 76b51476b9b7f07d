import Resources
import Testing
import Timing

@testable import Simulation

/// Programs end while their agent cannot see it; the next agent asks `up`.
@Suite struct UnseenExitTests {
    @Test(arguments: [true, false], 1...2 as ClosedRange<UInt64>)
    func `How a program ended that no agent saw is learnt from up`(isStopped: Bool, seed: UInt64) throws {
        let world = World(Scenario("unseen", objects: Samples.web()), seed: seed)
        defer { world.close() }
        let people = People(world: world)
        world.host.start()
        world.schedule(after: .milliseconds(100), for: nil) { people.apply(world.scenario.objects) }
        func comeToRest() {
            while Rest.problem(in: world) != nil, world.now - .zero < SimulationRun.startLimit { world.run(until: world.now + .seconds(1)) }
        }
        comeToRest()
        let process = try #require(world.host.machines["a1"]?.processes.values.first)
        // Stopped, it is killed for its silence before it goes on.
        if isStopped { world.host.pause(RoleName.agent("a1")) } else { world.host.kill(RoleName.agent("a1")) }
        process.end(3)
        world.run(until: world.now + .seconds(10))
        comeToRest()
        #expect(world.violation == nil && world.marks.contains(.exitLearntFromUp))
        #expect(world.marks.contains(.silentRoleKilled) == isStopped)
        let pod = try #require(world.host.server?.store.object(ObjectKey(.pods, namespace: "default", name: process.podName)))
        let status = pod["status"]["containerStatuses"][0]
        #expect(status["restartCount"].int == 1 && status["lastState"]["terminated"]["exitCode"].int == 3, "\(status)")
    }
}
