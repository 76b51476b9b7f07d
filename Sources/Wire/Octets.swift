/// The classes of octets that RFC 9110 and RFC 9112 name.
enum Octets {
    static let cr: UInt8 = 0x0D
    static let lf: UInt8 = 0x0A
    static let space: UInt8 = 0x20
    static let tab: UInt8 = 0x09
    static let colon: UInt8 = 0x3A

    /// `tchar` of RFC 9110, 5.6.2: what methods, field names and codings are made of. 128 bits, one per ASCII code.
    @inline(__always) static func isToken(_ octet: UInt8) -> Bool {
        if octet < 64 { return tokenLow & (1 << UInt64(octet)) != 0 }
        if octet < 128 { return tokenHigh & (1 << UInt64(octet - 64)) != 0 }
        return false
    }

    /// `!#$%&'*+-.` and digits.
    @inline(__always) private static var tokenLow: UInt64 { 0x03FF_6CFA_0000_0000 }
    /// Letters, `^_` and the back quote, `|~`.
    @inline(__always) private static var tokenHigh: UInt64 { 0x57FF_FFFF_C7FF_FFFE }

    /// What a field value may hold: visible ASCII, space, tab and octets above ASCII (RFC 9110, 5.5); no other control.
    @inline(__always) static func isFieldValue(_ octet: UInt8) -> Bool { (octet >= 0x20 && octet != 0x7F) || octet == tab }

    /// Space or tab.
    @inline(__always) static func isBlank(_ octet: UInt8) -> Bool { octet == space || octet == tab }

    @inline(__always) static func isDigit(_ octet: UInt8) -> Bool { octet &- 48 < 10 }

    /// The value of a hexadecimal digit; nil for anything else.
    @inline(__always) static func hexValue(_ octet: UInt8) -> Int? {
        switch octet {
        case 0x30...0x39: Int(octet - 0x30)
        case 0x41...0x46: Int(octet - 0x41 + 10)
        case 0x61...0x66: Int(octet - 0x61 + 10)
        default: nil
        }
    }

    /// The digit of a number below 16.
    @inline(__always) static func lowerHexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }

    /// ASCII only: `^` and `~` stay apart, which a plain OR with 0x20 would not keep.
    @inline(__always) static func lowercased(_ octet: UInt8) -> UInt8 { octet &- 0x41 < 26 ? octet | 0x20 : octet }

    /// Without an allocation for ASCII.
    static func isUTF8(_ octets: UnsafeBufferPointer<UInt8>) -> Bool {
        octets.allSatisfy { $0 < 0x80 } || String(validating: octets, as: UTF8.self) != nil
    }

    /// Compares without regard to ASCII case; `lower` is lower case already.
    @inline(__always) static func equal(_ octets: UnsafeBufferPointer<UInt8>, lower: UnsafeBufferPointer<UInt8>) -> Bool {
        if octets.count != lower.count { return false }
        for i in 0..<octets.count where lowercased(octets[i]) != lower[i] { return false }
        return true
    }

    @inline(__always) static func equal(_ octets: UnsafeBufferPointer<UInt8>, lower: StaticString) -> Bool {
        equal(octets, lower: UnsafeBufferPointer(start: lower.utf8Start, count: lower.utf8CodeUnitCount))
    }
}
