import Simulation
import Timing

// How much faster than real time a world is, and what many seeds find. By hand, nothing asserted:
//   swift run -c release SimulationBenchmark speed
//   swift run -c release SimulationBenchmark storm FIRST LAST [BUG]
//   swift run -c release SimulationBenchmark history SEED [BUG]
//   swift run -c release SimulationBenchmark digest COUNT

let arguments = CommandLine.arguments.dropFirst().map { $0 }
let clock = ContinuousClock()

func scenario(_ seed: UInt64, _ bug: String?) -> Scenario {
    guard let bug, let planted = PlantedBug(rawValue: bug) else { return Samples.stormy(seed) }
    return Museum.scenario(for: planted)
}

switch arguments.first {
case "storm":
    let first = UInt64(arguments[1]) ?? 1
    let last = UInt64(arguments[2]) ?? 100
    var marks: Set<Mark> = []
    var found = 0
    var virtual = Duration.zero
    let start = clock.now
    for seed in first...last {
        let outcome = SimulationRun(scenario(seed, arguments.count > 3 ? arguments[3] : nil), seed: seed).run()
        marks.formUnion(outcome.marks)
        virtual += outcome.duration
        if let violation = outcome.violation {
            found += 1
            print("seed \(seed): \(violation)")
            if arguments.count > 3 { break }
        }
    }
    let real = clock.now - start
    print(
        "\(last - first + 1) seeds, \(found) violations, \(virtual.inSeconds) s virtual in \(real.inSeconds) s: \(virtual / real) times real time"
    )
    print("never reached: \(Mark.allCases.filter { !marks.contains($0) }.map(\.rawValue).joined(separator: ", "))")
case "digest":
    // What a test compares between two processes whose dictionaries are in different orders.
    for seed in 1...(UInt64(arguments[1]) ?? 3) {
        var scenario = Samples.stormy(seed)
        scenario.chaosTime = .seconds(20)
        print(seed, SimulationRun(scenario, seed: seed).run().digest)
    }
case "history":
    let seed = UInt64(arguments[1]) ?? 1
    var scenario = scenario(seed, arguments.count > 2 ? arguments[2] : nil)
    scenario.tracesRequests = arguments.last == "requests"
    let outcome = SimulationRun(scenario, seed: seed).run()
    for line in outcome.history.shortened(to: 400) { print(line) }
    print(outcome.violation.map(\.description) ?? "no violation", outcome.digest)
default:
    var scenario = Scenario("fifty pods", objects: Samples.web(replicas: 50, livenessPeriod: 10, readinessPeriod: 5))
    scenario.chaosTime = .seconds(600)
    scenario.isChecked = arguments.last != "unchecked"
    let start = clock.now
    let outcome = SimulationRun(scenario, seed: 1).run()
    let real = clock.now - start
    print(
        "3 zones, 50 pods: \(outcome.duration.inSeconds) s virtual in \(real.inSeconds) s real, \(outcome.duration / real) times real time, "
            + "\(outcome.stepCount) steps, \(outcome.tally.servedCount) requests, \(outcome.violation.map(\.description) ?? "all checks held")"
    )
}
