import Simulation
import Testing

@Suite struct StormTests {
    /// The fixed batch: these seeds, each with its own part of the faults and actions; the last one reaches a path that the others miss.
    static let batch: [UInt64] = Array(1...36) + [97]

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
        let missing = Mark.allCases.filter { !marks.contains($0) }.map(\.rawValue)
        #expect(missing.isEmpty, "never reached: \(missing)")
    }
}
