import Formats

/// When, how often and how soon a request goes to another endpoint.
package struct RetryRules: Hashable, Sendable {
    /// What makes an attempt one to repeat. The names are Envoy's.
    package struct Triggers: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        /// Nobody accepted the connection. Nothing was sent, so the request goes elsewhere whether or not this is named.
        package static let connectFailure = Triggers(rawValue: 1)
        /// The connection broke before anything of a response was passed on.
        package static let reset = Triggers(rawValue: 2)
        /// Any status of 500 and above; a reset as well.
        package static let serverError = Triggers(rawValue: 4)
        /// 502, 503 and 504.
        package static let gatewayError = Triggers(rawValue: 8)
        /// 409.
        package static let retriable4xx = Triggers(rawValue: 16)
        /// One of `statusCodes`.
        package static let statusCodes = Triggers(rawValue: 32)

        static let names: [String: Triggers] = [
            "connect-failure": .connectFailure, "reset": .reset, "5xx": .serverError, "gateway-error": .gatewayError,
            "retriable-4xx": .retriable4xx, "retriable-status-codes": .statusCodes,
        ]
    }

    /// Which requests are repeated although running them twice is not the same as once (RFC 9110, 9.2.2), and an endpoint may have had them.
    package enum NotIdempotent: String, Hashable, Sendable {
        case never = "Never"
        /// Those with a field `Idempotency-Key`: their service knows a repeat when it sees one.
        case withKey = "WithIdempotencyKey"
        case always = "Always"
    }

    /// The pause before a repeat.
    package struct BackOff: Hashable, Sendable {
        /// At most so long before the first, doubled before each further one.
        package var base: Duration
        package var longest: Duration
        package init(base: Duration, longest: Duration) {
            self.base = base
            self.longest = longest
        }
    }

    /// A second attempt while the first is still out.
    package struct Hedging: Hashable, Sendable {
        /// At least so long after the first.
        package var delay: Duration
        /// As late as this share of the answers take, in percent; nil: after `delay`.
        package var percentile: Int?
        package init(delay: Duration, percentile: Int? = nil) {
            self.delay = delay
            self.percentile = percentile
        }
    }

    /// Repeats of one request.
    package var limit: Int
    /// Of the requests of the last ten seconds.
    package var percent: Int
    package var minPerSecond: Int
    package var triggers: Triggers = [.connectFailure, .reset]
    /// Sorted.
    package var statusCodes: [Int] = []
    package var notIdempotent = NotIdempotent.never
    /// How long one attempt may take until its response begins.
    package var tryTimeout: Duration?
    package var backOff: BackOff?
    package var hedging: Hedging?

    package init(limit: Int = 1, percent: Int = 20, minPerSecond: Int = 10) {
        self.limit = limit
        self.percent = percent
        self.minPerSecond = minPerSecond
    }

    init(_ value: Value) {
        self.init()
        if let limit = value["numRetries"].int { self.limit = Int(limit) }
        if let percent = value["budget"]["percent"].int { self.percent = Int(percent) }
        if let least = value["budget"]["minRetriesPerSecond"].int { minPerSecond = Int(least) }
        let named = value["retryOn"]["triggers"]
        if !named.isNull { triggers = Triggers(named.elements.compactMap { Triggers.names[$0.string ?? ""] }) }
        statusCodes = value["retryOn"]["httpStatusCodes"].elements.compactMap { $0.int.map { Int($0) } }.sorted()
        if !statusCodes.isEmpty { triggers.insert(.statusCodes) }
        notIdempotent = value["nonIdempotentRequests"].string.flatMap(NotIdempotent.init) ?? .never
        let perRetry = value["perRetry"]
        tryTimeout = TimeoutRules.limit(perRetry["timeout"])
        if let base = TimeoutRules.limit(perRetry["backOff"]["baseInterval"]) {
            // As in Envoy: ten times the base where nothing is said.
            backOff = BackOff(base: base, longest: max(base, TimeoutRules.limit(perRetry["backOff"]["maxInterval"]) ?? base * 10))
        }
        if let delay = value["hedging"]["delay"].string.flatMap(GatewayDuration.parse) {
            hedging = Hedging(delay: delay, percentile: value["hedging"]["percentile"].int.map { Int($0) })
        }
    }
}
