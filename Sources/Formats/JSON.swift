/// JSON as RFC 8259 defines it.
package enum JSON {
    /// Reads exactly one JSON text: nothing may follow it but white space.
    ///
    /// Strict: UTF-8 without byte order mark, no comments, no trailing commas, no lone surrogates (a `String` cannot hold them), no number
    /// beyond the range of a double. A key that is repeated: the last one wins.
    package static func parse(_ bytes: [UInt8], limits: ParseLimits = .standard) throws(FormatError) -> Value {
        try bytes.withUnsafeBufferPointer { (buffer) throws(FormatError) in
            var parser = JSONParser(buffer, limits: limits, positions: nil)
            return try parser.parseDocument()
        }
    }

    /// Like `parse`, and says whether some object has a key twice: where there is none, nobody needs the positions, which cost three times as much.
    package static func parseNotingRepetition(
        _ bytes: [UInt8], limits: ParseLimits = .standard
    ) throws(FormatError) -> (value: Value, hasRepeatedKey: Bool) {
        try bytes.withUnsafeBufferPointer { (buffer) throws(FormatError) in
            var parser = JSONParser(buffer, limits: limits, positions: nil)
            let value = try parser.parseDocument()
            return (value, parser.hasRepeatedKey)
        }
    }

    /// Like `parse`, and says where every field is; repeated keys are listed. About three times as slow.
    package static func parseWithPositions(_ bytes: [UInt8], limits: ParseLimits = .standard) throws(FormatError) -> PositionedDocument {
        try bytes.withUnsafeBufferPointer { (buffer) throws(FormatError) in
            var parser = JSONParser(buffer, limits: limits, positions: PositionTracker(buffer))
            let value = try parser.parseDocument()
            return PositionedDocument(value: value, positions: parser.positions?.map ?? PositionMap())
        }
    }

    /// Reads a text that is at hand as a string.
    package static func parse(text: String, limits: ParseLimits = .standard) throws(FormatError) -> Value {
        try parse(Array(text.utf8), limits: limits)
    }

    /// The JSON text. Members come in the order in which the objects hold them; `pretty` indents by four spaces and ends with a new line, as
    /// `kubectl -o json` prints.
    package static func serialize(_ value: Value, pretty: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        if pretty {
            JSONWriter.appendPretty(value, depth: 0, to: &bytes)
            bytes.append(UInt8(ascii: "\n"))
        } else {
            JSONWriter.append(value, to: &bytes)
        }
        return bytes
    }

    /// `serialize` as a string.
    package static func text(_ value: Value, pretty: Bool = false) -> String {
        String(decoding: serialize(value, pretty: pretty), as: UTF8.self)
    }

    /// Writes behind what is there already: watch events and journal records are composed this way, without intermediate arrays.
    package static func append(_ value: Value, to bytes: inout [UInt8]) { JSONWriter.append(value, to: &bytes) }

    /// Writes one JSON string with its quotes.
    package static func append(string: String, to bytes: inout [UInt8]) { JSONWriter.append(string: string, to: &bytes) }
}

/// Follows a reader through the text and enters where each field begins.
///
/// Offsets must be asked for in rising order: the count of lines goes on from the last one.
struct PositionTracker {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var offset = 0
    private var current = SourcePosition(line: 1, column: 1)
    private(set) var map = PositionMap()
    /// The keys from the document down to where the reader is, for naming duplicates.
    private var path: [PathElement] = []
    private var numbers: [Int] = []

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func position(at wanted: Int) -> SourcePosition {
        while offset < wanted {
            let byte = bytes[offset]
            if byte == UInt8(ascii: "\n") {
                current.line += 1
                current.column = 1
            } else if byte & 0xC0 != 0x80 {
                current.column += 1
            }
            offset += 1
        }
        return current
    }

    /// Goes down into the value of a member or element. BEFORE the value's own bytes are read.
    mutating func enter(_ element: PathElement?, key: SourcePosition?, valueAt start: Int) {
        let value = position(at: start)
        let parent = numbers.last ?? -1
        if let element {
            path.append(element)
            if let before = map.number(of: element, below: parent) {
                let first = map.field(numbered: before)
                map.duplicates.append(.init(path: path, first: first.key ?? first.value, again: key ?? value))
            }
        }
        numbers.append(map.add(element, below: parent, key: key, value: value))
    }

    mutating func leave() {
        numbers.removeLast()
        if !path.isEmpty { path.removeLast() }
    }
}
