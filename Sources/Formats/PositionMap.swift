/// A place in a text; both counts start at 1, the column counts Unicode scalars.
package struct SourcePosition: Hashable, Sendable, Comparable, CustomStringConvertible {
    package var line: Int
    package var column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    package static func < (a: SourcePosition, b: SourcePosition) -> Bool { (a.line, a.column) < (b.line, b.column) }

    package var description: String { "\(line):\(column)" }
}

extension SourcePosition {
    init(ofOffset offset: Int, in bytes: UnsafeBufferPointer<UInt8>) {
        var line = 1
        var column = 1
        for byte in bytes[..<min(offset, bytes.count)] {
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        self.init(line: line, column: column)
    }
}

/// One step from a value to a value inside it.
package enum PathElement: Hashable, Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    case key(String)
    case index(Int)

    package init(stringLiteral value: String) { self = .key(value) }
    package init(integerLiteral value: Int) { self = .index(value) }
}

extension [PathElement] {
    /// `spec.containers[0].name`, as Kubernetes names fields in its messages; keys with dots or slashes are bracketed: `metadata.labels[a/b]`.
    package var fieldPath: String {
        var text = ""
        for element in self {
            switch element {
            case .index(let index): text += "[\(index)]"
            case .key(let key) where key.utf8.contains(where: { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "/") }): text += "[\(key)]"
            case .key(let key): text += text.isEmpty ? key : ".\(key)"
            }
        }
        return text
    }
}

/// Where every field of a document was written.
///
/// What an alias stands for has the position of the alias. Costs one dictionary entry a field, so it is made for manifests only.
package struct PositionMap: Sendable {
    /// The places of one field. `key` is nil for elements of arrays and for the whole document.
    package struct Field: Hashable, Sendable {
        package var key: SourcePosition?
        package var value: SourcePosition
    }

    /// A key that was written more than once in one object; the last one won.
    package struct Duplicate: Hashable, Sendable {
        package var path: [PathElement]
        package var first: SourcePosition
        package var again: SourcePosition
    }

    /// In the order in which they were met.
    package internal(set) var duplicates: [Duplicate] = []

    private struct Step: Hashable {
        var parent: Int
        var element: PathElement
    }

    private var fields: [Field] = []
    private var steps: [Step: Int] = [:]

    init() {}

    /// Enters a field below an entered one (-1 for the document itself) and returns its number for the fields below it.
    mutating func add(_ element: PathElement?, below parent: Int, key: SourcePosition?, value: SourcePosition) -> Int {
        fields.append(Field(key: key, value: value))
        if let element { steps[Step(parent: parent, element: element)] = fields.count - 1 }
        return fields.count - 1
    }

    mutating func setValue(_ place: SourcePosition, ofFieldNumbered number: Int) { fields[number].value = place }

    func number(of element: PathElement, below parent: Int) -> Int? { steps[Step(parent: parent, element: element)] }

    func field(numbered number: Int) -> Field { fields[number] }

    /// The exact field; nil where the document has none.
    package subscript(path: [PathElement]) -> Field? {
        var at = 0
        for element in path {
            guard let next = steps[Step(parent: at, element: element)] else { return nil }
            at = next
        }
        return fields.isEmpty ? nil : fields[at]
    }

    /// The field, or the nearest one around it that was written: where to point for a field that is missing.
    package func nearest(_ path: [PathElement]) -> Field? {
        var at = 0
        for element in path {
            guard let next = steps[Step(parent: at, element: element)] else { break }
            at = next
        }
        return fields.isEmpty ? nil : fields[at]
    }
}

/// A value together with the places where its parts were written.
package struct PositionedDocument: Sendable {
    package var value: Value
    package var positions: PositionMap
}

/// One document of a YAML stream.
package typealias YAMLDocument = PositionedDocument
