import Formats

/// Reads the text of a `GoTemplate`.
struct GoTemplateParser {
    private enum Token: Equatable {
        case word(String)
        case field(String)
        case variable(String)
        case literal(Value)
        case sign(String)
    }

    /// A token, and whether a blank stands before it: `.a .b` are two operands, `.a.b` is one.
    private typealias Placed = (token: Token, isApart: Bool)

    /// What stands between two actions, or in one.
    private enum Piece {
        case text(String)
        case action([Placed], line: Int)
    }

    private let pieces: [Piece]
    private let failure: CommandError?
    private var at = 0
    /// Of the action that is being read.
    private var tokens: [Placed] = []
    private var place = 0
    private var line = 1
    private var loopDepth = 0

    init(_ text: String) {
        do throws(CommandError) {
            pieces = try Self.pieces(Array(text))
            failure = nil
        } catch {
            pieces = []
            failure = error
        }
    }

    private func fail(_ words: String) -> CommandError { Self.fail(words, line) }
    private static func fail(_ words: String, _ line: Int) -> CommandError { .usage("go-template:\(line): \(words)") }

    mutating func template() throws(CommandError) -> [GoTemplate.Node] {
        if let failure { throw failure }
        let (nodes, end) = try list()
        guard end == nil else { throw fail("unexpected {{\(end ?? "")}}") }
        return nodes
    }

    // MARK: Nodes

    /// Nodes up to `end` or `else`, which is returned; nil at the end of the text.
    private mutating func list() throws(CommandError) -> (nodes: [GoTemplate.Node], end: String?) {
        var nodes: [GoTemplate.Node] = []
        while at < pieces.count {
            let piece = pieces[at]
            at += 1
            guard case .action(let found, let line) = piece else {
                if case .text(let text) = piece, !text.isEmpty { nodes.append(.text(text)) }
                continue
            }
            (tokens, place, self.line) = (found, 0, line)
            guard case .word(let word)? = tokens.first?.token else {
                nodes.append(.action(try wholePipeline()))
                continue
            }
            switch word {
            case "end", "else":
                place = 1
                if word == "end" { try finish() }
                return (nodes, word)
            case "if", "with", "range":
                place = 1
                nodes.append(try block(word))
            case "break", "continue":
                place = 1
                try finish()
                guard loopDepth > 0 else { throw fail("{{\(word)}} outside of {{range}}") }
                nodes.append(word == "break" ? .leaveLoop : .nextRound)
            case "define", "template", "block": throw fail("{{\(word)}} is not built in: one text is one template")
            default: nodes.append(.action(try wholePipeline()))
            }
        }
        return (nodes, nil)
    }

    private mutating func block(_ word: String) throws(CommandError) -> GoTemplate.Node {
        let begin = line
        let pipeline = try wholePipeline(isRange: word == "range")
        if word == "range" { loopDepth += 1 }
        defer { if word == "range" { loopDepth -= 1 } }
        let (body, end) = try list()
        var otherwise: [GoTemplate.Node] = []
        switch end {
        case nil: throw Self.fail("{{\(word)}} without {{end}}", begin)
        case "else":
            if place < tokens.count {
                // `{{else if .x}}` is an `if` of its own inside, and shares the `{{end}}`.
                guard case .word(let inner) = tokens[place].token, ["if", "with"].contains(inner), word != "range" else {
                    throw fail("unexpected \"\(shown(tokens[place].token))\" after else")
                }
                place += 1
                otherwise = [try block(inner)]
            } else {
                let (nodes, last) = try list()
                guard last == "end" else { throw Self.fail("{{\(word)}} without {{end}}", begin) }
                otherwise = nodes
            }
        default: break
        }
        return switch word {
        case "if": .choice(pipeline, then: body, otherwise: otherwise)
        case "with": .with(pipeline, then: body, otherwise: otherwise)
        default: .range(pipeline, body: body, otherwise: otherwise)
        }
    }

    // MARK: Pipelines

    private mutating func wholePipeline(isRange: Bool = false) throws(CommandError) -> GoTemplate.Pipeline {
        let pipeline = try pipeline(isRange: isRange)
        try finish()
        return pipeline
    }

    private func finish() throws(CommandError) {
        if place < tokens.count { throw fail("unexpected \"\(shown(tokens[place].token))\"") }
    }

    private func peek(_ sign: String) -> Bool { place < tokens.count && tokens[place].token == .sign(sign) }

    private mutating func take(_ sign: String) -> Bool {
        guard peek(sign) else { return false }
        place += 1
        return true
    }

    private mutating func pipeline(isRange: Bool = false) throws(CommandError) -> GoTemplate.Pipeline {
        var out = GoTemplate.Pipeline()
        try declaration(&out, isRange: isRange)
        repeat {
            var operands: [GoTemplate.Operand] = []
            while place < tokens.count, !peek("|"), !peek(")") { operands.append(try operand()) }
            guard !operands.isEmpty else { throw fail("a command is missing") }
            out.commands.append(operands)
        } while take("|")
        return out
    }

    /// `$x :=`, `$x =`, `$i, $x :=`.
    private mutating func declaration(_ out: inout GoTemplate.Pipeline, isRange: Bool) throws(CommandError) {
        var names: [String] = []
        var ahead = place
        while ahead < tokens.count, case .variable(let name) = tokens[ahead].token {
            names.append(name)
            ahead += 1
            if ahead < tokens.count, tokens[ahead].token == .sign(",") {
                ahead += 1
                continue
            }
            break
        }
        guard !names.isEmpty, ahead < tokens.count, case .sign(let sign) = tokens[ahead].token, [":=", "="].contains(sign) else { return }
        guard names.count == 1 || isRange && names.count == 2 else { throw fail("too many variables: \(names.joined(separator: ", "))") }
        out.variables = names
        out.isAssignment = sign == "="
        place = ahead + 1
    }

    private mutating func operand() throws(CommandError) -> GoTemplate.Operand {
        let (token, _) = tokens[place]
        place += 1
        var out: GoTemplate.Operand
        switch token {
        case .word(let name):
            try known(name)
            out = .function(name)
        case .field(""): out = .dot
        case .field(let name): out = .field(of: .dot, [name])
        case .variable(let name): out = .variable(name)
        case .literal(let value): return .literal(value)
        case .sign("("):
            let inner = try pipeline()
            guard take(")") else { throw fail("a \")\" is missing") }
            out = .pipeline(inner)
        case .sign(let sign): throw fail("unexpected \"\(sign)\"")
        }
        var names: [String] = []
        while place < tokens.count, !tokens[place].isApart, case .field(let name) = tokens[place].token, !name.isEmpty {
            names.append(name)
            place += 1
        }
        if !names.isEmpty {
            if case .field(let base, let first) = out { out = .field(of: base, first + names) } else { out = .field(of: out, names) }
        }
        return out
    }

    private func known(_ name: String) throws(CommandError) {
        guard !GoFunctions.names.contains(name) else { return }
        let near = nearest(name, among: GoFunctions.names).map { "; did you mean \($0)?" } ?? ";"
        throw fail("function \"\(name)\" not defined\(near) there are \(GoFunctions.names.joined(separator: ", "))")
    }

    private func shown(_ token: Token) -> String {
        switch token {
        case .word(let text), .variable(let text), .sign(let text): text
        case .field(let text): "." + text
        case .literal(let value): GoText.of(value)
        }
    }

    // MARK: Tokens

    private static let blanks: Set<Character> = [" ", "\t", "\n", "\r", "\r\n"]

    private static func pieces(_ text: [Character]) throws(CommandError) -> [Piece] {
        var out: [Piece] = []
        var plain: [Character] = []
        var at = 0
        var line = 1
        var trimsNext = false
        while at < text.count {
            guard text[at] == "{", at + 1 < text.count, text[at + 1] == "{" else {
                if text[at] == "\n" { line += 1 }
                if !(trimsNext && blanks.contains(text[at])) {
                    trimsNext = false
                    plain.append(text[at])
                }
                at += 1
                continue
            }
            at += 2
            // `{{- ` takes away the blanks before it.
            if at + 1 < text.count, text[at] == "-", blanks.contains(text[at + 1]) {
                while let last = plain.last, blanks.contains(last) { plain.removeLast() }
                at += 1
            }
            out.append(.text(String(plain)))
            plain = []
            let (tokens, isTrimmed) = try action(text, &at, &line)
            trimsNext = isTrimmed
            if let tokens { out.append(.action(tokens, line: line)) }
        }
        return out + [.text(String(plain))]
    }

    /// The tokens up to `}}` (nil: it is a comment), and whether `-}}` takes away the blanks behind it.
    private static func action(_ text: [Character], _ at: inout Int, _ line: inout Int) throws(CommandError) -> ([Placed]?, Bool) {
        let begin = line
        var out: [Placed] = []
        var isComment = false
        while at < text.count {
            let isApart = blanks.contains(text[at])
            while at < text.count, blanks.contains(text[at]) {
                if text[at] == "\n" { line += 1 }
                at += 1
            }
            guard at < text.count else { break }
            func follows(_ word: String) -> Bool { text[at...].starts(with: Array(word)) }
            if follows("}}") || isApart && follows("-}}") {
                let isTrimmed = text[at] == "-"
                at += isTrimmed ? 3 : 2
                guard !out.isEmpty || isComment else { throw fail("missing value for command", begin) }
                return (isComment ? nil : out, isTrimmed)
            }
            if follows("/*") {
                at += 2
                while at < text.count, !follows("*/") {
                    if text[at] == "\n" { line += 1 }
                    at += 1
                }
                at += 2
                isComment = true
                continue
            }
            out.append((try token(text, &at, line), isApart))
        }
        throw fail("an action is not closed by }}", begin)
    }

    private static func token(_ text: [Character], _ at: inout Int, _ line: Int) throws(CommandError) -> Token {
        func isName(_ character: Character) -> Bool { character.isLetter || character.isNumber || character == "_" }
        func name(from start: Int) -> String { String(text[start...].prefix(while: isName)) }
        let first = text[at]
        switch first {
        case "\"", "'", "`":
            return try quoted(text, &at, line)
        case "$":
            let found = name(from: at + 1)
            at += 1 + found.count
            return .variable("$" + found)
        case ".":
            let found = name(from: at + 1)
            if let digit = found.first, digit.isNumber { break }
            at += 1 + found.count
            return .field(found)
        case "(", ")", "|", ",", "=":
            at += 1
            return .sign(String(first))
        case ":" where at + 1 < text.count && text[at + 1] == "=":
            at += 2
            return .sign(":=")
        default: break
        }
        if first.isNumber || "+-.".contains(first) {
            let word = String(text[at...].prefix { isName($0) || "+-.".contains($0) })
            at += word.count
            if let int = Int64(word) { return .literal(.int(int)) }
            guard let double = Double(word) else { throw fail("bad number \"\(word)\"", line) }
            return .literal(.double(double))
        }
        let word = name(from: at)
        guard !word.isEmpty else { throw fail("unexpected \"\(first)\"", line) }
        at += word.count
        switch word {
        case "true": return .literal(.bool(true))
        case "false": return .literal(.bool(false))
        case "nil": return .literal(.null)
        default: return .word(word)
        }
    }

    /// `"…"` with Go's escapes, `` `…` `` as it is, `'x'` as the character's number.
    private static func quoted(_ text: [Character], _ at: inout Int, _ line: Int) throws(CommandError) -> Token {
        let quote = text[at]
        var out = ""
        at += 1
        while at < text.count, text[at] != quote {
            if text[at] == "\\", quote != "`", at + 1 < text.count {
                at += 1
                switch text[at] {
                case "n": out.append("\n")
                case "t": out.append("\t")
                case "r": out.append("\r")
                case "u", "x":
                    let count = text[at] == "u" ? 4 : 2
                    let digits = String(text[(at + 1)...].prefix(count))
                    guard digits.count == count, let number = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(number) else {
                        throw fail("bad escape \\\(text[at])\(digits)", line)
                    }
                    out.unicodeScalars.append(scalar)
                    at += count
                default: out.append(text[at])
                }
            } else {
                out.append(text[at])
            }
            at += 1
        }
        guard at < text.count else { throw fail("a quote is not closed", line) }
        at += 1
        guard quote == "'" else { return .literal(.string(out)) }
        guard out.unicodeScalars.count == 1, let scalar = out.unicodeScalars.first else {
            throw fail("'\(out)' is not one character; strings stand in \"…\"", line)
        }
        return .literal(.int(Int64(scalar.value)))
    }
}
