/// The value of `0-9 a-f A-F`; nil for any other byte.
@inline(__always)
func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}

/// How an error names what stands at an offset: `'x'`, `a tab`, `the byte 0xff`.
func nameOfCharacter(at offset: Int, in bytes: UnsafeBufferPointer<UInt8>) -> String {
    guard offset < bytes.count else { return "the end" }
    switch bytes[offset] {
    case 0x09: return "a tab"
    case 0x0A, 0x0D: return "the end of the line"
    case 0x20: return "a space"
    case 0x21..<0x7F: return "'\(Character(Unicode.Scalar(bytes[offset])))'"
    case let byte where byte >= 0xC2:
        for length in 2...4 where offset + length <= bytes.count {
            let character = UnsafeBufferPointer(rebasing: bytes[offset..<offset + length])
            if let text = String(validating: character, as: UTF8.self) { return "'\(text)'" }
        }
        fallthrough
    case let byte:
        let digits = String(byte, radix: 16)
        return "the byte 0x\(digits.utf8.count == 1 ? "0" : "")\(digits)"
    }
}

/// How many bytes at the beginning are valid UTF-8.
func lengthOfValidUTF8(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var at = 0
    while at < bytes.count {
        if bytes[at] < 0x80 {
            at += 1
            continue
        }
        let longest = min(4, bytes.count - at)
        var length = 2
        while length <= longest, String(validating: UnsafeBufferPointer(rebasing: bytes[at..<at + length]), as: UTF8.self) == nil {
            length += 1
        }
        if length > longest { return at }
        at += length
    }
    return at
}

/// The first offset from `start` on that holds what a JSON string must escape: a quote, a backslash or a control character; else the end.
///
/// Eight bytes at a time: strings are most of what the server reads and writes.
@inline(__always)
func endOfPlainJSON(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highBits: UInt64 = 0x8080_8080_8080_8080
    var at = start
    while at + 8 <= bytes.count {
        let word = UnsafeRawPointer(bytes.baseAddress!).loadUnaligned(fromByteOffset: at, as: UInt64.self)
        // A byte that is zero after the exclusive or borrows from its high bit.
        let quotes = word ^ (ones &* 0x22)
        let backslashes = word ^ (ones &* 0x5C)
        let suspects = ((word &- ones &* 0x20) & ~word) | ((quotes &- ones) & ~quotes) | ((backslashes &- ones) & ~backslashes)
        if suspects & highBits != 0 { break }
        at += 8
    }
    while at < bytes.count {
        let byte = bytes[at]
        if byte < 0x20 || byte == 0x22 || byte == 0x5C { break }
        at += 1
    }
    return at
}

/// Eight bytes at a time.
@inline(__always)
func isASCII(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    var all: UInt64 = 0
    var at = 0
    while at + 8 <= bytes.count {
        all |= UnsafeRawPointer(bytes.baseAddress!).loadUnaligned(fromByteOffset: at, as: UInt64.self)
        at += 8
    }
    while at < bytes.count {
        all |= UInt64(bytes[at])
        at += 1
    }
    return all & 0x8080_8080_8080_8080 == 0
}
