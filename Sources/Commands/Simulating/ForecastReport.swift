import Formats
import Simulation
import Timing

/// A forecast as it is printed, with the failure rates it rests on.
struct ForecastReport {
    let forecast: Forecast
    let wantedYearCount: Int
    /// Percent.
    let target: Double?

    /// Whether the target is; where the years that were asked for are not over, nobody knows, and it counts as missed.
    var isReached: Bool { target.map { !isCutShort && (1 - forecast.lostShare) * 100 >= $0 } ?? true }
    /// Nil: there is no target.
    var targetWords: String? {
        target.map { target in
            isCutShort
                ? "Whether the target of \(target) % is reached is not known: \(years) are too few to tell."
                : "The target of \(target) % is \(isReached ? "reached" : "missed")."
        }
    }
    private var isOfTime: Bool {
        forecast.scenario.requestsPerSecond == 0 || !forecast.scenario.objects.contains { $0["kind"].string == "Service" }
    }
    private var requestsPerYear: Double { max(1, forecast.scenario.requestsPerSecond) * Forecast.yearLength.inSeconds }

    // MARK: Text

    func text(_ terminal: Terminal) -> String {
        var out = terminal.coloured("Forecast", .bold) + " from \(years): "
        out += terminal.coloured("\(Self.percent(forecast.lostShare)) \(isOfTime ? "of the time" : "of requests answered")", .bold)
        out += Self.nines(forecast.lostShare).map { ", \($0) nines\n" } ?? "\n"
        out += "  \(loss)\n\n" + TextTable.text([Self.headers] + rows) + "\n\(conditions)\n"
        if let cut { out += cut + "\n" }
        for problem in problems { out += "Did not come to rest by itself: \(problem)\n" }
        if let targetWords { out += "\n" + terminal.coloured(targetWords, isReached ? .green : .red) + "\n" }
        return out
    }

    /// Whether it came to the end of the years that were asked for.
    private var isCutShort: Bool { forecast.wholeYearCount < wantedYearCount }

    /// `10 simulated years`, `0.03 of 10 simulated years`.
    var years: String {
        let words = "\(wantedYearCount) simulated \(wantedYearCount == 1 ? "year" : "years")"
        return isCutShort ? "\(Self.amount(forecast.totalYears)) of \(words)" : words
    }

    /// Why there are no more years; nil: there are all.
    var cut: String? {
        guard isCutShort else { return nil }
        let steps = SimulationReport.grouped(forecast.stepLimit)
        return "Stopped after \(steps) steps of work: things fail so often that the rest would take too long."
    }

    /// What is lost, in words.
    var loss: String {
        let lost = forecast.lostShare * requestsPerYear
        var out = ""
        if isOfTime {
            out += "nobody serves for \(DurationText.long(.seconds(forecast.lostShare * Forecast.yearLength.inSeconds))) a year"
        } else {
            out += "lost: \(Self.amount(lost)) of \(SimulationReport.grouped(Int(requestsPerYear))) requests a year, as many as come in "
            out += DurationText.long(.seconds(forecast.lostShare * Forecast.yearLength.inSeconds))
        }
        if forecast.wholeYearCount > 1 {
            out += "; single years: \(Self.percent(forecast.range.upperBound)) to \(Self.percent(forecast.range.lowerBound))"
        }
        return out
    }

    /// What it rests on.
    var conditions: String {
        "Failures are independent of each other and of the load; \(isOfTime ? "" : "one request in five may not be sent twice; ")"
            + "the programs take as long as in the scenarios."
    }

    /// Why a failure did not heal, without repetitions.
    var problems: [String] { Array(Set(forecast.problems).sorted().prefix(3)) }

    static let headers = ["FAILURE", "ONE EVERY", "REPAIRED", "A YEAR", "LOST A YEAR"]

    /// The rates, and what became of each.
    var rows: [[String]] {
        var rows = forecast.rates.causes.map { cause in
            let count = FailureRates.count(of: cause, in: forecast.scenario)
            let mean = forecast.rates.meanTimes[cause].map { DurationText.long($0) } ?? "-"
            let isRepaired = cause.needsRepair ? forecast.rates.repairTimes[cause].map { "after \(DurationText.long($0))" } : nil
            return [
                cause.rawValue, "\(mean) for each of \(count) \(cause.unit)\(count == 1 ? "" : "s")", isRepaired ?? "by itself",
                Self.amount(forecast.failuresPerYear(of: cause)), Self.amount(forecast.lostPerYear(by: cause)),
            ]
        }
        let overlaps = forecast.overlaps
        rows.append(["several at once", "", "", Self.amount(overlaps.count), Self.amount(overlaps.lost)])
        return rows
    }

    /// `99.99987 %`: one digit more than nines, never rounded up.
    static func percent(_ lostShare: Double) -> String {
        guard lostShare > 0 else { return "100 %" }
        let zeros = Int(-Logarithm.decimal(lostShare))
        let places = min(12, max(1, zeros))
        var scale = 100.0
        for _ in 0..<places { scale *= 10 }
        return DurationText.decimal(Int64(scale - (lostShare * scale - 1e-6).rounded(.up)), places: places) + " %"
    }

    static func nines(_ lostShare: Double) -> String? {
        Forecast.nines(lostShare: lostShare).map { DurationText.decimal(Int64($0 * 10), places: 1) }
    }

    /// `12,345`, `3.2`, `0.04`, `0`.
    static func amount(_ number: Double) -> String {
        if number == 0 { return "0" }
        if number >= 100 { return SimulationReport.grouped(Int(number.rounded())) }
        if number >= 1 { return DurationText.decimal(Int64((number * 10).rounded()), places: 1) }
        return number < 0.005 ? "<0.01" : DurationText.decimal(Int64((number * 100).rounded()), places: 2)
    }

    // MARK: JSON

    var value: Value {
        var out: Value = [
            "availability": .double(1 - forecast.lostShare), "years": .int(Int64(forecast.wholeYearCount)),
            "wantedYears": .int(Int64(wantedYearCount)), "simulatedYears": .double(forecast.totalYears),
            "requestsPerSecond": .double(max(1, forecast.scenario.requestsPerSecond)),
            "failures": .array(
                forecast.rates.causes.map { cause in
                    var value: Value = [
                        "failure": .string(cause.rawValue),
                        "things": .int(Int64(FailureRates.count(of: cause, in: forecast.scenario))),
                        "meanTimeSeconds": .double(forecast.rates.meanTimes[cause]?.inSeconds ?? 0),
                        "perYear": .double(forecast.failuresPerYear(of: cause)), "lostPerYear": .double(forecast.lostPerYear(by: cause)),
                    ]
                    if cause.needsRepair { value["repairSeconds"] = .double(forecast.rates.repairTimes[cause]?.inSeconds ?? 0) }
                    return value
                }),
            "overlaps": ["perYear": .double(forecast.overlaps.count), "lostPerYear": .double(forecast.overlaps.lost)],
        ]
        if let nines = Forecast.nines(lostShare: forecast.lostShare) { out["nines"] = .double(nines) }
        if forecast.wholeYearCount > 0 {
            out["worstYear"] = .double(1 - forecast.range.upperBound)
            out["bestYear"] = .double(1 - forecast.range.lowerBound)
        }
        if let target {
            out["target"] = .double(target)
            if !isCutShort { out["targetReached"] = .bool(isReached) }
        }
        if !forecast.problems.isEmpty { out["problems"] = .array(Set(forecast.problems).sorted().map { .string($0) }) }
        return out
    }
}
