extension YAMLParser {
    private enum Chomping { case strip, clip, keep }

    /// Reads a literal (`|`) or folded (`>`) scalar (§8.1).
    mutating func parseBlockScalar(parent: Int) throws(FormatError) -> String {
        let isFolded = byte(at) == UInt8(ascii: ">")
        at += 1
        let (chomping, explicit) = try parseHeader()
        var breaksBefore = 0
        var result: [UInt8] = []
        let indentation = if let explicit { max(parent, 0) + explicit } else { try detectIndentation(parent: parent) }
        var isFirst = true
        var wasSpaced = false
        while !isAtEnd {
            var offset = at
            while offset - at < indentation, byte(offset) == 0x20 { offset += 1 }
            if isBreak(offset) || offset >= bytes.count {
                // The end of the text ends a line of spaces like a line break.
                breaksBefore += 1
                at = offset
                if !isAtEnd { takeBreak() }
                continue
            }
            guard offset - at == indentation else {
                if byte(offset) == 0x09 { throw error("a tab may not indent the text of a block scalar: use spaces", at: offset) }
                break
            }
            if indentation == 0, isMarker("-", offset) || isMarker(".", offset) { break }
            let isSpaced = isBlank(offset)
            if isFirst || !isFolded || isSpaced || wasSpaced {
                result.append(contentsOf: repeatElement(0x0A, count: breaksBefore + (isFirst ? 0 : 1)))
            } else if breaksBefore == 0 {
                result.append(0x20)
            } else {
                result.append(contentsOf: repeatElement(0x0A, count: breaksBefore))
            }
            let content = offset
            while offset < bytes.count, !isBreak(offset) { offset += 1 }
            result.append(contentsOf: bytes[content..<offset])
            (isFirst, wasSpaced, breaksBefore) = (false, isSpaced, 0)
            at = offset
            if !isAtEnd { takeBreak() }
        }
        switch chomping {
        case .strip: break
        case .clip: if !isFirst { result.append(0x0A) }
        case .keep: result.append(contentsOf: repeatElement(0x0A, count: breaksBefore + (isFirst ? 0 : 1)))
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The signs behind `|` or `>`, in either order; ends behind the line break.
    private mutating func parseHeader() throws(FormatError) -> (Chomping, Int?) {
        var chomping: Chomping?
        var indentation: Int?
        while !isSpaceOrEnd(at) {
            switch byte(at) {
            case UInt8(ascii: "-") where chomping == nil: chomping = .strip
            case UInt8(ascii: "+") where chomping == nil: chomping = .keep
            case UInt8(ascii: "1")...UInt8(ascii: "9") where indentation == nil: indentation = Int(byte(at) - UInt8(ascii: "0"))
            default: throw error("\(found) behind '|' or '>': allowed are '+' or '-', a digit from 1 to 9, and a comment after a space")
            }
            at += 1
        }
        skipBlanks()
        if byte(at) == UInt8(ascii: "#"), isBlank(at - 1) { while !isAtEnd, !isBreak(at) { at += 1 } }
        if !isAtEnd {
            guard isBreak(at) else { throw error("\(found) where the text of a block scalar must begin on the next line") }
            takeBreak()
        }
        return (chomping ?? .clip, indentation)
    }

    /// The indentation of the first line that is not empty.
    private func detectIndentation(parent: Int) throws(FormatError) -> Int {
        var offset = at
        var longestEmpty = 0
        while offset < bytes.count {
            let start = offset
            while byte(offset) == 0x20 { offset += 1 }
            let indentation = offset - start
            if offset < bytes.count, !isBreak(offset) {
                if indentation <= parent { return max(parent + 1, longestEmpty) }
                if longestEmpty > indentation {
                    throw error("an empty line before this one has more spaces than this first line of the block", at: offset)
                }
                return indentation
            }
            longestEmpty = max(longestEmpty, indentation)
            if offset < bytes.count { offset += byte(offset) == 0x0D && byte(offset + 1) == 0x0A ? 2 : 1 }
        }
        return max(parent + 1, longestEmpty)
    }
}
