/// Where a request came from and where it came in, as its endpoint is told.
package struct RequestWay: Hashable, Sendable {
    /// The client's address, an IPv6 one without brackets.
    package var client: String
    /// Where the client connected: `127.0.0.1:80`.
    package var entrance: String

    package init(client: String, entrance: String) {
        self.client = client
        self.entrance = entrance
    }
}

/// Writes a request for its endpoint, straight from the one that was read: nothing of it is copied twice, and no field makes a String.
///
/// - What concerns the client's connection stays there (RFC 9110, 7.6.1): `Connection` and what it names, `Keep-Alive`, `Proxy-Connection`, `TE`,
///   `Transfer-Encoding`, and `Upgrade` but for a request that may be upgraded. Fields that say who asks, or how long a message is, cannot be named.
/// - `Host` is the target's where that is a whole URL (RFC 9112, 3.2.2).
/// - `X-Forwarded-For` and `Forwarded` (RFC 7239) get the client's address behind what they had; `X-Forwarded-Proto`, `-Host` and `-Port` stay as
///   they came, since who terminates TLS before this proxy says there what it saw.
/// - `X-Request-Id` and `traceparent` are passed on, or made where there is no valid one; a `tracestate` without its parent is dropped.
/// - `Via` is not added: servers take it for a reason not to compress.
package enum RequestForwarding {
    /// Cost: two looks at the fields, one copy of their octets.
    package static func write(_ head: RequestHead, _ way: RequestWay, _ marks: RequestMarks, into output: inout ByteQueue) {
        let headers = head.headers
        head.withTarget { target in
            headers.bytes.withUnsafeBufferPointer { all in
                let scan = FieldScan(head, all, target)
                _ = output.fill(room: scan.byteCount + target.count + roomForOwn(way) + scan.host.count * 3 + head.method.utf8.count) {
                    var writer = OctetWriter(to: $0.baseAddress!)
                    writeLine(head, target, scan, &writer)
                    for field in headers.fields where scan.passes(field, in: all) {
                        writer.put(all, field.nameStart, UInt32(field.nameCount))
                        writer.put(": ")
                        if field.known == .host { writer.put(scan.host) } else { writer.put(all, field.valueStart, field.valueCount) }
                        writer.endLine()
                    }
                    writeOwn(head, way, marks, scan, all, &writer)
                    writer.endLine()
                    return $0.baseAddress!.distance(to: writer.to)
                }
            }
        }
    }

    /// For all that is added, apart from values that came: names, ids and punctuation are under 400 octets.
    private static func roomForOwn(_ way: RequestWay) -> Int { 512 + 2 * way.client.utf8.count + 4 * way.entrance.utf8.count }

    private static func writeLine(_ head: RequestHead, _ target: UnsafeBufferPointer<UInt8>, _ scan: FieldScan, _ writer: inout OctetWriter)
    {
        writer.put(head.method)
        writer.put(" ")
        let path = UnsafeBufferPointer(rebasing: target[scan.pathStart...])
        if scan.pathStart > 0, path.first != 0x2F {
            // RFC 9112, 3.2.4: the whole server is asked by a URL without a path.
            writer.put(path.isEmpty && head.method == "OPTIONS" ? "*" : "/")
        }
        writer.put(path)
        writer.put(" HTTP/1.1\r\n")
    }

    private static func writeOwn(
        _ head: RequestHead, _ way: RequestWay, _ marks: RequestMarks, _ scan: FieldScan, _ all: UnsafeBufferPointer<UInt8>,
        _ writer: inout OctetWriter
    ) {
        if scan.isUpgrade {
            writer.put("Connection: upgrade\r\nUpgrade: ")
            var isFirst = true
            head.headers.forEachElement(of: .upgrade) { element in
                if !RequestHead.isUpgradeServed(element) { return }
                // No blank: the list grows no longer than it was, and room was made for that.
                if !isFirst { writer.put(",") }
                isFirst = false
                writer.put(element)
            }
            writer.endLine()
        }
        if head.framing == .chunked { writer.put("Transfer-Encoding: chunked\r\n") }
        if !scan.has(.host) {
            writer.put("Host: ")
            if scan.host.isEmpty { writer.put(way.entrance) } else { writer.put(scan.host) }
            writer.endLine()
        }
        writer.put("X-Forwarded-For: ")
        if scan.has(.forwardedFor) { writer.putValues(of: .forwardedFor, in: head.headers, all) }
        writer.put(way.client)
        writer.endLine()
        if !scan.has(.forwardedProto) { writer.put("X-Forwarded-Proto: http\r\n") }
        if !scan.has(.forwardedHost) {
            writer.put("X-Forwarded-Host: ")
            if scan.host.isEmpty { writer.put(way.entrance) } else { writer.put(scan.host) }
            writer.endLine()
        }
        if !scan.has(.forwardedPort), let colon = way.entrance.utf8.lastIndex(of: Octets.colon) {
            writer.put("X-Forwarded-Port: ")
            writer.put(way.entrance.utf8[way.entrance.utf8.index(after: colon)...])
            writer.endLine()
        }
        writeForwarded(head, way, scan, all, &writer)
        writer.put("X-Request-Id: ")
        if let given = scan.requestID {
            writer.put(all, given.valueStart, given.valueCount)
        } else {
            writer.put(hex: marks.high)
            writer.put(hex: marks.low)
        }
        writer.put("\r\ntraceparent: ")
        if let given = scan.traceParent {
            writer.put(all, given.valueStart, given.valueCount)
        } else {
            // Sampled: an endpoint that follows its caller records as it would have without a proxy.
            writer.put("00-")
            writer.put(hex: marks.high)
            writer.put(hex: marks.low)
            writer.put("-")
            writer.put(hex: marks.parent)
            writer.put("-01")
        }
        writer.endLine()
    }

    private static func writeForwarded(
        _ head: RequestHead, _ way: RequestWay, _ scan: FieldScan, _ all: UnsafeBufferPointer<UInt8>, _ writer: inout OctetWriter
    ) {
        writer.put("Forwarded: ")
        // A string left open would swallow what is added.
        if scan.has(.forwarded), scan.isForwardedWhole { writer.putValues(of: .forwarded, in: head.headers, all) }
        let isLong = way.client.utf8.contains(Octets.colon)
        writer.put(isLong ? "for=\"[" : "for=")
        writer.put(way.client)
        writer.put(isLong ? "]\";proto=http;host=\"" : ";proto=http;host=\"")
        if scan.host.isEmpty { writer.put(way.entrance) } else { writer.put(scan.host) }
        writer.put("\"\r\n")
    }
}

extension RequestHead {
    /// Whether the endpoint is asked to leave HTTP: what `Upgrade` names besides HTTP/2, which would carry requests past the proxy unseen.
    package var isPassedAsUpgrade: Bool {
        guard version == .http11, headers.contains(.upgrade), wantsUpgrade else { return false }
        var isServed = false
        headers.forEachElement(of: .upgrade) { if Self.isUpgradeServed($0) { isServed = true } }
        return isServed
    }

    static func isUpgradeServed(_ protocolName: UnsafeBufferPointer<UInt8>) -> Bool {
        !Octets.equal(protocolName, lower: "h2c") && !Octets.equal(protocolName, lower: "h2")
    }
}

/// What the fields of a request are, found before they are written.
private struct FieldScan {
    /// Bits by `KnownField.rawValue`.
    private var present: UInt64 = 0
    /// Of all fields, with their punctuation.
    private(set) var byteCount = 0
    private(set) var isUpgrade: Bool
    /// Where the target's path begins; 0: it is a path or `*`.
    private(set) var pathStart = 0
    /// The authority that counts; empty where there is none.
    private(set) var host = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    private(set) var requestID: HTTPHeaders.Field?
    private(set) var traceParent: HTTPHeaders.Field?
    private(set) var isForwardedWhole = true
    private let dropsExpect: Bool
    /// What `Connection` names, in small letters; empty for nearly every request.
    private var named: [String] = []

    init(_ head: RequestHead, _ all: UnsafeBufferPointer<UInt8>, _ target: UnsafeBufferPointer<UInt8>) {
        isUpgrade = head.isPassedAsUpgrade
        // A client of HTTP/1.0 cannot be sent 100 Continue.
        dropsExpect = head.version == .http10
        for field in head.headers.fields {
            byteCount += Int(field.nameCount) + Int(field.valueCount) + 4
            if field.known == .other { continue }
            let isFirst = !has(field.known)
            present |= 1 << UInt64(field.known.rawValue)
            let start = Int(field.valueStart)
            let value = UnsafeBufferPointer(rebasing: all[start..<(start + Int(field.valueCount))])
            switch field.known {
            case .host: host = value
            case .connection: nameFields(value)
            case .requestID: if isFirst, RequestMarks.isRequestID(value) { requestID = field }
            // More than one is none (W3C Trace Context, 4.2).
            case .traceParent: traceParent = isFirst && TraceParent.isValid(value) ? field : nil
            case .forwarded: isForwardedWhole = isForwardedWhole && Self.isWhole(value)
            default: break
            }
        }
        if target.first != 0x2F, let authority = RequestTarget.authorityRange(target) {
            host = UnsafeBufferPointer(rebasing: target[authority])
            pathStart = authority.upperBound
        }
    }

    func has(_ known: KnownField) -> Bool { present & (1 << UInt64(known.rawValue)) != 0 }

    /// Whether a field goes on as it is.
    func passes(_ field: HTTPHeaders.Field, in all: UnsafeBufferPointer<UInt8>) -> Bool {
        switch field.known {
        case .connection, .keepAlive, .proxyConnection, .te, .transferEncoding, .upgrade: return false
        case .forwardedFor, .forwarded, .requestID, .traceParent: return false
        case .traceState: return traceParent != nil
        case .expect: return !dropsExpect
        default:
            let start = Int(field.nameStart)
            let name = UnsafeBufferPointer(rebasing: all[start..<(start + Int(field.nameCount))])
            if field.known == .other, Self.isDisguised(name) { return false }
            if named.isEmpty { return true }
            return !named.contains { wanted in
                var wanted = wanted
                return wanted.withUTF8 { Octets.equal(name, lower: $0) }
            }
        }
    }

    /// Whether a server that takes an underscore for a hyphen, as CGI does, takes this for a field that frames or routes: `Content_Length`.
    private static func isDisguised(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        // Of the names in question the second, eighth, ninth or twelfth octet is a hyphen; nearly every other name ends here.
        guard name.count >= 12, name[1] == underscore || name[7] == underscore || name[8] == underscore || name[11] == underscore else {
            return false
        }
        let plain = name.map { $0 == underscore ? 0x2D : $0 }
        return plain.withUnsafeBufferPointer { KnownField($0) } != .other
    }

    private static let underscore: UInt8 = 0x5F

    private mutating func nameFields(_ value: UnsafeBufferPointer<UInt8>) {
        var found: [String] = []
        ListElements.forEach(value) { element in
            if Octets.equal(element, lower: "close") || Octets.equal(element, lower: "keep-alive")
                || Octets.equal(element, lower: "upgrade")
            {
                return
            }
            let name = String(decoding: element, as: UTF8.self).lowercased()
            if !HTTPHeaders.endToEnd.contains(name) { found.append(name) }
        }
        named += found
    }

    /// Whether every quoted string ends (RFC 9110, 5.6.4).
    private static func isWhole(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        var isQuoted = false
        var at = 0
        while at < value.count {
            if value[at] == 0x22 {
                isQuoted.toggle()
            } else if value[at] == 0x5C, isQuoted {
                at += 1
            }
            at += 1
        }
        return !isQuoted && at == value.count
    }
}
