/// A node that may be a key.
struct FlowNode {
    var value: Value
    /// The text of a scalar as it was written, nil for anything else.
    var text: String?
    /// Quoted or in brackets: then a colon behind it needs no space.
    var isJSONLike: Bool
}

extension YAMLParser {
    /// Reads an alias, a flow collection, or a quoted or plain scalar, at `at`.
    mutating func parseFlowNodeContent(_ properties: Properties, parent: Int, isInFlow: Bool) throws(FormatError) -> FlowNode {
        switch byte(at) {
        case UInt8(ascii: "*"): return FlowNode(value: try parseAlias(properties), text: nil, isJSONLike: false)
        case UInt8(ascii: "["):
            let value = try parseFlowSequence(parent: parent)
            return FlowNode(value: try anchored(value, properties), text: nil, isJSONLike: true)
        case UInt8(ascii: "{"):
            let value = try parseFlowMapping(parent: parent)
            return FlowNode(value: try anchored(value, properties), text: nil, isJSONLike: true)
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            let text = byte(at) == UInt8(ascii: "'") ? try parseSingleQuoted(parent: parent) : try parseDoubleQuoted(parent: parent)
            return FlowNode(value: try anchored(try resolve(text, isPlain: false, properties), properties), text: text, isJSONLike: true)
        default:
            let start = at
            let text = try parsePlain(parent: parent, isInFlow: isInFlow)
            var place = properties
            place.start = properties.start ?? start
            return FlowNode(value: try anchored(try resolve(text, isPlain: true, place), properties), text: text, isJSONLike: false)
        }
    }

    /// Goes to the next token inside of brackets. Lines must be indented more than the collection around the outermost bracket.
    private mutating func skipInFlow(parent: Int, opening: Int) throws(FormatError) {
        let line = lineStart
        skipToToken()
        if isAtEnd { throw error("the text ends before this '\(Character(Unicode.Scalar(bytes[opening])))' is closed", at: opening) }
        guard lineStart != line else { return }
        if isAtDocumentBoundary {
            throw error("the document ends before this '\(Character(Unicode.Scalar(bytes[opening])))' is closed", at: opening)
        }
        // A closing bracket may stand below the line that opened it: strictly wrong, but widely written and read. kubectl reads any line so.
        let isClosing = byte(at) == UInt8(ascii: "]") || byte(at) == UInt8(ascii: "}")
        if isFirstOnLine, indentation < parent + (isClosing || schema == .kubernetes ? 0 : 1) {
            throw error("inside of brackets lines must be indented by spaces, by at least \(parent + 1)")
        }
    }

    /// A colon that separates key and value: followed by space or a bracket or comma, or behind a quoted key.
    private func isValueIndicator(afterJSON: Bool) -> Bool {
        byte(at) == UInt8(ascii: ":") && (afterJSON || isSpaceOrEnd(at + 1) || Self.isFlowIndicator(byte(at + 1)))
    }

    private var isFlowEntryEnd: Bool {
        switch byte(at) {
        case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"): true
        default: false
        }
    }

    private mutating func parseFlowNode(parent: Int, opening: Int) throws(FormatError) -> FlowNode {
        var properties = Properties()
        while byte(at) == UInt8(ascii: "&") || byte(at) == UInt8(ascii: "!") {
            try parseProperty(into: &properties)
            if !isSpaceOrEnd(at), !isFlowEntryEnd { throw error("\(found) after an anchor or a tag, where a space was expected") }
            try skipInFlow(parent: parent, opening: opening)
        }
        if isFlowEntryEnd || isValueIndicator(afterJSON: false) {
            return FlowNode(value: try empty(properties), text: "", isJSONLike: false)
        }
        return try parseFlowNodeContent(properties, parent: parent, isInFlow: true)
    }

    private mutating func parseFlowValue(parent: Int, opening: Int) throws(FormatError) -> Value {
        at += 1
        try skipInFlow(parent: parent, opening: opening)
        places.begin(at: lines.position(of: at, in: bytes))
        if isFlowEntryEnd { return .null }
        return try parseFlowNode(parent: parent, opening: opening).value
    }

    private mutating func endFlowEntry(closing: UInt8, parent: Int, opening: Int) throws(FormatError) {
        try skipInFlow(parent: parent, opening: opening)
        if byte(at) == UInt8(ascii: ",") {
            at += 1
        } else if byte(at) != closing {
            if byte(at) == UInt8(ascii: "#") { throw unexpected() }
            throw error("\(found) where ',' or '\(Character(Unicode.Scalar(closing)))' was expected")
        }
    }

    // MARK: Sequences

    private mutating func parseFlowSequence(parent: Int) throws(FormatError) -> Value {
        try descend()
        defer { depth -= 1 }
        let opening = at
        var elements: [Value] = []
        at += 1
        while true {
            try skipInFlow(parent: parent, opening: opening)
            if byte(at) == UInt8(ascii: "]") {
                at += 1
                return .array(elements)
            }
            if byte(at) == UInt8(ascii: ",") { throw error("found ',' where an element was expected") }
            places.enter(.index(elements.count), at: lines.position(of: at, in: bytes))
            elements.append(try parseFlowSequenceEntry(parent: parent, opening: opening))
            places.leave()
            try endFlowEntry(closing: UInt8(ascii: "]"), parent: parent, opening: opening)
        }
    }

    /// An element, or a single pair `key: value` that stands for a mapping.
    private mutating func parseFlowSequenceEntry(parent: Int, opening: Int) throws(FormatError) -> Value {
        let start = at
        let startLine = lineStart
        var node = FlowNode(value: .null, text: "", isJSONLike: false)
        let isExplicit = isIndicator("?")
        if isExplicit {
            at += 1
            try skipInFlow(parent: parent, opening: opening)
        }
        if !isFlowEntryEnd, !isValueIndicator(afterJSON: false) { node = try parseFlowNode(parent: parent, opening: opening) }
        let endLine = lineStart
        try skipInFlow(parent: parent, opening: opening)
        let isPair = isValueIndicator(afterJSON: node.isJSONLike)
        guard isPair || isExplicit else { return node.value }
        if isPair, !isExplicit, startLine != endLine || endLine != lineStart {
            throw error("a key inside of '[' and its ':' must stand on one line", at: start)
        }
        let key = try keyText(of: node, at: start)
        places.enter(.key(key), at: lines.position(of: start, in: bytes))
        defer { places.leave() }
        return .object([key: isPair ? try parseFlowValue(parent: parent, opening: opening) : .null])
    }

    // MARK: Mappings

    private mutating func parseFlowMapping(parent: Int) throws(FormatError) -> Value {
        try descend()
        defer { depth -= 1 }
        let opening = at
        var mapping = YAMLMapping()
        at += 1
        while true {
            try skipInFlow(parent: parent, opening: opening)
            if byte(at) == UInt8(ascii: "}") {
                at += 1
                return mapping.value
            }
            if byte(at) == UInt8(ascii: ",") { throw error("found ',' where a key was expected") }
            let start = at
            var node = FlowNode(value: .null, text: "", isJSONLike: false)
            if isIndicator("?") {
                at += 1
                try skipInFlow(parent: parent, opening: opening)
            }
            places.suspend()
            let mayMerge = byte(at) == UInt8(ascii: "<") && schema == .kubernetes
            if !isFlowEntryEnd, !isValueIndicator(afterJSON: false) { node = try parseFlowNode(parent: parent, opening: opening) }
            places.resume()
            try skipInFlow(parent: parent, opening: opening)
            let key = try keyText(of: node, at: start)
            places.enter(.key(key), at: lines.position(of: start, in: bytes))
            var value = Value.null
            if isValueIndicator(afterJSON: node.isJSONLike) { value = try parseFlowValue(parent: parent, opening: opening) }
            places.leave()
            if !(mayMerge && key == "<<") { mapping.add(key, value) } else if !mapping.merge(value) { throw notMergeable(at: start) }
            try endFlowEntry(closing: UInt8(ascii: "}"), parent: parent, opening: opening)
        }
    }
}
