import Formats

/// The rules of weights, priorities, slow start and sessions.
extension TrafficPolicyValidation {
    /// Entries of `backends`, and of the Gateway API's backendRefs.
    private static let groupLimit = 16
    /// The Gateway API's for a backendRef.
    private static let weightLimit: Int64 = 1_000_000
    private static let worstPriority: Int64 = 7
    /// The Gateway API's for a session's name.
    private static let sessionNameLimit = 128

    static func balancing(_ spec: Value, _ findings: inout Findings) {
        findings.at("loadBalancer") { slowStart(spec["loadBalancer"], &$0) }
        groups(spec, &findings)
        findings.at("failover") { findings in
            findings.range("minHealthyPercent", of: spec["failover"], 1...100)
            duration("failBackDelay", of: spec["failover"], &findings)
        }
        findings.at("sessionPersistence") { session(spec["sessionPersistence"], &$0) }
    }

    private static func slowStart(_ balancer: Value, _ findings: inout Findings) {
        guard !balancer["slowStart"].isNull else { return }
        // A share of a draw or of a hash's keys would move with time.
        if let type = balancer["type"].string, ["Random", "ConsistentHash"].contains(type) {
            findings.forbidden("slowStart", "only for types LeastRequest and RoundRobin, not for \(type)")
        }
        findings.at("slowStart") { duration("window", of: balancer["slowStart"], &$0) }
    }

    private static func groups(_ spec: Value, _ findings: inout Findings) {
        let groups = spec["backends"].elements
        if groups.count > groupLimit {
            findings.invalid("backends", .int(Int64(groups.count)), "must be at most \(groupLimit)")
        }
        findings.each("backends", of: spec) { findings, group in
            findings.labelSelector("selector", of: group)
            findings.range("weight", of: group, 0...weightLimit)
            findings.range("priority", of: group, 0...worstPriority)
        }
        if let catchAll = groups.dropLast().firstIndex(where: { LabelSelector(object: $0["selector"]).requirements.isEmpty }) {
            findings.at("backends") { findings in
                findings.atIndex(catchAll) { $0.required("selector", "the entries behind it would select nothing") }
            }
        }
    }

    /// Fields that frame a message, belong to one connection, or are set by the proxy: a second one would mean two things at once.
    private static func isReserved(_ name: String) -> Bool {
        let names: Set = [
            "authorization", "connection", "content-encoding", "content-length", "content-type", "cookie", "date", "expect", "forwarded",
            "host",
            "keep-alive", "location", "origin", "proxy-connection", "retry-after", "set-cookie", "te", "traceparent", "tracestate",
            "trailer",
            "transfer-encoding", "upgrade", "via", "x-request-id",
        ]
        return names.contains(name) || ["x-forwarded-", "ratelimit", "steady-"].contains { name.hasPrefix($0) }
    }

    private static func session(_ session: Value, _ findings: inout Findings) {
        if let name = session["sessionName"].string {
            if name.isEmpty { findings.required("sessionName") }
            if name.utf8.count > sessionNameLimit { findings.tooLong("sessionName", limit: sessionNameLimit) }
        }
        token("sessionName", of: session, &findings)
        if session["type"].string == "Header", let name = session["sessionName"].string?.lowercased(), isReserved(name) {
            findings.invalid("sessionName", session["sessionName"], "must be a field that means nothing else, such as X-Session")
        }
        duration("absoluteTimeout", of: session, &findings)
        duration("idleTimeout", of: session, &findings)
        let type = session["type"].string ?? "Cookie"
        if type != "Cookie", !session["cookieConfig"].isNull { findings.forbidden("cookieConfig", "only for type Cookie") }
        if type == "SourceIP" {
            for key in ["sessionName", "absoluteTimeout"] where !session[key].isNull {
                findings.forbidden(key, "not for type SourceIP: nothing is sent to the client")
            }
        }
        let isPermanent = session["cookieConfig"]["lifetimeType"].string == "Permanent"
        if isPermanent, session["absoluteTimeout"].isNull {
            findings.required("absoluteTimeout", "a permanent cookie needs a time to end")
        }
    }
}
