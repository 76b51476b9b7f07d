import CLinux
import Glibc

/// An IPv4 address, in host byte order.
package struct IPv4Address: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var bits: UInt32
    package init(bits: UInt32) { self.bits = bits }

    /// Reads `127.0.0.1`; nil for anything but four decimal numbers up to 255.
    package init?(_ text: some StringProtocol) {
        var bits: UInt32 = 0
        var count = 0
        for part in text.split(separator: ".", omittingEmptySubsequences: false) {
            guard let byte = UInt8(part), !part.hasPrefix("+") else { return nil }
            bits = bits << 8 | UInt32(byte)
            count += 1
        }
        guard count == 4 else { return nil }
        self.bits = bits
    }

    package static let loopback = IPv4Address(bits: 0x7F00_0001)
    package static let any = IPv4Address(bits: 0)
    package static func < (a: IPv4Address, b: IPv4Address) -> Bool { a.bits < b.bits }
    package var description: String { "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)" }
}

/// Where a socket is bound or connected to.
package enum SocketAddress: Hashable, Sendable, CustomStringConvertible {
    case ipv4(IPv4Address, port: UInt16)
    /// A path in the file system.
    case unix(String)
    /// Whom the machine's resolver configuration may name; nothing of Steady listens there.
    case ipv6(IPv6Address, port: UInt16)
    /// What Steady does not speak of further: unnamed sockets, other families.
    case other(family: UInt16)

    /// What a Unix socket's path may have at most, in bytes (`sun_path` less its final zero).
    package static let unixPathLimit = 107

    /// Reads `127.0.0.1:80`, `localhost:80`, `unix:/run/x.sock` and `/run/x.sock`.
    package init?(_ text: String) {
        if text.hasPrefix("unix:") {
            self = .unix(String(text.dropFirst(5)))
        } else if text.hasPrefix("/") {
            self = .unix(text)
        } else {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, let port = UInt16(parts[1]) else { return nil }
            guard let address = parts[0] == "localhost" ? .loopback : IPv4Address(parts[0]) else { return nil }
            self = .ipv4(address, port: port)
        }
    }

    package var description: String {
        switch self {
        case .ipv4(let address, let port): "\(address):\(port)"
        case .ipv6(let address, let port): "[\(address)]:\(port)"
        case .unix(let path): "unix:\(path)"
        case .other(let family): "family \(family)"
        }
    }

    /// Whether it stands for every address of the machine.
    package var isWildcard: Bool { if case .ipv4(.any, _) = self { true } else { false } }

    /// Of an IP address: 4 or 16 octets.
    package var hostOctets: [UInt8]? {
        switch self {
        case .ipv4(let address, _): [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: address.bits >> $0) }
        case .ipv6(let address, _): address.octets
        case .unix, .other: nil
        }
    }

    /// The TCP or UDP port, where there is one.
    package var port: UInt16? {
        switch self {
        case .ipv4(_, let port), .ipv6(_, let port): port
        case .unix, .other: nil
        }
    }

    /// The kernel's number of its family.
    var family: Int32 {
        switch self {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix: AF_UNIX
        case .other(let family): Int32(family)
        }
    }

    /// Lends the kernel's form of it.
    func withRaw<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) throws(LinuxError) -> R {
        switch self {
        case .ipv4(let address, let port):
            var raw = sockaddr_in()
            raw.sin_family = sa_family_t(AF_INET)
            raw.sin_port = port.bigEndian
            raw.sin_addr.s_addr = address.bits.bigEndian
            return withUnsafePointer(to: &raw) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
            }
        case .ipv6(let address, let port):
            var raw = address.raw(port: port)
            return withUnsafePointer(to: &raw) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in6>.size)) }
            }
        case .unix(let path):
            let bytes = Array(path.utf8)
            guard bytes.count <= Self.unixPathLimit else {
                throw LinuxError(
                    errno: ENAMETOOLONG,
                    operation: "Unix socket \(path) (\(bytes.count) bytes; a socket's path may have \(Self.unixPathLimit))")
            }
            var raw = sockaddr_un()
            raw.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &raw.sun_path) { $0.copyBytes(from: bytes) }
            return withUnsafePointer(to: &raw) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
            }
        case .other(let family): throw LinuxError(errno: EAFNOSUPPORT, operation: "address family \(family)")
        }
    }

    init(raw storage: inout sockaddr_storage, length: socklen_t) {
        switch Int32(storage.ss_family) {
        case AF_INET:
            self = withUnsafePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    .ipv4(IPv4Address(bits: UInt32(bigEndian: $0.pointee.sin_addr.s_addr)), port: UInt16(bigEndian: $0.pointee.sin_port))
                }
            }
        case AF_INET6:
            self = withUnsafePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                    .ipv6(IPv6Address(raw: $0.pointee), port: UInt16(bigEndian: $0.pointee.sin6_port))
                }
            }
        case AF_UNIX:
            let pathBytes = withUnsafeBytes(of: &storage) { Array($0[2..<max(2, min(Int(length), 2 + Self.unixPathLimit))]) }
            self = .unix(String(decoding: pathBytes.prefix { $0 != 0 }, as: UTF8.self))
        default: self = .other(family: storage.ss_family)
        }
    }
}
