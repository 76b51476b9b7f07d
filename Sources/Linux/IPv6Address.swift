import Glibc

/// An IPv6 address, and the zone that a link-local one belongs to.
package struct IPv6Address: Hashable, Sendable, CustomStringConvertible {
    /// 16 of them.
    package let octets: [UInt8]
    /// As the kernel numbers its links; 0 where none is named.
    package let zone: UInt32

    /// Reads `::1` and `fe80::1%eth0`; nil for what is no address, or names a link that this machine does not have.
    package init?(_ text: String) {
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
        var octets = [UInt8](repeating: 0, count: 16)
        guard let address = parts.first, inet_pton(AF_INET6, address, &octets) == 1 else { return nil }
        self.octets = octets
        guard parts.count > 1 else {
            zone = 0
            return
        }
        zone = UInt32(parts[1]) ?? if_nametoindex(parts[1])
        if zone == 0 { return nil }
    }

    /// Of a socket's address.
    init(raw: sockaddr_in6) {
        octets = withUnsafeBytes(of: raw.sin6_addr) { Array($0) }
        zone = raw.sin6_scope_id
    }

    /// The kernel's form of it, with a port.
    func raw(port: UInt16) -> sockaddr_in6 {
        var raw = sockaddr_in6()
        raw.sin6_family = sa_family_t(AF_INET6)
        raw.sin6_port = port.bigEndian
        withUnsafeMutableBytes(of: &raw.sin6_addr) { $0.copyBytes(from: octets) }
        raw.sin6_scope_id = zone
        return raw
    }

    package var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        inet_ntop(AF_INET6, octets, &text, socklen_t(text.count))
        let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return zone == 0 ? address : "\(address)%\(zone)"
    }
}
