import Testing

@testable import Wire

@Suite struct `A PROXY header` {
    static let signature = "0d0a0d0a000d0a515549540a"
    static let v4 = ProxyHeader.Ends(
        source: PeerAddress(ipv4: 0xC0A8_0001, port: 56324), destination: PeerAddress(ipv4: 0xC0A8_000B, port: 443))
    static let v6 = ProxyHeader.Ends(
        source: PeerAddress(high: 0x2001_0DB8_0000_0000, low: 1, port: 1), destination: PeerAddress(high: 0, low: 1, port: 65535))

    static let good: [(hex: String, ends: ProxyHeader.Ends?)] = [
        ("2111000c" + "c0a80001c0a8000bdc0401bb", v4),
        // With values of a type and a length behind the addresses.
        ("21110013" + "c0a80001c0a8000bdc0401bb" + "04000401020304", v4),
        ("21210024" + "20010db8000000000000000000000001" + "00000000000000000000000000000001" + "0001ffff", v6),
        ("20000000", nil), ("2011000c" + "c0a80001c0a8000bdc0401bb", nil), ("20990000", nil), ("21000000", nil),
        ("21000003" + "010203", nil),
        ("213100d8" + String(repeating: "00", count: 216), nil),
    ]

    @Test(arguments: good.indices) func `says who connected, however it is cut`(index: Int) throws {
        let row = Self.good[index]
        let bytes = octets(Self.signature + row.hex)
        for cut in 0...bytes.count {
            var input = ByteQueue(Array(bytes[..<cut]))
            let first = try ProxyHeader.next(&input)
            #expect((first != nil) == (cut == bytes.count))
            input.append(bytes[cut...])
            input.append("next")
            #expect(try first ?? ProxyHeader.next(&input) == ProxyHeader(row.ends))
            #expect(input.bytes == Array("next".utf8))
        }
    }

    @Test(arguments: [nil, v4, v6] as [ProxyHeader.Ends?]) func `reads as it was written`(ends: ProxyHeader.Ends?) throws {
        var queue = ByteQueue()
        ProxyHeader(ends).serialize(into: &queue)
        #expect(try ProxyHeader.next(&queue) == ProxyHeader(ends))
        #expect(queue.isEmpty)
    }

    /// What is wrong, and after how many octets of it that is known.
    static let bad: [(hex: String, known: Int)] = [
        ("474554202f", 1), ("50524f5859205443503420", 1), ("0d0a0d0b", 4), (signature + "11", 13), (signature + "22", 13),
        (signature + "2112", 14),
        (signature + "2122", 14), (signature + "21ff", 14), (signature + "2111000b" + String(repeating: "00", count: 11), 16),
        (signature + "21210023", 16), (signature + "213100d7", 16), (signature + "2111ffff", 16), (signature + "20000801", 16),
    ]

    @Test(arguments: bad.indices) func `is refused as soon as it is wrong`(index: Int) throws {
        let row = Self.bad[index]
        let bytes = octets(row.hex)
        for count in 0...bytes.count {
            var input = ByteQueue(Array(bytes[..<count]))
            if count < row.known {
                #expect(try ProxyHeader.next(&input) == nil)
            } else {
                #expect(throws: WireError.self) { try ProxyHeader.next(&input) }
            }
        }
    }

    static let texts: [(high: UInt64, low: UInt64, text: String)] = [
        (0, 0xFFFF_7F00_0001, "127.0.0.1"), (0, 0, "::"), (0, 1, "::1"), (0x2001_0DB8_0000_0000, 0, "2001:db8::"),
        (0x2001_0DB8_0000_0000, 0x0001_0000_0000_0001, "2001:db8::1:0:0:1"), (0x0001_0000_0000_0002, 0x0003_0000_0000_0004, "1::2:3:0:0:4"),
        (0x0001_0000_0002_0003, 0x0004_0005_0006_0007, "1:0:2:3:4:5:6:7"),
        (0x0001_0002_0003_0004, 0x0005_0006_0007_0008, "1:2:3:4:5:6:7:8"),
    ]

    @Test(arguments: texts.indices) func `has addresses that are written as RFC 5952 says`(index: Int) {
        let row = Self.texts[index]
        #expect(PeerAddress(high: row.high, low: row.low, port: 0).hostText == row.text)
    }

    @Test func `tells clients apart, those of IPv6 by numbers that no address has`() {
        #expect(PeerAddress(ipv4: 0x7F00_0001, port: 1).clientKey == 0x7F00_0001)
        let keys = (0..<100).map { PeerAddress(high: 0x2001_0DB8_0000_0000, low: $0, port: 1).clientKey }
        #expect(Set(keys).count == 100)
        #expect(keys.allSatisfy { $0 >= 0xF000_0000 })
    }

    private func octets(_ hex: String) -> [UInt8] {
        let digits = Array(hex.utf8)
        return stride(from: 0, to: digits.count, by: 2).map {
            UInt8(Octets.hexValue(digits[$0])! << 4 | Octets.hexValue(digits[$0 + 1])!)
        }
    }
}
