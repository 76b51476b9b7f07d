/// RFC 4648 base64 with padding, as JSON carries bytes.
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for (index, byte) in alphabet.enumerated() { table[Int(byte)] = UInt8(index) }
        return table
    }()

    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var out: [UInt8] = []
        var group: UInt32 = 0
        var count = 0
        func flush(_ digitCount: Int) {
            for index in 0..<4 {
                out.append(index < digitCount ? alphabet[Int(group >> UInt32(18 - 6 * index)) & 63] : UInt8(ascii: "="))
            }
        }
        for byte in bytes {
            group |= UInt32(byte) << UInt32(16 - 8 * count)
            count += 1
            if count == 3 {
                flush(4)
                group = 0
                count = 0
            }
        }
        if count > 0 { flush(count + 1) }
        return String(decoding: out, as: UTF8.self)
    }

    /// Nil unless it is whole and padded; line breaks are skipped, as Go's decoder does.
    package static func decode(_ text: String) -> [UInt8]? {
        var out: [UInt8] = []
        out.reserveCapacity(text.utf8.count / 4 * 3)
        var group: UInt32 = 0
        var digitCount = 0
        var paddingCount = 0
        for byte in text.utf8 where byte != 10 && byte != 13 {
            if byte == UInt8(ascii: "=") {
                paddingCount += 1
                guard digitCount >= 2, digitCount + paddingCount <= 4 else { return nil }
                continue
            }
            let value = values[Int(byte)]
            guard value != 0xFF, paddingCount == 0 else { return nil }
            group = group << 6 | UInt32(value)
            digitCount += 1
            if digitCount == 4 {
                out.append(UInt8(truncatingIfNeeded: group >> 16))
                out.append(UInt8(truncatingIfNeeded: group >> 8))
                out.append(UInt8(truncatingIfNeeded: group))
                group = 0
                digitCount = 0
            }
        }
        guard digitCount == 0 || digitCount + paddingCount == 4 else { return nil }
        switch digitCount {
        case 0: return paddingCount == 0 ? out : nil
        case 2: out.append(UInt8(truncatingIfNeeded: group >> 4))
        case 3:
            out.append(UInt8(truncatingIfNeeded: group >> 10))
            out.append(UInt8(truncatingIfNeeded: group >> 2))
        default: return nil
        }
        return out
    }
}
