extension YAMLParser {
    /// Reads a node whose collection stands at column `parent` (-1: none).
    ///
    /// - `mayBeCompact`: a collection may begin on this very line, as after `- `.
    /// - `mayBeIndentless`: a sequence may stand at the column of the mapping that it belongs to.
    mutating func parseBlockNode(parent: Int, mayBeCompact: Bool, mayBeIndentless: Bool) throws(FormatError) -> Value {
        var properties = Properties()
        var mayBeginCollection = mayBeCompact
        while true {
            skipToToken()
            if isAtDocumentBoundary { return try empty(properties) }
            let isFirst = isFirstOnLine
            if isFirst {
                mayBeginCollection = true
                let isIndentless = mayBeIndentless && column == parent && isIndicator("-")
                if indentation <= parent, !isIndentless { return try empty(properties) }
            }
            if properties.isEmpty { places.begin(at: lines.position(of: at, in: bytes)) }
            if mayBeginCollection, let collection = try parseBlockCollection() { return try anchored(collection, properties) }
            if !mayBeginCollection, isIndicator("-") {
                throw error("a sequence may not begin here: begin it on a new line")
            }
            guard byte(at) == UInt8(ascii: "&") || byte(at) == UInt8(ascii: "!") else { break }
            try parseProperty(into: &properties)
            if !isSpaceOrEnd(at) { throw error("\(found) after an anchor or a tag, where a space was expected") }
            mayBeginCollection = false
        }
        if byte(at) == UInt8(ascii: "|") || byte(at) == UInt8(ascii: ">") {
            let text = try parseBlockScalar(parent: parent)
            return try anchored(try resolve(text, isPlain: false, properties), properties)
        }
        return try parseFlowNodeContent(properties, parent: parent, isInFlow: false).value
    }

    private mutating func parseBlockCollection() throws(FormatError) -> Value? {
        let isSequence = isIndicator("-")
        guard isSequence || isIndicator("?") || isImplicitKey() else { return nil }
        if followsTab { throw error("tabs may not indent a \(isSequence ? "sequence" : "mapping"): use spaces") }
        try descend()
        defer { depth -= 1 }
        return isSequence ? try parseBlockSequence(at: column) : try parseBlockMapping(at: column)
    }

    private mutating func parseBlockSequence(at start: Int) throws(FormatError) -> Value {
        var elements: [Value] = []
        repeat {
            places.enter(.index(elements.count), at: lines.position(of: at, in: bytes))
            at += 1
            elements.append(try parseBlockNode(parent: start, mayBeCompact: true, mayBeIndentless: false))
            places.leave()
        } while try isNextEntry(at: start) && isIndicator("-")
        return .array(elements)
    }

    /// Goes to the next token; whether it stands at the collection's column, false where the collection has ended.
    private mutating func isNextEntry(at start: Int) throws(FormatError) -> Bool {
        skipToToken()
        if isAtDocumentBoundary { return false }
        guard isFirstOnLine else { throw unexpected() }
        if followsTab { throw error("tabs may not indent: use spaces") }
        if column > start {
            throw error("the indentation of this line fits no collection: the nearest begins at column \(start + 1)")
        }
        return column == start
    }

    private mutating func parseBlockMapping(at start: Int) throws(FormatError) -> Value {
        var mapping = YAMLMapping()
        repeat {
            let place = lines.position(of: at, in: bytes)
            if isIndicator("?") {
                let questionMark = at
                at += 1
                // The key's own fields have no path.
                places.suspend()
                let value = try parseBlockNode(parent: start, mayBeCompact: true, mayBeIndentless: true)
                places.resume()
                let key = try keyText(of: value, at: questionMark)
                places.enter(.key(key), at: place)
                var member = Value.null
                if try isNextEntry(at: start), isIndicator(":") {
                    at += 1
                    member = try parseBlockNode(parent: start, mayBeCompact: true, mayBeIndentless: true)
                }
                places.leave()
                mapping.add(key, member)
            } else {
                let keyStart = at
                let (key, isMerge) = try parseImplicitKey(parent: start)
                places.enter(.key(key), at: place)
                at += 1
                let value = try parseBlockNode(parent: start, mayBeCompact: false, mayBeIndentless: true)
                places.leave()
                if !isMerge { mapping.add(key, value) } else if !mapping.merge(value) { throw notMergeable(at: keyStart) }
            }
        } while try isNextKey(at: start)
        return mapping.value
    }

    private mutating func isNextKey(at start: Int) throws(FormatError) -> Bool {
        guard try isNextEntry(at: start) else { return false }
        if isIndicator("?") || isImplicitKey() { return true }
        if isIndicator("-") {
            throw error("a sequence entry where a key was expected: entries are to be indented alike, and apart from keys")
        }
        throw error("\(found) where a key was expected: is there a ':' missing, or a space behind it?")
    }

    /// Reads `key` up to the colon, which `isImplicitKey` has seen.
    private mutating func parseImplicitKey(parent: Int) throws(FormatError) -> (String, isMerge: Bool) {
        let start = at
        var properties = Properties()
        while byte(at) == UInt8(ascii: "&") || byte(at) == UInt8(ascii: "!") {
            try parseProperty(into: &properties)
            skipBlanks()
        }
        places.suspend()
        let isMerge = byte(at) == UInt8(ascii: "<") && properties.tag == nil && schema == .kubernetes
        let node: FlowNode
        if isIndicator(":") {
            node = FlowNode(value: try empty(properties), text: "", isJSONLike: false)
        } else {
            node = try parseFlowNodeContent(properties, parent: parent, isInFlow: false)
        }
        places.resume()
        skipBlanks()
        guard byte(at) == UInt8(ascii: ":") else { throw unexpected() }
        let key = try keyText(of: node, at: start)
        return (key, isMerge && key == "<<")
    }
}

/// A mapping while it is read.
struct YAMLMapping {
    private var members = Object()
    private var merged: [Object] = []

    mutating func add(_ key: String, _ value: Value) { members[key] = value }

    /// The key is `<<`: its mappings add what the mapping itself does not say (YAML 1.1's merge key). False when there is no mapping.
    mutating func merge(_ value: Value) -> Bool {
        let sources = (value.array ?? [value]).map(\.object)
        guard sources.allSatisfy({ $0 != nil }) else { return false }
        merged.append(contentsOf: sources.compactMap { $0 })
        return true
    }

    var value: Value {
        if merged.isEmpty { return .object(members) }
        var result = members
        for source in merged {
            for (key, value) in source where result[key] == nil { result[key] = value }
        }
        return .object(result)
    }
}
