extension YAMLParser {
    /// Reads one anchor or tag.
    mutating func parseProperty(into properties: inout Properties) throws(FormatError) {
        let start = at
        if properties.start == nil { properties.start = start }
        if byte(at) == UInt8(ascii: "&") {
            if properties.anchor != nil { throw error("a value may have one anchor") }
            at += 1
            properties.anchor = try takeName(of: "anchor")
        } else {
            if properties.tag != nil { throw error("a value may have one tag") }
            properties.tag = try parseTag()
        }
    }

    /// The name behind `&` or `*`.
    mutating func takeName(of what: String) throws(FormatError) -> String {
        let start = at
        while !isSpaceOrEnd(at), !Self.isFlowIndicator(byte(at)) { at += 1 }
        if at == start { throw error("an \(what) must have a name", at: start) }
        return text(start..<at)
    }

    /// The full tag: handles are replaced by their prefixes.
    private mutating func parseTag() throws(FormatError) -> String {
        let start = at
        if byte(at + 1) == UInt8(ascii: "<") {
            at += 2
            let content = at
            while !isSpaceOrEnd(at), byte(at) != UInt8(ascii: ">") { at += 1 }
            guard byte(at) == UInt8(ascii: ">"), at > content else { throw error("a verbatim tag must end with '>'", at: start) }
            at += 1
            return text(content..<at - 1)
        }
        while !isSpaceOrEnd(at), !Self.isFlowIndicator(byte(at)) { at += 1 }
        let tag = text(start..<at)
        guard let mark = tag.dropFirst().lastIndex(of: "!") else { return (tagHandles["!"] ?? "!") + tag.dropFirst() }
        let handle = String(tag[...mark])
        let suffix = tag[tag.index(after: mark)...]
        if suffix.isEmpty { throw error("the tag \(tag) has no name", at: start) }
        guard let prefix = tagHandles[handle] ?? (handle == "!!" ? "tag:yaml.org,2002:" : nil) else {
            throw error("the tag handle \(handle) is not declared by a %TAG directive", at: start)
        }
        return prefix + suffix
    }

    /// Registers what an anchor names and hands the value on.
    mutating func anchored(_ value: Value, _ properties: Properties) throws(FormatError) -> Value {
        if let name = properties.anchor {
            anchors[name] = Anchor(value: value, count: value.countOfValues(upTo: limits.aliasedValues + 1))
        }
        return value
    }

    /// Stands for a node that is not written.
    mutating func empty(_ properties: Properties) throws(FormatError) -> Value {
        try anchored(try resolve("", isPlain: true, properties), properties)
    }

    func resolve(_ text: String, isPlain: Bool, _ properties: Properties) throws(FormatError) -> Value {
        do {
            return try schema.resolve(text, isPlain: isPlain, tag: properties.tag)
        } catch {
            throw self.error(error.message, at: properties.start ?? at)
        }
    }

    mutating func parseAlias(_ properties: Properties) throws(FormatError) -> Value {
        let start = at
        if !properties.isEmpty { throw error("an alias may have neither anchor nor tag") }
        at += 1
        let name = try takeName(of: "alias")
        guard let anchor = anchors[name] else {
            let hint = nearest(name, among: anchors.keys.sorted()).map { "; did you mean *\($0)?" } ?? ""
            throw error("the alias *\(name) has no anchor before it\(hint)", at: start)
        }
        aliasedValues += anchor.count
        if aliasedValues > limits.aliasedValues {
            throw error("the aliases stand for more than \(limits.aliasedValues) values", at: start)
        }
        if anchor.value.isDeeper(than: limits.depth - depth) { throw error("nested more than \(limits.depth) levels deep", at: start) }
        return anchor.value
    }

    func text(_ range: Range<Int>) -> String { String(decoding: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self) }

    // MARK: Keys

    func keyText(of node: FlowNode, at offset: Int) throws(FormatError) -> String {
        if schema == .core, let text = node.text { return text }
        return try keyText(of: node.value, at: offset)
    }

    /// Keys of a `Value` are strings: other scalars become their JSON text. Collections are keys in the core schema only, as their JSON text, which is
    /// bounded: each key inside of a key doubles the quotes of those inside of it.
    func keyText(of value: Value, at offset: Int) throws(FormatError) -> String {
        switch value {
        case .string(let text): return text
        case .array, .object:
            if schema == .kubernetes { throw error("a key must be a scalar, found \(value.kindName)", at: offset) }
            let text = JSON.text(value)
            if text.utf8.count > Self.keyLimit {
                throw error("a key that is a collection has more than \(Self.keyLimit) bytes as JSON", at: offset)
            }
            return text
        case .null:
            if schema == .kubernetes { throw error("a key must not be null: quote it if the text is meant", at: offset) }
            return ""
        default: return JSON.text(value)
        }
    }
}
