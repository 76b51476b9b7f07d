import Timing

/// How often things fail, and how long what fails stays away: what a forecast assumes.
package struct FailureRates: Sendable {
    /// What fails by itself, or is done, again and again.
    package enum Cause: String, CaseIterable, Sendable, Hashable {
        case crash, hang, node, zone, server, agent, proxy, up, rollout

        /// Whether somebody has to bring it back.
        package var needsRepair: Bool { self == .node || self == .zone || self == .hang }

        /// What the mean time is counted for: `each replica`.
        package var unit: String {
            switch self {
            case .crash, .hang: "replica"
            case .node, .agent: "node"
            case .zone: "zone"
            case .server, .proxy, .up: "instance"
            case .rollout: "deployment"
            }
        }
    }

    /// Between two failures of one and the same thing.
    package var meanTimes: [Cause: Duration]
    /// From a failure to its repair, where it needs one.
    package var repairTimes: [Cause: Duration]

    package static let standardRepairTimes: [Cause: Duration] = [.node: .seconds(600), .zone: .seconds(3600), .hang: .seconds(3600)]

    package init(meanTimes: [Cause: Duration], repairTimes: [Cause: Duration] = [:]) {
        self.meanTimes = meanTimes
        self.repairTimes = Self.standardRepairTimes.merging(repairTimes) { _, named in named }
    }

    /// Those that happen at all, in the order of their declaration.
    package var causes: [Cause] { Cause.allCases.filter { meanTimes[$0] != nil } }

    /// How many of a thing there are in a world.
    package static func count(of cause: Cause, in scenario: Scenario) -> Int {
        let deployments = scenario.objects.filter { $0["kind"].string == "Deployment" }
        switch cause {
        case .crash, .hang: return deployments.reduce(0) { $0 + Int($1["spec"]["replicas"].int ?? 1) }
        case .node, .agent: return scenario.zones.count * scenario.nodesPerZone
        case .zone: return scenario.zones.count
        case .server, .up: return 1
        case .proxy: return scenario.proxyCount
        case .rollout: return deployments.count
        }
    }

    /// Failures a second, of all things of this kind together.
    package func rate(of cause: Cause, in scenario: Scenario) -> Double {
        guard let mean = meanTimes[cause], mean > .zero else { return 0 }
        return Double(Self.count(of: cause, in: scenario)) / mean.inSeconds
    }

    /// The next failure of a Poisson process: after how long, and of what; nil when nothing ever fails.
    func next(in scenario: Scenario, _ random: inout SeededRandom) -> (after: Duration, cause: Cause)? {
        let rates = causes.map { (cause: $0, rate: rate(of: $0, in: scenario)) }
        let sum = rates.reduce(0) { $0 + $1.rate }
        guard sum > 0, var chosen = rates.last?.cause else { return nil }
        let wait = -Logarithm.natural(1 - Double.random(in: 0..<1, using: &random)) / sum
        var rest = Double.random(in: 0..<1, using: &random) * sum
        for (cause, rate) in rates {
            if rest < rate {
                chosen = cause
                break
            }
            rest -= rate
        }
        return (.nanoseconds(Int64(min(wait * 1e9, 9e18))), chosen)
    }
}

/// Logarithms without a library of the system: the same digits on every machine.
package enum Logarithm {
    private static let naturalOfTwo = 0.693_147_180_559_945_3

    /// - Precondition: the number is positive and finite.
    package static func natural(_ number: Double) -> Double {
        precondition(number > 0 && number.isFinite, "only positive numbers have a logarithm")
        // ln m = 2 artanh((m - 1) / (m + 1)) with 1 <= m < 2: the series is below the last digit after 20 terms.
        let ratio = (number.significand - 1) / (number.significand + 1)
        var term = ratio
        var sum = 0.0
        for index in 0..<20 {
            sum += term / Double(2 * index + 1)
            term *= ratio * ratio
        }
        return Double(number.exponent) * naturalOfTwo + 2 * sum
    }

    package static func decimal(_ number: Double) -> Double { natural(number) / natural(10) }
}
