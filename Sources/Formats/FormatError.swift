/// Why a text could not be read: the place and one sentence about what was found there.
package struct FormatError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Counted from 1.
    package var line: Int
    /// Counted from 1, in characters (Unicode scalars), not bytes.
    package var column: Int
    package var message: String

    package init(line: Int, column: Int, message: String) {
        self.line = line
        self.column = column
        self.message = message
    }

    /// `3:14: message`, to be put behind a file name and a colon.
    package var description: String { "\(line):\(column): \(message)" }
}

extension FormatError {
    /// Turns a byte offset into a line and a column. Costs a scan of everything before it, so it is done for errors only.
    init(_ message: String, at offset: Int, in bytes: UnsafeBufferPointer<UInt8>) {
        let place = SourcePosition(ofOffset: offset, in: bytes)
        self.init(line: place.line, column: place.column, message: message)
    }
}

/// How much of a text is read before it is refused: the bounds on memory and on the depth of recursion.
package struct ParseLimits: Hashable, Sendable {
    /// How deeply arrays and objects may nest. Everything that walks a tree recurses, so this also bounds the stack.
    package var depth: Int
    /// How many values the aliases of one YAML stream may stand for, counted each time one is used: what stops an alias bomb.
    package var aliasedValues: Int

    package init(depth: Int = 256, aliasedValues: Int = 100_000) {
        self.depth = depth
        self.aliasedValues = aliasedValues
    }

    package static let standard = ParseLimits()
}
