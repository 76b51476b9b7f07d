import Formats
import Resources

/// A whole HTTP answer before it is sent.
package struct Answer: Sendable {
    package var status: Int
    package var contentType: String
    package var body: [UInt8]
    /// Texts for `Warning` headers, in order.
    package var warnings: [String] = []
    /// Names the content, so that a client which has it need not load it again; only discovery and OpenAPI are asked for this way.
    package var entityTag: String?
    /// Seconds, for the `Retry-After` of a refusal.
    package var retryAfter: Int?

    package init(_ status: Int, _ contentType: String = "application/json", _ body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    package init(_ status: Int = 200, json: Value) { self.init(status, "application/json", JSON.serialize(json)) }
    package init(_ status: Int = 200, text: String) { self.init(status, "text/plain; charset=utf-8", Array(text.utf8)) }
    package init(_ error: StatusError) {
        self.init(error.code, json: error.value)
        retryAfter = error.retryAfter
    }

    /// The value of a `Warning` header (RFC 7234, 5.5, code 299): kubectl prints the quoted text behind `Warning:`.
    package static func warningHeader(_ text: String) -> String {
        var out = "299 - \""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\":
                out += "\\"
                out.unicodeScalars.append(scalar)
            case _ where scalar.value < 0x20 || scalar.value == 0x7F: out += " "
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }

    /// The refusal of a peer that is not let in, ready for the wire: it is sent without looking at the request.
    static let forbiddenPeer: [UInt8] = {
        let body = JSON.serialize(
            StatusError.forbidden("only processes of the user who runs Steady, and of root, may use this API over TCP").value)
        let head =
            "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: \(body.count)\r\nConnection: close\r\n\r\n"
        return Array(head.utf8) + body
    }()
}
