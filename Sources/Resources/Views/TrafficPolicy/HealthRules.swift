import Formats

/// What takes traffic from an endpoint that the pod's own probes call ready.
package struct HealthRules: Hashable, Sendable {
    /// Nil: what endpoints answer is not watched.
    package var passive: PassiveHealth?
    /// Empty: nobody is asked.
    package var checks: [HealthCheckRule] = []
    /// Below this share of healthy endpoints all are used; 0: only when none is left.
    package var panicThreshold = 0

    package init(passive: PassiveHealth? = nil, checks: [HealthCheckRule] = [], panicThreshold: Int = 0) {
        self.passive = passive
        self.checks = checks
        self.panicThreshold = panicThreshold
    }

    init(_ value: Value) {
        if !value["passive"].isNull { passive = PassiveHealth(value["passive"]) }
        let active = value["active"]
        if !active["type"].isNull { checks.append(HealthCheckRule(active, name: "active")) }
        for (index, check) in active["checks"].elements.enumerated() {
            checks.append(HealthCheckRule(check, name: check["name"].string ?? "check-\(index)"))
        }
        if let percent = value["panicThreshold"].int { panicThreshold = Int(percent) }
    }

    /// Nothing is watched.
    package var isEmpty: Bool { passive == nil && checks.isEmpty }
}

/// When an endpoint is taken out for what it did to requests. Names and defaults as in Envoy Gateway, except for `maxEjectionPercent`, which
/// is right for few endpoints.
package struct PassiveHealth: Hashable, Sendable {
    /// Answers of 500 and above in a row; 0: they do not count.
    package var consecutive5XxErrors = 5
    /// Answers of 502, 503 and 504 in a row; 0: they do not count.
    package var consecutiveGatewayErrors = 0
    /// Connects that failed, connections that broke and answers that came too late, in a row; only where these are told from answers.
    package var consecutiveLocalOriginFailures = 5
    /// Whether what the proxy saw itself is told from what endpoints answered; if not, it counts as an answer of 503.
    package var splitExternalLocalOriginErrors = false
    /// Failures of all requests of an interval, in percent, from which on an endpoint is taken out; 0: they do not count.
    package var failurePercentageThreshold = 85
    /// With fewer requests in an interval a percentage says nothing.
    package var failurePercentageRequestVolume = 20
    package var interval = Duration.seconds(3)
    /// Times how often the endpoint has been taken out in a row.
    package var baseEjectionTime = Duration.seconds(30)
    package var maxEjectionTime = Duration.seconds(300)
    /// Of the endpoints so many may be out at a time; one always may, the last one never.
    package var maxEjectionPercent = 50

    package init() {}

    init(_ value: Value) {
        value.read("consecutive5XxErrors", &consecutive5XxErrors)
        value.read("consecutiveGatewayErrors", &consecutiveGatewayErrors)
        value.read("consecutiveLocalOriginFailures", &consecutiveLocalOriginFailures)
        splitExternalLocalOriginErrors = value["splitExternalLocalOriginErrors"].bool ?? false
        value.read("failurePercentageThreshold", &failurePercentageThreshold)
        value.read("failurePercentageRequestVolume", &failurePercentageRequestVolume)
        value.read("interval", &interval)
        value.read("baseEjectionTime", &baseEjectionTime)
        value.read("maxEjectionTime", &maxEjectionTime)
        value.read("maxEjectionPercent", &maxEjectionPercent)
    }
}

/// A question that the proxy asks each endpoint by itself, whatever the pod's probes say.
package struct HealthCheckRule: Hashable, Sendable {
    /// What a failure means.
    package enum Depth: String, Hashable, Sendable {
        /// The endpoint itself does not work: it gets nothing, whatever the others do.
        case shallow = "Shallow"
        /// Something behind it does not work, perhaps for all: it gets nothing while others pass, within the floor of ejections.
        case deep = "Deep"
    }

    /// What is asked, and what is right.
    package enum Question: Hashable, Sendable {
        case http(HTTPQuestion)
        case tcp(TCPQuestion)
    }

    /// A request and its right answer.
    package struct HTTPQuestion: Hashable, Sendable {
        package var path: String
        package var method: String
        /// Empty: the Service's name.
        package var hostname: String
        package var expectedStatuses: [Int]
        /// What the body has to contain; nil: anything.
        package var expectedText: String?
        package init(
            path: String, method: String = "GET", hostname: String = "", expectedStatuses: [Int] = [200], expectedText: String? = nil
        ) {
            self.path = path
            self.method = method
            self.hostname = hostname
            self.expectedStatuses = expectedStatuses
            self.expectedText = expectedText
        }
    }

    /// A connection, and perhaps a word each way.
    package struct TCPQuestion: Hashable, Sendable {
        package var send: String?
        /// What the endpoint's bytes have to contain.
        package var receive: String?
        package init(send: String? = nil, receive: String? = nil) {
            self.send = send
            self.receive = receive
        }
    }

    package var name: String
    package var depth = Depth.shallow
    package var question: Question
    package var interval = Duration.seconds(3)
    package var timeout = Duration.seconds(1)
    /// The first question comes within this time; nil: within the interval.
    package var initialJitter: Duration?
    /// Failures in a row.
    package var unhealthyThreshold = 3
    /// Passes in a row.
    package var healthyThreshold = 1

    package init(name: String, depth: Depth = .shallow, _ question: Question) {
        self.name = name
        self.depth = depth
        self.question = question
    }

    init(_ value: Value, name: String) {
        self.name = name
        depth = value["depth"].string.flatMap(Depth.init) ?? .shallow
        if value["type"].string == "TCP" {
            question = .tcp(TCPQuestion(send: value["tcp"]["send"]["text"].string, receive: value["tcp"]["receive"]["text"].string))
        } else {
            let http = value["http"]
            let statuses = http["expectedStatuses"].elements.compactMap { $0.int.map { Int($0) } }
            question = .http(
                HTTPQuestion(
                    path: http["path"].string ?? "/", method: http["method"].string ?? "GET", hostname: http["hostname"].string ?? "",
                    expectedStatuses: statuses.isEmpty ? [200] : statuses, expectedText: http["expectedResponse"]["text"].string))
        }
        value.read("interval", &interval)
        value.read("timeout", &timeout)
        initialJitter = value["initialJitter"].string.flatMap(GatewayDuration.parse)
        value.read("unhealthyThreshold", &unhealthyThreshold)
        value.read("healthyThreshold", &healthyThreshold)
    }
}

/// When a Service is left in peace since nothing of it works.
package struct BreakerRules: Hashable, Sendable {
    /// Requests that failed in a row, over all endpoints and after all repeats; 0: they do not count.
    package var consecutiveErrors = 10
    /// Failures of all requests of an interval, in percent; 0: they do not count.
    package var failurePercentage = 90
    /// With fewer requests in an interval a percentage says nothing.
    package var requestVolume = 20
    package var interval = Duration.seconds(10)
    /// Times how often it has opened in a row.
    package var openTime = Duration.seconds(5)
    package var maxOpenTime = Duration.seconds(60)
    /// So many requests are let through to find out, and all of them have to succeed.
    package var trialRequests = 1

    package init() {}

    init(_ value: Value) {
        value.read("consecutiveErrors", &consecutiveErrors)
        value.read("failurePercentage", &failurePercentage)
        value.read("requestVolume", &requestVolume)
        value.read("interval", &interval)
        value.read("openTime", &openTime)
        value.read("maxOpenTime", &maxOpenTime)
        value.read("trialRequests", &trialRequests)
    }
}

extension Value {
    /// Reads a number where it is given.
    fileprivate func read(_ key: String, _ number: inout Int) {
        if let given = self[key].int { number = Int(given) }
    }

    /// Reads a duration where it is given.
    fileprivate func read(_ key: String, _ duration: inout Duration) {
        if let given = self[key].string.flatMap(GatewayDuration.parse) { duration = given }
    }
}
