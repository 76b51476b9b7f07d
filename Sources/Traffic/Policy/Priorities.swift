import Resources
import Timing

/// Divides traffic over priorities: the best one carries all of it while enough of it is healthy, and what it cannot carry goes to the next.
///
/// Health that is lost counts at once; health that comes back counts after the delay, unless nobody else could carry the traffic meanwhile.
struct Priorities: Sendable {
    /// How one priority stands.
    struct Standing: Hashable, Sendable {
        var healthy: Int
        /// Those that could be: without the ones that are on their way out.
        var total: Int
    }

    private struct Level: Sendable {
        /// Of the traffic, from 0 to 1, how much it is believed to carry.
        var capacity: Double
        var betterSince: Instant?
    }
    private var levels: [Level] = []
    /// How often traffic began to go to a worse priority.
    private(set) var failoverCount: UInt64 = 0
    /// Whether some of the traffic goes to a worse priority.
    private(set) var isFailedOver = false

    /// As if nothing had happened yet, but for the count.
    var afresh: Priorities {
        var fresh = Priorities()
        fresh.failoverCount = failoverCount
        return fresh
    }

    /// The share of each priority, best first; they add up to 1 where anything is healthy, else all are 0.
    mutating func shares(_ standings: [Standing], _ rules: FailoverRules, now: Instant) -> [Double] {
        let able = standings.map { Self.capacity($0, rules) }
        if levels.count != able.count { levels = able.map { Level(capacity: $0) } }
        for index in able.indices { believe(able[index], of: index, rules, now) }
        var shares = [Double](repeating: 0, count: able.count)
        var left = 1.0
        func take(_ index: Int, _ capacity: Double) {
            let part = min(left, max(0, capacity))
            shares[index] += part
            left -= part
        }
        for index in able.indices { take(index, levels[index].capacity) }
        // Who waits out the delay is still better than nobody.
        for index in able.indices { take(index, able[index] - levels[index].capacity) }
        let sum = 1 - left
        if sum <= 0 { return shares }
        note(shares)
        return shares.map { $0 / sum }
    }

    /// 1: it can carry everything.
    static func capacity(_ standing: Standing, _ rules: FailoverRules) -> Double {
        guard standing.total > 0 else { return 0 }
        return min(1, Double(standing.healthy * 100) / Double(standing.total * rules.minHealthyPercent))
    }

    private mutating func believe(_ able: Double, of index: Int, _ rules: FailoverRules, _ now: Instant) {
        guard able > levels[index].capacity else {
            levels[index] = Level(capacity: able)
            return
        }
        let since = levels[index].betterSince ?? now
        levels[index].betterSince = since
        if now - since >= rules.failBackDelay { levels[index] = Level(capacity: able) }
    }

    private mutating func note(_ shares: [Double]) {
        let used = shares.dropFirst().contains { $0 > 0 }
        if used, !isFailedOver { failoverCount += 1 }
        isFailedOver = used
    }
}
