/// An IPv4 address and a port as numbers: where an endpoint or a cluster IP listens.
package struct EndpointAddress: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// In host byte order: 127.0.0.1 is 0x7F00_0001.
    package var host: UInt32
    package var port: UInt16

    package init(host: UInt32, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Nil for anything but dotted decimal and a port from 1 to 65535.
    package init?(_ text: String, port: Int64) {
        guard let host = Self.host(text), let port = UInt16(exactly: port), port > 0 else { return nil }
        self.init(host: host, port: port)
    }

    /// Dotted decimal without leading zeros or signs; nil for anything else.
    package static func host(_ text: String) -> UInt32? {
        var host: UInt32 = 0
        var part: UInt32 = 0
        var digitCount = 0
        var dotCount = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if digitCount > 0 && part == 0 { return nil }
                part = part * 10 + UInt32(byte - UInt8(ascii: "0"))
                digitCount += 1
                if part > 255 { return nil }
            case UInt8(ascii: "."):
                if digitCount == 0 || dotCount == 3 { return nil }
                host = host << 8 | part
                part = 0
                digitCount = 0
                dotCount += 1
            default:
                return nil
            }
        }
        return dotCount == 3 && digitCount > 0 ? host << 8 | part : nil
    }

    /// Dotted decimal.
    package static func text(_ host: UInt32) -> String { "\(host >> 24).\(host >> 16 & 255).\(host >> 8 & 255).\(host & 255)" }

    package static func < (a: Self, b: Self) -> Bool { (a.host, a.port) < (b.host, b.port) }

    package var description: String { "\(Self.text(host)):\(port)" }
}
