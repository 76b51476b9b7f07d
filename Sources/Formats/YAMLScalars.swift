extension YAMLParser {
    // MARK: Plain

    /// Whether a plain scalar may begin with the character at `offset` (§7.3.3).
    func mayBeginPlain(_ offset: Int, isInFlow: Bool) -> Bool {
        switch byte(offset) {
        case UInt8(ascii: "-"), UInt8(ascii: "?"), UInt8(ascii: ":"):
            return !isSpaceOrEnd(offset + 1) && !(isInFlow && Self.isFlowIndicator(byte(offset + 1)))
        case UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "#"),
            UInt8(ascii: "&"), UInt8(ascii: "*"), UInt8(ascii: "!"), UInt8(ascii: "|"), UInt8(ascii: ">"), UInt8(ascii: "'"),
            UInt8(ascii: "\""), UInt8(ascii: "%"), UInt8(ascii: "@"), UInt8(ascii: "`"):
            return false
        default: return offset < bytes.count && !isSpaceOrEnd(offset)
        }
    }

    /// The end of what of a plain scalar stands on this line, without the blanks behind it.
    func endOfPlainLine(_ start: Int, isInFlow: Bool) -> Int {
        var offset = start
        var end = start
        while offset < bytes.count, !isBreak(offset) {
            let character = bytes[offset]
            if isInFlow, Self.isFlowIndicator(character) { break }
            if character == UInt8(ascii: ":"), isSpaceOrEnd(offset + 1) || isInFlow && Self.isFlowIndicator(byte(offset + 1)) { break }
            if character == UInt8(ascii: "#"), offset > start, isBlank(offset - 1) { break }
            offset += 1
            if !isBlank(offset - 1) { end = offset }
        }
        return end
    }

    mutating func parsePlain(parent: Int, isInFlow: Bool) throws(FormatError) -> String {
        guard mayBeginPlain(at, isInFlow: isInFlow) else {
            switch byte(at) {
            case UInt8(ascii: "@"), UInt8(ascii: "`"), UInt8(ascii: "%"): throw error("\(found): a value that begins so must be quoted")
            default: throw error("\(found) where a value was expected")
            }
        }
        var end = endOfPlainLine(at, isInFlow: isInFlow)
        var result = Array(bytes[at..<end])
        at = end
        while let next = nextPlainLine(parent: parent, isInFlow: isInFlow) {
            appendFold(next.breaks, to: &result)
            lineStart = next.lineStart
            end = endOfPlainLine(next.content, isInFlow: isInFlow)
            result.append(contentsOf: bytes[next.content..<end])
            at = end
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Where a plain scalar goes on behind this line; nil where it ends.
    private func nextPlainLine(parent: Int, isInFlow: Bool) -> (content: Int, lineStart: Int, breaks: Int)? {
        var offset = at
        while isBlank(offset) { offset += 1 }
        guard offset < bytes.count, isBreak(offset) else { return nil }
        var breaks = 0
        var start = lineStart
        while offset < bytes.count, isBreak(offset) {
            offset += byte(offset) == 0x0D && byte(offset + 1) == 0x0A ? 2 : 1
            breaks += 1
            start = offset
            while isBlank(offset) { offset += 1 }
        }
        guard offset < bytes.count, byte(offset) != UInt8(ascii: "#") else { return nil }
        var indentation = 0
        while byte(start + indentation) == 0x20 { indentation += 1 }
        guard indentation > parent else { return nil }
        if offset == start, isMarker("-", offset) || isMarker(".", offset) { return nil }
        guard endOfPlainLine(offset, isInFlow: isInFlow) > offset else { return nil }
        return (offset, start, breaks)
    }

    /// One line break becomes a space, more become one less (§6.5).
    private func appendFold(_ breaks: Int, to result: inout [UInt8]) {
        if breaks == 1 { result.append(0x20) } else { result.append(contentsOf: repeatElement(0x0A, count: breaks - 1)) }
    }

    // MARK: Quoted

    /// Goes from a line break to the content of the next line that has any; how many breaks were taken.
    private mutating func takeFold(parent: Int, opening: Int) throws(FormatError) -> Int {
        var breaks = 0
        while isBreak(at) {
            takeBreak()
            breaks += 1
            skipBlanks()
        }
        if isAtEnd { throw error("the text ends before this quote is closed", at: opening) }
        if isAtDocumentBoundary { throw error("the document ends before this quote is closed", at: opening) }
        if indentation <= parent { throw error("inside of quotes lines must be indented by at least \(parent + 1)") }
        return breaks
    }

    mutating func parseSingleQuoted(parent: Int) throws(FormatError) -> String {
        let opening = at
        var result: [UInt8] = []
        at += 1
        while true {
            let plain = at
            while !isAtEnd, byte(at) != UInt8(ascii: "'"), !isBreak(at) { at += 1 }
            result.append(contentsOf: bytes[plain..<at])
            if isAtEnd { throw error("the text ends before this quote is closed", at: opening) }
            if isBreak(at) {
                while let last = result.last, last == 0x20 || last == 0x09 { result.removeLast() }
                appendFold(try takeFold(parent: parent, opening: opening), to: &result)
            } else if byte(at + 1) == UInt8(ascii: "'") {
                result.append(UInt8(ascii: "'"))
                at += 2
            } else {
                at += 1
                return String(decoding: result, as: UTF8.self)
            }
        }
    }

    mutating func parseDoubleQuoted(parent: Int) throws(FormatError) -> String {
        let opening = at
        var result: [UInt8] = []
        // Blanks that were written as escapes stay at the end of a line.
        var kept = 0
        at += 1
        while true {
            let plain = at
            while !isAtEnd, byte(at) != UInt8(ascii: "\""), byte(at) != UInt8(ascii: "\\"), !isBreak(at) { at += 1 }
            result.append(contentsOf: bytes[plain..<at])
            if isAtEnd { throw error("the text ends before this quote is closed", at: opening) }
            if isBreak(at) {
                while result.count > kept, let last = result.last, last == 0x20 || last == 0x09 { result.removeLast() }
                appendFold(try takeFold(parent: parent, opening: opening), to: &result)
                kept = result.count
            } else if byte(at) == UInt8(ascii: "\"") {
                at += 1
                return String(decoding: result, as: UTF8.self)
            } else if isBreak(at + 1) {
                at += 1
                let breaks = try takeFold(parent: parent, opening: opening)
                result.append(contentsOf: repeatElement(0x0A, count: breaks - 1))
                kept = result.count
            } else {
                try parseEscape(into: &result)
                kept = result.count
            }
        }
    }

    private mutating func parseEscape(into result: inout [UInt8]) throws(FormatError) {
        let start = at
        at += 2
        let scalar: Unicode.Scalar?
        switch byte(start + 1) {
        case UInt8(ascii: "0"): scalar = "\u{0}"
        case UInt8(ascii: "a"): scalar = "\u{7}"
        case UInt8(ascii: "b"): scalar = "\u{8}"
        case UInt8(ascii: "t"), 0x09: scalar = "\t"
        case UInt8(ascii: "n"): scalar = "\n"
        case UInt8(ascii: "v"): scalar = "\u{B}"
        case UInt8(ascii: "f"): scalar = "\u{C}"
        case UInt8(ascii: "r"): scalar = "\r"
        case UInt8(ascii: "e"): scalar = "\u{1B}"
        case UInt8(ascii: " "): scalar = " "
        case UInt8(ascii: "\""): scalar = "\""
        case UInt8(ascii: "/"): scalar = "/"
        case UInt8(ascii: "\\"): scalar = "\\"
        case UInt8(ascii: "N"): scalar = "\u{85}"
        case UInt8(ascii: "_"): scalar = "\u{A0}"
        case UInt8(ascii: "L"): scalar = "\u{2028}"
        case UInt8(ascii: "P"): scalar = "\u{2029}"
        case UInt8(ascii: "x"): scalar = try parseCode(digits: 2, escapeAt: start)
        case UInt8(ascii: "u"): scalar = try parseCode(digits: 4, escapeAt: start)
        case UInt8(ascii: "U"): scalar = try parseCode(digits: 8, escapeAt: start)
        default:
            throw error(
                "unknown escape \\\(nameOfCharacter(at: start + 1, in: bytes)): use single quotes if a backslash is meant", at: start)
        }
        guard let scalar, let encoded = UTF8.encode(scalar) else { throw error("this escape names no character", at: start) }
        result.append(contentsOf: encoded)
    }

    /// Two `\u` escapes may form a surrogate pair, as in JSON.
    private mutating func parseCode(digits: Int, escapeAt start: Int) throws(FormatError) -> Unicode.Scalar? {
        let code = try parseHexadecimal(digits: digits, escapeAt: start)
        if digits == 4, code & 0xFC00 == 0xD800, byte(at) == UInt8(ascii: "\\"), byte(at + 1) == UInt8(ascii: "u") {
            at += 2
            let low = try parseHexadecimal(digits: 4, escapeAt: start)
            if low & 0xFC00 == 0xDC00 { return Unicode.Scalar(0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)) }
            return nil
        }
        return Unicode.Scalar(code)
    }

    private mutating func parseHexadecimal(digits: Int, escapeAt start: Int) throws(FormatError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<digits {
            guard let digit = hexadecimalDigit(byte(at)) else {
                throw error("this escape must have \(digits) hexadecimal digits", at: start)
            }
            code = code << 4 | UInt32(digit)
            at += 1
        }
        return code
    }
}
