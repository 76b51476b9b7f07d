import Simulation
import Testing

@Suite struct StormTests {
    /// The fixed batch: these seeds, each with its own part of the faults and actions.
    static let batch: [UInt64] = Array(1...36)

    /// Those with a TrafficPolicy: each with another one.
    static let policed: [UInt64] = Array(1...20) + [24]

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
        // Comes once in a hundred storms, and has a test of its own.
        marks.insert(.damageRepaired)
        let missing = Mark.allCases.filter { !marks.contains($0) }.map(\.rawValue)
        #expect(missing.isEmpty, "never reached: \(missing)")
    }

    /// Long enough for one snapshot after the other, and a bit that changes now and then.
    @Test func `A damaged snapshot is done without where there is another`() {
        var scenario = Scenario("worn", objects: Samples.web())
        scenario.faults = [.flippedBit]
        scenario.actions = [.roll]
        scenario.chaosTime = .seconds(600)
        var marks: Set<Mark> = []
        for seed in 1...20 as ClosedRange<UInt64> where !marks.contains(.damageRepaired) {
            let outcome = SimulationRun(scenario, seed: seed).run()
            #expect(outcome.violation == nil, "\(explain(outcome))")
            marks.formUnion(outcome.marks)
        }
        #expect(marks.contains(.damageRepaired))
    }
}
