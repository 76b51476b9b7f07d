import Formats

/// How the proxy treats the traffic of Services (`steady.dev/v1`). Field names are Envoy Gateway's BackendTrafficPolicy's where it has one.
package struct TrafficPolicy: Sendable {
    /// A Service in the policy's namespace, or one of its ports.
    package struct Target: Hashable, Sendable, CustomStringConvertible {
        package var service: String
        /// A port's name; empty: every port.
        package var port: String

        package var description: String { port.isEmpty ? service : "\(service):\(port)" }
    }

    package var meta: ObjectMeta
    package var targets: [Target]
    package var rules: TrafficRules

    package init(_ value: Value) {
        meta = ObjectMeta(of: value)
        let spec = value["spec"]
        targets = spec["targetRefs"].elements.map { Target(service: $0["name"].string ?? "", port: $0["sectionName"].string ?? "") }
        rules = TrafficRules(spec)
    }

    /// The ConfigMaps of its namespace that it takes bodies of responses from.
    package var bodySources: Set<String> {
        Set(rules.fallbacks.compactMap { if case .response(let response) = $0 { response.bodySource } else { nil } })
    }

    /// Whether it names the Service, or a port of it.
    package func targets(_ service: String) -> Bool { targets.contains { $0.service == service } }

    /// The fields by which it rules, as they stand in its spec.
    package static func ruleNames(of policy: Value) -> [String] {
        (policy["spec"].object ?? [:]).map(\.0).filter { $0 != "targetRefs" }
    }
}

/// What a TrafficPolicy asks for; without one everything is as in `init()`.
package struct TrafficRules: Hashable, Sendable {
    /// How an endpoint is chosen.
    package enum Balancing: Hashable, Sendable {
        /// The fewest open requests; ties rotate.
        case leastRequest
        case roundRobin
        case random
        /// The same key goes to the same endpoint while that is there and has not much more to do than the others.
        case consistentHash(HashKey)
    }

    /// What a hash is made of. A request without the header or the cookie is told by its source address.
    package enum HashKey: Hashable, Sendable {
        case sourceIP
        case header(String)
        case cookie(String)
    }

    /// How much may be under way at a time; nil: no limit of its own.
    package struct Limits: Hashable, Sendable {
        package var pendingRequests: Int?
        package var parallelRequests: Int?
        package var parallelRetries: Int?
        /// In use at a time, over all endpoints of the backend, whoever uses them.
        package var connections: Int?
        /// Open to one endpoint, those at rest included.
        package var endpointConnections: Int?
        package init(
            pendingRequests: Int? = nil, parallelRequests: Int? = nil, parallelRetries: Int? = nil, connections: Int? = nil,
            endpointConnections: Int? = nil
        ) {
            self.pendingRequests = pendingRequests
            self.parallelRequests = parallelRequests
            self.parallelRetries = parallelRetries
            self.connections = connections
            self.endpointConnections = endpointConnections
        }
    }

    package var balancing = Balancing.leastRequest
    package var balance = BalancingRules()
    package var timeouts = TimeoutRules()
    package var limits = Limits()
    package var retries = RetryRules()
    /// In the order in which they are tried.
    package var fallbacks: [Fallback] = []
    package var loadShedding: LoadSheddingRules?
    package var rateLimits: [RateLimitRule] = []
    package var faults = FaultInjection()
    package var proxyProtocol = ProtocolRules()
    /// Which endpoints get nothing though they are ready.
    package var health = HealthRules()
    /// Nil: a Service is asked however much of it fails.
    package var breaker: BreakerRules?
    package var telemetry = TelemetryRules()

    package init() {}

    init(_ spec: Value) {
        let balancer = spec["loadBalancer"]
        switch balancer["type"].string {
        case "RoundRobin": balancing = .roundRobin
        case "Random": balancing = .random
        case "ConsistentHash": balancing = .consistentHash(Self.hashKey(balancer["consistentHash"]))
        default: balancing = .leastRequest
        }
        balance = BalancingRules(spec)
        timeouts = TimeoutRules(spec["timeout"])
        let breaker = spec["circuitBreaker"]
        limits = Limits(
            pendingRequests: breaker["maxPendingRequests"].int.map { Int($0) },
            parallelRequests: breaker["maxParallelRequests"].int.map { Int($0) },
            parallelRetries: breaker["maxParallelRetries"].int.map { Int($0) },
            connections: breaker["maxConnections"].int.map { Int($0) },
            endpointConnections: breaker["perEndpoint"]["maxConnections"].int.map { Int($0) })
        if !breaker["trip"].isNull { self.breaker = BreakerRules(breaker["trip"]) }
        health = HealthRules(spec["healthCheck"])
        retries = RetryRules(spec["retry"])
        fallbacks = spec["fallback"].elements.compactMap { Fallback($0) }
        if !spec["loadShedding"].isNull { loadShedding = LoadSheddingRules(spec["loadShedding"]) }
        rateLimits = spec["rateLimit"]["local"]["rules"].elements.compactMap { RateLimitRule($0) }
        faults = FaultInjection(spec["faultInjection"])
        proxyProtocol = ProtocolRules(spec)
        telemetry = TelemetryRules(spec["telemetry"])
    }

    private static func hashKey(_ value: Value) -> HashKey {
        switch value["type"].string {
        case "Header": .header(value["header"]["name"].string ?? "")
        case "Cookie": .cookie(value["cookie"]["name"].string ?? "")
        default: .sourceIP
        }
    }
}

/// How many of the requests that it selects may come in a time.
package struct RateLimitRule: Hashable, Sendable {
    /// All parts that are given must match.
    package struct Selector: Hashable, Sendable {
        package var headers: [HeaderMatch] = []
        package var path: PathMatch?
        package var source: SourceMatch?
        package init() {}
    }
    /// A header field with a value, or with any one, each counted by itself.
    package struct HeaderMatch: Hashable, Sendable {
        package var name: String
        /// Nil: distinct.
        package var value: String?
        package init(_ name: String, value: String?) {
            self.name = name
            self.value = value
        }
    }
    /// Of the request's target, without its query.
    package enum PathMatch: Hashable, Sendable {
        case exact(String)
        /// Of whole elements: `/a` is a prefix of `/a/b`, not of `/ab`.
        case prefix(String)
    }
    /// A client whose address lies in a range.
    package struct SourceMatch: Hashable, Sendable {
        package var range: AddressRange
        /// Each address is counted by itself.
        package var isDistinct: Bool
        package init(_ range: AddressRange, isDistinct: Bool) {
            self.range = range
            self.isDistinct = isDistinct
        }
    }

    /// Any of them; empty: everything.
    package var selectors: [Selector]
    package var requests: Int
    package var period: Duration

    package init(selectors: [Selector] = [], requests: Int, period: Duration) {
        self.selectors = selectors
        self.requests = requests
        self.period = period
    }

    init?(_ value: Value) {
        guard let requests = value["limit"]["requests"].int, let period = Self.periods[value["limit"]["unit"].string ?? ""] else {
            return nil
        }
        self.init(selectors: value["clientSelectors"].elements.map { Self.selector($0) }, requests: Int(requests), period: period)
    }

    private static let periods: [String: Duration] = [
        "Second": .seconds(1), "Minute": .seconds(60), "Hour": .seconds(3600), "Day": .seconds(86_400),
    ]

    static func selector(_ value: Value) -> Selector {
        var selector = Selector()
        for header in value["headers"].elements {
            let isDistinct = header["type"].string == "Distinct"
            selector.headers.append(HeaderMatch(header["name"].string ?? "", value: isDistinct ? nil : header["value"].string ?? ""))
        }
        if let path = value["path"]["value"].string {
            selector.path = value["path"]["type"].string == "Exact" ? .exact(path) : .prefix(path)
        }
        if let range = value["sourceCIDR"]["value"].string.flatMap(AddressRange.init) {
            selector.source = SourceMatch(range, isDistinct: value["sourceCIDR"]["type"].string == "Distinct")
        }
        return selector
    }
}

/// Troubles made on purpose.
package struct FaultInjection: Hashable, Sendable {
    /// For a share of the requests, from 0 to 100.
    package struct Delay: Hashable, Sendable {
        package var duration: Duration
        package var percentage: Double
        package init(duration: Duration, percentage: Double) {
            self.duration = duration
            self.percentage = percentage
        }
    }
    /// For a share of the requests, from 0 to 100.
    package struct Abort: Hashable, Sendable {
        package var status: Int
        package var percentage: Double
        package init(status: Int, percentage: Double) {
            self.status = status
            self.percentage = percentage
        }
    }
    package var delay: Delay?
    package var abort: Abort?

    package init(delay: Delay? = nil, abort: Abort? = nil) {
        self.delay = delay
        self.abort = abort
    }

    init(_ value: Value) {
        if let duration = value["delay"]["fixedDelay"].string.flatMap(GatewayDuration.parse) {
            delay = Delay(duration: duration, percentage: value["delay"]["percentage"].number ?? 100)
        }
        if let status = value["abort"]["httpStatus"].int {
            abort = Abort(status: Int(status), percentage: value["abort"]["percentage"].number ?? 100)
        }
    }
}
