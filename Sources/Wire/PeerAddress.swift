/// One end of a connection: an address of IPv6, or one of IPv4 mapped into them (RFC 4291, 2.5.5.2), and a port.
package struct PeerAddress: Hashable, Sendable {
    /// The address' first eight octets.
    package var high: UInt64
    package var low: UInt64
    package var port: UInt16

    package init(high: UInt64, low: UInt64, port: UInt16) {
        self.high = high
        self.low = low
        self.port = port
    }

    package init(ipv4: UInt32, port: UInt16) { self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(ipv4), port: port) }

    /// The address where it is one of IPv4.
    package var ipv4: UInt32? { high == 0 && low >> 32 == 0xFFFF ? UInt32(truncatingIfNeeded: low) : nil }

    /// What tells clients apart where a policy asks for it: the address of IPv4; for one of IPv6 a number out of 240.0.0.0/4, where no address is in
    /// use, so that no range of addresses in a policy means it by accident.
    package var clientKey: UInt32 {
        if let ipv4 { return ipv4 }
        var mixed = (high ^ (high >> 32)) &* 0x9E37_79B9_7F4A_7C15 ^ low
        mixed = (mixed ^ (mixed >> 29)) &* 0xBF58_476D_1CE4_E5B9
        return 0xF000_0000 | UInt32(truncatingIfNeeded: mixed >> 36)
    }

    /// The address without the port: `10.0.0.1`, or `2001:db8::1` as RFC 5952 has it.
    package var hostText: String {
        if let ipv4 { return "\(ipv4 >> 24).\(ipv4 >> 16 & 255).\(ipv4 >> 8 & 255).\(ipv4 & 255)" }
        let groups = [high, low].flatMap { half in stride(from: UInt64(48), through: 0, by: -16).map { half >> $0 & 0xFFFF } }
        // The longest run of two zeros or more, the first of several, becomes `::`.
        var gap = 0..<0
        var start = 0
        while start < groups.count {
            var end = start
            while end < groups.count, groups[end] == 0 { end += 1 }
            if end - start > max(1, gap.count) { gap = start..<end }
            start = max(end, start + 1)
        }
        func text(_ part: ArraySlice<UInt64>) -> String { part.map { String($0, radix: 16) }.joined(separator: ":") }
        if gap.isEmpty { return text(groups[...]) }
        return text(groups[..<gap.lowerBound]) + "::" + text(groups[gap.upperBound...])
    }
}
