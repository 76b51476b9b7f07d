import Simulation
import Testing

@Suite struct FirstWorldTests {
    @Test func `A Deployment starts, serves and is rolled without a lost request`() {
        let scenario = Scenario("calm", objects: Samples.web())
        let outcome = SimulationRun(scenario, seed: 1).run()
        #expect(outcome.violation == nil, "\(explain(outcome))")
        #expect(outcome.tally.servedCount > 500)
        #expect(outcome.tally.lostCount == 0)
    }

    @Test(arguments: 1...6) func `Nothing is broken by people alone`(seed: Int) {
        let outcome = SimulationRun(Samples.peopled, seed: UInt64(seed)).run()
        #expect(outcome.violation == nil, "\(explain(outcome))")
    }
}

func explain(_ outcome: SimulationRun.Outcome) -> String {
    "seed \(outcome.seed): \(outcome.violation.map(\.description) ?? "fine")\nall of it: \(outcome.replay ?? "nowhere")\n"
        + outcome.history.shortened(to: 60).map(\.description).joined(separator: "\n")
}
