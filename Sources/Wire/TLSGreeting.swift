/// The first message of a TLS client, and what the first bytes of the answer say: enough to tell a TLS server from anything else that listens, and no
/// more. Nothing is encrypted, and no certificate is looked at.
package enum TLSGreeting {
    /// What the other side has said so far.
    package enum Answer: Hashable, Sendable {
        /// Too few bytes to tell.
        case incomplete
        /// It has chosen a version and a cipher of those that were offered.
        case serverHello
        /// It is no TLS server, or wants nothing of what was offered; in words.
        case refused(String)
    }

    /// A ClientHello of TLS 1.3 that 1.2 understands as well (RFC 8446, 4.1.2), in a record of its own.
    ///
    /// - Parameter serverName: for the server_name extension; nil where an address was named (RFC 6066, 3).
    package static func clientHello(serverName: String?, random: inout some RandomNumberGenerator) -> [UInt8] {
        func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) } }
        var extensions: [UInt8] = []
        func add(_ type: UInt16, _ body: [UInt8]) { extensions += type.octets + prefixed16(body) }
        if let serverName { add(0, prefixed16([0] + prefixed16(Array(serverName.utf8)))) }
        add(23, [])  // extended_master_secret
        add(0xFF01, [0])  // renegotiation_info
        add(10, list(groups))
        add(11, [1, 0])  // ec_point_formats: uncompressed
        add(13, list(signatures))
        add(43, [4] + UInt16(0x0304).octets + UInt16(0x0303).octets)  // supported_versions
        add(45, [1, 1])  // psk_key_exchange_modes
        // Any 32 bytes are a key of x25519; the secret that would follow is never needed.
        add(51, prefixed16(groups[0].octets + prefixed16(bytes(32))))
        var hello = UInt16(0x0303).octets + bytes(32)
        hello += [32] + bytes(32)
        hello += list(ciphers) + [1, 0] + prefixed16(extensions)
        let message = [1, 0] + UInt16(hello.count).octets + hello
        return [handshake, 3, 1] + prefixed16(message)
    }

    /// - Parameter bytes: all that came since the ClientHello was sent.
    package static func judge(_ bytes: [UInt8]) -> Answer {
        guard let type = bytes.first else { return .incomplete }
        guard type == handshake || type == alert, bytes.count < 2 || bytes[1] == 3 else {
            return .refused("the first record does not look like a TLS handshake")
        }
        if type == alert {
            guard bytes.count > 6 else { return .incomplete }
            return .refused("the server refused with alert \(bytes[6])\(alertNames[bytes[6]].map { " (\($0))" } ?? "")")
        }
        guard bytes.count > 5 else { return .incomplete }
        return bytes[5] == 2 ? .serverHello : .refused("the first handshake message has type \(bytes[5]), a ServerHello has 2")
    }

    /// How many bytes `judge` needs at most.
    package static let answerLength = 7

    private static let handshake: UInt8 = 22
    private static let alert: UInt8 = 21
    /// x25519, secp256r1, secp384r1.
    private static let groups: [UInt16] = [0x001D, 0x0017, 0x0018]
    /// Those of TLS 1.3, then what servers of 1.2 commonly take, also with RSA alone.
    private static let ciphers: [UInt16] = [
        0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC009, 0xC013, 0xC00A, 0xC014, 0x009C, 0x009D, 0x002F,
        0x0035,
    ]
    /// ECDSA, RSA-PSS and RSA-PKCS1 with SHA-256 to SHA-512, then with SHA-1.
    private static let signatures: [UInt16] = [
        0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201,
    ]
    private static let alertNames: [UInt8: String] = [
        10: "unexpected message", 40: "handshake failure", 47: "illegal parameter", 50: "decode error", 70: "protocol version",
        71: "insufficient security", 80: "internal error", 109: "missing extension", 112: "unrecognized name",
    ]

    private static func prefixed16(_ bytes: [UInt8]) -> [UInt8] { UInt16(bytes.count).octets + bytes }
    private static func list(_ numbers: [UInt16]) -> [UInt8] { prefixed16(numbers.flatMap(\.octets)) }
}

extension UInt16 {
    /// In network order.
    fileprivate var octets: [UInt8] { [UInt8(self >> 8), UInt8(self & 255)] }
}
