import Formats

/// The rules of TrafficPolicies.
enum TrafficPolicyValidation {
    /// Targets of one policy, as in the Gateway API.
    private static let targetLimit = 16
    private static let ruleLimit = 64

    static func check(_ policy: Value, old: Value?, _ findings: inout Findings) {
        let spec = policy["spec"]
        findings.at("spec") { findings in
            targets(spec, &findings)
            findings.at("loadBalancer") { balancer(spec["loadBalancer"], &$0) }
            balancing(spec, &findings)
            findings.at("timeout") { timeouts(spec["timeout"], &$0) }
            findings.at("circuitBreaker") { findings in
                for key in ["maxPendingRequests", "maxParallelRequests", "maxParallelRetries"] {
                    findings.range(key, of: spec["circuitBreaker"], 0...Int64(UInt32.max))
                }
                breaker(spec["circuitBreaker"], &findings)
            }
            findings.at("healthCheck") { health(spec["healthCheck"], &$0) }
            findings.at("retry") { retries(spec["retry"], &$0) }
            findings.at("loadShedding") { loadShedding(spec["loadShedding"], &$0) }
            fallbacks(spec, isKept: spec == old?["spec"], &findings)
            findings.at("rateLimit") { findings in
                if !spec["rateLimit"].isNull, spec["rateLimit"]["local"].isNull { findings.required("local") }
                findings.at("local") { rateLimit(spec["rateLimit"]["local"], &$0) }
            }
            findings.at("faultInjection") { faults(spec["faultInjection"], &$0) }
            findings.at("telemetry") { findings in findings.at("accessLog") { percentage(spec["telemetry"]["accessLog"], &$0) } }
        }
    }

    private static func targets(_ spec: Value, _ findings: inout Findings) {
        if spec["targetRefs"].elements.count > targetLimit {
            findings.invalid("targetRefs", .int(Int64(spec["targetRefs"].elements.count)), "must be at most \(targetLimit)")
        }
        var seen: Set<[String]> = []
        findings.each("targetRefs", of: spec) { findings, target in
            if let group = target["group"].string, !group.isEmpty { findings.unsupported("group", target["group"], [""]) }
            findings.name("name", of: target, Names.label1035Problem)
            if let port = target["sectionName"].string, !port.isEmpty {
                for problem in Names.portNameProblems(port) { findings.invalid("sectionName", .string(port), problem) }
            }
            if !seen.insert([target["name"].string ?? "", target["sectionName"].string ?? ""]).inserted { findings.duplicate(nil, target) }
        }
    }

    private static func balancer(_ value: Value, _ findings: inout Findings) {
        let hash = value["consistentHash"]
        let isHash = value["type"].string == "ConsistentHash"
        if isHash == hash.isNull, !value.isNull {
            if isHash { findings.required("consistentHash") } else { findings.forbidden("consistentHash", "only for type ConsistentHash") }
        }
        findings.at("consistentHash") { findings in
            for (type, key) in [("Header", "header"), ("Cookie", "cookie")] {
                let isWanted = hash["type"].string == type
                if isWanted, hash[key].isNull { findings.required(key) }
                if !isWanted, !hash[key].isNull { findings.forbidden(key, "only for type \(type)") }
                findings.at(key) { token("name", of: hash[key], &$0) }
            }
        }
    }

    private static func rateLimit(_ local: Value, _ findings: inout Findings) {
        if local["rules"].elements.count > ruleLimit {
            findings.invalid("rules", .int(Int64(local["rules"].elements.count)), "must be at most \(ruleLimit)")
        }
        findings.each("rules", of: local) { findings, rule in
            findings.at("limit") { $0.range("requests", of: rule["limit"], 1...Int64(UInt32.max)) }
            selectors(of: rule, &findings)
        }
    }

    /// `clientSelectors`, of whatever has them.
    static func selectors(of rule: Value, _ findings: inout Findings) {
        findings.each("clientSelectors", of: rule) { findings, selector in
            if selector.object?.isEmpty ?? true { findings.required(nil, "one of headers, path and sourceCIDR") }
            findings.each("headers", of: selector) { findings, header in
                token("name", of: header, &findings)
                let isDistinct = header["type"].string == "Distinct"
                if isDistinct, !header["value"].isNull { findings.forbidden("value", "only for type Exact") }
                if !isDistinct, header["value"].isNull { findings.required("value") }
            }
            findings.at("path") { findings in
                let path = selector["path"]["value"]
                if let text = path.string, !text.hasPrefix("/") { findings.invalid("value", path, "must begin with a slash") }
            }
            findings.at("sourceCIDR") { findings in
                let range = selector["sourceCIDR"]["value"]
                if let text = range.string, AddressRange(text) == nil {
                    findings.invalid("value", range, "must be an IPv4 range without bits behind its prefix, such as 127.64.0.0/16")
                }
            }
        }
    }

    private static func faults(_ value: Value, _ findings: inout Findings) {
        findings.at("delay") { findings in
            duration("fixedDelay", of: value["delay"], &findings)
            percentage(value["delay"], &findings)
        }
        findings.at("abort") { findings in
            findings.range("httpStatus", of: value["abort"], 200...599)
            percentage(value["abort"], &findings)
        }
    }

    private static func percentage(_ value: Value, _ findings: inout Findings) {
        if let share = value["percentage"].number, !(0...100).contains(share) {
            findings.invalid("percentage", value["percentage"], "must be between 0 and 100, inclusive")
        }
    }

    static func duration(_ key: String, of value: Value, _ findings: inout Findings) {
        if let text = value[key].string, GatewayDuration.parse(text) == nil {
            findings.invalid(key, value[key], "must be a duration such as 500ms, 10s or 1m30s (GEP-2257)")
        }
    }

    /// A field's or a cookie's name (RFC 9110, 5.6.2).
    static func token(_ key: String, of value: Value, _ findings: inout Findings) {
        guard let text = value[key].string, !text.isEmpty else { return }
        let marks = "!#$%&'*+-.^_`|~"
        if !text.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || marks.contains($0)) }) {
            findings.invalid(key, value[key], "must be a token: letters, digits and \(marks)")
        }
    }
}
