import Formats
import Simulation
import Testing
import Timing

@Suite struct ForecastTests {
    private static let day: Duration = .seconds(86_400)

    private func forecast(
        _ objects: [Value], _ means: [FailureRates.Cause: Duration], repairs: [FailureRates.Cause: Duration] = [:], seed: UInt64 = 1
    ) -> Forecast {
        var scenario = Scenario("forecast", objects: objects)
        scenario.requestsPerSecond = 50
        var forecast = Forecast(FailureRates(meanTimes: means, repairTimes: repairs), of: scenario)
        let violation = forecast.addYear(seed: seed)
        #expect(violation == nil)
        return forecast
    }

    /// Two days away for the one zone that the replicas may run in, five times a year: what is lost can be reckoned by hand.
    @Test func `What nobody serves is lost for as long as it is away`() throws {
        var objects = Samples.web(livenessPeriod: nil)
        objects[0]["spec"]["template"]["spec"]["nodeSelector"] = ["topology.kubernetes.io/zone": "a"]
        let pinned = forecast(objects, [.zone: Self.day * 73], repairs: [.zone: Self.day * 2])
        let failures = pinned.failuresPerYear(of: .zone)
        #expect(failures > 5)
        // One loss in three is of zone a.
        #expect(pinned.lostShare > 0.004 && pinned.lostShare < failures * 2 / 365)
        let spread = forecast(Samples.web(), [.zone: Self.day * 73], repairs: [.zone: Self.day * 2])
        #expect(spread.lostShare < pinned.lostShare / 1000)
    }

    @Test func `A hung process costs few requests with a liveness probe, and goes on costing without one`() {
        let watched = forecast(Samples.web(), [.hang: Self.day * 200])
        let ignored = forecast(Samples.web(livenessPeriod: nil, readinessPeriod: 3600), [.hang: Self.day * 200])
        let failures = watched.failuresPerYear(of: .hang)
        #expect(failures > 1)
        #expect(watched.lostPerYear(by: .hang) < failures * 3)
        #expect(ignored.lostPerYear(by: .hang) > watched.lostPerYear(by: .hang) * 10)
    }

    @Test func `Rollouts lose nothing, and with Recreate what the start takes`() {
        #expect(forecast(Samples.web(), [.rollout: Self.day * 40]).lostShare == 0)
        var objects = Samples.web(livenessPeriod: nil)
        objects[0]["spec"]["strategy"] = ["type": "Recreate"]
        var scenario = Scenario("recreate", objects: objects)
        scenario.requestsPerSecond = 50
        scenario.standardProgram.startTime = .seconds(10)...(.seconds(10))
        var recreated = Forecast(FailureRates(meanTimes: [.rollout: Self.day * 40]), of: scenario)
        #expect(recreated.addYear(seed: 1) == nil)
        // Ten seconds and a little, less the two that a proxy waits.
        let each = recreated.lostPerYear(by: .rollout) / recreated.failuresPerYear(of: .rollout)
        #expect(each > 50 * 7.5 && each < 50 * 11, "\(each) requests")
    }

    /// One replica or another crashes every twenty seconds: a year of that is more than a million failures.
    @Test func `Where things fail all the time a forecast ends with its work, and tells what it has`() {
        func forecast(_ stepLimit: Int) -> Forecast {
            var scenario = Scenario("busy", objects: Samples.web())
            scenario.requestsPerSecond = 50
            var forecast = Forecast(FailureRates(meanTimes: [.crash: .seconds(60)]), of: scenario, stepLimit: stepLimit)
            #expect(forecast.addYear(seed: 1) == nil)
            return forecast
        }
        let busy = forecast(50_000)
        #expect(busy.isExhausted && busy.years.count == 1 && busy.wholeYearCount == 0)
        #expect(busy.totalYears > 0 && busy.totalYears < 0.01)
        // As many a year as the rates say, though not a year has passed.
        #expect(busy.failuresPerYear(of: .crash) + busy.overlaps.count > 0 && busy.lostShare > 0 && busy.lostShare < 1)
        #expect(forecast(50_000).lostShare == busy.lostShare)
        #expect(forecast(20_000).totalYears < busy.totalYears)
        let calm = self.forecast(Samples.web(), [.crash: Self.day * 200])
        #expect(calm.wholeYearCount == 1 && !calm.isExhausted)
    }

    @Test func `What does not even start has no forecast`() {
        var forecast = Forecast(
            FailureRates(meanTimes: [.crash: Self.day]), of: Scenario("too big", objects: Samples.web(cpu: "20")))
        #expect(forecast.addYear(seed: 1) == nil)
        #expect(forecast.years.isEmpty)
        #expect(forecast.startProblem?.contains("is not ready") == true)
    }

    @Test func `The same seed gives the same year`() {
        let means: [FailureRates.Cause: Duration] = [.crash: Self.day * 200, .node: Self.day * 300, .proxy: Self.day * 100]
        let twice = (1...2).map { _ in forecast(Samples.web(), means, seed: 4) }
        #expect(twice[0].lostShare == twice[1].lostShare)
        #expect(twice[0].lostShare > 0)
        #expect(forecast(Samples.web(), means, seed: 5).lostShare != twice[0].lostShare)
    }

    /// As many as the rates say, within four standard deviations.
    @Test func `Failures come as often as the rates say`() {
        let forecast = forecast(Samples.web(), [.crash: Self.day * 30, .server: Self.day * 30])
        #expect(abs(forecast.failuresPerYear(of: .crash) - 36.5) < 4 * 6.1)
        #expect(abs(forecast.failuresPerYear(of: .server) - 12.2) < 4 * 3.5)
    }

    @Test(arguments: [(1.0, 0.0), (2.718281828459045, 1), (10, 2.302585092994046), (1e-9, -20.72326583694641), (3e300, 691.8741401868818)])
    func `Logarithms are right to the last digits`(number: Double, logarithm: Double) {
        #expect(abs(Logarithm.natural(number) - logarithm) <= 1e-13 * max(1, abs(logarithm)))
    }
}
