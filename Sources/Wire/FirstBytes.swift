/// What a client's first bytes tell of the protocol that it speaks.
package enum FirstBytes {
    /// Whether a connection carries HTTP/1.
    package enum Verdict: Equatable, Sendable {
        case http
        case other
        /// Too few bytes to tell.
        case unknown
    }

    /// HTTP where they begin as a request line does: a usual method, a space, and a target's first octet (RFC 9112, 3). A tunnel (CONNECT) and the
    /// preface of HTTP/2 are something else.
    package static func verdict(_ bytes: UnsafeBufferPointer<UInt8>) -> Verdict {
        var isOpen = false
        for method in methods {
            switch match(bytes, method) {
            case .http: return .http
            case .unknown: isOpen = true
            case .other: break
            }
        }
        return isOpen ? .unknown : .other
    }

    private static let methods: [StaticString] = ["GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "OPTIONS ", "PATCH ", "TRACE "]

    private static func match(_ bytes: UnsafeBufferPointer<UInt8>, _ method: StaticString) -> Verdict {
        for index in 0..<method.utf8CodeUnitCount {
            guard index < bytes.count else { return .unknown }
            if bytes[index] != method.utf8Start[index] { return .other }
        }
        guard method.utf8CodeUnitCount < bytes.count else { return .unknown }
        switch bytes[method.utf8CodeUnitCount] {
        case UInt8(ascii: "/"), UInt8(ascii: "*"), UInt8(ascii: "h"): return .http
        default: return .other
        }
    }
}
