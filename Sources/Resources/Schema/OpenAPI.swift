import Formats

/// OpenAPI v3 documents, one a group-version, made from the schema: what `kubectl explain` shows, and what tells `kubectl apply` that the server
/// validates fields itself.
///
/// The patch operations deliberately declare no request body: with one, kubectl would compute merges from these documents instead of from the
/// types compiled into it.
package enum OpenAPI {
    /// The keys of the index: `api/v1`, `apis/apps/v1`, sorted.
    package static let paths: [String] = Set(ResourceType.all.map(path)).sorted()

    /// The answer to `GET /openapi/v3`. The hash changes with the schema, so that clients may cache documents for ever.
    package static let index: Value = {
        let entries = paths.map { path -> (String, Value) in (path, ["serverRelativeURL": "/openapi/v3/\(path)?hash=\(hash)"]) }
        return ["paths": .object(Object(entries))]
    }()

    /// The document of one group-version, by its key in the index; nil when there is none. Made anew at every call (about a millisecond).
    package static func document(_ path: String) -> Value? {
        let types = ResourceType.all.filter { Self.path($0) == path }
        guard !types.isEmpty else { return nil }
        var builder = DocumentBuilder()
        for type in types { builder.add(type) }
        return [
            "openapi": "3.0.0", "info": ["title": "Steady", "version": "v1"], "paths": .object(builder.paths),
            "components": ["schemas": .object(Object(builder.schemas.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))],
        ]
    }

    static func path(_ type: ResourceType) -> String { type.group.isEmpty ? "api/\(type.version)" : "apis/\(type.group)/\(type.version)" }

    /// FNV-1a over the schema's text, 64 bits in hex.
    private static let hash: String = {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for text in SchemaText.all { for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 } }
        return String(hash, radix: 16, uppercase: true)
    }()
}

/// Collects the operations and the schemas that a group-version needs.
private struct DocumentBuilder {
    var paths = Object()
    var schemas: [String: Value] = [:]
    private let table = SchemaTable.shared

    private static let prefix = "dev.steady."

    mutating func add(_ type: ResourceType) {
        let identity: Value = ["group": .string(type.group), "version": .string(type.version), "kind": .string(type.kind)]
        let root = "/\(OpenAPI.path(type))/\(type.isNamespaced ? "namespaces/{namespace}/" : "")\(type.plural)"
        let names: [Value] = (type.isNamespaced ? ["namespace", "name"] : ["name"]).map {
            ["name": .string($0), "in": "path", "required": true, "schema": ["type": "string"]]
        }
        let options: [Value] = ["dryRun", "fieldManager", "fieldValidation"].map {
            ["name": .string($0), "in": "query", "schema": ["type": "string"]]
        }
        let reply: Value = ["200": ["description": "OK"]]
        paths[root + "/{name}"] = [
            "get": ["x-kubernetes-action": "get", "x-kubernetes-group-version-kind": identity, "responses": reply],
            "patch": [
                "parameters": .array(options), "x-kubernetes-action": "patch", "x-kubernetes-group-version-kind": identity,
                "responses": reply,
            ], "parameters": .array(names),
        ]
        let message = table.message(of: type)
        require(message)
        schemas[name(message)]?["x-kubernetes-group-version-kind"] = [identity]
    }

    private func name(_ message: Int) -> String { Self.prefix + table.messages[message].name }

    /// Adds a message and all that it refers to.
    private mutating func require(_ number: Int) {
        let message = table.messages[number]
        guard schemas[name(number)] == nil else { return }
        schemas[name(number)] = .null
        var properties = Object()
        for field in message.fields {
            var schema = schema(field.kind)
            if schema["$ref"].isNull {
                if !field.description.isEmpty { schema["description"] = .string(field.description) }
            } else {
                // Beside a reference nothing else is read.
                let reference = schema
                schema = ["allOf": [reference]]
                if !field.description.isEmpty { schema["description"] = .string(field.description) }
            }
            switch field.listStrategy {
            case .mergeByKey(let key):
                schema["x-kubernetes-patch-merge-key"] = .string(key)
                schema["x-kubernetes-patch-strategy"] = field.mapStrategy == .retainKeys ? "merge,retainKeys" : "merge"
            case .mergeSet: schema["x-kubernetes-patch-strategy"] = "merge"
            case .atomic: break
            }
            properties[field.name] = schema
        }
        var out: Value = ["type": "object", "properties": .object(properties)]
        if !message.description.isEmpty { out["description"] = .string(message.description) }
        let required = message.requiredNames
        if !required.isEmpty { out["required"] = .array(required.map { .string($0) }) }
        schemas[name(number)] = out
    }

    private mutating func schema(_ kind: FieldKind) -> Value {
        switch kind {
        case .string: return ["type": "string"]
        case .choice(let words): return ["type": "string", "enum": .array(words.map { .string($0) })]
        case .int32: return ["type": "integer", "format": "int32"]
        case .int64: return ["type": "integer", "format": "int64"]
        case .number: return ["type": "number", "format": "double"]
        case .bool: return ["type": "boolean"]
        case .bytes: return ["type": "string", "format": "byte"]
        case .any: return ["type": "object"]
        case .time: return named("Time", ["type": "string", "format": "date-time", "description": "RFC 3339, whole seconds."])
        case .microTime:
            return named("MicroTime", ["type": "string", "format": "date-time", "description": "RFC 3339, six fractional digits."])
        case .quantity:
            return named(
                "Quantity", ["oneOf": [["type": "string"], ["type": "number"]], "description": "An amount like 250m, 2 or 64Mi."])
        case .intOrString:
            return named(
                "IntOrString",
                [
                    "format": "int-or-string", "oneOf": [["type": "integer"], ["type": "string"]],
                    "description": "A number, a name or a percentage.",
                ])
        case .map(let element): return ["type": "object", "additionalProperties": schema(element)]
        case .list(let element): return ["type": "array", "items": schema(element)]
        case .message(let number):
            require(number)
            return ["$ref": .string("#/components/schemas/" + name(number))]
        }
    }

    private mutating func named(_ name: String, _ schema: Value) -> Value {
        schemas[Self.prefix + name] = schema
        return ["$ref": .string("#/components/schemas/" + Self.prefix + name)]
    }
}
