import Linux
import Wire

/// A request to be sent: `Host`, `Content-Length` and `Connection` are added.
package struct ClientRequest: Sendable {
    package var method: String
    /// Path and query, encoded: see `RequestTarget.text`.
    package var target: String
    package var headers: HTTPHeaders
    package var body: [UInt8]
    /// False: a connection of its own, closed behind the answer. For probes, which also test that connecting works.
    package var sharesConnections = true
    /// The address to connect from; nil: the system's choice.
    package var source: IPv4Address?

    package init(_ method: String, _ target: String, headers: HTTPHeaders = HTTPHeaders(), body: [UInt8] = []) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }

    /// RFC 9110, 9.2.2: may be repeated when nobody knows whether it was acted on.
    var isIdempotent: Bool {
        switch method {
        case "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE": true
        default: false
        }
    }

    func serialize(to address: SocketAddress, into output: inout ByteQueue) {
        var head = RequestHead(method: method, target: target, headers: headers)
        if !headers.contains(.host) {
            switch address {
            case .ipv4: head.headers.add(.host, address.description)
            default: head.headers.add(.host, "localhost")
            }
        }
        // A POST without a body says so, or some servers wait for one.
        if !body.isEmpty || !(method == "GET" || method == "HEAD" || method == "DELETE" || method == "OPTIONS") {
            head.headers.set(.contentLength, String(body.count))
        }
        if !sharesConnections { head.headers.set(.connection, "close") }
        head.serialize(into: &output)
        output.append(body)
    }
}

/// A whole answer.
package struct ClientResponse: Sendable {
    package var head: ResponseHead
    package var body: [UInt8]
    package var status: Int { head.status }
    package var headers: HTTPHeaders { head.headers }

    package init(head: ResponseHead, body: [UInt8]) {
        self.head = head
        self.body = body
    }
}

/// What a client spends on one server.
package struct ClientLimits: Sendable {
    package var wire: WireLimits = {
        var limits = WireLimits.standard
        // Lists of thousands of objects.
        limits.bodyByteLimit = 256 * 1024 * 1024
        return limits
    }()
    /// Connections that serve `send`, per address; more requests wait for one. Streams have connections of their own.
    package var connectionLimit = 32
    /// Requests that wait, per address; beyond it `overloaded`.
    package var waitingLimit = 4096
    /// Connections without a request, per address; beyond it the oldest closes.
    package var idleLimit = 8
    /// A connection unused for so long closes: before the server's own 180 s.
    package var idleTimeout = Duration.seconds(60)

    package init() {}
    package static let standard = ClientLimits()
}
