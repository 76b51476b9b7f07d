import Formats

/// Who answers where no endpoint of the Service can.
package enum Fallback: Hashable, Sendable {
    /// A Service of the same namespace.
    case service(name: String, port: UInt16)
    case response(FixedResponse)

    init?(_ value: Value) {
        if let name = value["service"]["name"].string, let port = value["service"]["port"].int.flatMap(UInt16.init(exactly:)) {
            self = .service(name: name, port: port)
        } else if !value["response"].isNull {
            self = .response(FixedResponse(value["response"]))
        } else {
            return nil
        }
    }
}

/// A response that a policy states.
package struct FixedResponse: Hashable, Sendable {
    /// Of a body in a policy, in bytes.
    package static let bodyLimit = 4096
    /// Of a body in a ConfigMap; a longer one counts as none.
    package static let foreignBodyLimit = 64 * 1024
    /// The key of a ConfigMap that holds the body; without it the first one does (as with Envoy Gateway).
    package static let bodyKey = "response.body"

    package var status: Int
    package var contentType: String
    package var body: String
    /// The ConfigMap of the policy's namespace that the body is taken from; nil: it stands in the policy.
    package var bodySource: String?

    package init(status: Int, contentType: String = "text/plain; charset=utf-8", body: String) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    init(_ value: Value) {
        self.init(status: Int(value["statusCode"].int ?? 503), body: value["body"]["inline"].string ?? "")
        if let type = value["contentType"].string { contentType = type }
        if value["body"]["type"].string == "ValueRef" { bodySource = value["body"]["valueRef"]["name"].string }
    }

    /// With the body that the ConfigMap holds; nil: it is not there.
    package func taking(_ data: [String: String]?) -> FixedResponse {
        var filled = self
        let text = data.flatMap(Self.body) ?? ""
        filled.body = text.utf8.count <= Self.foreignBodyLimit ? text : ""
        return filled
    }

    /// The body that a ConfigMap with this data holds, however long; nil: it has no key at all.
    package static func body(in data: [String: String]) -> String? { data[bodyKey] ?? data.min { $0.key < $1.key }?.value }
}
