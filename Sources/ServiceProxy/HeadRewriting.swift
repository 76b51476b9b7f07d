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

    /// Makes of a response what the client gets, and says how its body is written.
    static func rewrite(_ head: inout ResponseHead, toHTTP11 isHTTP11: Bool, keepsAlive: Bool) -> (Coding, keepsAlive: Bool) {
        head.headers.removeHopByHop(keepingUpgrade: head.framing == .tunnel)
        // RFC 9110, 8.6: there is no body whose length it could be.
        if head.status == 204 { head.headers.remove(.contentLength) }
        var coding = Coding.plain
        var keepsAlive = keepsAlive
        switch head.framing {
        case .none, .length:
            break
        case .tunnel:
            head.headers.add(.connection, "upgrade")
            return (.plain, true)
        case .chunked, .untilClose:
            if isHTTP11 {
                coding = .chunked
                head.headers.add(.transferEncoding, "chunked")
            } else {
                coding = .untilClose
                keepsAlive = false
            }
        }
        if !keepsAlive {
            head.headers.add(.connection, "close")
        } else if !isHTTP11 {
            head.headers.add(.connection, "keep-alive")
        }
        return (coding, keepsAlive)
    }
}
