import Resources
import Testing
import Timing

@testable import Simulation

/// Every replica fails its liveness probe, and a restart does not help.
@Suite struct AlikeTests {
    /// When which pod of a workload was restarted while it served.
    private final class Restarts: Check {
        let name = "restarts of what serves"
        private(set) var all: [(at: Instant, pod: String)] = []

        func observe(_ observation: Observation, in world: World) {
            if case .restartDecided(let pod, isServing: true) = observation { all.append((world.now, pod.key.name)) }
        }
    }

    /// The program is Ready at once after each restart, and sick again after `wellFor`.
    private func run(_ seed: UInt64, wellFor: Duration = .seconds(2), period: Int64 = 1, time: Duration = .seconds(120)) -> (
        restarts: [(at: Instant, pod: String)], outcome: SimulationRun.Outcome
    ) {
        var scenario = Scenario("alike", objects: Samples.web(replicas: 4, livenessPeriod: period))
        scenario.faults = [.sickness]
        scenario.chaosTime = time
        scenario.standardProgram.startTime = .milliseconds(20)...(.milliseconds(40))
        scenario.standardProgram.warmUpTime = .zero...(.zero)
        scenario.standardProgram.fate = .sickensAfter(wellFor)
        let run = SimulationRun(scenario, seed: seed)
        let restarts = Restarts()
        run.world.watch(restarts)
        let outcome = run.run()
        return (restarts.all, outcome)
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `Restarts that do not help stay with one replica at a time, and the others go on serving`(seed: UInt64) {
        let (restarts, outcome) = run(seed)
        #expect(outcome.violation == nil, "\(explain(outcome))")
        #expect(!restarts.isEmpty)
        for (earlier, later) in zip(restarts, restarts.dropFirst()) where earlier.pod != later.pod {
            #expect(later.at - earlier.at >= RestartTrial.length - .seconds(1), "\(earlier) and \(later)")
        }
        // Ten at once, then with a back-off that grows: of one pod, and of a replacement of it.
        #expect(restarts.count <= 50, "\(restarts.count)")
        #expect((outcome.leastReady ?? 0) >= 3)
    }

    /// A probe every 20 s needs one to two minutes to say that a restart has not helped: longer than a trial without its own time to fail.
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `Where that shows after a minute only, it is one replica all the same`(seed: UInt64) {
        let (restarts, outcome) = run(seed, wellFor: .seconds(45), period: 20, time: .seconds(900))
        #expect(outcome.violation == nil, "\(explain(outcome))")
        #expect(restarts.count >= 3 && Set(restarts.map(\.pod)).count == 1, "\(restarts)")
        #expect((outcome.leastReady ?? 0) >= 3)
    }
}
