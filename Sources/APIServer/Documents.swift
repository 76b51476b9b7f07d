import Formats
import Resources

/// Answers that are the same for the life of the server: made once, then sent as bytes.
enum Documents {
    static func answer(_ document: Document, _ call: Call) -> Answer {
        switch document {
        case .paths: return Answer(json: ["paths": .array(paths.map { .string($0) })])
        case .version: return Answer(json: Version.document)
        case .coreVersions, .groups:
            let form = DiscoveryForm.negotiate(call.headers.accept)
            switch form {
            case .aggregated(let version):
                let body = aggregatedBodies[document == .coreVersions ? "core \(version)" : "groups \(version)"] ?? []
                return tagged(Answer(200, form.contentType, body), call)
            case .legacy: return Answer(json: document == .coreVersions ? Discovery.coreVersions : Discovery.groupList)
            }
        case .group(let name): return Answer(json: Discovery.group(name))
        case .resources(let group, let version): return Answer(json: Discovery.resourceList(group: group, version: version))
        case .openAPIv2:
            // kubectl wants protobuf here and nothing else. The least that it accepts is field 1 of the document, `swagger`, "2.0": models it does
            // not find there are not checked by the client. The usual `@` in the type's name breaks Go's parser of media types.
            return Answer(200, "application/com.github.proto-openapi.spec.v2.v1.0+protobuf", [0x0A, 0x03, 0x32, 0x2E, 0x30])
        case .openAPIv3Index: return tagged(Answer(json: OpenAPI.index), call)
        case .openAPIv3(let path):
            guard let document = OpenAPI.document(path) else { return Answer(Routing.notServed) }
            return tagged(Answer(json: document), call)
        case .metrics, .decisions, .snapshot, .health: return Answer(Routing.notServed)
        }
    }

    private static let aggregatedBodies: [String: [UInt8]] = {
        var out: [String: [UInt8]] = [:]
        for version in ["v2", "v2beta1"] {
            out["core \(version)"] = JSON.serialize(Discovery.aggregated(core: true, version: version))
            out["groups \(version)"] = JSON.serialize(Discovery.aggregated(core: false, version: version))
        }
        return out
    }()

    // MARK: Parts

    private static func tagged(_ answer: Answer, _ call: Call) -> Answer {
        let tag = "\"\(fingerprint(answer.body))\""
        var answer = answer
        if call.headers.ifNoneMatch == tag {
            answer.status = 304
            answer.body = []
        }
        answer.entityTag = tag
        return answer
    }

    /// FNV-1a, 64 bits: tells versions of our own documents apart; nothing rests on it being hard to forge.
    static func fingerprint(_ bytes: [UInt8]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        let digits = String(hash, radix: 16, uppercase: true)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static let paths: [String] =
        ["/api", "/apis", "/decisions", "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/snapshot", "/version"]
        + Discovery.groupVersions.map { $0.group.isEmpty ? "/api/\($0.text)" : "/apis/\($0.text)" }.sorted()
}
