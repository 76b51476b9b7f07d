/// The labels of one series, in the order in which they print: `[("verb", "GET"), ("code", "200")]`.
package struct Labels: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    package private(set) var names: [String]
    package private(set) var values: [String]

    package init(_ pairs: [(String, String)] = []) {
        names = pairs.map(\.0)
        values = pairs.map(\.1)
    }

    package init(dictionaryLiteral elements: (String, String)...) { self.init(elements) }

    /// The same names, every value `other`: where a family is full, further series are added up there.
    package var overflow: Labels { Labels(names.map { ($0, "other") }) }

    /// `verb="GET",code="200"`; empty without labels.
    var text: String { zip(names, values).map { "\($0)=\"\(Self.escape($1))\"" }.joined(separator: ",") }

    /// The text format escapes backslash, quote and line feed in label values, nothing else.
    private static func escape(_ value: String) -> String {
        guard value.utf8.contains(where: { $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\n") }) else {
            return value
        }
        var out = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": out += "\\\\"
            case "\"": out += "\\\""
            case "\n": out += "\\n"
            default: out.unicodeScalars.append(character)
            }
        }
        return out
    }
}
