import Formats

/// The rules of `healthCheck` and of the circuit breaker.
extension TrafficPolicyValidation {
    /// Checks of one policy: each is a connection to each endpoint in each interval.
    private static let checkLimit = 8

    static func health(_ value: Value, _ findings: inout Findings) {
        findings.range("panicThreshold", of: value, 0...100)
        findings.at("passive") { passive(value["passive"], &$0) }
        findings.at("active") { active(value["active"], &$0) }
    }

    private static func passive(_ value: Value, _ findings: inout Findings) {
        for key in [
            "consecutive5XxErrors", "consecutiveGatewayErrors", "consecutiveLocalOriginFailures", "failurePercentageRequestVolume",
        ] {
            findings.range(key, of: value, 0...1_000_000)
        }
        for key in ["failurePercentageThreshold", "maxEjectionPercent"] { findings.range(key, of: value, 0...100) }
        for key in ["interval", "baseEjectionTime", "maxEjectionTime"] { time(key, of: value, &findings) }
        if !value["consecutiveLocalOriginFailures"].isNull, value["splitExternalLocalOriginErrors"].bool != true {
            findings.forbidden("consecutiveLocalOriginFailures", "only with splitExternalLocalOriginErrors: true")
        }
    }

    private static func active(_ value: Value, _ findings: inout Findings) {
        if value.isNull { return }
        let checks = value["checks"].elements
        if value["type"].isNull, checks.isEmpty { return findings.required("type", "HTTP or TCP, or a list of checks") }
        if checks.count > checkLimit { findings.invalid("checks", .int(Int64(checks.count)), "must be at most \(checkLimit)") }
        if value["type"].isNull {
            for key in value.object?.keys ?? [] where key != "checks" {
                findings.forbidden(key, "only with type; each of checks has its own")
            }
        } else {
            question(value, &findings)
        }
        var names: Set<String> = ["active"]
        findings.each("checks", of: value) { findings, one in
            findings.name("name", of: one, Names.labelProblem)
            if let name = one["name"].string, !names.insert(name).inserted { findings.duplicate("name", one["name"]) }
            question(one, &findings)
        }
    }

    private static func question(_ value: Value, _ findings: inout Findings) {
        for key in ["interval", "timeout"] { time(key, of: value, &findings) }
        if let text = value["initialJitter"].string, GatewayDuration.parse(text) == nil { notDuration("initialJitter", value, &findings) }
        for key in ["unhealthyThreshold", "healthyThreshold"] { findings.range(key, of: value, 1...1000) }
        let isTCP = value["type"].string == "TCP"
        if isTCP, !value["http"].isNull { findings.forbidden("http", "only for type HTTP") }
        if !isTCP, !value["tcp"].isNull { findings.forbidden("tcp", "only for type TCP") }
        if value["type"].string == "HTTP", value["http"].isNull { findings.required("http") }
        findings.at("http") { findings in
            let http = value["http"]
            if let path = http["path"].string {
                let isWhole = path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
                if !path.hasPrefix("/") || !isWhole {
                    findings.invalid("path", http["path"], "must begin with a slash and have no spaces or other than ASCII characters")
                }
            }
            if let host = http["hostname"].string, !host.isEmpty { findings.name("hostname", of: http, Names.subdomainProblem) }
            for (index, status) in http["expectedStatuses"].elements.enumerated() {
                if let number = status.int, !(100...599).contains(number) {
                    findings.invalid("expectedStatuses[\(index)]", status, "must be between 100 and 599, inclusive")
                }
            }
        }
    }

    static func breaker(_ value: Value, _ findings: inout Findings) {
        findings.range("maxConnections", of: value, 1...Int64(UInt32.max))
        findings.at("perEndpoint") { $0.range("maxConnections", of: value["perEndpoint"], 1...Int64(UInt32.max)) }
        findings.at("trip") { trip(value["trip"], &$0) }
    }

    private static func trip(_ value: Value, _ findings: inout Findings) {
        findings.range("consecutiveErrors", of: value, 0...1_000_000)
        findings.range("failurePercentage", of: value, 0...100)
        findings.range("requestVolume", of: value, 1...1_000_000)
        findings.range("trialRequests", of: value, 1...1000)
        for key in ["interval", "openTime", "maxOpenTime"] { time(key, of: value, &findings) }
    }

    /// A duration above zero, where it is given.
    private static func time(_ key: String, of value: Value, _ findings: inout Findings) {
        guard let text = value[key].string else { return }
        guard let duration = GatewayDuration.parse(text) else { return notDuration(key, value, &findings) }
        if duration <= .zero { findings.invalid(key, value[key], "must be longer than 0s") }
    }

    private static func notDuration(_ key: String, _ value: Value, _ findings: inout Findings) {
        findings.invalid(key, value[key], "must be a duration such as 500ms, 10s or 1m30s (GEP-2257)")
    }
}
