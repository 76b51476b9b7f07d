import Formats
import Resources

/// Reads request bodies by their Content-Type. None means JSON: `kubectl scale --current-replicas` and newer Python clients send none.
enum BodyReading {
    private static let accepted = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]

    /// Any body as a tree.
    static func tree(_ call: Call) throws(StatusError) -> Value {
        try read(call, findingDuplicates: false).value
    }

    /// An object of one kind. What it leaves out of apiVersion and kind is filled in from the URL; what contradicts it is refused.
    static func object(_ call: Call, as type: ResourceType, validation: FieldValidation) throws(StatusError) -> (
        value: Value, warnings: [String]
    ) {
        let read = try read(call, findingDuplicates: validation != .ignore)
        guard case .object = read.value else {
            throw .badRequest("the body must be \(article(type.kind)) object in JSON, YAML or protobuf")
        }
        var value = read.value
        let kind = value["kind"].string ?? ""
        let apiVersion = value["apiVersion"].string ?? ""
        if !kind.isEmpty, kind != type.kind {
            throw .badRequest(
                "\(kind) in version \"\(apiVersion.isEmpty ? type.apiVersion : apiVersion)\" cannot be handled as a \(type.kind)")
        }
        if !apiVersion.isEmpty, apiVersion != type.apiVersion {
            throw .badRequest("the API version in the data (\(apiVersion)) does not match the expected API version (\(type.apiVersion))")
        }
        value["kind"] = .string(type.kind)
        value["apiVersion"] = .string(type.apiVersion)
        if read.duplicates.isEmpty { return (value, []) }
        let problems = read.duplicates.map { "duplicate field \"\($0)\"" }
        if validation == .strict {
            // All that is wrong at once: what the store would refuse next, too.
            let unknown = Schema.check(value, type).filter(\.isUnknownField).map(\.description)
            throw .badRequest(
                "\(type.kind) in version \"\(type.version)\" cannot be handled as a \(type.kind): strict decoding error: \((problems + unknown).joined(separator: ", "))"
            )
        }
        return (value, problems)
    }

    static func patch(_ call: Call) throws(StatusError) -> Patch {
        let type = MediaType(call.headers.contentType ?? "").name
        switch type {
        case "application/json-patch+json":
            let value = try json(call.body)
            guard case .array = value else { throw .badRequest("a JSON patch must be a list of operations") }
            return .json(value)
        case "application/merge-patch+json": return .merge(try mapping(call.body))
        case "application/strategic-merge-patch+json": return .strategic(try mapping(call.body))
        case "application/apply-patch+yaml":
            throw StatusError(
                code: 415, reason: "UnsupportedMediaType",
                message:
                    "server-side apply is not offered here: apply without --server-side, which merges the same way by the last applied manifest"
            )
        default:
            throw StatusError(
                code: 415, reason: "UnsupportedMediaType",
                message:
                    "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json"
            )
        }
    }

    private static func mapping(_ body: [UInt8]) throws(StatusError) -> Value {
        let value = try json(body)
        guard case .object = value else { throw .badRequest("a merge patch must be an object") }
        return value
    }

    private static func json(_ body: [UInt8]) throws(StatusError) -> Value {
        do { return try JSON.parse(body) } catch { throw unreadable(error) }
    }

    private static func read(_ call: Call, findingDuplicates: Bool) throws(StatusError) -> (value: Value, duplicates: [String]) {
        switch MediaType(call.headers.contentType ?? "").name {
        case "", "application/json":
            guard findingDuplicates else { return (try json(call.body), []) }
            do {
                let (value, hasRepeatedKey) = try JSON.parseNotingRepetition(call.body)
                if !hasRepeatedKey { return (value, []) }
                let document = try JSON.parseWithPositions(call.body)
                return (document.value, document.positions.duplicates.map(\.path.fieldPath))
            } catch { throw unreadable(error) }
        case "application/yaml":
            let documents: [YAMLDocument]
            do { documents = try YAML.parse(call.body, schema: .kubernetes) } catch { throw unreadable(error) }
            guard documents.count == 1 else { throw .badRequest("the body must hold one YAML document, found \(documents.count)") }
            return (documents[0].value, documents[0].positions.duplicates.map(\.path.fieldPath))
        case "application/vnd.kubernetes.protobuf": return (try ProtobufBody.read(call.body), [])
        default:
            throw StatusError(
                code: 415, reason: "UnsupportedMediaType",
                message:
                    "the body of the request was in an unknown format - accepted media types include: \(accepted.joined(separator: ", "))")
        }
    }

    private static func unreadable(_ error: FormatError) -> StatusError {
        .badRequest("the body could not be read: line \(error.line), column \(error.column): \(error.message)")
    }

    private static func article(_ kind: String) -> String {
        (kind.first.map { "AEIOU".contains($0) } ?? false) ? "an \(kind)" : "a \(kind)"
    }
}
