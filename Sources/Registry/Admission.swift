import Formats
import Resources

/// The checks of a written object that need nothing but the object: what Resources knows about its kind, in the order of Kubernetes' API server.
enum Admission {
    /// A body as an object of the kind: nulls dropped, apiVersion and kind filled in and put first.
    ///
    /// A body without apiVersion and kind is of the kind that the request names; some clients leave them out.
    static func readable(_ body: Value, type: ResourceType) throws(StatusError) -> Value {
        guard case .object(let members) = Metadata.withoutNulls(body) else {
            throw .badRequest("the body must be an object of kind \(type.kind), found \(JSON.text(body).prefix(40))")
        }
        if let kind = members["kind"], kind != .string(type.kind) {
            throw .badRequest(
                "\(kind.string ?? JSON.text(kind)) in version \"\(type.version)\" cannot be handled as a \(type.kind): wrong kind")
        }
        if let version = members["apiVersion"], version != .string(type.apiVersion) {
            throw .badRequest(
                "the API version in the data (\(version.string ?? JSON.text(version))) does not match the expected API version (\(type.apiVersion))"
            )
        }
        var out = Object()
        out["apiVersion"] = .string(type.apiVersion)
        out["kind"] = .string(type.kind)
        out["metadata"] = members["metadata"] ?? [:]
        for (key, value) in members where out[key] == nil { out[key] = value }
        guard out["metadata"]?.object != nil else {
            throw .badRequest("\(type.kind) in version \"\(type.version)\" cannot be handled as a \(type.kind): metadata must be an object")
        }
        return .object(out)
    }

    /// Fields of the wrong type are refused; unknown ones are refused, warned about or dropped. Returns the warnings.
    static func checkFields(_ object: inout Value, type: ResourceType, _ validation: FieldValidation) throws(StatusError) -> [String] {
        let problems = Schema.check(object, type)
        let wrong = problems.filter { !$0.isUnknownField }
        guard wrong.isEmpty else { throw undecodable(type, wrong.map(\.description).joined(separator: ", ")) }
        let unknown = problems.filter(\.isUnknownField)
        if validation == .strict, !unknown.isEmpty {
            throw undecodable(type, "strict decoding error: " + unknown.map(\.description).joined(separator: ", "))
        }
        Schema.prune(&object, type)
        return validation == .warn ? unknown.map(\.description) : []
    }

    /// What is kept but does not do what its writer may expect. Who does not want to hear of fields (Steady's own roles) is spared the search.
    static func cautions(
        _ object: Value, old: Value?, type: ResourceType, _ validation: FieldValidation, _ settings: RegistrySettings
    ) -> [String] {
        if validation == .ignore { return [] }
        func words(_ object: Value) -> [String] {
            Schema.fieldsWithoutEffect(object, type).map { "\($0): kept, but without effect here yet" }
                + Cautions.check(object, type, mayChangeUser: settings.mayChangeUser)
        }
        let found = words(object)
        // What was said at an earlier write is not said again.
        let known = found.isEmpty ? [] : old.map(words) ?? []
        return found.filter { !known.contains($0) }
    }

    private static func undecodable(_ type: ResourceType, _ why: String) -> StatusError {
        .badRequest("\(type.kind) in version \"\(type.version)\" cannot be handled as a \(type.kind): \(why)")
    }

    /// Status belongs to its writer: a new object starts with its kind's first one.
    ///
    /// Nodes and ProxyStatuses are made by the role that also writes their status, in one request.
    static func resetStatus(_ object: inout Value, type: ResourceType) {
        guard type.subresources.contains(.status) else { return }
        switch type.plural {
        case "nodes", "proxystatuses": break
        case "pods": object["status"] = ["phase": "Pending"]
        case "namespaces": object["status"] = ["phase": "Active"]
        case "services": object["status"] = ["loadBalancer": [:]]
        case "replicasets": object["status"] = ["replicas": 0]
        default: object["status"] = [:]
        }
    }

    /// Kubernetes' Priority admission: a new pod may only name a class that exists.
    static func requirePriorityClass(of object: Value, _ key: ObjectKey) throws(StatusError) {
        guard key.type == .pods, let name = PriorityClasses.unknown(in: object["spec"]) else { return }
        var error = StatusError.forbidden("pods \"\(key.name)\" is forbidden: no PriorityClass with name \(name) was found")
        error.details = .init(name: key.name, group: "", kind: "pods")
        throw error
    }

    static func validate(_ object: Value, type: ResourceType, name: String, old: Value?) throws(StatusError) {
        let causes = Validation.check(object, type, old: old)
        if !causes.isEmpty { throw .invalid(type, name: name, causes) }
    }
}
