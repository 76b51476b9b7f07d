import Formats

/// The rules about an exchange's times, repeats, and what becomes of it where it cannot be served.
extension TrafficPolicyValidation {
    private static let fallbackLimit = 8

    static func timeouts(_ value: Value, _ findings: inout Findings) {
        findings.at("tcp") { duration("connectTimeout", of: value["tcp"], &$0) }
        findings.at("http") { findings in
            for key in ["requestTimeout", "streamIdleTimeout", "connectionIdleTimeout", "maxConnectionDuration"] {
                duration(key, of: value["http"], &findings)
            }
        }
    }

    static func retries(_ retry: Value, _ findings: inout Findings) {
        findings.range("numRetries", of: retry, 0...10)
        findings.at("retryOn") { findings in
            let codes = retry["retryOn"]["httpStatusCodes"]
            let isNamed = retry["retryOn"]["triggers"].elements.contains { $0.string == "retriable-status-codes" }
            findings.each("triggers", of: retry["retryOn"]) { findings, trigger in
                let known = RetryRules.Triggers.names.keys.sorted()
                if let name = trigger.string, !known.contains(name) { findings.unsupported(nil, trigger, known) }
            }
            if isNamed, codes.elements.isEmpty { findings.required("httpStatusCodes", "for retriable-status-codes") }
            findings.each("httpStatusCodes", of: retry["retryOn"]) { findings, code in
                if let status = code.int, !(400...599).contains(status) {
                    findings.invalid(nil, code, "must be between 400 and 599, inclusive")
                }
            }
        }
        findings.at("perRetry") { findings in
            duration("timeout", of: retry["perRetry"], &findings)
            findings.at("backOff") { findings in
                let backOff = retry["perRetry"]["backOff"]
                for key in ["baseInterval", "maxInterval"] { duration(key, of: backOff, &findings) }
                if let base = TimeoutRules.limit(backOff["baseInterval"]), let most = TimeoutRules.limit(backOff["maxInterval"]),
                    most < base
                {
                    findings.invalid("maxInterval", backOff["maxInterval"], "must not be less than baseInterval")
                }
            }
        }
        findings.at("hedging") { findings in
            duration("delay", of: retry["hedging"], &findings)
            findings.range("percentile", of: retry["hedging"], 50...99)
        }
        findings.at("budget") { findings in
            findings.range("percent", of: retry["budget"], 0...100)
            findings.range("minRetriesPerSecond", of: retry["budget"], 0...1_000_000)
        }
    }

    static func loadShedding(_ value: Value, _ findings: inout Findings) {
        findings.range("maxParallelRequests", of: value, 1...Int64(UInt32.max))
        duration("maxQueueAge", of: value, &findings)
        findings.each("priorities", of: value) { findings, rule in
            findings.range("priority", of: rule, LoadSheddingRules.priorities)
            selectors(of: rule, &findings)
        }
    }

    /// - Parameter isKept: the spec is stored already. A rule that came after it is no reason to refuse a label or a finalizer.
    static func fallbacks(_ spec: Value, isKept: Bool, _ findings: inout Findings) {
        let all = spec["fallback"].elements
        if all.count > fallbackLimit { findings.invalid("fallback", .int(Int64(all.count)), "must be at most \(fallbackLimit)") }
        var isAnswered = false
        let whole = Set(spec["targetRefs"].elements.filter { ($0["sectionName"].string ?? "").isEmpty }.compactMap { $0["name"].string })
        findings.each("fallback", of: spec) { findings, fallback in
            let service = fallback["service"]
            let response = fallback["response"]
            if service.isNull == response.isNull { findings.required(nil, "one of service and response") }
            // Whatever comes behind a response is never asked.
            if isAnswered { findings.forbidden(nil, "a response comes before it, and always answers") }
            isAnswered = isAnswered || !response.isNull
            findings.at("service") { findings in
                findings.name("name", of: service, Names.label1035Problem)
                findings.port("port", of: service)
                if !isKept, let name = service["name"].string, whole.contains(name) {
                    findings.invalid("name", service["name"], "must be another Service than those that the policy targets")
                }
            }
            findings.at("response") { findings in
                findings.range("statusCode", of: response, 200...599)
                if let type = response["contentType"].string, type.isEmpty || !type.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) {
                    findings.invalid("contentType", response["contentType"], "must be printable ASCII, such as application/json")
                }
                findings.at("body") { findings in
                    let body = response["body"]
                    let isReference = body["type"].string == "ValueRef"
                    if isReference, body["valueRef"].isNull { findings.required("valueRef", "for type ValueRef") }
                    if isReference, !body["inline"].isNull { findings.forbidden("inline", "only for type Inline") }
                    if !isReference, !body["valueRef"].isNull { findings.forbidden("valueRef", "only for type ValueRef") }
                    findings.at("valueRef") { findings in
                        let reference = body["valueRef"]
                        if let group = reference["group"].string, !group.isEmpty { findings.unsupported("group", reference["group"], [""]) }
                        findings.name("name", of: reference, Names.subdomainProblem)
                    }
                    if let body = response["body"]["inline"].string, body.utf8.count > FixedResponse.bodyLimit {
                        findings.tooLong("inline", limit: FixedResponse.bodyLimit)
                    }
                }
            }
        }
    }
}
