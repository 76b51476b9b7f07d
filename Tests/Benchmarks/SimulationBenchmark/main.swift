import Glibc
import Simulation
import Timing

// How much faster than real time a world is, what many seeds find, and what happened in one of them. By hand, nothing asserted:
//   swift run -c release SimulationBenchmark [speed]
//   swift run -c release SimulationBenchmark storm FIRST LAST
//   swift run -c release SimulationBenchmark policed FIRST LAST
//   swift run -c release SimulationBenchmark museum
//   swift run -c release SimulationBenchmark history SCENARIO SEED [requests]
//   swift run -c release SimulationBenchmark digest COUNT [whole]

let arguments = CommandLine.arguments.dropFirst().map { $0 }

/// What this process has computed so far, on one core: what others do on the machine does not count.
func computed() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}

func number(_ index: Int, _ standard: UInt64) -> UInt64 { arguments.count > index ? UInt64(arguments[index]) ?? standard : standard }

func timesReal(_ virtual: Duration, _ real: Duration) -> String {
    "\(virtual.inSeconds) s virtual in \(real.inSeconds) s of one core: \(Int(virtual / real)) times real time"
}

func storm(_ scenario: (UInt64) -> Scenario) {
    var marks: Set<Mark> = []
    var found = 0
    var virtual = Duration.zero
    let start = computed()
    let seeds = number(1, 1)...max(number(1, 1), number(2, 100))
    for seed in seeds {
        let outcome = SimulationRun(scenario(seed), seed: seed).run()
        marks.formUnion(outcome.marks)
        virtual += outcome.duration
        guard let violation = outcome.violation else { continue }
        found += 1
        print("seed \(seed): \(violation)\n  \(outcome.replay ?? "")")
    }
    print("\(seeds.count) seeds, \(found) violations, \(timesReal(virtual, computed() - start))")
    print("never reached: \(Mark.allCases.filter { !marks.contains($0) }.map(\.rawValue).joined(separator: ", "))")
}

/// With which seed each planted bug is found first, and by which check.
func museum() {
    for bug in PlantedBug.allCases {
        let start = computed()
        let scenario = Museum.scenario(for: bug)
        let found = (1...Museum.seedLimit).lazy.map { SimulationRun(scenario, seed: $0).run() }.first { $0.violation != nil }
        let real = computed() - start
        print("\(bug.rawValue): \(found.map { "seed \($0.seed), \($0.violation?.check ?? "")" } ?? "not found"), after \(real.inSeconds) s")
    }
}

func history() {
    guard arguments.count > 2, var scenario = Replay.scenario(arguments[1], seed: number(2, 1)) else {
        return print("which scenario, and which seed? stormy, policed, people, calm, or one of \(PlantedBug.allCases.map(\.rawValue))")
    }
    scenario.tracesRequests = arguments.last == "requests"
    let outcome = SimulationRun(scenario, seed: number(2, 1)).run()
    for line in outcome.history.shortened(to: 4000) { print(line) }
    print(outcome.violation.map(\.description) ?? "no violation", outcome.digest)
}

/// 3 zones, 50 pods, all checks, faults or none.
func speed(_ name: String, _ change: (inout Scenario) -> Void) {
    var scenario = Scenario(name, objects: Samples.web(replicas: 50, livenessPeriod: 10, readinessPeriod: 5))
    scenario.chaosTime = .seconds(600)
    change(&scenario)
    let start = computed()
    let outcome = SimulationRun(scenario, seed: 1).run()
    print(
        "3 zones, 50 pods, \(name): \(timesReal(outcome.duration, computed() - start)), \(outcome.stepCount) steps, "
            + "\(outcome.tally.servedCount) requests, \(outcome.violation.map(\.description) ?? "all checks held")"
    )
}

switch arguments.first {
case "storm": storm(Samples.stormy)
case "policed": storm(Samples.policed)
case "museum": museum()
case "history": history()
case "digest":
    // What is compared between two processes whose dictionaries are in different orders: whole stories, or their first part.
    for seed in 1...number(1, 3) {
        let digests = [Samples.stormy(seed), Samples.policed(seed)].map { scenario in
            var scenario = scenario
            if arguments.last != "whole" { scenario.chaosTime = .seconds(20) }
            return "\(SimulationRun(scenario, seed: seed).run().digest)"
        }
        print(seed, digests.joined(separator: " "))
    }
default:
    speed("10 requests/s") { _ in }
    speed("100 requests/s") { $0.requestsPerSecond = 100 }
    speed("10 requests/s, probes every second") {
        $0.objects = Samples.web(replicas: 50, livenessPeriod: 1, readinessPeriod: 1)
    }
    speed("10 requests/s, people at work") { $0.actions = [.apply, .scale, .roll, .undo, .drain] }
    speed("10 requests/s, faults and people") {
        $0.faults = [.processCrash, .serverCrash, .agentCrash, .slowNetwork]
        $0.actions = [.scale, .roll, .undo]
    }
}
