import Wire

/// What the proxy changes in heads on their way: each side has its own connection, so what concerns one connection stays there.
enum HeadRewriting {
    /// The request as the endpoint gets it. `Host` and the body's framing stay; the client's address is added.
    ///
    /// - Parameters:
    ///   - client: the peer's address in dotted decimal.
    ///   - entrance: where the client connected, for the `Host` that HTTP/1.0 may lack.
    static func request(_ head: RequestHead, client: String, entrance: String) -> RequestHead {
        var out = head
        let isUpgrade = head.wantsUpgrade && head.version == .http11
        out.headers.removeHopByHop(keepingUpgrade: isUpgrade)
        if isUpgrade { out.headers.add(.connection, "upgrade") }
        if head.framing == .chunked { out.headers.add(.transferEncoding, "chunked") }
        // A client of HTTP/1.0 cannot be sent 100 Continue.
        if head.version == .http10 { out.headers.remove(.expect) }
        if let (authority, path) = absoluteForm(head.target) {
            // RFC 9112, 3.2.2: the target's host counts, the field is replaced.
            out.target = path
            out.headers.set(.host, authority)
        } else if !out.headers.contains(.host) {
            out.headers.add(.host, entrance)
        }
        if out.headers.contains(.forwardedFor) {
            out.headers.set(.forwardedFor, (out.headers.list(.forwardedFor) + [client]).joined(separator: ", "))
        } else {
            out.headers.add(.forwardedFor, client)
        }
        if !out.headers.contains(.forwardedProto) { out.headers.add(.forwardedProto, "http") }
        if !out.headers.contains("X-Forwarded-Host") { out.headers.add("X-Forwarded-Host", out.headers.first(.host) ?? entrance) }
        return out
    }

    /// How a response's body goes to the client.
    enum Coding: Equatable {
        /// Byte for byte; its end is known by its length or by the head.
        case plain
        case chunked
        /// The connection's end is the body's end: all that HTTP/1.0 knows for bodies of unknown length.
        case untilClose
    }

    /// The response as the client gets it, and how its body is written.
    static func response(_ head: ResponseHead, toHTTP11 isHTTP11: Bool, keepsAlive: Bool) -> (ResponseHead, Coding, keepsAlive: Bool) {
        var out = head
        out.headers.removeHopByHop(keepingUpgrade: head.framing == .tunnel)
        var coding = Coding.plain
        var keepsAlive = keepsAlive
        switch head.framing {
        case .none, .length:
            break
        case .tunnel:
            out.headers.add(.connection, "upgrade")
            return (out, .plain, true)
        case .chunked, .untilClose:
            if isHTTP11 {
                coding = .chunked
                out.headers.add(.transferEncoding, "chunked")
            } else {
                coding = .untilClose
                keepsAlive = false
            }
        }
        if !keepsAlive {
            out.headers.add(.connection, "close")
        } else if !isHTTP11 {
            out.headers.add(.connection, "keep-alive")
        }
        return (out, coding, keepsAlive)
    }

    /// `http://host:port/path?query` as its two parts; nil for any other target.
    static func absoluteForm(_ target: String) -> (authority: String, path: String)? {
        if target.utf8.first == UInt8(ascii: "/") || target == "*" { return nil }
        guard let colon = target.firstIndex(of: ":"), target[colon...].hasPrefix("://") else { return nil }
        let rest = target[target.index(colon, offsetBy: 3)...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let path = rest[end...]
        return (String(rest[..<end]), path.hasPrefix("/") ? String(path) : "/" + path)
    }
}
