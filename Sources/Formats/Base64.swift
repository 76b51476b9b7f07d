/// Base64 with padding (RFC 4648 §4): how JSON carries the values of Secrets.
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 255, count: 256)
        for (value, letter) in alphabet.enumerated() { table[Int(letter)] = UInt8(value) }
        return table
    }()

    /// With padding, in one line.
    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var group: UInt32 = 0
        var count = 0
        for byte in bytes {
            group = group << 8 | UInt32(byte)
            count += 1
            if count == 3 {
                for shift in [18, 12, 6, 0] as [UInt32] { text.append(alphabet[Int(group >> shift & 63)]) }
                group = 0
                count = 0
            }
        }
        if count > 0 {
            group <<= UInt32(8 * (3 - count))
            for index in 0..<4 as Range<UInt32> {
                text.append(index <= UInt32(count) ? alphabet[Int(group >> (18 - 6 * index) & 63)] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Nil for what is not base64. Line breaks are skipped, as Kubernetes' clients skip them; the padding must be there.
    package static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count / 4 * 3)
        var group: UInt32 = 0
        var letters = 0
        var padding = 0
        for letter in text.utf8 where letter != 0x0A && letter != 0x0D {
            if letter == UInt8(ascii: "=") {
                padding += 1
            } else {
                let value = values[Int(letter)]
                guard value != 255, padding == 0 else { return nil }
                group = group << 6 | UInt32(value)
            }
            letters += 1
            if letters % 4 == 0 {
                guard padding <= 2, padding == 0 || letters > 0 else { return nil }
                let bits = group << UInt32(6 * padding)
                for index in 0..<3 - padding { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(16 - 8 * index))) }
                group = 0
            }
        }
        return letters % 4 == 0 && padding <= 2 ? bytes : nil
    }
}
