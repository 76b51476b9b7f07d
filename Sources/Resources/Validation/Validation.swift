import Formats

/// Whether an object may be stored: Kubernetes' rules and texts.
package enum Validation {
    /// Everything that is wrong with a defaulted object, in the order of its fields; `old` is the stored one at an update.
    ///
    /// Types have been checked before (`Schema.check`): what has the wrong type is passed over here. `status` is not looked into.
    package static func check(_ value: Value, _ type: ResourceType, old: Value? = nil) -> [StatusError.Cause] {
        var findings = Findings()
        MetadataValidation.check(value, type, &findings)
        ShapeValidation.check(value, type, &findings)
        switch (type.group, type.plural) {
        case ("", "pods"): PodValidation.check(pod: value, old: old, &findings)
        case ("apps", "deployments"): WorkloadValidation.check(deployment: value, old: old, &findings)
        case ("apps", "replicasets"): WorkloadValidation.check(replicaSet: value, old: old, &findings)
        case ("", "services"): ServiceValidation.check(value, old: old, &findings)
        case ("", "configmaps"): ConfigurationValidation.check(configMap: value, old: old, &findings)
        case ("", "secrets"): ConfigurationValidation.check(secret: value, old: old, &findings)
        case ("", "nodes"): ClusterValidation.check(node: value, old: old, &findings)
        case ("", "events"): ClusterValidation.check(event: value, &findings)
        case ("discovery.k8s.io", "endpointslices"): ServiceValidation.check(endpointSlice: value, old: old, &findings)
        case ("policy", "poddisruptionbudgets"): DisruptionBudgetValidation.check(value, &findings)
        case ("coordination.k8s.io", "leases"): ClusterValidation.check(lease: value, &findings)
        case ("steady.dev", "images"): ClusterValidation.check(image: value, &findings)
        case ("steady.dev", "trafficpolicies"): TrafficPolicyValidation.check(value, old: old, &findings)
        default: break
        }
        return findings.causes
    }
}

/// What the schema alone can tell: required fields and words out of a list.
enum ShapeValidation {
    static func check(_ value: Value, _ type: ResourceType, _ findings: inout Findings) {
        let table = SchemaTable.shared
        visit(value, table.message(of: type), table, &findings, isTop: true)
    }

    private static func visit(_ value: Value, _ number: Int, _ table: SchemaTable, _ findings: inout Findings, isTop: Bool = false) {
        guard case .object(let object) = value else { return }
        for name in table.messages[number].requiredNames where isMissing(object[name]) { findings.required(name) }
        for (key, member) in object {
            if isTop, key == "status" || key == "metadata" { continue }
            guard let field = table.messages[number].field(key) else { continue }
            switch (field.kind, member) {
            case (.choice(let words), .string(let text)):
                if !text.isEmpty, !words.contains(text) { findings.unsupported(key, member, words) }
            case (.message(let next), .object): findings.at(key) { visit(member, next, table, &$0) }
            case (.list(.message(let next)), .array): findings.each(key, of: value) { visit($1, next, table, &$0) }
            default: break
            }
        }
    }

    private static func isMissing(_ value: Value?) -> Bool {
        switch value {
        case nil, .null?: true
        case .string(let text)?: text.isEmpty
        case .array(let list)?: list.isEmpty
        default: false
        }
    }
}

/// The rules of `metadata`.
enum MetadataValidation {
    /// The largest sum of all annotations, as in Kubernetes.
    private static let annotationByteLimit = 256 * 1024

    static func check(_ value: Value, _ type: ResourceType, _ findings: inout Findings) {
        let metadata = value["metadata"]
        findings.at("metadata") { findings in
            let name = metadata["name"].string ?? ""
            let prefix = metadata["generateName"].string ?? ""
            if name.isEmpty, prefix.isEmpty {
                findings.required("name", "name or generateName is required")
            } else if !name.isEmpty, let problem = nameProblem(name, type) {
                findings.invalid("name", .string(name), problem)
            }
            // What is appended to a prefix may follow a hyphen.
            if !prefix.isEmpty, let problem = nameProblem(prefix.hasSuffix("-") ? prefix + "a" : prefix, type) {
                findings.invalid("generateName", .string(prefix), problem)
            }
            if type.isNamespaced {
                findings.name("namespace", of: metadata, Names.labelProblem)
            } else if !(metadata["namespace"].string ?? "").isEmpty {
                findings.forbidden("namespace", "not allowed on this type")
            }
            findings.labels("labels", of: metadata)
            checkAnnotations(metadata, &findings)
            checkOwners(metadata, &findings)
            findings.each("finalizers", of: metadata) { findings, finalizer in
                if let text = finalizer.string, let problem = Names.qualifiedNameProblem(text) { findings.invalid(nil, finalizer, problem) }
            }
        }
    }

    private static func nameProblem(_ name: String, _ type: ResourceType) -> String? {
        switch (type.group, type.plural) {
        case ("", "services"): Names.label1035Problem(name)
        case ("", "namespaces"): Names.labelProblem(name)
        default: Names.subdomainProblem(name)
        }
    }

    private static func checkAnnotations(_ metadata: Value, _ findings: inout Findings) {
        guard case .object(let annotations) = metadata["annotations"] else { return }
        var byteCount = 0
        for (key, text) in annotations {
            if let problem = Names.qualifiedNameProblem(key.lowercased()) { findings.invalid("annotations", .string(key), problem) }
            byteCount += key.utf8.count + (text.string?.utf8.count ?? 0)
        }
        if byteCount > annotationByteLimit { findings.tooLong("annotations", limit: annotationByteLimit) }
    }

    private static func checkOwners(_ metadata: Value, _ findings: inout Findings) {
        var controllers = 0
        findings.each("ownerReferences", of: metadata) { findings, owner in
            for field in ["apiVersion", "kind", "name", "uid"] where (owner[field].string ?? "").isEmpty {
                findings.invalid(field, "", field == "apiVersion" ? "version must not be empty" : "must not be empty")
            }
            if owner["controller"] == true { controllers += 1 }
        }
        if controllers > 1 {
            findings.invalid("ownerReferences", metadata["ownerReferences"], "Only one reference can have Controller set to true")
        }
    }
}
