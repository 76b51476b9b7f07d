import Formats

/// The rules of Services and their EndpointSlices.
enum ServiceValidation {
    /// `PreferClose` is the older name of `PreferSameZone`.
    static func check(_ service: Value, old: Value?, _ findings: inout Findings) {
        let spec = service["spec"]
        guard case .object = spec else { return findings.required("spec") }
        findings.at("spec") { findings in
            let kind = spec["type"].string ?? ""
            let isHeadless = spec["clusterIP"] == "None"
            if kind == "ExternalName" {
                if (spec["externalName"].string ?? "").isEmpty { findings.required("externalName") }
                findings.name("externalName", of: spec, Names.subdomainProblem)
            } else if spec["ports"].elements.isEmpty, !isHeadless {
                findings.required("ports")
            }
            if isHeadless, kind == "LoadBalancer" || kind == "NodePort" {
                findings.invalid("clusterIPs", ["None"], "may not be set to 'None' for \(kind) services")
            }
            if let address = spec["clusterIP"].string, !address.isEmpty, !isHeadless, !Names.isIPv4(address) {
                findings.at("clusterIPs") { findings in
                    findings.atIndex(0) {
                        $0.invalid(nil, .string(address), "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
                    }
                }
            }
            if kind != "ExternalName" { checkFamilies(spec, isHeadless: isHeadless, &findings) }
            checkPorts(spec, kind: kind, isHeadless: isHeadless, &findings)
            findings.labels("selector", of: spec)
            if spec["sessionAffinity"] == "ClientIP" {
                findings.at("sessionAffinityConfig") { findings in
                    findings.at("clientIP") { $0.range("timeoutSeconds", of: spec["sessionAffinityConfig"]["clientIP"], 1...86400) }
                }
            } else if !spec["sessionAffinityConfig"].isNull {
                findings.forbidden(
                    "sessionAffinityConfig", "must not be set when session affinity is \(spec["sessionAffinity"].string ?? "None")")
            }
            if let old { checkUpdate(spec, old["spec"], kind: kind, &findings) }
        }
    }

    /// Addresses here are IPv4. Kubernetes lets headless Services without a selector name any family: it gives them no address.
    private static func checkFamilies(_ spec: Value, isHeadless: Bool, _ findings: inout Findings) {
        if isHeadless, spec["selector"].object?.isEmpty ?? true { return }
        findings.each("ipFamilies", of: spec) { findings, family in
            if family == "IPv6" { findings.invalid(nil, family, "not configured on this cluster") }
        }
        if spec["ipFamilyPolicy"] == "RequireDualStack" {
            findings.invalid("ipFamilyPolicy", spec["ipFamilyPolicy"], "this cluster is not configured for dual-stack services")
        }
    }

    private static func checkPorts(_ spec: Value, kind: String, isHeadless: Bool, _ findings: inout Findings) {
        var names: Set<String> = []
        var ports: Set<String> = []
        var nodePorts: Set<String> = []
        let isNamed = spec["ports"].elements.count > 1
        findings.each("ports", of: spec) { findings, port in
            let name = port["name"].string ?? ""
            if name.isEmpty {
                if isNamed { findings.required("name") }
            } else {
                findings.name("name", of: port, Names.labelProblem)
                if !names.insert(name).inserted { findings.duplicate("name", port["name"]) }
            }
            findings.port("port", of: port)
            findings.portReference("targetPort", of: port)
            let transport = port["protocol"].string ?? "TCP"
            if let number = port["port"].int, !ports.insert("\(number)/\(transport)").inserted {
                findings.duplicate(nil, ["port": .int(number), "protocol": .string(transport)])
            }
            guard let number = port["nodePort"].int, number != 0 else { return }
            if kind == "ClusterIP" || kind == "ExternalName" {
                findings.forbidden("nodePort", "may not be used when `type` is '\(kind)'")
            } else {
                findings.port("nodePort", of: port)
                if !nodePorts.insert("\(number)/\(transport)").inserted { findings.duplicate("nodePort", port["nodePort"]) }
            }
        }
    }

    private static func checkUpdate(_ new: Value, _ old: Value, kind: String, _ findings: inout Findings) {
        guard kind != "ExternalName", old["type"] != "ExternalName", let before = old["clusterIP"].string, !before.isEmpty else { return }
        if new["clusterIP"] != old["clusterIP"] { findings.immutable("clusterIP", new, old) }
    }

    static func check(endpointSlice: Value, old: Value?, _ findings: inout Findings) {
        let family = endpointSlice["addressType"]
        findings.each("endpoints", of: endpointSlice) { findings, endpoint in
            let addresses = endpoint["addresses"].elements
            if addresses.count > 100 { findings.invalid("addresses", .int(Int64(addresses.count)), "must have at most 100 items") }
            findings.each("addresses", of: endpoint) { findings, address in
                guard let text = address.string else { return }
                if family == "IPv4", !Names.isIPv4(text) { findings.invalid(nil, address, "must be a valid IPv4 address") }
                if family == "FQDN", let problem = Names.subdomainProblem(text) { findings.invalid(nil, address, problem) }
            }
            findings.name("hostname", of: endpoint, Names.labelProblem)
        }
        var names: Set<String> = []
        findings.each("ports", of: endpointSlice) { findings, port in
            let name = port["name"].string ?? ""
            if !name.isEmpty { findings.name("name", of: port, Names.labelProblem) }
            if !names.insert(name).inserted { findings.duplicate("name", .string(name)) }
            findings.port("port", of: port)
        }
        if let old { findings.immutable("addressType", endpointSlice, old) }
    }
}
