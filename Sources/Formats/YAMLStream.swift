extension YAMLParser {
    /// `l-yaml-stream` (YAML 1.2.2 §9.2).
    mutating func parseStream() throws(FormatError) -> [YAMLDocument] {
        var documents: [YAMLDocument] = []
        while true {
            skipByteOrderMark()
            skipToToken()
            if isAtEnd { return documents }
            tagHandles = [:]
            let hasDirectives = try parseDirectives()
            if column == 0, isMarker("-", at) {
                at += 3
            } else if hasDirectives {
                throw error("directives must be followed by a line with ---")
            } else if column == 0, isMarker(".", at) {
                try takeDocumentEnd()
                continue
            }
            documents.append(try parseDocument())
            skipToToken()
            if column == 0, isMarker(".", at) {
                try takeDocumentEnd()
            } else if !isAtDocumentBoundary {
                throw isFirstOnLine ? error("\(found) where the document should have ended") : unexpected()
            }
        }
    }

    private mutating func parseDocument() throws(FormatError) -> YAMLDocument {
        anchors = [:]
        places = YAMLPositions()
        depth = 0
        let value = try parseBlockNode(parent: -1, mayBeCompact: false, mayBeIndentless: false)
        return YAMLDocument(value: value, positions: places.map)
    }

    private mutating func skipByteOrderMark() {
        if byte(at) == 0xEF, byte(at + 1) == 0xBB, byte(at + 2) == 0xBF {
            at += 3
            lineStart = at
        }
    }

    /// `...`, behind which only a comment may stand.
    private mutating func takeDocumentEnd() throws(FormatError) {
        at += 3
        try endLine(after: "...")
    }

    /// Only white space and a comment may follow on this line.
    private mutating func endLine(after what: String) throws(FormatError) {
        let end = at
        skipBlanks()
        if byte(at) == UInt8(ascii: "#"), at > end { while !isAtEnd, !isBreak(at) { at += 1 } }
        if isAtEnd { return }
        guard isBreak(at) else { throw error("\(found) after \(what)") }
        takeBreak()
    }

    /// Whether there were any.
    private mutating func parseDirectives() throws(FormatError) -> Bool {
        var hasDirectives = false
        var hasVersion = false
        while byte(at) == UInt8(ascii: "%"), column == 0 {
            hasDirectives = true
            let start = at
            let name = takeWord()
            switch name {
            case "%YAML":
                if hasVersion { throw error("a document may have one %YAML directive", at: start) }
                hasVersion = true
                skipBlanks()
                let version = takeWord()
                let parts = version.split(separator: ".", omittingEmptySubsequences: false)
                guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { 0x30...0x39 ~= $0 } }) else {
                    throw error("%YAML must name a version such as 1.2", at: start)
                }
                guard parts[0] == "1" else { throw error("YAML \(version) is not known, only 1.x is", at: start) }
                try endLine(after: "the version")
            case "%TAG":
                skipBlanks()
                let handle = takeWord()
                skipBlanks()
                let prefix = takeWord()
                guard handle.hasPrefix("!"), handle.hasSuffix("!"), !prefix.isEmpty else {
                    throw error("%TAG must name a handle such as !e! and a prefix", at: start)
                }
                if tagHandles[handle] != nil { throw error("the tag handle \(handle) is declared twice", at: start) }
                tagHandles[handle] = prefix
                try endLine(after: "the prefix")
            default:
                // Reserved for later versions; to be ignored (§6.8).
                while !isAtEnd, !isBreak(at) { at += 1 }
            }
            skipToToken()
        }
        return hasDirectives
    }

    private mutating func takeWord() -> String {
        let start = at
        while !isSpaceOrEnd(at) { at += 1 }
        return String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<at]), as: UTF8.self)
    }
}
