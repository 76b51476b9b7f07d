import Formats

/// Which requests are refused first where there are too many.
package struct LoadSheddingRules: Hashable, Sendable {
    /// From 0, which goes first, to 9.
    package static let priorities: ClosedRange<Int64> = 0...9
    /// Of a request that no rule selects.
    package static let usualPriority = 5

    /// Gives the requests that it selects a priority.
    package struct PriorityRule: Hashable, Sendable {
        /// Any of them; empty: everything.
        package var selectors: [RateLimitRule.Selector]
        package var priority: Int
        package init(selectors: [RateLimitRule.Selector], priority: Int) {
            self.selectors = selectors
            self.priority = priority
        }
    }

    /// Requests under way at a time; further ones wait in line. Nil: no line.
    package var parallelRequests: Int?
    /// How old the oldest waiting request may be for long.
    package var queueAge = Duration.milliseconds(100)
    /// The first that selects a request holds.
    package var priorities: [PriorityRule] = []

    package init() {}

    init(_ value: Value) {
        parallelRequests = value["maxParallelRequests"].int.map { Int($0) }
        if let age = TimeoutRules.limit(value["maxQueueAge"]) { queueAge = age }
        priorities = value["priorities"].elements.map {
            PriorityRule(
                selectors: $0["clientSelectors"].elements.map { RateLimitRule.selector($0) },
                priority: $0["priority"].int.map { Int($0) } ?? Self.usualPriority)
        }
    }
}
