extension YAMLParser {
    /// How far a key may reach (§7.4.2 counts characters; bytes are counted here, generously).
    static let keyLimit = 4096

    /// Whether a key of a block mapping begins at `at`: one node on this line with a colon and a space behind it.
    ///
    /// Looks only; a node that is malformed is taken for no key, its own error comes when it is read.
    func isImplicitKey() -> Bool {
        var offset = at
        let end = min(bytes.count, at + Self.keyLimit)
        while byte(offset) == UInt8(ascii: "&") || byte(offset) == UInt8(ascii: "!") {
            while offset < end, !isSpaceOrEnd(offset) { offset += 1 }
            while isBlank(offset) { offset += 1 }
        }
        guard offset < end, !isBreak(offset), let behind = endOfKeyNode(offset, end) else { return false }
        offset = behind
        while isBlank(offset) { offset += 1 }
        return byte(offset) == UInt8(ascii: ":") && isSpaceOrEnd(offset + 1)
    }

    private func endOfKeyNode(_ start: Int, _ end: Int) -> Int? {
        switch byte(start) {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return endOfQuotes(start, end)
        case UInt8(ascii: "["), UInt8(ascii: "{"): return endOfBrackets(start, end)
        case UInt8(ascii: ":") where isSpaceOrEnd(start + 1): return start
        case UInt8(ascii: "*"):
            var offset = start
            while offset < end, !isSpaceOrEnd(offset) { offset += 1 }
            return offset
        default:
            guard mayBeginPlain(start, isInFlow: false) else { return nil }
            let stop = endOfPlainLine(start, isInFlow: false)
            return stop > start && stop <= end ? stop : nil
        }
    }

    private func endOfQuotes(_ start: Int, _ end: Int) -> Int? {
        let quote = byte(start)
        var offset = start + 1
        while offset < end, !isBreak(offset) {
            if byte(offset) == quote {
                guard quote == UInt8(ascii: "'"), byte(offset + 1) == quote else { return offset + 1 }
                offset += 1
            } else if quote == UInt8(ascii: "\""), byte(offset) == UInt8(ascii: "\\") {
                offset += 1
            }
            offset += 1
        }
        return nil
    }

    private func endOfBrackets(_ start: Int, _ end: Int) -> Int? {
        var offset = start
        var open = 0
        var mayQuote = true
        while offset < end, !isBreak(offset) {
            switch byte(offset) {
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                open += 1
                mayQuote = true
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                open -= 1
                if open == 0 { return offset + 1 }
                mayQuote = false
            case UInt8(ascii: "\"") where mayQuote, UInt8(ascii: "'") where mayQuote:
                guard let behind = endOfQuotes(offset, end) else { return nil }
                offset = behind
                mayQuote = false
                continue
            case UInt8(ascii: "#") where isBlank(offset - 1): return nil
            case UInt8(ascii: ","), UInt8(ascii: ":"), 0x20, 0x09: mayQuote = true
            default: mayQuote = false
            }
            offset += 1
        }
        return nil
    }
}
