/// The versions of HTTP/1 that are spoken.
package enum HTTPVersion: UInt8, Sendable, CustomStringConvertible {
    case http10
    case http11

    package var description: String { self == .http10 ? "HTTP/1.0" : "HTTP/1.1" }
}

/// How long a body is (RFC 9112, 6.3).
package enum BodyFraming: Hashable, Sendable {
    case none
    case length(Int)
    case chunked
    /// A response that ends when the server closes.
    case untilClose
    /// What follows is no HTTP any more: after 101, and after 2xx for CONNECT.
    case tunnel
}

/// A request's first line and header fields.
package struct RequestHead: Sendable {
    package var method: String
    /// As it was sent: `/api/v1/pods?watch=true`; an absolute URL, an authority for CONNECT, or `*` are possible too. Of a head that was read it is made
    /// at each call: see `withTarget`.
    package var target: String {
        get { withTarget { String(decoding: $0, as: UTF8.self) } }
        set { ownTarget = newValue }
    }
    package var version: HTTPVersion
    /// Of a head that was read they hold the target's octets too: they can be changed, not exchanged for others.
    package var headers: HTTPHeaders
    /// What the reader found; a head that was made here says how its body will be written.
    package var framing: BodyFraming
    /// Whether the sender wants the connection to live on.
    package var keepsAlive: Bool
    /// Whether the sender waits for `100 Continue` before it sends the body.
    package var expectsContinue: Bool

    package init(
        method: String, target: String, version: HTTPVersion = .http11, headers: HTTPHeaders = HTTPHeaders(), framing: BodyFraming = .none
    ) {
        self.method = method
        ownTarget = target
        readTarget = 0..<0
        self.version = version
        self.headers = headers
        self.framing = framing
        keepsAlive = true
        expectsContinue = false
    }

    /// A head that was read: the target is where it stood among the octets of the headers.
    init(method: String, target: Range<Int>, version: HTTPVersion, headers: HTTPHeaders, framing: BodyFraming) {
        self.method = method
        readTarget = target
        self.version = version
        self.headers = headers
        self.framing = framing
        keepsAlive = true
        expectsContinue = false
    }

    private var ownTarget: String?
    private var readTarget: Range<Int>

    /// Looks at the target in place; at nothing where the headers it stood in were taken away.
    func withTarget<R>(_ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
        if var ownTarget { return ownTarget.withUTF8(body) }
        return headers.bytes.withUnsafeBufferPointer {
            body(UnsafeBufferPointer(rebasing: readTarget.upperBound <= $0.count ? $0[readTarget] : $0[0..<0]))
        }
    }

    /// Whether the sender asks to leave HTTP: `Connection: upgrade` with an `Upgrade` field.
    package var wantsUpgrade: Bool { headers.contains(.upgrade) && headers.list(.connection, contains: "upgrade") }

    /// Appends the head with its empty line. BEFORE this the caller puts the fields in order: hop-by-hop ones out, its own framing in.
    package func serialize(into output: inout ByteQueue) {
        output.append(method)
        output.append(Octets.space)
        output.append(target)
        output.append(" HTTP/1.1\r\n" as StaticString)
        headers.serialize(into: &output)
        output.append("\r\n" as StaticString)
    }
}

/// A response's first line and header fields.
package struct ResponseHead: Sendable {
    package var status: Int
    package var reason: String
    package var version: HTTPVersion
    package var headers: HTTPHeaders
    package var framing: BodyFraming
    package var keepsAlive: Bool

    /// `reason` empty: the usual one.
    package init(status: Int, reason: String = "", headers: HTTPHeaders = HTTPHeaders(), framing: BodyFraming = .none) {
        self.status = status
        self.reason = reason.isEmpty ? StatusReason.text(status) : reason
        version = .http11
        self.headers = headers
        self.framing = framing
        keepsAlive = true
    }

    package var isInterim: Bool { status < 200 && status != 101 }

    /// Appends the head with its empty line.
    package func serialize(into output: inout ByteQueue) {
        output.append("HTTP/1.1 " as StaticString)
        output.append(decimal: status)
        output.append(Octets.space)
        output.append(reason)
        output.append("\r\n" as StaticString)
        headers.serialize(into: &output)
        output.append("\r\n" as StaticString)
    }
}

/// The usual texts behind status codes (RFC 9110, 15, and 429, 431 of RFC 6585).
package enum StatusReason {
    package static func text(_ status: Int) -> String {
        switch status {
        case 100: "Continue"
        case 101: "Switching Protocols"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 206: "Partial Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 411: "Length Required"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        case 507: "Insufficient Storage"
        default: "Status"
        }
    }
}
