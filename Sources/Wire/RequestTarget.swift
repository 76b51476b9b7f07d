/// A request's target taken apart: the path's segments and the query's pairs, decoded.
package struct RequestTarget: Sendable {
    private let rawPath: ArraySlice<UInt8>
    /// Between slashes, decoded one by one, so that `%2F` stays within its segment; empty ones (`//`, a slash at the end) are left out. Made at each
    /// call.
    package var segments: [String] {
        // What can be decoded as a whole can be decoded in parts: neither an escape nor a character reaches over a slash.
        rawPath.split(separator: 0x2F).map { (try? Self.decode($0, plusIsSpace: false)) ?? "" }
    }
    /// The path decoded as a whole: `/api/v1/pods`. For printing and for routes whose segments cannot hold a slash.
    package var path: String
    /// In order; names may repeat. `+` is a space.
    package var query: [(name: String, value: String)]
    /// The host of an absolute URL, which then counts instead of the `Host` field (RFC 9112, 3.2.2).
    package var authority: String?

    /// 400 for `%` without two hexadecimal digits, for what is not UTF-8 when decoded, and for an encoded NUL.
    package init(_ target: String) throws(WireError) {
        var octets = Array(target.utf8)[...]
        if octets.first != 0x2F, let range = octets.withUnsafeBufferPointer({ Self.authorityRange($0) }) {
            authority = String(decoding: octets[range], as: UTF8.self)
            octets = octets[range.upperBound...]
        }
        let question = octets.firstIndex(of: 0x3F) ?? octets.endIndex
        rawPath = octets[..<question]
        path = rawPath.isEmpty ? "/" : try Self.decode(rawPath, plusIsSpace: false)
        query = []
        if question < octets.endIndex {
            for pair in octets[(question + 1)...].split(separator: 0x26) {
                let equals = pair.firstIndex(of: 0x3D) ?? pair.endIndex
                let value = equals < pair.endIndex ? pair[(equals + 1)...] : []
                query.append((try Self.decode(pair[..<equals], plusIsSpace: true), try Self.decode(value, plusIsSpace: true)))
            }
        }
    }

    /// The first value of a name.
    package func first(_ name: String) -> String? { query.first { $0.name == name }?.value }

    /// Every value of a name.
    package func all(_ name: String) -> [String] { query.filter { $0.name == name }.map(\.value) }

    /// Where `host:port` stands in `http://host:port/path`; nil for anything else.
    static func authorityRange(_ target: UnsafeBufferPointer<UInt8>) -> Range<Int>? {
        let start: Int
        if target.count > 7, Octets.equal(UnsafeBufferPointer(rebasing: target[0..<7]), lower: "http://") {
            start = 7
        } else if target.count > 8, Octets.equal(UnsafeBufferPointer(rebasing: target[0..<8]), lower: "https://") {
            start = 8
        } else {
            return nil
        }
        var end = start
        while end < target.count, target[end] != 0x2F, target[end] != 0x3F { end += 1 }
        // User information in a target is a trick (RFC 9110, 4.2.4).
        return end > start && !target[start..<end].contains(0x40) ? start..<end : nil
    }

    private static func decode(_ octets: ArraySlice<UInt8>, plusIsSpace: Bool) throws(WireError) -> String {
        if !octets.contains(where: { $0 == 0x25 || $0 == 0x2B && plusIsSpace }) {
            guard let text = String(validating: octets, as: UTF8.self) else { throw .bad("the request's target is not UTF-8 when decoded") }
            return text
        }
        var out: [UInt8] = []
        out.reserveCapacity(octets.count)
        var at = octets.startIndex
        while at < octets.endIndex {
            let octet = octets[at]
            if octet == 0x25 {
                guard at + 2 < octets.endIndex, let high = Octets.hexValue(octets[at + 1]), let low = Octets.hexValue(octets[at + 2]) else {
                    throw .bad("a % in the request's target is not followed by two hexadecimal digits")
                }
                if high == 0, low == 0 { throw .bad("the request's target holds an encoded NUL") }
                out.append(UInt8(high << 4 | low))
                at += 3
            } else {
                out.append(octet == 0x2B && plusIsSpace ? Octets.space : octet)
                at += 1
            }
        }
        guard let text = String(validating: out, as: UTF8.self) else { throw .bad("the request's target is not UTF-8 when decoded") }
        return text
    }

    // MARK: - Writing

    /// A target from path segments and query pairs, encoded.
    package static func text(segments: [String], query: [(String, String)] = []) -> String {
        var out = segments.isEmpty ? "/" : ""
        for segment in segments { out += "/" + encode(segment) }
        for (index, pair) in query.enumerated() { out += (index == 0 ? "?" : "&") + encode(pair.0) + "=" + encode(pair.1) }
        return out
    }

    /// Leaves the unreserved characters of RFC 3986, 2.3 and encodes the rest.
    package static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var out: [UInt8] = []
        for octet in text.utf8 {
            switch octet {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: out.append(octet)
            default: out += [0x25, digits[Int(octet >> 4)], digits[Int(octet & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
