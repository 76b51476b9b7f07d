import Formats

/// The rules of one container.
enum ContainerValidation {
    /// - Parameter gracePeriod: `terminationGracePeriodSeconds` of the pod, within which its hooks must be able to end.
    static func check(
        _ container: Value, volumes: Set<String>, isInit: Bool, isHostNetwork: Bool, gracePeriod: Int64?, _ findings: inout Findings
    ) {
        findings.name("name", of: container, Names.labelProblem)
        let image = container["image"].string ?? ""
        if image.isEmpty {
            findings.required("image")
        } else if image.first == " " || image.last == " " {
            findings.invalid("image", .string(image), "must not have leading or trailing whitespace")
        }
        checkPorts(container, isHostNetwork: isHostNetwork, &findings)
        EnvironmentValidation.check(container, &findings)
        checkResources(container, &findings)
        checkMounts(container, volumes: volumes, &findings)
        let isSidecar = container["restartPolicy"] == "Always"
        if !isInit, !container["restartPolicy"].isNull { findings.forbidden("restartPolicy", "may not be set for non-init containers") }
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] where !container[probe].isNull {
            if isInit, !isSidecar {
                findings.forbidden(probe, "may not be set for init containers without restartPolicy=Always")
            } else {
                findings.at(probe) { check(probe: container[probe], name: probe, &$0) }
            }
        }
        let hooks = container["lifecycle"]
        if !hooks.isNull, isInit, !isSidecar {
            findings.forbidden("lifecycle", "may not be set for init containers without restartPolicy=Always")
        }
        for hook in ["postStart", "preStop"] where !hooks[hook].isNull {
            findings.at("lifecycle") { findings in findings.at(hook) { check(hook: hooks[hook], gracePeriod: gracePeriod, &$0) } }
        }
        findings.at("securityContext") { findings in
            for field in ["runAsUser", "runAsGroup"] { findings.range(field, of: container["securityContext"], 0...Int64(Int32.max)) }
        }
    }

    private static func checkPorts(_ container: Value, isHostNetwork: Bool, _ findings: inout Findings) {
        var names: Set<String> = []
        findings.each("ports", of: container) { findings, port in
            if let name = port["name"].string, !name.isEmpty {
                for problem in Names.portNameProblems(name) { findings.invalid("name", port["name"], problem) }
                if !names.insert(name).inserted { findings.duplicate("name", port["name"]) }
            }
            findings.port("containerPort", of: port)
            if let host = port["hostPort"].int, host != 0 {
                findings.port("hostPort", of: port)
                if isHostNetwork, port["hostPort"] != port["containerPort"] {
                    findings.invalid("hostPort", port["hostPort"], "must match `containerPort` when `hostNetwork` is true")
                }
            }
        }
    }

    private static func checkResources(_ container: Value, _ findings: inout Findings) {
        let resources = container["resources"]
        findings.at("resources") { findings in
            for list in ["limits", "requests"] {
                guard case .object(let amounts) = resources[list] else { continue }
                findings.at(list) { findings in
                    for (name, amount) in amounts {
                        if !["cpu", "memory", "ephemeral-storage"].contains(name), !name.hasPrefix("hugepages-"), !name.contains("/") {
                            findings.invalid(name, .string(name), "must be a standard resource for containers")
                        }
                        guard let quantity = Quantity(reading: amount) else { continue }
                        if quantity.isNegative { findings.invalid(name, amount, "must be greater than or equal to 0") }
                        if list == "requests", let limit = Quantity(reading: resources["limits"][name]), quantity > limit {
                            findings.invalid(name, amount, "must be less than or equal to \(name) limit of \(limit)")
                        }
                    }
                }
            }
        }
    }

    private static func checkMounts(_ container: Value, volumes: Set<String>, _ findings: inout Findings) {
        var paths: Set<String> = []
        findings.each("volumeMounts", of: container) { findings, mount in
            if let name = mount["name"].string, !name.isEmpty, !volumes.contains(name) { findings.notFound("name", mount["name"]) }
            if let path = mount["mountPath"].string, !path.isEmpty, !paths.insert(path).inserted {
                findings.invalid("mountPath", mount["mountPath"], "must be unique")
            }
            findings.relativePath("subPath", of: mount)
            findings.relativePath("subPathExpr", of: mount)
            if let expression = mount["subPathExpr"].string, !expression.isEmpty, mount["subPath"].string?.isEmpty == false {
                findings.invalid("subPathExpr", mount["subPathExpr"], "subPathExpr and subPath are mutually exclusive")
            }
        }
    }

    private static func check(probe: Value, name: String, _ findings: inout Findings) {
        check(handler: probe, isHook: false, &findings)
        for field in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] {
            findings.notNegative(field, of: probe)
        }
        if name != "readinessProbe", let count = probe["successThreshold"].int, count != 1 {
            findings.invalid("successThreshold", probe["successThreshold"], "must be 1")
        }
        if let grace = probe["terminationGracePeriodSeconds"].int {
            if name == "readinessProbe" {
                findings.invalid("terminationGracePeriodSeconds", .int(grace), "must not be set for readinessProbes")
            } else if grace <= 0 {
                findings.invalid("terminationGracePeriodSeconds", .int(grace), "must be greater than 0")
            }
        }
    }

    private static func check(hook: Value, gracePeriod: Int64?, _ findings: inout Findings) {
        check(handler: hook, isHook: true, &findings)
        if let seconds = hook["sleep"]["seconds"].int, let gracePeriod, seconds < 0 || seconds > gracePeriod {
            findings.invalid("sleep", .int(seconds), "must be non-negative and less than terminationGracePeriodSeconds (\(gracePeriod))")
        }
    }

    /// Exactly one of the things that a probe or a hook can do.
    private static func check(handler: Value, isHook: Bool, _ findings: inout Findings) {
        var count = 0
        for kind in isHook ? ["exec", "httpGet", "tcpSocket", "sleep"] : ["exec", "httpGet", "tcpSocket", "grpc"] {
            let action = handler[kind]
            guard case .object = action else { continue }
            count += 1
            if count > 1 {
                findings.forbidden(kind, "may not specify more than 1 handler type")
                continue
            }
            findings.at(kind) { findings in
                switch kind {
                case "exec": if action["command"].elements.isEmpty { findings.required("command") }
                case "grpc": findings.port("port", of: action)
                case "sleep": break
                default: findings.portReference("port", of: action)
                }
            }
        }
        if count == 0 { findings.required(nil, "must specify a handler type") }
    }
}

/// The rules of environment variables.
enum EnvironmentValidation {
    /// The fields of a pod that a variable can be made from.
    private static let fields: Set<String> = [
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP",
        "status.hostIPs",
        "status.podIP", "status.podIPs",
    ]

    static func check(_ container: Value, _ findings: inout Findings) {
        findings.each("env", of: container) { findings, variable in
            findings.name("name", of: variable, Names.environmentNameProblem)
            let source = variable["valueFrom"]
            guard !source.isNull else { return }
            if !(variable["value"].string ?? "").isEmpty {
                findings.invalid("valueFrom", "", "may not be specified when `value` is not empty")
            }
            findings.at("valueFrom") { check(source: source, &$0) }
        }
        findings.each("envFrom", of: container) { findings, source in
            let given = ["configMapRef", "secretRef"].filter { !source[$0].isNull }
            if given.isEmpty { findings.invalid(nil, "", "must specify one of: `configMapRef` or `secretRef`") }
            if given.count > 1 { findings.invalid(nil, "", "may not have more than one field specified at a time") }
            for field in given where (source[field]["name"].string ?? "").isEmpty { findings.at(field) { $0.required("name") } }
            findings.name("prefix", of: source, Names.environmentNameProblem)
        }
    }

    private static func check(source: Value, _ findings: inout Findings) {
        let given = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef"].filter { !source[$0].isNull }
        if given.isEmpty {
            return findings.invalid(nil, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`")
        }
        if given.count > 1 { return findings.invalid(nil, "", "may not have more than one field specified at a time") }
        findings.at(given[0]) { findings in
            let reference = source[given[0]]
            switch given[0] {
            case "fieldRef":
                guard let path = reference["fieldPath"].string, !path.isEmpty, !isField(path) else { return }
                let near = nearest(path, among: fields.sorted()).map { ", did you mean \"\($0)\"?" } ?? ""
                findings.invalid("fieldPath", .string(path), "error converting fieldPath: field label not supported: \(path)\(near)")
            case "resourceFieldRef":
                let supported = [
                    "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage",
                    "requests.memory",
                ]
                if let name = reference["resource"].string, !name.isEmpty, !supported.contains(name), !name.contains("hugepages-") {
                    findings.unsupported("resource", reference["resource"], supported)
                }
            default:
                if (reference["name"].string ?? "").isEmpty { findings.required("name") }
                findings.name("key", of: reference, Names.configKeyProblem)
            }
        }
    }

    private static func isField(_ path: String) -> Bool {
        if fields.contains(path) { return true }
        for map in ["metadata.labels['", "metadata.annotations['"] where path.hasPrefix(map) && path.hasSuffix("']") {
            return Names.qualifiedNameProblem(String(path.dropFirst(map.count).dropLast(2))) == nil
        }
        return false
    }
}
