import Formats

/// kubectl's JSONPath templates: `{.items[*].metadata.name}`, `{range .items[*]}{.metadata.name}{"\n"}{end}`, filters
/// `[?(@.type=="Ready")]`, negative indices, slices, recursive descent.
struct JSONPath: Sendable {
    private indirect enum Part: Sendable {
        case text(String)
        case expression([Step])
        case range([Step], [Part])
    }

    private enum Step: Sendable {
        case child(String)
        case wildcard
        case index(Int)
        case slice(Int?, Int?)
        case union([String])
        indirect case filter([Step], comparison: String, Value)
        case descend
    }

    private let parts: [Part]

    /// A bare path (`.metadata.name`, as `--sort-by` takes it) may stand without braces.
    init(_ text: String) throws(CommandError) {
        var parser = Parser(text: text.contains("{") ? text : "{\(text.hasPrefix(".") || text.hasPrefix("[") ? text : "." + text)}")
        parts = try parser.parts(isInRange: false)
    }

    /// The values that the expressions reach, in order.
    func values(in value: Value) -> [Value] {
        parts.flatMap { part -> [Value] in if case .expression(let steps) = part { Self.walk([value], steps, root: value) } else { [] } }
    }

    /// The values of each expression by itself; the texts between them are left out.
    func lists(in value: Value) -> [[Value]] {
        parts.compactMap { part -> [Value]? in if case .expression(let steps) = part { Self.walk([value], steps, root: value) } else { nil }
        }
    }

    func text(in value: Value) -> String { Self.render(parts, value, root: value) }

    private static func render(_ parts: [Part], _ value: Value, root: Value) -> String {
        var out = ""
        for part in parts {
            switch part {
            case .text(let text): out += text
            case .expression(let steps): out += walk([value], steps, root: root).map(\.plainText).joined(separator: " ")
            case .range(let steps, let body): for element in walk([value], steps, root: root) { out += render(body, element, root: root) }
            }
        }
        return out
    }

    private static func walk(_ start: [Value], _ steps: [Step], root: Value) -> [Value] {
        var current = start
        for step in steps {
            current = current.flatMap { value -> [Value] in
                switch step {
                case .child(let name): return value[name].isNull ? [] : [value[name]]
                case .wildcard: return children(value)
                case .index(let index):
                    let elements = value.elements
                    let at = index < 0 ? elements.count + index : index
                    return elements.indices.contains(at) ? [elements[at]] : []
                case .slice(let from, let to):
                    let elements = value.elements
                    func bound(_ index: Int) -> Int { max(0, min(elements.count, index < 0 ? elements.count + index : index)) }
                    let range = (bound(from ?? 0), bound(to ?? elements.count))
                    return range.0 < range.1 ? Array(elements[range.0..<range.1]) : []
                case .union(let names):
                    return names.flatMap { name in Int(name).map { [value[$0]] } ?? [value[name]] }.filter { !$0.isNull }
                case .filter(let path, let comparison, let wanted):
                    return children(value).filter { element in
                        let found = walk([element], path, root: root).first
                        switch comparison {
                        case "": return found != nil
                        case "==": return found == wanted
                        case "!=": return found != wanted
                        default:
                            guard let a = found?.number, let b = wanted.number else { return false }
                            return comparison == "<" ? a < b : comparison == ">" ? a > b : comparison == "<=" ? a <= b : a >= b
                        }
                    }
                case .descend: return descendants(value)
                }
            }
        }
        return current
    }

    private static func children(_ value: Value) -> [Value] {
        switch value {
        case .array(let elements): elements
        case .object(let object): object.entries.map(\.value)
        default: []
        }
    }

    private static func descendants(_ value: Value) -> [Value] { [value] + children(value).flatMap(descendants) }

    private struct Parser {
        let characters: [Character]
        var at = 0

        init(text: String) { characters = Array(text) }

        private func fail(_ words: String) -> CommandError {
            .usage("jsonpath: \(words) at character \(at + 1) of \"\(String(characters))\"")
        }

        mutating func parts(isInRange: Bool) throws(CommandError) -> [Part] {
            var out: [Part] = []
            var text = ""
            while at < characters.count {
                guard characters[at] == "{" else {
                    text.append(characters[at])
                    at += 1
                    continue
                }
                if !text.isEmpty { out.append(.text(text)) }
                text = ""
                at += 1
                skipSpaces()
                if take("range ") {
                    skipSpaces()
                    let steps = try steps(until: "}")
                    try expect("}")
                    out.append(.range(steps, try parts(isInRange: true)))
                } else if take("end") {
                    try expect("}")
                    guard isInRange else { throw fail("end without range") }
                    return out
                } else if at < characters.count, characters[at] == "\"" || characters[at] == "'" {
                    out.append(.text(try quoted()))
                    try expect("}")
                } else {
                    out.append(.expression(try steps(until: "}")))
                    try expect("}")
                }
            }
            if isInRange { throw fail("range without end") }
            if !text.isEmpty { out.append(.text(text)) }
            return out
        }

        private mutating func steps(until end: Character) throws(CommandError) -> [Step] {
            var out: [Step] = []
            while at < characters.count, characters[at] != end, characters[at] != " ", characters[at] != ")",
                !"=!<>".contains(characters[at])
            {
                switch characters[at] {
                case "$", "@": at += 1
                case ".":
                    at += 1
                    if at < characters.count, characters[at] == "." {
                        at += 1
                        out.append(.descend)
                    }
                    if at < characters.count, characters[at] == "*" {
                        at += 1
                        out.append(.wildcard)
                    } else if let name = name() {
                        out.append(.child(name))
                    }
                case "[": out.append(try bracket())
                default:
                    guard let name = name() else { throw fail("unexpected \"\(characters[at])\"") }
                    out.append(.child(name))
                }
            }
            skipSpaces()
            return out
        }

        private mutating func name() -> String? {
            var out = ""
            while at < characters.count, !".[]{}() =!<>,".contains(characters[at]) {
                if characters[at] == "\\", at + 1 < characters.count { at += 1 }
                out.append(characters[at])
                at += 1
            }
            return out.isEmpty ? nil : out
        }

        private mutating func bracket() throws(CommandError) -> Step {
            at += 1
            if take("?(") {
                skipSpaces()
                let path = try steps(until: ")")
                var comparison = ""
                while at < characters.count, "=!<>".contains(characters[at]) {
                    comparison.append(characters[at])
                    at += 1
                }
                skipSpaces()
                var wanted = Value.null
                if !comparison.isEmpty {
                    if at < characters.count, characters[at] == "\"" || characters[at] == "'" {
                        wanted = .string(try quoted())
                    } else {
                        let word = name() ?? ""
                        wanted =
                            Int64(word).map { .int($0) } ?? (word == "true" ? .bool(true) : word == "false" ? .bool(false) : .string(word))
                    }
                }
                skipSpaces()
                try expect(")")
                try expect("]")
                return .filter(path, comparison: comparison, wanted)
            }
            var words: [String] = []
            var word = ""
            while at < characters.count, characters[at] != "]" {
                if characters[at] == "\"" || characters[at] == "'" {
                    word += try quoted()
                } else if characters[at] == "," {
                    words.append(word)
                    word = ""
                    at += 1
                } else {
                    if characters[at] != " " { word.append(characters[at]) }
                    at += 1
                }
            }
            try expect("]")
            words.append(word)
            if words.count > 1 { return .union(words) }
            if word == "*" { return .wildcard }
            if let index = Int(word) { return .index(index) }
            if word.contains(":") {
                let bounds = word.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
                return .slice(bounds[0], bounds.count > 1 ? bounds[1] : nil)
            }
            return .child(word)
        }

        private mutating func quoted() throws(CommandError) -> String {
            let quote = characters[at]
            at += 1
            var out = ""
            while at < characters.count, characters[at] != quote {
                if characters[at] == "\\", at + 1 < characters.count {
                    at += 1
                    out.append(characters[at] == "n" ? "\n" : characters[at] == "t" ? "\t" : characters[at])
                } else {
                    out.append(characters[at])
                }
                at += 1
            }
            guard at < characters.count else { throw fail("a quote is not closed") }
            at += 1
            return out
        }

        private mutating func take(_ word: String) -> Bool {
            let wanted = Array(word)
            guard at + wanted.count <= characters.count, Array(characters[at..<(at + wanted.count)]) == wanted else { return false }
            at += wanted.count
            return true
        }

        private mutating func expect(_ character: Character) throws(CommandError) {
            guard at < characters.count, characters[at] == character else { throw fail("\"\(character)\" is missing") }
            at += 1
        }

        private mutating func skipSpaces() { while at < characters.count, characters[at] == " " { at += 1 } }
    }
}
