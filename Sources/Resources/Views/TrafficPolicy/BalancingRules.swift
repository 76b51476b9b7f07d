import Formats

/// What a TrafficPolicy asks for beside the kind of balancing: who comes first, who gets how much, who is warmed up, who stays where he was.
package struct BalancingRules: Hashable, Sendable {
    /// For how long an endpoint that has become ready gets less than its share (`loadBalancer.slowStart.window`).
    package var slowStart: Duration?
    /// `backends`: the first that selects a pod is its own; a pod that none selects is in one behind the last, of weight 1 and priority 0.
    package var groups: [EndpointGroup] = []
    package var failover = FailoverRules()
    /// `sessionPersistence`.
    package var session: SessionRules?

    package init() {}

    init(_ spec: Value) {
        slowStart = spec["loadBalancer"]["slowStart"]["window"].string.flatMap(GatewayDuration.parse).flatMap { $0 > .zero ? $0 : nil }
        groups = spec["backends"].elements.map { EndpointGroup($0) }
        failover = FailoverRules(spec["failover"])
        if case .object = spec["sessionPersistence"] { session = SessionRules(spec["sessionPersistence"]) }
    }

    /// The labels that the groups ask for, sorted: what has to be known of a pod to tell its group.
    package var selectorKeys: [String] { Set(groups.flatMap { $0.selector.requirements.map(\.key) }).sorted() }

    /// How long a client that is known by its address is remembered after its last request; nil where it is not known by that.
    package var addressTimeout: Duration? {
        guard let session, session.mark == .sourceIP else { return nil }
        return session.idleTimeout ?? SessionRules.defaultAddressTimeout
    }

    /// Which group a pod is in; the number of groups where none selects it.
    package func group(of labels: [String: String]) -> Int { groups.firstIndex { $0.selector.matches(labels) } ?? groups.count }
}

/// Pods behind a Service that are treated alike.
package struct EndpointGroup: Hashable, Sendable {
    /// Nothing given: every pod.
    package var selector: LabelSelector
    /// Of the traffic of its priority the group gets this share of all groups' weights, however many pods it has. 0: nothing.
    package var weight: Int
    /// 0 is the best.
    package var priority: Int

    package init(_ selector: LabelSelector, weight: Int = 1, priority: Int = 0) {
        self.selector = selector
        self.weight = weight
        self.priority = priority
    }

    init(_ value: Value) {
        self.init(
            LabelSelector(object: value["selector"]), weight: value["weight"].int.map { Int($0) } ?? 1,
            priority: value["priority"].int.map { Int($0) } ?? 0)
    }
}

/// When a worse priority is used, and when the better one is again.
package struct FailoverRules: Hashable, Sendable {
    /// A priority carries all traffic while this much of its endpoints, in percent, is healthy; of less, in proportion.
    package var minHealthyPercent: Int
    /// For how long a priority must be healthier before it gets its traffic back.
    package var failBackDelay: Duration

    /// Envoy's over-provisioning factor of 1.4 gives 71.4.
    package static let defaultMinHealthyPercent = 70

    package init(minHealthyPercent: Int = defaultMinHealthyPercent, failBackDelay: Duration = .zero) {
        self.minHealthyPercent = minHealthyPercent
        self.failBackDelay = failBackDelay
    }

    init(_ value: Value) {
        self.init(
            minHealthyPercent: value["minHealthyPercent"].int.map { Int($0) } ?? Self.defaultMinHealthyPercent,
            failBackDelay: value["failBackDelay"].string.flatMap(GatewayDuration.parse) ?? .zero)
    }
}

/// How a client is led to the endpoint that it had before; after the Gateway API's SessionPersistence (GEP-1619).
package struct SessionRules: Hashable, Sendable {
    /// What a client is known by.
    package enum Mark: Hashable, Sendable {
        /// A cookie that the proxy sets; `isPermanent`: the client keeps it for `absoluteTimeout`, else until it ends its own session.
        case cookie(isPermanent: Bool)
        /// A header field that the proxy sends and the client sends back.
        case header
        /// The client's address; nothing is sent.
        case sourceIP
    }

    package var mark: Mark
    /// Of the cookie or the header field.
    package var name: String
    /// From the first response on.
    package var absoluteTimeout: Duration?
    /// From the last response on.
    package var idleTimeout: Duration?

    /// Where `sessionName` is not given.
    package static let defaultName = "steady-session"

    /// Kubernetes' for `sessionAffinity: ClientIP`.
    package static let defaultAddressTimeout = Duration.seconds(10_800)

    package init(_ mark: Mark, name: String = defaultName, absoluteTimeout: Duration? = nil, idleTimeout: Duration? = nil) {
        self.mark = mark
        self.name = name
        self.absoluteTimeout = absoluteTimeout
        self.idleTimeout = idleTimeout
    }

    init(_ value: Value) {
        let mark: Mark =
            switch value["type"].string {
            case "Header": .header
            case "SourceIP": .sourceIP
            default: .cookie(isPermanent: value["cookieConfig"]["lifetimeType"].string == "Permanent")
            }
        func limit(_ key: String) -> Duration? { value[key].string.flatMap(GatewayDuration.parse).flatMap { $0 > .zero ? $0 : nil } }
        self.init(
            mark, name: value["sessionName"].string ?? Self.defaultName, absoluteTimeout: limit("absoluteTimeout"),
            idleTimeout: limit("idleTimeout"))
    }
}
