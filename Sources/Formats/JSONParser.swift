/// Reads one JSON text from contiguous bytes; every offset is into `bytes`.
struct JSONParser {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let limits: ParseLimits
    private(set) var positions: PositionTracker?
    /// Some object has a key twice.
    private(set) var hasRepeatedKey = false
    private var at = 0
    private var depth = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>, limits: ParseLimits, positions: PositionTracker?) {
        self.bytes = bytes
        self.limits = limits
        self.positions = positions
    }

    mutating func parseDocument() throws(FormatError) -> Value {
        skipSpace()
        positions?.enter(nil, key: nil, valueAt: at)
        let value = try parseValue()
        skipSpace()
        if at < bytes.count { throw error("found \(nameOfByte(at)) after the end of the JSON text", at: at) }
        return value
    }

    // MARK: Values

    private mutating func parseValue() throws(FormatError) -> Value {
        guard at < bytes.count else { throw error("the text ends where a value was expected", at: at) }
        switch bytes[at] {
        case UInt8(ascii: "{"): return try parseObject()
        case UInt8(ascii: "["): return try parseArray()
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
        case UInt8(ascii: "t"):
            try expect("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try expect("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try expect("null")
            return .null
        default: throw error("found \(nameOfByte(at)) where a value was expected", at: at)
        }
    }

    private mutating func parseObject() throws(FormatError) -> Value {
        try descend()
        var object = Object()
        at += 1
        skipSpace()
        if at < bytes.count, bytes[at] == UInt8(ascii: "}") {
            at += 1
            depth -= 1
            return .object(object)
        }
        while true {
            guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else {
                throw error("\(found(at)) where a key in double quotes was expected", at: at)
            }
            let keyStart = at
            let key = try parseString()
            skipSpace()
            guard at < bytes.count, bytes[at] == UInt8(ascii: ":") else {
                throw error("\(found(at)) where ':' was expected after the key \"\(key)\"", at: at)
            }
            at += 1
            skipSpace()
            if positions != nil {
                let place = positions?.position(at: keyStart)
                positions?.enter(.key(key), key: place, valueAt: at)
            }
            if object.enter(key, try parseValue()) { hasRepeatedKey = true }
            positions?.leave()
            skipSpace()
            guard at < bytes.count else { throw error("the text ends inside an object", at: at) }
            if bytes[at] == UInt8(ascii: ",") {
                at += 1
                skipSpace()
            } else if bytes[at] == UInt8(ascii: "}") {
                at += 1
                depth -= 1
                return .object(object)
            } else {
                throw error("found \(nameOfByte(at)) where ',' or '}' was expected", at: at)
            }
        }
    }

    private mutating func parseArray() throws(FormatError) -> Value {
        try descend()
        var array: [Value] = []
        at += 1
        skipSpace()
        if at < bytes.count, bytes[at] == UInt8(ascii: "]") {
            at += 1
            depth -= 1
            return .array(array)
        }
        while true {
            positions?.enter(.index(array.count), key: nil, valueAt: at)
            array.append(try parseValue())
            positions?.leave()
            skipSpace()
            guard at < bytes.count else { throw error("the text ends inside an array", at: at) }
            if bytes[at] == UInt8(ascii: ",") {
                at += 1
                skipSpace()
            } else if bytes[at] == UInt8(ascii: "]") {
                at += 1
                depth -= 1
                return .array(array)
            } else {
                throw error("found \(nameOfByte(at)) where ',' or ']' was expected", at: at)
            }
        }
    }

    private mutating func descend() throws(FormatError) {
        depth += 1
        if depth > limits.depth { throw error("nested more than \(limits.depth) levels deep", at: at) }
    }

    private mutating func expect(_ word: StaticString) throws(FormatError) {
        let start = at
        let count = word.utf8CodeUnitCount
        for index in 0..<count {
            guard at < bytes.count, bytes[at] == word.utf8Start[index] else { throw error("expected \"\(word)\"", at: start) }
            at += 1
        }
    }

    // MARK: Numbers

    private mutating func parseNumber() throws(FormatError) -> Value {
        let start = at
        let isNegative = bytes[at] == UInt8(ascii: "-")
        if isNegative { at += 1 }
        var magnitude: UInt64 = 0
        var isExact = true
        let firstDigit = at
        while at < bytes.count, case let digit = bytes[at] &- UInt8(ascii: "0"), digit < 10 {
            let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            if overflow || carry { isExact = false }
            magnitude = sum
            at += 1
        }
        if at == firstDigit { throw error("\(found(at)) where a digit was expected", at: at) }
        if bytes[firstDigit] == UInt8(ascii: "0"), at - firstDigit > 1 { throw error("a number may not start with 0", at: start) }
        var isWhole = true
        if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
            isWhole = false
            at += 1
            try skipDigits()
        }
        if at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            at += 1
            if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at += 1 }
            try skipDigits()
        }
        if isWhole, isExact {
            if !isNegative, magnitude <= UInt64(Int64.max) { return .int(Int64(magnitude)) }
            if isNegative, magnitude <= UInt64(Int64.max) + 1 { return .int(Int64(truncatingIfNeeded: 0 &- magnitude)) }
        }
        let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<at]), as: UTF8.self)
        guard let double = Double(text), double.isFinite else { throw error("the number \(text.prefix(40)) is out of range", at: start) }
        return .double(double)
    }

    private mutating func skipDigits() throws(FormatError) {
        let start = at
        while at < bytes.count, bytes[at] &- UInt8(ascii: "0") < 10 { at += 1 }
        if at == start { throw error("\(found(at)) where a digit was expected", at: at) }
    }

    // MARK: Strings

    /// `at` is at the opening quote, and afterwards behind the closing one.
    private mutating func parseString() throws(FormatError) -> String {
        at += 1
        let start = at
        skipPlainBytes()
        guard at < bytes.count else { throw error("the text ends inside a string", at: at) }
        if bytes[at] == UInt8(ascii: "\"") {
            let content = UnsafeBufferPointer(rebasing: bytes[start..<at])
            at += 1
            return try string(content, startingAt: start)
        }
        return try parseEscapedString(from: start)
    }

    /// Stops at a quote, a backslash, a control character or the end.
    @inline(__always)
    private mutating func skipPlainBytes() {
        at = endOfPlainJSON(bytes, from: at)
    }

    private func string(_ content: UnsafeBufferPointer<UInt8>, startingAt start: Int) throws(FormatError) -> String {
        // Nearly every string is ASCII; the general way is several times as slow.
        if isASCII(content) { return String(decoding: content, as: UTF8.self) }
        guard let string = String(validating: content, as: UTF8.self) else {
            let valid = lengthOfValidUTF8(content)
            throw error("the string is not valid UTF-8: \(nameOfByte(start + valid))", at: start + valid)
        }
        return string
    }

    /// The slow path: there are escapes, or something that may not be in a string.
    private mutating func parseEscapedString(from start: Int) throws(FormatError) -> String {
        var content = Array(bytes[start..<at])
        while true {
            guard at < bytes.count else { throw error("the text ends inside a string", at: at) }
            switch bytes[at] {
            case UInt8(ascii: "\""):
                at += 1
                guard let string = String(validating: content, as: UTF8.self) else {
                    throw error("the string is not valid UTF-8", at: start)
                }
                return string
            case UInt8(ascii: "\\"):
                try parseEscape(into: &content)
            case 0..<0x20:
                throw error("\(nameOfByte(at)) inside a string must be written as an escape", at: at)
            default:
                let plain = at
                skipPlainBytes()
                content.append(contentsOf: bytes[plain..<at])
            }
        }
    }

    private mutating func parseEscape(into content: inout [UInt8]) throws(FormatError) {
        let start = at
        at += 1
        guard at < bytes.count else { throw error("the text ends inside an escape", at: at) }
        let kind = bytes[at]
        at += 1
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(kind)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"):
            var code = UInt32(try parseHexadecimal(escapeAt: start))
            if code & 0xFC00 == 0xD800, at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"), bytes[at + 1] == UInt8(ascii: "u") {
                at += 2
                let low = UInt32(try parseHexadecimal(escapeAt: start))
                guard low & 0xFC00 == 0xDC00 else { throw error("a lone surrogate is no character", at: start) }
                code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
            }
            guard let scalar = Unicode.Scalar(code) else { throw error("a lone surrogate is no character", at: start) }
            content.append(contentsOf: UTF8.encode(scalar)!)
        default: throw error("\(nameOfByte(at - 1)) after a backslash: allowed are \" \\ / b f n r t u", at: start)
        }
    }

    private mutating func parseHexadecimal(escapeAt start: Int) throws(FormatError) -> UInt16 {
        var code: UInt16 = 0
        for _ in 0..<4 {
            guard at < bytes.count, let digit = hexadecimalDigit(bytes[at]) else {
                throw error("\\u must be followed by four hexadecimal digits", at: start)
            }
            code = code << 4 | UInt16(digit)
            at += 1
        }
        return code
    }

    // MARK: Space and errors

    @inline(__always)
    private mutating func skipSpace() {
        while at < bytes.count {
            let byte = bytes[at]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            at += 1
        }
    }

    private func error(_ message: String, at offset: Int) -> FormatError { FormatError(message, at: offset, in: bytes) }

    private func found(_ offset: Int) -> String { offset < bytes.count ? "found \(nameOfByte(offset))" : "the text ends" }

    private func nameOfByte(_ offset: Int) -> String { nameOfCharacter(at: offset, in: bytes) }
}
