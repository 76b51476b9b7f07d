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

    /// Why a request is refused.
    struct Excess: Equatable, Sendable {
        var limit: Int
        var wait: Duration
    }

    private struct Key: Hashable {
        var rule: Int
        /// What tells one client from another: header values and the source address; empty where everybody has one bucket.
        var client: [String]
    }

    let rules: [RateLimitRule]
    private var buckets: [Key: TokenBucket] = [:]

    init(_ rules: [RateLimitRule]) { self.rules = rules }

    var bucketCount: Int { buckets.count }

    /// Nil: the request may go on, and is counted.
    mutating func admit(_ head: RequestHead, client: UInt32, now: Instant) -> Excess? {
        var keys: [Key] = []
        for (index, rule) in rules.enumerated() {
            guard let parts = rule.match(head, client: client) else { continue }
            let key = room(for: Key(rule: index, client: parts), now)
            var bucket = buckets[key] ?? TokenBucket(capacity: rule.requests, per: rule.period, now: now)
            let wait = bucket.wait(now: now)
            buckets[key] = bucket
            if wait > .zero { return Excess(limit: rule.requests, wait: wait) }
            keys.append(key)
        }
        for key in keys { _ = buckets[key]?.take(now: now) }
        return nil
    }

    private mutating func room(for key: Key, _ now: Instant) -> Key {
        if buckets[key] != nil || buckets.count < Self.bucketLimit { return key }
        buckets = buckets.filter { entry in
            var bucket = entry.value
            return !bucket.isFull(now: now)
        }
        return buckets.count < Self.bucketLimit ? key : Key(rule: key.rule, client: ["others"])
    }
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
        if let path, !path.matches(head.path) { return nil }
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

extension RequestHead {
    /// The target without its query.
    fileprivate var path: Substring { target.prefix { $0 != "?" } }
}
