import Formats
import Linux
import Resources
import Simulation
import Timing

/// What a command line of `simulate` asks for.
struct SimulationOrder {
    let scenario: Scenario
    let drills: [Drill]
    let seeds: ClosedRange<UInt64>
    let forecast: ForecastOrder?
    let isJSON: Bool
    /// Where the report for a browser goes.
    let page: String?
    /// The flags that shape the world, as a shell reads them: for the command that replays a run.
    private let worldFlags: String
    /// How long a run may take to recover by what the manifests themselves say.
    let neededTime: Duration

    /// The words of `--during`.
    static let occasionWords = Drill.Occasion.allCases.map(\.rawValue)
    private static let faultWords = ["none"] + Drill.faults.map(\.rawValue)
    private static let standardSeedCount = 10
    /// So often a year of a forecast moves the bar.
    static let ticksOfYear = 20
    private static let seedLimit = 100_000

    init(_ invocation: Invocation) throws(CommandError) {
        let files = invocation.all("filename")
        guard !files.isEmpty, invocation.words.isEmpty else { throw .usage("name the manifests: steady simulate -f FILE") }
        forecast = try ForecastOrder(invocation)
        let namesDrills = invocation.isGiven("faults") || invocation.isGiven("during")
        let drills = try Self.drills(invocation)
        self.drills = forecast != nil && !namesDrills ? [] : drills
        let named = try invocation.integer("seed", in: 0...Int.max / 2)
        let count = try invocation.integer("seeds", in: 1...Self.seedLimit) ?? (named == nil ? Self.standardSeedCount : 1)
        let first = UInt64(named ?? 1)
        seeds = first...first + UInt64(count) - 1
        switch invocation.value("output") ?? "text" {
        case "text": isJSON = false
        case "json": isJSON = true
        case let other: throw .usage("--output: found \"\(other)\", allowed are text, json")
        }
        page = invocation.value("html")
        if let page, case let folder = Files.directory(of: Files.absolute(page)), !Files.isDirectory(folder) {
            throw CommandError("--html: there is no folder \(folder)")
        }
        var scenario = try Self.world(invocation)
        scenario.objects = try SimulatedManifests.load(files, invocation)
        Self.addNamespaces(&scenario.objects)
        let needed = DrillTime.needed(by: scenario.objects, startTime: scenario.standardProgram.startTime.upperBound)
        scenario.chaosTime = try Self.length("time", DrillTime.allowed, invocation) ?? DrillTime.unasked(needed: needed)
        self.neededTime = needed
        self.scenario = scenario
        var flags = files.map { "-f \(ShellWord.quoted($0))" }
        if invocation.isSet("recursive") { flags.append("-R") }
        for flag in ["zones", "nodes-per-zone", "load", "time", "start-time", "request-time"] {
            if let value = invocation.value(flag) { flags.append("--\(flag) \(ShellWord.quoted(value))") }
        }
        worldFlags = flags.joined(separator: " ")
    }

    /// Every seed of a drill, with these objects.
    func verdict(_ drill: Drill, _ objects: [Value], _ progress: SimulationProgress) -> Verdict {
        var scenario = scenario
        scenario.objects = objects
        return Verdict(
            drill,
            seeds.map { seed in
                progress.next("\(drill.name), seed \(seed)")
                return DrillRun(drill, of: scenario, seed: seed).run()
            })
    }

    /// As many years as were asked for, each with a seed of its own.
    func forecast(_ order: ForecastOrder, _ progress: SimulationProgress) throws(CommandError) -> Forecast {
        var forecast = Forecast(order.rates, of: scenario, stepLimit: order.stepLimit)
        for index in 0..<order.yearCount where !forecast.isExhausted {
            var ticksLeft = Self.ticksOfYear
            let tick = {
                ticksLeft -= 1
                progress.next("forecast, year \(index + 1)")
            }
            let seed = seeds.lowerBound &+ UInt64(index)
            let violation = forecast.addYear(seed: seed) { part in
                while ticksLeft > Int(Double(Self.ticksOfYear) * (1 - part)) { tick() }
            }
            if let violation {
                progress.clear()
                throw CommandError(
                    "a promise of Steady is broken in the year of seed \(seed), which no manifest should be able to do: \(violation)")
            }
            if let problem = forecast.startProblem {
                progress.clear()
                throw CommandError("there is nothing to forecast, because it does not start: \(problem)")
            }
            while ticksLeft > 0 { tick() }
        }
        return forecast
    }

    /// The command that gives one run again.
    func replay(_ drill: Drill, seed: UInt64) -> String {
        "steady simulate \(worldFlags) --faults \(drill.fault?.rawValue ?? "none") --during \(drill.occasion.rawValue) --seed \(seed)"
    }

    /// What is deployed into a namespace that stands elsewhere gets it here: only the application is asked about.
    private static func addNamespaces(_ objects: inout [Value]) {
        let own = Set(objects.filter { $0["kind"].string == "Namespace" }.compactMap { $0["metadata"]["name"].string })
        let used = Set(objects.compactMap { $0["metadata"]["namespace"].string })
        for name in used.subtracting(own).subtracting(["default", "kube-system"]).sorted().reversed() {
            objects.insert(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]], at: 0)
        }
    }

    private static func world(_ invocation: Invocation) throws(CommandError) -> Scenario {
        var scenario = Scenario("simulate", objects: [])
        if let zones = try invocation.zones() { scenario.zones = zones }
        scenario.nodesPerZone = try invocation.integer("nodes-per-zone", in: 1...100) ?? 1
        scenario.requestsPerSecond = Double(try invocation.integer("load", in: 0...10_000) ?? 50)
        if let time = try length("start-time", .milliseconds(1)...(.seconds(100)), invocation) {
            scenario.standardProgram.startTime = time / 2...time
        }
        if let time = try length("request-time", .milliseconds(1)...(.seconds(25)), invocation) {
            scenario.standardProgram.serviceTime = time / 2...time
        }
        return scenario
    }

    private static func length(_ flag: String, _ range: ClosedRange<Duration>, _ invocation: Invocation) throws(CommandError) -> Duration? {
        guard let length = try invocation.duration(flag) else { return nil }
        guard range.contains(length) else {
            throw .usage(
                "--\(flag): found \(invocation.value(flag) ?? ""), allowed is \(DurationText.short(range.lowerBound)) to"
                    + " \(DurationText.short(range.upperBound))")
        }
        return length
    }

    /// What was named, each with each; what was not named is the usual.
    private static func drills(_ invocation: Invocation) throws(CommandError) -> [Drill] {
        let faults = try words("faults", among: faultWords, invocation)
        let occasions = try words("during", among: occasionWords, invocation)
        if faults == nil, occasions == nil { return Drill.standard }
        let usual = ["none"] + Drill.standard.compactMap { $0.occasion == .steady ? $0.fault?.rawValue : nil }
        let isOnlyPlanned = faults == ["none"]
        var out: [Drill] = []
        for fault in faults ?? usual {
            for occasion in occasions ?? (isOnlyPlanned ? occasionWords : ["steady", "rollout"]) {
                guard let during = Drill.Occasion(rawValue: occasion) else { continue }
                out.append(Drill(FaultKind(rawValue: fault), during: during))
            }
        }
        return out
    }

    private static func words(_ flag: String, among known: [String], _ invocation: Invocation) throws(CommandError) -> [String]? {
        guard let text = invocation.value(flag) else { return nil }
        var out: [String] = []
        for word in text.split(separator: ",").map(String.init) where !out.contains(word) {
            guard known.contains(word) else {
                let near = nearest(word, among: known).map { "; did you mean \($0)?" } ?? ""
                throw .usage("--\(flag): found \"\(word)\", allowed are \(known.joined(separator: ", "))\(near)")
            }
            out.append(word)
        }
        guard !out.isEmpty else { throw .usage("--\(flag): found nothing, allowed are \(known.joined(separator: ", "))") }
        return out
    }
}
