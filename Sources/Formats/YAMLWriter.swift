extension YAML {
    /// The value in block style as `kubectl get -o yaml` prints it; ends with a new line. Members come in the order of the objects.
    ///
    /// Strings that a reader of YAML 1.1 or 1.2 would take for something else are quoted; those of several lines are literal blocks.
    package static func text(_ value: Value) -> String {
        var writer = YAMLWriter()
        writer.write(value, indentation: 0, isBehindIndicator: false)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

/// Writes YAML with the layout and the quoting rules of kubectl's printer.
struct YAMLWriter {
    /// Where a line has gone further than this a space becomes a line break.
    static let foldingColumn = 80
    /// Readers need not take more for a key, unless it is marked as one (YAML 1.2.2, 7.4.2, counts characters).
    private static let implicitKeyLimit = 1024

    private(set) var bytes: [UInt8] = []

    /// `isBehindIndicator`: `key:` or `-` stands on the line already. Sequences in mappings are not indented further than the key.
    mutating func write(_ value: Value, indentation: Int, isBehindIndicator: Bool, isInSequence: Bool = false) {
        switch value {
        case .object(let object) where !object.isEmpty:
            var isFirst = true
            for (key, member) in object {
                beginEntry(isFirst: isFirst, indentation: indentation, isBehindIndicator: isBehindIndicator, isInSequence: isInSequence)
                isFirst = false
                let start = bytes.count
                writeKey(key)
                if bytes.count - start > Self.implicitKeyLimit {
                    bytes.insert(contentsOf: "? ".utf8, at: start)
                    append("\n")
                    indent(indentation)
                }
                append(":")
                let isNestedObject = if case .object = member { true } else { false }
                write(member, indentation: isNestedObject ? indentation + 2 : indentation, isBehindIndicator: true)
            }
        case .array(let array) where !array.isEmpty:
            var isFirst = true
            for element in array {
                beginEntry(isFirst: isFirst, indentation: indentation, isBehindIndicator: isBehindIndicator, isInSequence: isInSequence)
                isFirst = false
                append("-")
                write(element, indentation: indentation + 2, isBehindIndicator: true, isInSequence: true)
            }
        default:
            if isBehindIndicator { append(" ") }
            writeScalar(value, indentation: isInSequence ? indentation : indentation + (isBehindIndicator ? 2 : 0))
            append("\n")
        }
    }

    private mutating func beginEntry(isFirst: Bool, indentation: Int, isBehindIndicator: Bool, isInSequence: Bool) {
        if isFirst, isInSequence {
            append(" ")
            return
        }
        if isFirst, isBehindIndicator { append("\n") }
        indent(indentation)
    }

    private mutating func indent(_ count: Int) { bytes.append(contentsOf: repeatElement(0x20, count: count)) }

    private mutating func append(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func writeKey(_ key: String) {
        if YAMLStringStyle(key) == .literal { writeDoubleQuoted(key, indentation: nil) } else { writeString(key, indentation: nil) }
    }

    private mutating func writeScalar(_ value: Value, indentation: Int) {
        switch value {
        case .string(let string): writeString(string, indentation: indentation)
        case .double(let double) where double.isInfinite: bytes.append(contentsOf: (double < 0 ? "-.inf" : ".inf").utf8)
        case .double(let double) where double.isNaN: append(".nan")
        default: JSONWriter.append(value, to: &bytes)
        }
    }

    /// `indentation` is that of further lines; nil for keys, which have one line.
    private mutating func writeString(_ string: String, indentation: Int?) {
        switch YAMLStringStyle(string) {
        case .plain: writeFolded(Array(string.utf8), indentation: indentation)
        case .singleQuoted:
            append("'")
            // Of bytes: a quote with a combining character behind it is no Character of its own.
            let quote = UInt8(ascii: "'")
            writeFolded(string.utf8.flatMap { $0 == quote ? [quote, quote] : [$0] }, indentation: indentation)
            append("'")
        case .doubleQuoted: writeDoubleQuoted(string, indentation: indentation)
        case .literal: writeLiteral(string, indentation: indentation ?? 0)
        }
    }

    /// How many characters the line has so far.
    private var column: Int {
        var count = 0
        for byte in bytes.reversed() {
            if byte == 0x0A { break }
            if byte & 0xC0 != 0x80 { count += 1 }
        }
        return count
    }

    private mutating func breakLine(_ indentation: Int) {
        bytes.append(0x0A)
        indent(max(indentation, 2))
    }

    /// A single space beyond the folding column becomes a line break, which is read as a space again.
    private mutating func writeFolded(_ content: [UInt8], indentation: Int?) {
        guard let indentation, content.count > 40 else {
            bytes.append(contentsOf: content)
            return
        }
        var column = column
        for (offset, byte) in content.enumerated() {
            let isBetweenWords =
                byte == 0x20 && offset > 0 && offset + 1 < content.count && content[offset - 1] != 0x20 && content[offset + 1] != 0x20
            if isBetweenWords, column > Self.foldingColumn {
                breakLine(indentation)
                column = max(indentation, 2)
            } else {
                bytes.append(byte)
                if byte & 0xC0 != 0x80 { column += 1 }
            }
        }
    }

    private mutating func writeDoubleQuoted(_ string: String, indentation: Int?) {
        append("\"")
        var wasSpace = true
        var column = column
        let scalars = Array(string.unicodeScalars)
        for (offset, scalar) in scalars.enumerated() {
            if scalar == " ", !wasSpace, let indentation, column > Self.foldingColumn, offset + 1 < scalars.count {
                breakLine(indentation)
                column = max(indentation, 2)
                if scalars[offset + 1] == " " { append("\\") }
                wasSpace = true
                continue
            }
            wasSpace = scalar == " "
            let start = bytes.count
            writeEscaped(scalar)
            column += bytes[start...].count { $0 & 0xC0 != 0x80 }
        }
        append("\"")
    }

    private mutating func writeEscaped(_ scalar: Unicode.Scalar) {
        switch scalar {
        case "\"": append("\\\"")
        case "\\": append("\\\\")
        case "\n": append("\\n")
        case "\t": append("\\t")
        case "\r": append("\\r")
        case "\0": append("\\0")
        case "\u{7}": append("\\a")
        case "\u{8}": append("\\b")
        case "\u{B}": append("\\v")
        case "\u{C}": append("\\f")
        case "\u{1B}": append("\\e")
        case "\u{85}": append("\\N")
        case "\u{A0}": append("\\_")
        case "\u{2028}": append("\\L")
        case "\u{2029}": append("\\P")
        default:
            if YAMLStringStyle.isPrintable(scalar) {
                bytes.append(contentsOf: UTF8.encode(scalar)!)
            } else {
                writeCode(scalar.value)
            }
        }
    }

    private mutating func writeCode(_ code: UInt32) {
        let digits = String(code, radix: 16, uppercase: true)
        let (letter, width): (StaticString, Int) = code <= 0xFF ? ("\\x", 2) : code <= 0xFFFF ? ("\\u", 4) : ("\\U", 8)
        append(letter)
        bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: width - digits.utf8.count))
        bytes.append(contentsOf: digits.utf8)
    }

    /// The caller ends the last line.
    private mutating func writeLiteral(_ string: String, indentation: Int) {
        append("|")
        let content = Array(string.utf8)
        if content.first == 0x20 || content.first == 0x0A { append("2") }
        let trailing = content.reversed().prefix { $0 == 0x0A }.count
        if trailing == 0 { append("-") } else if trailing > 1 || content.count == 1 { append("+") }
        for line in content.dropLast(trailing > 0 ? 1 : 0).split(separator: 0x0A, omittingEmptySubsequences: false) {
            append("\n")
            if line.isEmpty { continue }
            indent(max(indentation, 2))
            bytes.append(contentsOf: line)
        }
    }
}
