import Formats
import Simulation
import Timing

/// What `--mtbf` and the flags beside it ask for.
struct ForecastOrder {
    let rates: FailureRates
    let yearCount: Int
    /// As much work as for the usual number of years at least.
    var stepLimit: Int { Forecast.stepsOfYear * max(yearCount, Self.standardYearCount) }
    /// Percent; below it the forecast fails. Nil: it only informs.
    let target: Double?

    private static let standardYearCount = 10
    /// Names from `--faults` mean the same here.
    private static let otherNames = [
        "node-loss": "node", "zone-loss": "zone", "server-crash": "server", "agent-crash": "agent", "proxy-crash": "proxy",
        "up-crash": "up",
    ]

    /// Nil where no forecast is asked for.
    init?(_ invocation: Invocation) throws(CommandError) {
        guard let text = invocation.value("mtbf") else {
            for flag in ["mttr", "years", "target"] where invocation.isGiven(flag) {
                throw .usage("--\(flag) is about a forecast: say how often things fail, such as --mtbf crash=30d,node=90d,zone=1y")
            }
            return nil
        }
        let shortest: Duration = .seconds(60)
        rates = FailureRates(
            meanTimes: try Self.times("mtbf", text, FailureRates.Cause.allCases, from: shortest),
            repairTimes: try Self.times(
                "mttr", invocation.value("mttr") ?? "", FailureRates.Cause.allCases.filter(\.needsRepair), from: .seconds(1)))
        guard !rates.causes.isEmpty else { throw .usage("--mtbf: found nothing, allowed is such as crash=30d,node=90d,zone=1y") }
        yearCount = try invocation.integer("years", in: 1...10_000) ?? Self.standardYearCount
        guard let wanted = invocation.value("target") else {
            target = nil
            return
        }
        guard let percent = Double(wanted.hasSuffix("%") ? String(wanted.dropLast()) : wanted), percent > 0, percent < 100 else {
            throw .usage("--target: found \"\(wanted)\", allowed is an availability in percent such as 99.95")
        }
        target = percent
    }

    private static func times(
        _ flag: String, _ text: String, _ known: [FailureRates.Cause], from shortest: Duration
    ) throws(CommandError) -> [FailureRates.Cause: Duration] {
        var out: [FailureRates.Cause: Duration] = [:]
        for pair in text.split(separator: ",") {
            let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw .usage("--\(flag): found \"\(pair)\", allowed is NAME=TIME, such as node=90d") }
            let name = otherNames[parts[0]] ?? parts[0]
            guard let cause = known.first(where: { $0.rawValue == name }) else {
                let words = known.map(\.rawValue)
                let near = nearest(parts[0], among: words).map { "; did you mean \($0)?" } ?? ""
                throw .usage("--\(flag): found \"\(parts[0])\", allowed are \(words.joined(separator: ", "))\(near)")
            }
            guard let time = longTime(parts[1]), time >= shortest, time <= .seconds(200 * 365 * 86_400) else {
                throw .usage("--\(flag): found \"\(pair)\", allowed is a length of time such as 90m, 12h, 30d, 2w or 1y")
            }
            out[cause] = time
        }
        return out
    }

    /// `12h`, `1h30m`, and `30d`, `2w`, `1y` with a number alone.
    static func longTime(_ text: String) -> Duration? {
        let lengths: [Character: Double] = ["d": 86_400, "w": 7 * 86_400, "y": 365 * 86_400]
        if let last = text.last, let unit = lengths[last], let number = Double(text.dropLast()), number > 0, number <= 1e6 {
            return .nanoseconds(Int64(min(number * unit * 1e9, 9e18)))
        }
        // A number without a unit could mean anything here.
        guard text.last?.isNumber == false else { return nil }
        return Duration(goText: text)
    }
}
