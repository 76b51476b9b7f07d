/// Writes JSON behind the bytes of an array.
enum JSONWriter {
    static func append(_ value: Value, to bytes: inout [UInt8]) {
        switch value {
        case .null: append(literal: "null", to: &bytes)
        case .bool(true): append(literal: "true", to: &bytes)
        case .bool(false): append(literal: "false", to: &bytes)
        case .int(let int): NumberText.append(int, to: &bytes)
        case .double(let double): NumberText.append(double, to: &bytes)
        case .string(let string): append(string: string, to: &bytes)
        case .array(let array):
            bytes.append(UInt8(ascii: "["))
            var isFirst = true
            for element in array {
                if !isFirst { bytes.append(UInt8(ascii: ",")) }
                isFirst = false
                append(element, to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let object):
            bytes.append(UInt8(ascii: "{"))
            var isFirst = true
            for entry in object.entries {
                if !isFirst { bytes.append(UInt8(ascii: ",")) }
                isFirst = false
                append(string: entry.key, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                append(entry.value, to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    static func appendPretty(_ value: Value, depth: Int, to bytes: inout [UInt8]) {
        switch value {
        case .array(let array) where !array.isEmpty:
            bytes.append(UInt8(ascii: "["))
            var isFirst = true
            for element in array {
                startLine(isFirst: isFirst, depth: depth + 1, to: &bytes)
                isFirst = false
                appendPretty(element, depth: depth + 1, to: &bytes)
            }
            startLine(isFirst: true, depth: depth, to: &bytes)
            bytes.append(UInt8(ascii: "]"))
        case .object(let object) where !object.isEmpty:
            bytes.append(UInt8(ascii: "{"))
            var isFirst = true
            for entry in object.entries {
                startLine(isFirst: isFirst, depth: depth + 1, to: &bytes)
                isFirst = false
                append(string: entry.key, to: &bytes)
                append(literal: ": ", to: &bytes)
                appendPretty(entry.value, depth: depth + 1, to: &bytes)
            }
            startLine(isFirst: true, depth: depth, to: &bytes)
            bytes.append(UInt8(ascii: "}"))
        default: append(value, to: &bytes)
        }
    }

    private static func startLine(isFirst: Bool, depth: Int, to bytes: inout [UInt8]) {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        bytes.append(UInt8(ascii: "\n"))
        for _ in 0..<4 * depth { bytes.append(UInt8(ascii: " ")) }
    }

    @inline(__always)
    static func append(literal text: StaticString, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    static func append(string: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        var string = string
        string.withUTF8 { content in
            var at = 0
            while true {
                let plain = at
                at = endOfPlainJSON(content, from: at)
                if at > plain { bytes.append(contentsOf: UnsafeBufferPointer(rebasing: content[plain..<at])) }
                guard at < content.count else { return }
                appendEscape(content[at], to: &bytes)
                at += 1
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func appendEscape(_ byte: UInt8, to bytes: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""): append(literal: "\\\"", to: &bytes)
        case UInt8(ascii: "\\"): append(literal: "\\\\", to: &bytes)
        case 0x08: append(literal: "\\b", to: &bytes)
        case 0x09: append(literal: "\\t", to: &bytes)
        case 0x0A: append(literal: "\\n", to: &bytes)
        case 0x0C: append(literal: "\\f", to: &bytes)
        case 0x0D: append(literal: "\\r", to: &bytes)
        default:
            append(literal: "\\u00", to: &bytes)
            bytes.append(lowercaseHexadecimal(byte >> 4))
            bytes.append(lowercaseHexadecimal(byte & 15))
        }
    }

    private static func lowercaseHexadecimal(_ digit: UInt8) -> UInt8 {
        digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
    }
}
