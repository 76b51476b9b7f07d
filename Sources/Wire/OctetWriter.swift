/// Writes octets one behind the other into room that is large enough: whoever makes it has counted.
struct OctetWriter {
    private(set) var to: UnsafeMutableRawPointer

    init(to: UnsafeMutableRawPointer) { self.to = to }

    @inline(__always) mutating func put(_ octets: UnsafeBufferPointer<UInt8>) {
        guard let from = octets.baseAddress else { return }
        to.copyMemory(from: from, byteCount: octets.count)
        to += octets.count
    }

    @inline(__always) mutating func put(_ all: UnsafeBufferPointer<UInt8>, _ start: UInt32, _ count: UInt32) {
        put(UnsafeBufferPointer(rebasing: all[Int(start)..<(Int(start) + Int(count))]))
    }

    @inline(__always) mutating func put(_ text: StaticString) {
        to.copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
        to += text.utf8CodeUnitCount
    }

    @inline(__always) mutating func put(_ text: String) {
        var text = text
        text.withUTF8 { put($0) }
    }

    mutating func put(_ octets: Substring.UTF8View) {
        for octet in octets {
            to.storeBytes(of: octet, as: UInt8.self)
            to += 1
        }
    }

    @inline(__always) mutating func endLine() { put("\r\n") }

    /// 16 digits.
    mutating func put(hex number: UInt64) {
        var shift: UInt64 = 64
        while shift > 0 {
            shift -= 4
            to.storeBytes(of: Octets.lowerHexDigit(UInt8(truncatingIfNeeded: number >> shift) & 15), as: UInt8.self)
            to += 1
        }
    }

    /// The values of all fields of this name in one list, and the comma behind them; empty ones are left out.
    mutating func putValues(of known: KnownField, in headers: HTTPHeaders, _ all: UnsafeBufferPointer<UInt8>) {
        for field in headers.fields where field.known == known && field.valueCount > 0 {
            put(all, field.valueStart, field.valueCount)
            put(", ")
        }
    }
}
