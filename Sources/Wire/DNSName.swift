/// A domain name: labels from the host up, the root left out. The case of letters is kept as it came (resolvers that mix it want it back) and does
/// not count when names are compared (RFC 1035, 2.3.3; RFC 4343).
package struct DNSName: Hashable, Sendable, CustomStringConvertible {
    /// Octets of one label, each 1 to 63 long.
    package private(set) var labels: [[UInt8]]

    /// RFC 1035, 2.3.4; the whole name is counted with its lengths and the root's zero.
    package static let labelByteLimit = 63
    package static let nameByteLimit = 255

    package static let root = DNSName(unchecked: [])

    init(unchecked labels: [[UInt8]]) { self.labels = labels }

    /// Nil where a label or the name is too long, or a label is empty.
    package init?(labels: [[UInt8]]) {
        guard labels.allSatisfy({ (1...Self.labelByteLimit).contains($0.count) }),
            labels.reduce(1, { $0 + $1.count + 1 }) <= Self.nameByteLimit
        else { return nil }
        self.labels = labels
    }

    /// Reads `a.b.c` or `a.b.c.`; escapes are not known here. Nil for what is no name.
    package init?(_ text: some StringProtocol) {
        var octets = Array(text.utf8)
        if octets.last == UInt8(ascii: ".") { octets.removeLast() }
        if octets.isEmpty {
            self = .root
        } else {
            self.init(labels: octets.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map(Array.init))
        }
    }

    package static func == (a: DNSName, b: DNSName) -> Bool {
        a.labels.count == b.labels.count && zip(a.labels, b.labels).allSatisfy { Self.equal($0, $1) }
    }

    package func hash(into hasher: inout Hasher) {
        for label in labels {
            hasher.combine(label.count)
            for octet in label { hasher.combine(Octets.lowercased(octet)) }
        }
    }

    private static func equal(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        a.count == b.count && zip(a, b).allSatisfy { Octets.lowercased($0) == Octets.lowercased($1) }
    }

    /// Whether both are the same to the last bit, case included.
    package func isIdentical(to other: DNSName) -> Bool { labels == other.labels }

    /// Whether this name is `zone`, or below it.
    package func isWithin(_ zone: DNSName) -> Bool {
        labels.count >= zone.labels.count && zip(labels.suffix(zone.labels.count), zone.labels).allSatisfy { Self.equal($0, $1) }
    }

    /// The labels in front of `zone`, in lower case; nil when the name is not within it.
    package func lowercasedLabels(before zone: DNSName) -> [String]? {
        guard isWithin(zone) else { return nil }
        return labels.dropLast(zone.labels.count).map { String(decoding: $0.map(Octets.lowercased), as: UTF8.self) }
    }

    /// This name with labels in front of it; nil when that is too long.
    package func prefixed(_ front: [String]) -> DNSName? { DNSName(labels: front.map { Array($0.utf8) } + labels) }

    /// With a dot at the end; dots within labels and what is not visible ASCII are escaped as in zone files (RFC 1035, 5.1).
    package var description: String {
        if labels.isEmpty { return "." }
        var text = ""
        for label in labels {
            for octet in label {
                switch octet {
                case UInt8(ascii: "."), UInt8(ascii: "\\"):
                    text += "\\"
                    text.unicodeScalars.append(Unicode.Scalar(octet))
                case 0x21...0x7E: text.unicodeScalars.append(Unicode.Scalar(octet))
                default:
                    let digits = String(octet)
                    text += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
                }
            }
            text += "."
        }
        return text
    }
}
