/// YAML 1.2: the whole structure (block and flow, all scalar styles, anchors, tags, directives, streams of documents).
package enum YAML {
    /// Reads all documents of a stream; a stream without content has none.
    ///
    /// Memory is bounded by the text and by `limits`: aliases share what they name, and how much they stand for is counted. A key that is
    /// repeated in a mapping: the last one wins, `positions.duplicates` lists it.
    package static func parse(
        _ bytes: [UInt8], schema: ScalarSchema, limits: ParseLimits = .standard
    ) throws(FormatError) -> [YAMLDocument] {
        try bytes.withUnsafeBufferPointer { (buffer) throws(FormatError) in
            var parser = try YAMLParser(buffer, schema: schema, limits: limits)
            return try parser.parseStream()
        }
    }
}

/// Where lines begin, for turning offsets into positions in any order.
struct LineTable {
    private var starts = [0]

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        for at in bytes.indices {
            let byte = bytes[at]
            let isBreak = byte == 0x0A || byte == 0x0D && !(at + 1 < bytes.count && bytes[at + 1] == 0x0A)
            if isBreak { starts.append(at + 1) }
        }
    }

    func position(of offset: Int, in bytes: UnsafeBufferPointer<UInt8>) -> SourcePosition {
        var (low, high) = (0, starts.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= offset { low = middle } else { high = middle }
        }
        var column = 1
        for byte in bytes[starts[low]..<offset] where byte & 0xC0 != 0x80 { column += 1 }
        return SourcePosition(line: low + 1, column: column)
    }
}
