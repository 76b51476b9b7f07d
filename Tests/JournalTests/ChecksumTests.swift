import Testing
import Timing

@testable import Journal

struct `The checksum` {
    @Test func `is CRC-32C`() {
        // The check value of the polynomial's definition, and RFC 3720, B.4.
        #expect(Checksum.crc32c(Array("123456789".utf8)) == 0xE306_9283)
        #expect(Checksum.crc32c([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(Checksum.crc32c([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(Checksum.crc32c(Array(0..<32)) == 0x46DD_794E)
        #expect(Checksum.crc32c([]) == 0)
    }

    @Test func `is the same by the processor and by tables`() {
        var random = SeededRandom(seed: 7)
        for count in 0..<300 {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            bytes.withUnsafeBytes { #expect(Checksum.crc32c($0) == ~Checksum.byTables($0)) }
        }
    }
}
