import Simulation
import Testing

@Suite struct MuseumTests {
    @Test(arguments: PlantedBug.allCases) func `Every planted bug is found by its check, and nothing is found without it`(bug: PlantedBug) {
        let scenario = Museum.scenario(for: bug)
        for seed in 1...Museum.seedLimit {
            let outcome = SimulationRun(scenario, seed: seed).run()
            guard let violation = outcome.violation else { continue }
            #expect(bug.checks.contains(violation.check), "expected is one of \(bug.checks.sorted()): \(explain(outcome))")
            let without = SimulationRun(Museum.scenario(for: bug, isPlanted: false), seed: seed).run()
            #expect(without.violation == nil, "\(explain(without))")
            return
        }
        Issue.record("\(bug.rawValue) is not found within \(Museum.seedLimit) seeds")
    }
}
