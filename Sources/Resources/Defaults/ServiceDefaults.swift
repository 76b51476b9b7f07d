import Formats

/// Kubernetes' defaults of Services, and what an update keeps of the stored one.
package enum ServiceDefaults {
    static func apply(_ service: inout Object) {
        service.updateObject("spec") { spec in
            spec.setDefault("type", "ClusterIP")
            spec.setDefault("sessionAffinity", "None")
            // As Kubernetes: an apply that takes the affinity out of a manifest does not know of the defaulted settings.
            if spec["sessionAffinity"] == "None" { spec["sessionAffinityConfig"] = nil }
            if spec["sessionAffinity"] == "ClientIP" {
                spec.ensureObject("sessionAffinityConfig") { config in
                    config.ensureObject("clientIP") { $0.setDefault("timeoutSeconds", 10800) }
                }
            }
            spec.updateEach("ports") { port in
                port.setDefault("protocol", "TCP")
                if port["targetPort"] == 0 || port["targetPort"] == "" { port["targetPort"] = nil }
                if let number = port["port"] { port.setDefault("targetPort", number) }
            }
            let kind = spec["type"]?.string ?? ""
            guard kind != "ExternalName" else { return }
            spec.setDefault("internalTrafficPolicy", "Cluster")
            spec.setDefault("ipFamilies", ["IPv4"])
            spec.setDefault("ipFamilyPolicy", "SingleStack")
            if kind == "NodePort" || kind == "LoadBalancer" { spec.setDefault("externalTrafficPolicy", "Cluster") }
            if kind == "LoadBalancer" { spec.setDefault("allocateLoadBalancerNodePorts", true) }
            // The single address and the list say the same.
            if case .string(let address)? = spec["clusterIP"], !address.isEmpty {
                spec.setDefault("clusterIPs", [.string(address)])
            } else if case .array(let list)? = spec["clusterIPs"], let first = list.first {
                spec["clusterIP"] = first
            }
        }
        service.ensureObject("status") { $0.setDefault("loadBalancer", [:]) }
    }

    /// Keeps addresses and node ports that were given out, where an update does not mention them, and drops what the new type does not have.
    ///
    /// Call it BEFORE defaults, with the stored object.
    package static func carryOver(from old: Value, into new: inout Value) {
        guard case .object(var service) = new else { return }
        new = .null
        let stored = old["spec"]
        service.updateObject("spec") { spec in
            let kind = spec["type"]?.string ?? "ClusterIP"
            if kind == "ExternalName" {
                // An external name has no address of its own.
                if stored["type"] != "ExternalName" {
                    for field in ["clusterIP", "clusterIPs"] where spec[field] == stored[field] { spec[field] = nil }
                    for field in ["ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"] where spec[field] == stored[field] {
                        spec[field] = nil
                    }
                }
            } else if stored["type"] != "ExternalName", spec["clusterIP"]?.string ?? "" == "" {
                for field in ["clusterIP", "clusterIPs"] where !stored[field].isNull { spec[field] = stored[field] }
            }
            let hasNodePorts = kind == "NodePort" || kind == "LoadBalancer"
            let hadNodePorts = stored["type"] == "NodePort" || stored["type"] == "LoadBalancer"
            if hadNodePorts, !hasNodePorts {
                for field in ["externalTrafficPolicy", "allocateLoadBalancerNodePorts", "healthCheckNodePort"]
                where spec[field] == stored[field] {
                    spec[field] = nil
                }
            }
            if kind != "LoadBalancer", stored["type"] == "LoadBalancer" {
                for field in ["allocateLoadBalancerNodePorts", "loadBalancerClass"] where spec[field] == stored[field] { spec[field] = nil }
            }
            let before = stored["ports"].elements
            spec.updateEach("ports") { port in
                let same = before.first { old in
                    old["port"] == port["port"] ?? .null && (old["protocol"].string ?? "TCP") == (port["protocol"]?.string ?? "TCP")
                }
                guard let same, let number = same["nodePort"].int else { return }
                if hasNodePorts {
                    if port["nodePort"]?.int ?? 0 == 0 { port["nodePort"] = .int(number) }
                } else if hadNodePorts, port["nodePort"] == .int(number) {
                    port["nodePort"] = nil
                }
            }
        }
        new = .object(service)
    }
}
