/// Reads a YAML stream by recursive descent over its bytes.
///
/// Indentation decides: every function that reads a block gets the column of the collection around it, and stops in front of the first token
/// that stands too far left. Nothing is read twice but the beginning of a line, to see whether it is a key.
struct YAMLParser {
    let bytes: UnsafeBufferPointer<UInt8>
    let schema: ScalarSchema
    let limits: ParseLimits
    let lines: LineTable
    var at = 0
    /// Where the line of `at` begins.
    var lineStart = 0
    var depth = 0
    var anchors: [String: Anchor] = [:]
    /// From handle (`!e!`) to prefix.
    var tagHandles: [String: String] = [:]
    var aliasedValues = 0
    var places = YAMLPositions()

    /// What an alias stands for, with its measures, so that using it often costs nothing.
    struct Anchor {
        var value: Value
        var count: Int
    }

    /// The anchor and the tag in front of a node.
    struct Properties {
        var anchor: String?
        var tag: String?
        var start: Int?
        var isEmpty: Bool { start == nil }
    }

    init(_ bytes: UnsafeBufferPointer<UInt8>, schema: ScalarSchema, limits: ParseLimits) throws(FormatError) {
        self.bytes = bytes
        self.schema = schema
        self.limits = limits
        lines = LineTable(bytes)
        try checkCharacters()
    }

    private func checkCharacters() throws(FormatError) {
        let valid = lengthOfValidUTF8(bytes)
        if valid < bytes.count { throw error("the text is not valid UTF-8: \(nameOfCharacter(at: valid, in: bytes))", at: valid) }
        for (offset, byte) in bytes.enumerated() where byte < 0x20 && byte != 0x09 && byte != 0x0A && byte != 0x0D || byte == 0x7F {
            throw error(
                "a control character (\(nameOfCharacter(at: offset, in: bytes))) is allowed only as an escape in double quotes", at: offset)
        }
    }

    // MARK: Characters

    var isAtEnd: Bool { at >= bytes.count }
    /// The column of `at` in bytes: indentation consists of spaces only.
    var column: Int { at - lineStart }

    /// Zero at the end: no text contains a zero byte.
    @inline(__always)
    func byte(_ offset: Int) -> UInt8 { offset < bytes.count ? bytes[offset] : 0 }

    func isBreak(_ offset: Int) -> Bool { byte(offset) == 0x0A || byte(offset) == 0x0D }
    func isBlank(_ offset: Int) -> Bool { byte(offset) == 0x20 || byte(offset) == 0x09 }
    func isSpaceOrEnd(_ offset: Int) -> Bool { offset >= bytes.count || isBlank(offset) || isBreak(offset) }

    static func isFlowIndicator(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"): true
        default: false
        }
    }

    /// `-`, `?` or `:` followed by space: the sign itself, not the beginning of a plain scalar.
    func isIndicator(_ sign: Unicode.Scalar) -> Bool { byte(at) == UInt8(ascii: sign) && isSpaceOrEnd(at + 1) }

    /// `---` or `...` at the beginning of a line.
    func isMarker(_ sign: Unicode.Scalar, _ offset: Int) -> Bool {
        let mark = UInt8(ascii: sign)
        return byte(offset) == mark && byte(offset + 1) == mark && byte(offset + 2) == mark && isSpaceOrEnd(offset + 3)
    }

    var isAtDocumentBoundary: Bool { isAtEnd || column == 0 && (isMarker("-", at) || isMarker(".", at)) }

    /// Whether nothing but white space stands left of `at` on its line.
    var isFirstOnLine: Bool {
        var offset = lineStart
        while offset < at, isBlank(offset) { offset += 1 }
        return offset == at
    }

    /// The spaces that the line of `at` begins with; a tab ends them.
    var indentation: Int {
        var offset = lineStart
        while byte(offset) == 0x20 { offset += 1 }
        return offset - lineStart
    }

    /// Whether a tab stands in the white space left of `at`.
    var followsTab: Bool {
        var offset = at - 1
        while offset >= lineStart, isBlank(offset) {
            if bytes[offset] == 0x09 { return true }
            offset -= 1
        }
        return false
    }

    mutating func skipBlanks() { while isBlank(at) { at += 1 } }

    mutating func takeBreak() {
        at += byte(at) == 0x0D && byte(at + 1) == 0x0A ? 2 : 1
        lineStart = at
    }

    /// Goes over white space, comments and line breaks to the next token.
    mutating func skipToToken() {
        while !isAtEnd {
            if isBlank(at) {
                at += 1
            } else if isBreak(at) {
                takeBreak()
            } else if byte(at) == UInt8(ascii: "#"), at == lineStart || isBlank(at - 1) {
                while !isAtEnd, !isBreak(at) { at += 1 }
            } else {
                return
            }
        }
    }

    // MARK: Errors

    func error(_ message: String, at offset: Int) -> FormatError {
        let place = lines.position(of: min(offset, bytes.count), in: bytes)
        return FormatError(line: place.line, column: place.column, message: message)
    }

    func error(_ message: String) -> FormatError { error(message, at: at) }

    var found: String { isAtEnd ? "the text ends" : "found \(nameOfCharacter(at: at, in: bytes))" }

    /// For a token where the node before should have ended.
    func unexpected() -> FormatError {
        switch byte(at) {
        case UInt8(ascii: ":"): error("a mapping may not begin inside a value: quote the value, or begin the mapping on a new line")
        case UInt8(ascii: "#"): error("a comment must be separated by a space from what stands before it")
        default: error("\(found) where the value should have ended")
        }
    }

    func notMergeable(at offset: Int) -> FormatError { error("the value of << must be a mapping or a list of mappings", at: offset) }

    mutating func descend() throws(FormatError) {
        depth += 1
        if depth > limits.depth { throw error("nested more than \(limits.depth) levels deep") }
    }
}
