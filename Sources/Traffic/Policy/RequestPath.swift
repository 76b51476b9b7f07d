/// The path of a request's target as servers read it, so that no rule is gone round by another spelling (RFC 3986, 6.2.2; as Envoy's `normalize_path`
/// and `merge_slashes`).
///
/// The endpoint gets the target as it came.
enum RequestPath {
    /// Without query; percent-encoded letters, digits and `-._~` decoded, `.` and `..` resolved, slashes in a row taken for one.
    static func read(_ target: String) -> String {
        let path = target.utf8.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        var octets = decoded(path)
        guard needsResolving(octets) else { return String(decoding: octets, as: UTF8.self) }
        var segments: [ArraySlice<UInt8>] = []
        var isDirectory = false
        for segment in octets.split(separator: slash, omittingEmptySubsequences: false) {
            isDirectory = segment.isEmpty || segment == [dot] || segment == [dot, dot]
            if segment == [dot, dot] { _ = segments.popLast() } else if !isDirectory { segments.append(segment) }
        }
        octets = [slash] + segments.joined(separator: [slash])
        if isDirectory, !segments.isEmpty { octets.append(slash) }
        return String(decoding: octets, as: UTF8.self)
    }

    private static let slash = UInt8(ascii: "/")
    private static let dot = UInt8(ascii: ".")

    /// Whether a segment is empty or begins with a dot; most paths have none such.
    private static func needsResolving(_ octets: [UInt8]) -> Bool {
        var last: UInt8 = 0
        for octet in octets {
            if last == slash, octet == slash || octet == dot { return true }
            last = octet
        }
        return false
    }

    private static func decoded(_ path: some Sequence<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        for octet in path {
            out.append(octet)
            guard out.count >= 3, out[out.count - 3] == UInt8(ascii: "%"), let high = digit(out[out.count - 2]), let low = digit(octet)
            else { continue }
            let value = high << 4 | low
            guard isUnreserved(value) else { continue }
            out.removeLast(3)
            out.append(value)
        }
        return out
    }

    private static func digit(_ octet: UInt8) -> UInt8? {
        switch octet {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): octet - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): octet - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): octet - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static func isUnreserved(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        default: false
        }
    }
}
