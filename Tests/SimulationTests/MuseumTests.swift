import Simulation
import Testing

@Suite struct MuseumTests {
    @Test(arguments: PlantedBug.allCases) func `Every planted bug is found`(bug: PlantedBug) {
        let scenario = Museum.scenario(for: bug)
        for seed in 1...Museum.seedLimit {
            if SimulationRun(scenario, seed: seed).run().violation != nil { return }
        }
        Issue.record("\(bug.rawValue) is not found within \(Museum.seedLimit) seeds")
    }

    @Test(arguments: PlantedBug.allCases) func `What finds a planted bug finds nothing without it`(bug: PlantedBug) {
        let scenario = Museum.scenario(for: bug, isPlanted: false)
        for seed in 1...1 {
            let outcome = SimulationRun(scenario, seed: UInt64(seed)).run()
            #expect(outcome.violation == nil, "\(explain(outcome))")
        }
    }
}
