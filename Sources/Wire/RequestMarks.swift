/// What a proxy marks one request with, so that its traces in several programs can be found: random numbers, nothing secret. Who knows one may guess
/// the next.
package struct RequestMarks: Hashable, Sendable {
    /// 128 bits: the request's id, and its trace's where no trace has begun before.
    package var high: UInt64
    package var low: UInt64
    /// The id of the parent in a new trace.
    package var parent: UInt64

    package init(high: UInt64, low: UInt64, parent: UInt64) {
        self.high = high
        // W3C Trace Context, 3.2.2.3 and 3.2.2.4: ids of zeros are none.
        self.low = low == 0 ? 1 : low
        self.parent = parent == 0 ? 1 : parent
    }

    package init(_ random: inout some RandomNumberGenerator) { self.init(high: random.next(), low: random.next(), parent: random.next()) }

    /// How long a request's id of a client's own may be; a longer one, and one that is not visible ASCII, is replaced.
    package static let requestIDLimit = 128

    /// Under which id the endpoint knows a request: the client's own, else 32 hexadecimal digits. Made at each call: for logs.
    package func requestID(of headers: HTTPHeaders) -> String {
        if let given = headers.first(.requestID), given.utf8.count <= Self.requestIDLimit, !given.isEmpty,
            given.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        {
            return given
        }
        return String(decoding: Self.digits(high) + Self.digits(low), as: UTF8.self)
    }

    /// In which trace the endpoint sees a request: the client's own, else a new one with the request's id. Made at each call: for logs.
    package func traceID(of headers: HTTPHeaders) -> String {
        if let given = headers.first("traceparent") {
            let bytes = Array(given.utf8)
            if bytes.withUnsafeBufferPointer({ TraceParent.isValid($0) }) { return String(decoding: bytes[3..<35], as: UTF8.self) }
        }
        return String(decoding: Self.digits(high) + Self.digits(low), as: UTF8.self)
    }

    static func isRequestID(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        !value.isEmpty && value.count <= requestIDLimit && value.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    private static func digits(_ number: UInt64) -> [UInt8] {
        (0..<16).map { Octets.lowerHexDigit(UInt8(truncatingIfNeeded: number >> UInt64(60 - 4 * $0)) & 15) }
    }
}

/// The `traceparent` field of W3C Trace Context (Level 1, 3.2).
enum TraceParent {
    /// `version "-" trace-id "-" parent-id "-" trace-flags`; of a later version more may follow. Letters are small, ids not zero, the version not ff.
    static func isValid(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        guard value.count >= 55, isHex(value, 0..<2), isHex(value, 3..<35), isHex(value, 36..<52), isHex(value, 53..<55),
            value[2] == hyphen, value[35] == hyphen, value[52] == hyphen
        else { return false }
        if value[0] == 0x66, value[1] == 0x66 { return false }
        if value[3..<35].allSatisfy({ $0 == 0x30 }) || value[36..<52].allSatisfy({ $0 == 0x30 }) { return false }
        if value.count == 55 { return true }
        return !(value[0] == 0x30 && value[1] == 0x30) && value[55] == hyphen
    }

    private static let hyphen: UInt8 = 0x2D

    private static func isHex(_ value: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Bool {
        for index in range where !(Octets.isDigit(value[index]) || value[index] &- 0x61 < 6) { return false }
        return true
    }
}
