import Formats

/// What is valid and kept, but does not do here what it does on Kubernetes: said once, when it is written, so that nobody finds out later.
package enum Cautions {
    /// One sentence for each such field, with its path, in the order of the document.
    ///
    /// - Parameter mayChangeUser: whether pods can be run as other users (Steady runs as root).
    package static func check(_ value: Value, _ type: ResourceType, mayChangeUser: Bool) -> [String] {
        var out: [String] = []
        var path = "spec"
        var spec = value["spec"]
        switch (type.group, type.plural) {
        case ("", "pods"): break
        case ("steady.dev", "trafficpolicies"):
            let groups = TrafficPolicy(value).rules.balance.groups
            let isEverybody = groups.contains { $0.selector.requirements.isEmpty }
            return isEverybody && groups.allSatisfy { $0.weight == 0 }
                ? [
                    "spec.backends: all weights are 0, so no pod gets new traffic: requests are answered with 503 no-weight, or by the fallback"
                ] : []
        case ("apps", "deployments"), ("apps", "replicasets"):
            path = "spec.template.spec"
            spec = spec["template"]["spec"]
            if let name = PriorityClasses.unknown(in: spec) {
                out.append(
                    "\(path).priorityClassName: there is no PriorityClass \"\(name)\", so the pods will be refused; there are \(PriorityClasses.known.joined(separator: " and "))"
                )
            }
        default: return []
        }
        if !mayChangeUser { check(security: spec["securityContext"], path + ".securityContext", &out) }
        for list in ["initContainers", "containers"] {
            for (index, container) in spec[list].elements.enumerated() {
                let here = "\(path).\(list)[\(index)]"
                if !mayChangeUser { check(security: container["securityContext"], here + ".securityContext", &out) }
                for name in ["livenessProbe", "readinessProbe", "startupProbe"] { check(action: container[name], "\(here).\(name)", &out) }
                for name in ["postStart", "preStop"] { check(action: container["lifecycle"][name], "\(here).lifecycle.\(name)", &out) }
            }
        }
        return out
    }

    private static func check(action: Value, _ path: String, _ out: inout [String]) {
        if action["httpGet"]["scheme"].string == "HTTPS" {
            out.append(
                "\(path).httpGet.scheme: there is no TLS here: HTTPS only checks that the port answers as a TLS server, and asks for no status"
            )
        }
        if !action["grpc"].isNull {
            out.append("\(path).grpc: grpc probes are not available here and always fail; use httpGet, tcpSocket or exec")
        }
    }

    private static func check(security: Value, _ path: String, _ out: inout [String]) {
        for field in ["runAsUser", "runAsGroup"] where !security[field].isNull {
            out.append("\(path).\(field): Steady does not run as root, so programs run as its own user")
        }
    }
}
