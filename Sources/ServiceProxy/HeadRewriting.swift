import Wire

/// What the proxy changes in the heads of responses on their way: each side has its own connection, so what concerns one connection stays there.
/// Of requests `RequestForwarding` does it.
enum HeadRewriting {
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
        // RFC 9110, 8.6: there is no body whose length it could be.
        if head.status == 204 { out.headers.remove(.contentLength) }
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
}
