import Formats

/// The rules of pods.
enum PodValidation {
    static func check(pod: Value, old: Value?, _ findings: inout Findings) {
        findings.at("spec") { findings in
            check(spec: pod["spec"], &findings)
            if let old { checkUpdate(pod["spec"], old["spec"], &findings) }
        }
        if case .object = pod["spec"] {} else { findings.required("spec") }
    }

    /// What holds for pods and for templates.
    static func check(spec: Value, _ findings: inout Findings) {
        let volumes = VolumeValidation.check(spec, &findings)
        var names: Set<String> = []
        for list in ["initContainers", "containers"] {
            findings.each(list, of: spec) { findings, container in
                ContainerValidation.check(
                    container, volumes: volumes, isInit: list == "initContainers", isHostNetwork: spec["hostNetwork"] == true,
                    gracePeriod: spec["terminationGracePeriodSeconds"].int, &findings)
                if let name = container["name"].string, !name.isEmpty, !names.insert(name).inserted {
                    findings.duplicate("name", container["name"])
                }
            }
        }
        findings.notNegative("terminationGracePeriodSeconds", of: spec)
        findings.range("activeDeadlineSeconds", of: spec, 1...Int64(Int32.max))
        findings.labels("nodeSelector", of: spec)
        findings.name("nodeName", of: spec, Names.subdomainProblem)
        findings.name("serviceAccountName", of: spec, Names.subdomainProblem)
        findings.name("hostname", of: spec, Names.labelProblem)
        findings.name("subdomain", of: spec, Names.labelProblem)
        findings.at("securityContext") { findings in
            let context = spec["securityContext"]
            for field in ["runAsUser", "runAsGroup", "fsGroup"] { findings.range(field, of: context, 0...Int64(Int32.max)) }
        }
        findings.each("tolerations", of: spec) { check(toleration: $1, &$0) }
        checkSpread(spec, &findings)
    }

    private static func check(toleration: Value, _ findings: inout Findings) {
        let isExists = toleration["operator"] == "Exists"
        findings.name("key", of: toleration, Names.qualifiedNameProblem)
        if (toleration["key"].string ?? "").isEmpty, !isExists {
            findings.invalid(
                "operator", toleration["operator"].isNull ? "" : toleration["operator"],
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"")
        }
        if isExists, !(toleration["value"].string ?? "").isEmpty {
            findings.invalid("operator", toleration["value"], "value must be empty when `operator` is 'Exists'")
        }
        if !toleration["tolerationSeconds"].isNull, toleration["effect"] != "NoExecute" {
            findings.invalid(
                "effect", toleration["effect"].isNull ? "" : toleration["effect"],
                "effect must be 'NoExecute' when `tolerationSeconds` is set")
        }
    }

    private static func checkSpread(_ spec: Value, _ findings: inout Findings) {
        var seen: Set<[String]> = []
        findings.each("topologySpreadConstraints", of: spec) { findings, constraint in
            if let skew = constraint["maxSkew"].int, skew <= 0 {
                findings.invalid("maxSkew", constraint["maxSkew"], "must be greater than zero")
            }
            if let domains = constraint["minDomains"].int {
                if domains <= 0 { findings.invalid("minDomains", constraint["minDomains"], "must be greater than zero") }
                if constraint["whenUnsatisfiable"] != "DoNotSchedule" {
                    findings.invalid(
                        "minDomains", constraint["minDomains"],
                        "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not \(constraint["whenUnsatisfiable"].string ?? "")")
                }
            }
            findings.labelSelector("labelSelector", of: constraint)
            let pair = [constraint["topologyKey"].string ?? "", constraint["whenUnsatisfiable"].string ?? ""]
            if !seen.insert(pair).inserted { findings.duplicate("{topologyKey, whenUnsatisfiable}", .string("{\(pair[0]), \(pair[1])}")) }
        }
    }

    /// A pod's spec is fixed, but for images, a shorter deadline, more tolerations, its one placement and the removal of gates.
    private static func checkUpdate(_ new: Value, _ old: Value, _ findings: inout Findings) {
        let before = old["nodeName"].string ?? ""
        if !before.isEmpty, new["nodeName"] != old["nodeName"] {
            return findings.invalid("nodeName", new["nodeName"], "field is immutable")
        }
        let kept = old["tolerations"].elements
        for toleration in kept where !new["tolerations"].elements.contains(toleration) {
            return findings.forbidden("tolerations", "existing toleration can not be modified except its tolerationSeconds")
        }
        if fixedPart(of: new, like: old) != fixedPart(of: old, like: old) {
            findings.forbidden(
                nil,
                "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
            )
        }
    }

    private static func fixedPart(of spec: Value, like old: Value) -> Value {
        guard case .object(var object) = spec else { return spec }
        for free in ["activeDeadlineSeconds", "tolerations", "schedulingGates", "nodeName"] { object[free] = nil }
        for list in ["containers", "initContainers"] {
            guard case .array(let containers)? = object[list] else { continue }
            object[list] = .array(
                containers.map { container in
                    guard case .object(var fields) = container else { return container }
                    fields["image"] = nil
                    return .object(fields)
                })
        }
        return .object(object)
    }
}

/// The rules of volumes.
enum VolumeValidation {
    /// Checks `volumes` and returns the names of those that are there.
    static func check(_ spec: Value, _ findings: inout Findings) -> Set<String> {
        var names: Set<String> = []
        findings.each("volumes", of: spec) { findings, volume in
            if let name = volume["name"].string, !name.isEmpty {
                findings.name("name", of: volume, Names.labelProblem)
                if !names.insert(name).inserted { findings.duplicate("name", volume["name"]) }
            }
            let sources = (volume.object?.keys ?? []).filter { $0 != "name" }
            if sources.isEmpty { findings.required(nil, "must specify a volume type") }
            for extra in sources.dropFirst() { findings.forbidden(extra, "may not specify more than 1 volume type") }
            for source in ["configMap", "secret"] {
                guard case .object = volume[source] else { continue }
                findings.at(source) { check(files: volume[source], nameField: source == "secret" ? "secretName" : "name", &$0) }
            }
            if let path = volume["hostPath"]["path"].string, path.split(separator: "/").contains("..") {
                findings.at("hostPath") { $0.invalid("path", .string(path), "must not contain '..'") }
            }
        }
        return names
    }

    private static func check(files: Value, nameField: String, _ findings: inout Findings) {
        if (files[nameField].string ?? "").isEmpty { findings.required(nameField) }
        mode("defaultMode", of: files, &findings)
        findings.each("items", of: files) { findings, item in
            findings.relativePath("path", of: item)
            mode("mode", of: item, &findings)
        }
    }

    private static func mode(_ key: String, of value: Value, _ findings: inout Findings) {
        if let mode = value[key].int, !(0...0o777).contains(mode) {
            findings.invalid(key, value[key], "must be a number between 0 and 0777 (octal), both inclusive")
        }
    }
}
