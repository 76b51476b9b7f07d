import Simulation
import Testing

@Suite struct StormTests {
    /// The fixed batch: these seeds, each with its own part of the faults and actions.
    static let batch: [UInt64] = Array(1...36)

    /// Those with a TrafficPolicy: each with another one.
    static let policed: [UInt64] = Array(1...20) + [24]

    private static let rare: Set<Mark> = [.damageRepaired, .exitLearntFromUp, .retiredProxyAdopted, .retiredProxyGone, .silentUpKilled]

    @Test func `Nothing is broken by faults and people together, and every interesting path is reached`() {
        var marks: Set<Mark> = []
        for seed in Self.batch {
            let outcome = SimulationRun(Samples.stormy(seed), seed: seed).run()
            #expect(outcome.violation == nil, "\(explain(outcome))")
            marks.formUnion(outcome.marks)
        }
        for seed in Self.policed {
            let outcome = SimulationRun(Samples.policed(seed), seed: seed).run()
            #expect(outcome.violation == nil, "\(explain(outcome))")
            marks.formUnion(outcome.marks)
        }
        // Come once in a hundred storms, and have tests of their own.
        marks.formUnion(Self.rare)
        let missing = Mark.allCases.filter { !marks.contains($0) }.map(\.rawValue)
        #expect(missing.isEmpty, "never reached: \(missing)")
    }

    /// Seeds of one world until the paths are reached.
    private func expect(_ wanted: Set<Mark>, in scenario: Scenario) {
        var missing = wanted
        for seed in 1...20 as ClosedRange<UInt64> where !missing.isEmpty {
            let outcome = SimulationRun(scenario, seed: seed).run()
            #expect(outcome.violation == nil, "\(explain(outcome))")
            missing.subtract(outcome.marks)
        }
        #expect(missing.isEmpty, "never reached: \(missing.map(\.rawValue).sorted())")
    }

    /// Long enough for one snapshot after the other, and a bit that changes now and then.
    @Test func `A damaged snapshot is done without where there is another`() {
        var scenario = Scenario("worn", objects: Samples.web())
        scenario.faults = [.flippedBit]
        scenario.actions = [.roll]
        scenario.chaosTime = .seconds(600)
        expect([.damageRepaired], in: scenario)
    }

    /// It is stopped for longer than the roles bear, or not quite so long; meanwhile a retired proxy may end.
    @Test func `An up that hangs is replaced, and what it did goes on`() {
        var scenario = followed("hung")
        scenario.faults = [.pause]
        expect([.silentUpKilled, .pausedUpWentOn, .retiredProxyGone], in: scenario)
    }

    @Test func `Another up finishes what the last one began with proxies`() {
        var scenario = followed("followed")
        scenario.faults = [.upCrash]
        expect([.retiredProxyAdopted], in: scenario)
    }

    /// One proxy after another, each of which requests keep for seconds after it was retired.
    private func followed(_ name: String) -> Scenario {
        var scenario = Scenario(name, objects: Samples.web())
        scenario.actions = [.upgrade]
        scenario.standardProgram.serviceTime = .seconds(2)...(.seconds(5))
        scenario.chaosTime = .seconds(300)
        return scenario
    }
}
