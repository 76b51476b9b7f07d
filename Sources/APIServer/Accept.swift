import Resources

/// One clause of an Accept or Content-Type header: `application/json;as=Table;v=v1;g=meta.k8s.io`.
package struct MediaType: Hashable, Sendable {
    /// Lower case, without parameters.
    package var name: String
    package var parameters: [String: String]

    package init(_ text: some StringProtocol) {
        if text == "application/json" {
            // What most clients say, and nothing else.
            name = "application/json"
            parameters = [:]
            return
        }
        var parts = text.split(separator: ";", omittingEmptySubsequences: true).map { Self.trim($0) }
        name = parts.isEmpty ? "" : parts.removeFirst().lowercased()
        parameters = [:]
        for part in parts {
            guard let equals = part.firstIndex(of: "=") else { continue }
            parameters[Self.trim(part[..<equals]).lowercased()] = Self.trim(part[part.index(after: equals)...])
        }
    }

    /// Every clause of an Accept header in the order in which it was written. Quality values are not looked at: no client of Kubernetes sends any.
    package static func clauses(_ header: String?) -> [MediaType] {
        (header ?? "*/*").split(separator: ",").map { MediaType($0) }
    }

    /// Whether JSON satisfies it.
    var takesJSON: Bool { name == "application/json" || name == "application/*" || name == "*/*" }

    private static func trim(_ text: some StringProtocol) -> String {
        let start = text.drop { $0 == " " || $0 == "\t" }
        var end = start.endIndex
        while end > start.startIndex {
            let before = start.index(before: end)
            guard start[before] == " " || start[before] == "\t" else { break }
            end = before
        }
        return String(start[start.startIndex..<end])
    }
}

/// In which shape objects are answered.
package enum Representation: Hashable, Sendable {
    case plain
    /// Rows for people: what `kubectl get` asks for. The version is `v1` or `v1beta1`.
    case table(version: String)
    /// `PartialObjectMetadata`: names, labels and owners only.
    case metadata(version: String)

    /// The first clause that can be served decides. Protobuf is never answered: every client that asks for it takes JSON too.
    package static func negotiate(_ accept: String?) throws(StatusError) -> Representation {
        guard let accept else { return .plain }
        for clause in MediaType.clauses(accept) where clause.takesJSON {
            guard let shape = clause.parameters["as"] else { return .plain }
            let version = clause.parameters["v"] ?? "v1"
            guard clause.parameters["g"] ?? "meta.k8s.io" == "meta.k8s.io", version == "v1" || version == "v1beta1" else { continue }
            switch shape {
            case "Table": return .table(version: version)
            case "PartialObjectMetadata", "PartialObjectMetadataList": return .metadata(version: version)
            default: continue
            }
        }
        throw StatusError(
            code: 406, reason: "NotAcceptable", message: "only the following media types are accepted: application/json")
    }
}

/// In which of its three shapes discovery is answered.
package enum DiscoveryForm: Hashable, Sendable {
    /// One document for everything, `v2` or `v2beta1`.
    case aggregated(version: String)
    /// One document per group and version.
    case legacy

    /// Aggregated only when the client listed that version: it recognises the body by the parametrised Content-Type.
    package static func negotiate(_ accept: String?) -> DiscoveryForm {
        for clause in MediaType.clauses(accept) where clause.takesJSON {
            guard clause.parameters["as"] == "APIGroupDiscoveryList" else { return .legacy }
            if clause.parameters["g"] == "apidiscovery.k8s.io", let version = clause.parameters["v"],
                version == "v2" || version == "v2beta1"
            {
                return .aggregated(version: version)
            }
        }
        return .legacy
    }

    package var contentType: String {
        switch self {
        case .aggregated(let version): "application/json;g=apidiscovery.k8s.io;v=\(version);as=APIGroupDiscoveryList"
        case .legacy: "application/json"
        }
    }
}
