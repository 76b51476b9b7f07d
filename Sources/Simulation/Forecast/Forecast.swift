import Timing

/// How available an application will be, as years of simulated failures say: load is rate times time, and only what follows a failure is simulated.
///
/// Equal rates, scenarios and seeds give equal forecasts.
package struct Forecast: Sendable {
    /// One simulated year.
    package struct Year: Sendable {
        package internal(set) var failures: [FailureRates.Cause: Int] = [:]
        /// Requests that were lost in episodes with one failure, by it.
        package internal(set) var lost: [FailureRates.Cause: Double] = [:]
        /// Lost in episodes in which a second failure came before the first was over.
        package internal(set) var lostInOverlaps = 0.0
        package internal(set) var overlapCount = 0
        package internal(set) var length: Duration = .zero
        /// Whether it came to its end before the work that the forecast may take was done.
        package internal(set) var isWhole = false
        /// Episodes that did not come to rest by themselves, with what was still wrong.
        package internal(set) var problems: [String] = []

        package var lostCount: Double { FailureRates.Cause.allCases.reduce(lostInOverlaps) { $0 + (lost[$1] ?? 0) } }
    }

    package static let yearLength: Duration = .seconds(365 * 86_400)
    /// Steps of simulated worlds that a year may take on average: some seconds of one core. Usual rates need a fifth of it.
    package static let stepsOfYear = 1_000_000

    package let rates: FailureRates
    package let scenario: Scenario
    package private(set) var years: [Year] = []
    /// Why it did not even start; there are no years then.
    package private(set) var startProblem: String?
    /// How much work it may be: where things fail all the time, a year takes hours.
    package let stepLimit: Int
    private var stepCount = 0

    /// - Parameter stepLimit: of the steps that the worlds of all years take together. What it cuts off does not depend on the machine.
    package init(_ rates: FailureRates, of scenario: Scenario, stepLimit: Int = .max) {
        self.rates = rates
        self.scenario = scenario
        self.stepLimit = stepLimit
    }

    /// Whether no more work may be done: the last year is a part of one then, or there is none to be added.
    package var isExhausted: Bool { stepCount >= stepLimit }

    /// Adds a year, or the part of it that `stepLimit` leaves. A promise of the orchestrator that breaks in it is returned; the year does not count
    /// then, nor where nothing starts.
    ///
    /// - Parameter progress: told which part of the year is over, BEFORE each episode.
    package mutating func addYear(seed: UInt64, progress: (Double) -> Void = { _ in }) -> Violation? {
        var year = Year()
        var random = SeededRandom(seed: seed)
        while !isExhausted {
            guard year.length < Self.yearLength, let next = rates.next(in: scenario, &random),
                next.after < Self.yearLength - year.length
            else {
                year.isWhole = true
                break
            }
            year.length += next.after
            progress(year.length.inSeconds / Self.yearLength.inSeconds)
            let outcome = Episode(rates, of: scenario, seed: random.next()).run(first: next.cause, stepLimit: stepLimit - stepCount)
            stepCount += outcome.stepCount
            if let violation = outcome.violation { return violation }
            if outcome.causes.isEmpty {
                startProblem = outcome.problem
                return nil
            }
            year.length += outcome.length
            for cause in outcome.causes { year.failures[cause, default: 0] += 1 }
            if let problem = outcome.problem, year.problems.count < Self.problemLimit { year.problems.append(problem) }
            if outcome.causes.count == 1 {
                year.lost[next.cause, default: 0] += outcome.lost
            } else {
                year.overlapCount += 1
                year.lostInOverlaps += outcome.lost
            }
        }
        // The last episode may reach into the next year.
        if year.isWhole { year.length = max(year.length, Self.yearLength) }
        if year.length > .zero { years.append(year) }
        return nil
    }

    /// Problems that are kept of a year.
    private static let problemLimit = 5

    // MARK: What came of it

    /// How long all years are together, in years: the last episode of one may reach beyond it.
    package var totalYears: Double { years.reduce(0) { $0 + $1.length.inSeconds } / Self.yearLength.inSeconds }

    private func aYear(_ sum: Double) -> Double { years.isEmpty ? 0 : sum / totalYears }

    /// Requests in the year that is asked for; without a Service one a second for each Deployment, which stand for time.
    private func requests(in year: Year) -> Double { max(1, scenario.requestsPerSecond) * year.length.inSeconds }

    /// The share of requests that is lost, over all years.
    package var lostShare: Double {
        let all = years.reduce(0) { $0 + requests(in: $1) }
        return all > 0 ? min(1, years.reduce(0) { $0 + $1.lostCount } / all) : 0
    }

    package var wholeYearCount: Int { years.count(where: \.isWhole) }

    /// The best and the worst year's share; of the part of a year, where there is nothing else.
    package var range: ClosedRange<Double> {
        let shares = (wholeYearCount > 0 ? years.filter(\.isWhole) : years).map { min(1, $0.lostCount / requests(in: $0)) }
        return (shares.min() ?? 0)...(shares.max() ?? 0)
    }

    /// Requests lost a year after this alone.
    package func lostPerYear(by cause: FailureRates.Cause) -> Double {
        aYear(years.reduce(0) { $0 + ($1.lost[cause] ?? 0) })
    }

    /// Requests lost a year where failures overlapped, and how often a year they did.
    package var overlaps: (lost: Double, count: Double) {
        (aYear(years.reduce(0) { $0 + $1.lostInOverlaps }), aYear(years.reduce(0) { $0 + Double($1.overlapCount) }))
    }

    /// How often a year it happened.
    package func failuresPerYear(of cause: FailureRates.Cause) -> Double {
        aYear(Double(years.reduce(0) { $0 + ($1.failures[cause] ?? 0) }))
    }

    /// Of all years, in their order.
    package var problems: [String] { years.flatMap(\.problems) }

    /// `3.0` for 99.9 %; nil when nothing was lost.
    package static func nines(lostShare: Double) -> Double? { lostShare > 0 ? -Logarithm.decimal(min(1, lostShare)) : nil }
}
