/// The header of version 2 of HAProxy's PROXY protocol (`proxy-protocol.txt`, 2.2): what one proxy tells the next, before anything else, of the
/// connection that it passes on.
package struct ProxyHeader: Hashable, Sendable {
    /// Who connected, and where to.
    package struct Ends: Hashable, Sendable {
        package var source: PeerAddress
        package var destination: PeerAddress

        package init(source: PeerAddress, destination: PeerAddress) {
            self.source = source
            self.destination = destination
        }
    }

    /// Nil: the sender speaks for itself (a check of its own), or does not know; then the connection's own ends count.
    package var ends: Ends?

    package init(_ ends: Ends?) { self.ends = ends }

    /// Octets behind the first 16: addresses and what else a sender wants to say. Beyond it the header is refused; the usual ones have 12 to 100.
    package static let payloadByteLimit = 2048

    private static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
    private static let fixedByteCount = 16

    /// Takes a header from the front; nil: more octets are needed. Throws as soon as an octet is wrong: what follows is not to be believed.
    package static func next(_ input: inout ByteQueue) throws(WireError) -> ProxyHeader? {
        let found: (header: ProxyHeader, byteCount: Int)? = try input.withBytes { bytes throws(WireError) in try read(bytes) }
        guard let found else { return nil }
        input.consume(found.byteCount)
        return found.header
    }

    private static func read(_ bytes: UnsafeBufferPointer<UInt8>) throws(WireError) -> (header: ProxyHeader, byteCount: Int)? {
        for index in 0..<min(bytes.count, signature.count) where bytes[index] != signature[index] {
            throw .bad("the connection does not begin with a header of PROXY protocol version 2")
        }
        guard bytes.count > 12 else { return nil }
        let isLocal: Bool
        switch bytes[12] {
        case 0x20: isLocal = true
        case 0x21: isLocal = false
        default: throw .bad("the PROXY header has version and command \(bytes[12]), not 2 with LOCAL or PROXY")
        }
        guard bytes.count > 13 else { return nil }
        // Family and transport. A connection from a Unix socket has no address that anybody could use.
        let leastCount: Int
        switch bytes[13] {
        case 0x00: leastCount = 0
        case 0x11: leastCount = 12
        case 0x21: leastCount = 36
        case 0x31: leastCount = 216
        case _ where isLocal: leastCount = 0
        default: throw .bad("the PROXY header has family and transport \(bytes[13]), none of TCP over IPv4, IPv6 or Unix")
        }
        guard bytes.count >= fixedByteCount else { return nil }
        let count = Int(bytes[14]) << 8 | Int(bytes[15])
        if count > payloadByteLimit { throw .bad("the PROXY header is longer than \(payloadByteLimit) bytes") }
        if !isLocal, count < leastCount { throw .bad("the PROXY header has \(count) bytes of addresses instead of \(leastCount)") }
        guard bytes.count >= fixedByteCount + count else { return nil }
        return (ProxyHeader(isLocal ? nil : ends(bytes)), fixedByteCount + count)
    }

    private static func ends(_ bytes: UnsafeBufferPointer<UInt8>) -> Ends? {
        func number(_ start: Int, _ count: Int) -> UInt64 { bytes[start..<(start + count)].reduce(0) { $0 << 8 | UInt64($1) } }
        func port(_ start: Int) -> UInt16 { UInt16(truncatingIfNeeded: number(start, 2)) }
        switch bytes[13] {
        case 0x11:
            return Ends(
                source: PeerAddress(ipv4: UInt32(number(16, 4)), port: port(24)),
                destination: PeerAddress(ipv4: UInt32(number(20, 4)), port: port(26)))
        case 0x21:
            return Ends(
                source: PeerAddress(high: number(16, 8), low: number(24, 8), port: port(48)),
                destination: PeerAddress(high: number(32, 8), low: number(40, 8), port: port(50)))
        default: return nil
        }
    }

    /// Appends the header. Two addresses of IPv4 are written as such, any others as IPv6.
    package func serialize(into output: inout ByteQueue) {
        output.append(Self.signature)
        guard let ends else { return output.append([0x20, 0x00, 0, 0]) }
        func put(_ number: UInt64, _ count: Int) {
            for index in (0..<count).reversed() { output.append(UInt8(truncatingIfNeeded: number >> UInt64(8 * index))) }
        }
        if let source = ends.source.ipv4, let destination = ends.destination.ipv4 {
            output.append([0x21, 0x11, 0, 12])
            put(UInt64(source), 4)
            put(UInt64(destination), 4)
        } else {
            output.append([0x21, 0x21, 0, 36])
            for end in [ends.source, ends.destination] {
                put(end.high, 8)
                put(end.low, 8)
            }
        }
        put(UInt64(ends.source.port), 2)
        put(UInt64(ends.destination.port), 2)
    }
}
