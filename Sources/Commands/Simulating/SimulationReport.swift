import Formats
import Simulation
import Timing

/// What `simulate` prints.
struct SimulationReport {
    let order: SimulationOrder
    let verdicts: [Verdict]
    let remedy: Remedy
    let forecast: ForecastReport?

    var suggestions: [Suggestion] { remedy.tried }
    var remarks: [String] { Suggestions.remarks(verdicts, objects: order.scenario.objects) + [timeRemark].compactMap { $0 } }

    /// Nobody can have recovered in less time than its own probes and grace period take.
    private var timeRemark: String? {
        guard order.scenario.chaosTime < order.neededTime, let late = verdicts.first(where: { $0.judgement == .notRecovered }) else {
            return nil
        }
        return
            "probes, grace period and start of the manifests may take \(DurationText.short(order.neededTime)) to replace a replica; whether "
            + "\(late.drill.name) recovers after all is seen with --time \(order.neededTime.nanoseconds / 1_000_000_000)s"
    }
    private var helpful: [Suggestion] { suggestions.filter(\.helps) }

    // MARK: Text

    func text(_ terminal: Terminal) -> String {
        var out = header
        if !verdicts.isEmpty { out += scenarios(terminal) }
        if let forecast { out += (verdicts.isEmpty ? "" : "\n") + forecast.text(terminal) }
        return out
    }

    private func scenarios(_ terminal: Terminal) -> String {
        var out = TextTable.text(
            [Self.headers] + verdicts.map { row($0) }
        )
        if let worst = Verdict.worst(of: verdicts), !worst.isSurvived || order.drills.count == 1 { out += story(worst, terminal) }
        out += advice(terminal)
        for remark in remarks { out += "\nTo know: \(remark).\n" }
        let (words, isGood) = summary
        return out + "\n\(terminal.coloured(words, isGood ? .green : .red))\n"
    }

    /// What all scenarios come to.
    var summary: (words: String, isGood: Bool) {
        let unreached = verdicts.count { $0.judgement == .notReached }
        let failed = verdicts.count { !$0.isSurvived } - unreached
        if failed + unreached == 0 {
            return (verdicts.count == 1 ? "It is survived." : "All \(verdicts.count) scenarios are survived.", true)
        }
        var parts: [String] = []
        if failed > 0 { parts.append("\(failed) of \(verdicts.count) scenarios not survived.") }
        if unreached > 0 { parts.append("\(unreached) of \(verdicts.count) scenarios not reached: what was to fail was never there.") }
        return (parts.joined(separator: " "), false)
    }

    /// What was asked, in a line.
    var header: String {
        let scenario = order.scenario
        let nodes = scenario.zones.count * scenario.nodesPerZone
        let deployments = scenario.objects.filter { $0["kind"].string == "Deployment" }
        let names = deployments.map { "\($0["metadata"]["name"].string ?? "") x\($0["spec"]["replicas"].int ?? 1)" }
        let hasService = scenario.objects.contains { $0["kind"].string == "Service" }
        let load =
            !hasService
            ? "no Service, so no requests: only replicas are judged"
            : "\(Int(scenario.requestsPerSecond)) requests a second"
        return
            "\(names.joined(separator: ", ")) on \(nodes) \(nodes == 1 ? "node" : "nodes") in \(scenario.zones.count)"
            + " \(scenario.zones.count == 1 ? "zone" : "zones"), \(load)"
            + (verdicts.isEmpty ? "\n\n" : ", \(order.seeds.count) \(order.seeds.count == 1 ? "seed" : "seeds") each\n\n")
    }

    static let headers = ["SCENARIO", "VERDICT", "SEEDS", "LEAST READY", "LOST", "WITH THE FAULT", "RECOVERED IN"]

    func row(_ verdict: Verdict) -> [String] {
        // When nothing fails nothing is unavoidable.
        let inFlight = verdict.drill.fault == nil ? 0 : verdict.lostCount - verdict.avoidableLossCount
        let recovered: String =
            switch verdict.judgement {
            case .notRecovered: "not within \(DurationText.short(order.scenario.chaosTime))"
            case .notStarted, .notReached, .brokenPromise: "-"
            case .survived, .lostRequests:
                verdict.drill.fault == nil ? "-" : verdict.recoveryTime.map { $0 == .zero ? "at once" : DurationText.short($0) } ?? "-"
            }
        let isReached = verdict.reachedCount > 0
        return [
            verdict.drill.name, Self.words(verdict), isReached ? "\(verdict.survivedCount)/\(verdict.reachedCount)" : "-",
            verdict.least.map { "\($0.ready) of \($0.wanted)" } ?? "-",
            isReached ? "\(Self.grouped(verdict.avoidableLossCount)) of \(Self.grouped(verdict.sentCount))" : "-",
            isReached ? "\(inFlight)" : "-", recovered,
        ]
    }

    /// Its judgement, of how many seeds it says nothing, in how many nothing came of the fault, and in how many it was not over in time.
    static func words(_ verdict: Verdict) -> String {
        let unreached = verdict.seedCount - verdict.reachedCount
        var parts = verdict.reachedCount == 0 ? [] : [words(verdict.judgement)]
        if unreached > 0 { parts.append("not reached in \(unreached) of \(verdict.seedCount) seeds") }
        if verdict.effectlessCount > 0 { parts.append("no effect in \(verdict.effectlessCount) of \(verdict.seedCount) seeds") }
        if verdict.unfinishedCount > 0 { parts.append("fault not over in \(verdict.unfinishedCount) of \(verdict.seedCount) seeds") }
        return parts.joined(separator: ", ")
    }

    static func words(_ judgement: Verdict.Judgement) -> String {
        switch judgement {
        case .survived: "survived"
        case .notReached: "not reached"
        case .lostRequests: "LOST REQUESTS"
        case .notRecovered: "NOT RECOVERED"
        case .notStarted: "DOES NOT START"
        case .brokenPromise: "PROMISE BROKEN"
        }
    }

    private func story(_ verdict: Verdict, _ terminal: Terminal) -> String {
        let outcome = verdict.worst
        var out = "\n\(terminal.coloured("\(verdict.drill.name), seed \(outcome.seed)", .bold)) (seconds from the "
        out += outcome.struckAt == nil ? "beginning):\n" : "fault):\n"
        for line in Story.lines(of: outcome) { out += "  \(line)\n" }
        if let problem = outcome.startProblem { out += "  it does not start: \(problem)\n" }
        if let violation = outcome.violation {
            out += "  a promise of Steady is broken, which no manifest should be able to do: \(violation)\n"
        }
        if let remainder = outcome.remainder { out += "  after \(DurationText.short(order.scenario.chaosTime)): \(remainder)\n" }
        if outcome.lostCount > 0 {
            let causes = LossCause.allCases.compactMap { cause in outcome.losses[cause].map { "\($0) \(cause.rawValue)" } }
            out += "  lost in this run: \(causes.joined(separator: ", ")), of \(Self.grouped(outcome.sentCount))\n"
        }
        return out + "  again: \(order.replay(verdict.drill, seed: outcome.seed))\n"
    }

    private func advice(_ terminal: Terminal) -> String {
        guard !suggestions.isEmpty else { return "" }
        var out = ""
        if !helpful.isEmpty {
            out += "\nWhat would help, each tried with the same seeds, on top of those above it that help in an earlier round:\n"
        }
        for suggestion in helpful {
            out += "  \(terminal.coloured("\(suggestion.field): \(suggestion.from) -> \(suggestion.to)", .bold))\n"
            out += "    because \(suggestion.evidence)\n"
            if let after = suggestion.after { out += "    with it: \(Self.sentence(after))\n" }
        }
        if let after = afterAll { out += "  With all of it: \(after)\n" }
        for suggestion in suggestions where !suggestion.helps {
            out += "\nTried without success: \(suggestion.field): \(suggestion.from) -> \(suggestion.to) (\(suggestion.drill.name))\n"
        }
        return out
    }

    /// What became of the scenarios that were not survived, with every change that helped; nil when none did.
    var afterAll: String? {
        guard !remedy.after.isEmpty else { return nil }
        let left = remedy.after.filter { !$0.isSurvived }
        let survived = "\(remedy.after.count - left.count) of \(remedy.after.count) scenarios that were not survived now are"
        return left.isEmpty ? survived : survived + "; not: " + left.map(\.drill.name).joined(separator: ", ")
    }

    /// `zone-loss is survived (10 of 10 seeds), lost 0 of 7,204, worst recovery 0.9 s, at least 2 of 3 ready`.
    static func sentence(_ verdict: Verdict) -> String {
        var parts = [
            "\(verdict.drill.name) \(words(verdict)) (\(verdict.survivedCount) of \(verdict.reachedCount) seeds)",
            "lost \(verdict.avoidableLossCount) of \(grouped(verdict.sentCount))",
        ]
        if let time = verdict.recoveryTime, verdict.judgement < .notRecovered { parts.append("worst recovery \(DurationText.short(time))") }
        if let least = verdict.least { parts.append("at least \(least.ready) of \(least.wanted) ready") }
        return parts.joined(separator: ", ")
    }

    /// `12,345`.
    static func grouped(_ number: Int) -> String {
        var out = ""
        for (index, digit) in String(number).reversed().enumerated() {
            if index > 0, index % 3 == 0 { out.append(",") }
            out.append(digit)
        }
        return String(out.reversed())
    }

    // MARK: JSON

    var value: Value {
        var out: Value = [
            "survived": .bool(verdicts.allSatisfy(\.isSurvived) && forecast?.isReached ?? true), "seeds": .int(Int64(order.seeds.count)),
            "scenarios": .array(
                verdicts.map { verdict in
                    var value = Self.value(verdict)
                    value["replay"] = .string(order.replay(verdict.drill, seed: verdict.worst.seed))
                    return value
                }),
            "suggestions": .array(
                suggestions.map { suggestion in
                    var value: Value = [
                        "field": .string(suggestion.field), "from": .string(suggestion.from), "to": .string(suggestion.to),
                        "evidence": .string(suggestion.evidence), "helps": .bool(suggestion.helps),
                    ]
                    if let after = suggestion.after { value["after"] = Self.value(after) }
                    return value
                }),
        ]
        if !remarks.isEmpty { out["remarks"] = .array(remarks.map { .string($0) }) }
        if !remedy.after.isEmpty { out["afterAll"] = .array(remedy.after.map(Self.value)) }
        if let forecast { out["forecast"] = forecast.value }
        if let worst = Verdict.worst(of: verdicts), !worst.isSurvived {
            out["timeline"] = .array(Story.lines(of: worst.worst).map { .string($0) })
        }
        return out
    }

    private static func value(_ verdict: Verdict) -> Value {
        var lost: Value = .object(Object())
        for cause in LossCause.allCases { if let count = verdict.losses[cause] { lost[cause.rawValue] = .int(Int64(count)) } }
        var out: Value = [
            "fault": verdict.drill.fault.map { .string($0.rawValue) } ?? "none", "during": .string(verdict.drill.occasion.rawValue),
            "verdict": .string(words(verdict.judgement).lowercased()), "survivedSeeds": .int(Int64(verdict.survivedCount)),
            "seeds": .int(Int64(verdict.seedCount)), "reachedSeeds": .int(Int64(verdict.reachedCount)),
            "effectlessSeeds": .int(Int64(verdict.effectlessCount)), "unfinishedSeeds": .int(Int64(verdict.unfinishedCount)),
            "sent": .int(Int64(verdict.sentCount)), "lost": lost,
            "worstSeed": .int(Int64(verdict.worst.seed)),
        ]
        if let least = verdict.least {
            out["leastReady"] = [
                "workload": .string(least.workload), "ready": .int(Int64(least.ready)), "wanted": .int(Int64(least.wanted)),
            ]
        }
        if let time = verdict.recoveryTime, verdict.judgement < .notRecovered { out["recoverySeconds"] = .double(time.inSeconds) }
        if let problem = verdict.worst.startProblem ?? verdict.worst.remainder ?? verdict.worst.violation?.description {
            out["problem"] = .string(problem)
        }
        return out
    }
}
