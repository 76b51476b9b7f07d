/// The header fields that this program itself looks at: recognised once, while the head is read, so that later look-ups compare one byte.
package enum KnownField: UInt8, Sendable {
    case other
    case accept, connection, contentLength, contentType, date, expect, host, keepAlive, origin, proxyConnection, retryAfter, te, trailer
    case transferEncoding, upgrade, via, cookie, secFetchSite, authorization
    case forwarded, forwardedFor, forwardedProto, forwardedHost, forwardedPort, requestID, traceParent, traceState

    /// The name as it is written in what we send.
    package var name: StaticString {
        switch self {
        case .other: ""
        case .accept: "Accept"
        case .connection: "Connection"
        case .contentLength: "Content-Length"
        case .contentType: "Content-Type"
        case .date: "Date"
        case .expect: "Expect"
        case .host: "Host"
        case .keepAlive: "Keep-Alive"
        case .origin: "Origin"
        case .proxyConnection: "Proxy-Connection"
        case .retryAfter: "Retry-After"
        case .te: "TE"
        case .trailer: "Trailer"
        case .transferEncoding: "Transfer-Encoding"
        case .upgrade: "Upgrade"
        case .via: "Via"
        case .cookie: "Cookie"
        case .secFetchSite: "Sec-Fetch-Site"
        case .authorization: "Authorization"
        case .forwarded: "Forwarded"
        case .forwardedFor: "X-Forwarded-For"
        case .forwardedProto: "X-Forwarded-Proto"
        case .forwardedHost: "X-Forwarded-Host"
        case .forwardedPort: "X-Forwarded-Port"
        case .requestID: "X-Request-Id"
        case .traceParent: "traceparent"
        case .traceState: "tracestate"
        }
    }

    /// Recognises a name in any case; the length decides first, so that most names cost one comparison or none.
    init(_ octets: UnsafeBufferPointer<UInt8>) {
        @inline(__always) func pick(_ lower: StaticString, _ known: KnownField) -> KnownField? {
            Octets.equal(octets, lower: lower) ? known : nil
        }
        let found: KnownField? =
            switch octets.count {
            case 2: pick("te", .te)
            case 3: pick("via", .via)
            case 4: pick("host", .host) ?? pick("date", .date)
            case 6: pick("accept", .accept) ?? pick("expect", .expect) ?? pick("cookie", .cookie) ?? pick("origin", .origin)
            case 7: pick("upgrade", .upgrade) ?? pick("trailer", .trailer)
            case 9: pick("forwarded", .forwarded)
            case 10: pick("connection", .connection) ?? pick("keep-alive", .keepAlive) ?? pick("tracestate", .traceState)
            case 11: pick("retry-after", .retryAfter) ?? pick("traceparent", .traceParent)
            case 12: pick("content-type", .contentType) ?? pick("x-request-id", .requestID)
            case 13: pick("authorization", .authorization)
            case 14: pick("content-length", .contentLength) ?? pick("sec-fetch-site", .secFetchSite)
            case 15: pick("x-forwarded-for", .forwardedFor)
            case 16:
                pick("proxy-connection", .proxyConnection) ?? pick("x-forwarded-host", .forwardedHost)
                    ?? pick("x-forwarded-port", .forwardedPort)
            case 17: pick("transfer-encoding", .transferEncoding) ?? pick("x-forwarded-proto", .forwardedProto)
            default: nil
            }
        self = found ?? .other
    }
}
