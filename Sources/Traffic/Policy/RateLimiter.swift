import Resources
import Timing
import Wire

/// The limits of one backend's policy, with what is left of each.
///
/// A request has to pass every rule that selects it, and takes from none when one refuses it.
struct RateLimiter: Sendable {
    /// Clients that are told apart. Beyond it those that have not come for a period are forgotten, and if that is not enough, new ones share one
    /// bucket: nobody can use up the memory by calling himself something else each time.
    static let bucketLimit = 16_384
    /// How long after a look for those who can be forgotten the next one comes at the earliest: it costs as much as there are clients, and who
    /// makes up a name for each request must not have every request pay that.
    static let prunePeriod = Duration.seconds(1)

    /// What came of asking.
    enum Verdict: Equatable, Sendable {
        /// Counted. The quota is that of the rule with the least left; nil where no rule selects the request.
        case passes(RateQuota?)
        case refused(RateQuota)
    }

    private struct Key: Hashable {
        var rule: Int
        /// What tells one client from another: header values and the source address; empty where everybody has one bucket.
        var client: [String]
    }

    let rules: [RateLimitRule]
    private var buckets: [Key: TokenBucket] = [:]
    private var nextPrune = Instant.zero

    init(_ rules: [RateLimitRule]) { self.rules = rules }

    var bucketCount: Int { buckets.count }

    mutating func admit(_ head: RequestHead, client: UInt32, now: Instant) -> Verdict {
        if rules.isEmpty { return .passes(nil) }
        var keys: [Key] = []
        for (index, rule) in rules.enumerated() {
            guard let parts = rule.match(head, client: client) else { continue }
            let key = room(for: Key(rule: index, client: parts), now)
            var bucket = buckets[key] ?? TokenBucket(capacity: rule.requests, per: rule.period, now: now)
            let wait = bucket.wait(now: now)
            buckets[key] = bucket
            if wait > .zero { return .refused(RateQuota(limit: rule.requests, period: rule.period, remaining: 0, reset: wait)) }
            keys.append(key)
        }
        var least: RateQuota?
        for key in keys {
            _ = buckets[key]?.take(now: now)
            let rule = rules[key.rule]
            guard let remaining = buckets[key]?.remaining(now: now), remaining < least?.remaining ?? .max else { continue }
            let reset = rule.period * (Double(rule.requests - remaining) / Double(rule.requests))
            least = RateQuota(limit: rule.requests, period: rule.period, remaining: remaining, reset: reset)
        }
        return .passes(least)
    }

    private mutating func room(for key: Key, _ now: Instant) -> Key {
        if buckets[key] != nil || buckets.count < Self.bucketLimit { return key }
        if now >= nextPrune {
            nextPrune = now + Self.prunePeriod
            buckets = buckets.filter { entry in
                var bucket = entry.value
                return !bucket.isFull(now: now)
            }
        }
        return buckets.count < Self.bucketLimit ? key : Key(rule: key.rule, client: ["others"])
    }
}

/// What a client is told of a limit.
package struct RateQuota: Equatable, Sendable {
    /// Requests in the rule's period.
    package var limit: Int
    package var period: Duration
    /// So many may come at once.
    package var remaining: Int
    /// Until there is one, where none remains; else until all are there again.
    package var reset: Duration
}

extension RateLimitRule {
    /// What tells this client from others; nil when the rule does not select the request.
    func match(_ head: RequestHead, client: UInt32) -> [String]? {
        if selectors.isEmpty { return [] }
        for selector in selectors {
            if let parts = selector.match(head, client: client) { return parts }
        }
        return nil
    }
}

extension RateLimitRule.Selector {
    func match(_ head: RequestHead, client: UInt32) -> [String]? {
        var parts: [String] = []
        if let source {
            guard source.range.contains(client) else { return nil }
            if source.isDistinct { parts.append(EndpointAddress.text(client)) }
        }
        if let path, !path.matches(RequestPath.read(head.target)[...]) { return nil }
        for header in headers {
            guard let found = head.headers.first(header.name) else { return nil }
            if let value = header.value {
                guard found == value else { return nil }
            } else {
                parts.append(found)
            }
        }
        return parts
    }
}

extension RateLimitRule.PathMatch {
    func matches(_ path: Substring) -> Bool {
        switch self {
        case .exact(let exact): path == exact
        case .prefix(let prefix):
            path.hasPrefix(prefix)
                && (prefix.hasSuffix("/") || path.utf8.count == prefix.utf8.count || path.dropFirst(prefix.count).first == "/")
        }
    }
}
