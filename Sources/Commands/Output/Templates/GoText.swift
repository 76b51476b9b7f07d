import Formats

/// Values as Go's `fmt` prints them.
enum GoText {
    /// `%v`: maps as `map[a:1 b:2]`, lists as `[1 2]`.
    static func of(_ value: Value) -> String {
        switch value {
        case .null: "<nil>"
        case .bool(let flag): "\(flag)"
        case .string(let text): text
        case .int, .double: JSON.text(value)
        case .array(let elements): "[" + elements.map(of).joined(separator: " ") + "]"
        case .object(let object):
            "map[" + object.entries.sorted { $0.key < $1.key }.map { "\($0.key):\(of($0.value))" }.joined(separator: " ") + "]"
        }
    }

    /// What counts as true for `if`: neither false, nor zero, nor empty, nor nothing.
    static func isTrue(_ value: Value) -> Bool {
        switch value {
        case .null: false
        case .bool(let flag): flag
        case .int(let number): number != 0
        case .double(let number): number != 0
        case .string(let text): !text.isEmpty
        case .array(let elements): !elements.isEmpty
        case .object(let object): !object.isEmpty
        }
    }

    /// As `Sprint`: a space between two of which neither is a string.
    static func joined(_ values: [Value]) -> String {
        var out = ""
        for (at, value) in values.enumerated() {
            if at > 0, value.string == nil, values[at - 1].string == nil { out += " " }
            out += of(value)
        }
        return out
    }

    private static func typeName(_ value: Value) -> String {
        switch value {
        case .null: "<nil>"
        case .bool: "bool"
        case .int: "int"
        case .double: "float64"
        case .string: "string"
        case .array: "[]interface {}"
        case .object: "map[string]interface {}"
        }
    }

    /// A width beyond this is taken for a mistake and cut.
    private static let widthLimit = 4096

    /// `printf`: verbs v, s, q, d, t, f, e, g, x, X and %, flags `-`, `+`, `0`, a width and a precision. What does not fit is shown as Go shows it.
    static func formatted(_ format: String, _ arguments: [Value]) -> String {
        var out = ""
        var rest = Substring(format)
        var next = 0
        while let character = rest.popFirst() {
            guard character == "%" else {
                out.append(character)
                continue
            }
            let flags = rest.prefix { "-+# 0".contains($0) }
            rest = rest.dropFirst(flags.count)
            let width = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(width.count)
            var precision: Int?
            if rest.first == "." {
                rest = rest.dropFirst()
                let digits = rest.prefix { $0.isASCII && $0.isNumber }
                rest = rest.dropFirst(digits.count)
                precision = min(Int(digits) ?? 0, widthLimit)
            }
            guard let verb = rest.popFirst() else {
                out += "%!(NOVERB)"
                break
            }
            if verb == "%" {
                out.append("%")
                continue
            }
            guard next < arguments.count else {
                out += "%!\(verb)(MISSING)"
                continue
            }
            var text = text(verb, arguments[next], precision, hasSign: flags.contains("+"))
            next += 1
            let missing = min(Int(width) ?? 0, widthLimit) - text.count
            if missing > 0 {
                if flags.contains("-") {
                    text += String(repeating: " ", count: missing)
                } else if flags.contains("0"), arguments[next - 1].number != nil {
                    let sign = text.hasPrefix("-") || text.hasPrefix("+") ? String(text.removeFirst()) : ""
                    text = sign + String(repeating: "0", count: missing) + text
                } else {
                    text = String(repeating: " ", count: missing) + text
                }
            }
            out += text
        }
        if next < arguments.count {
            out += "%!(EXTRA " + arguments[next...].map { "\(typeName($0))=\(of($0))" }.joined(separator: ", ") + ")"
        }
        return out
    }

    private static func text(_ verb: Character, _ value: Value, _ precision: Int?, hasSign: Bool) -> String {
        func signed(_ text: String) -> String { hasSign && !text.hasPrefix("-") ? "+" + text : text }
        switch (verb, value) {
        case ("v", _): return of(value)
        case ("s", .string(let text)): return precision.map { String(text.prefix($0)) } ?? text
        case ("s", .array), ("s", .object): return of(value)
        case ("q", .string(let text)): return JSON.text(.string(text))
        case ("t", .bool(let flag)): return "\(flag)"
        case ("d", .int(let number)): return signed("\(number)")
        case ("x", .int(let number)): return signed(String(number, radix: 16))
        case ("X", .int(let number)): return signed(String(number, radix: 16, uppercase: true))
        case ("x", .string(let text)): return text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        case ("f", .int), ("f", .double): return signed(fixed(value.number ?? 0, precision ?? 6))
        case ("g", .int), ("g", .double), ("e", .int), ("e", .double): return signed(of(value))
        default: return "%!\(verb)(\(typeName(value))=\(of(value)))"
        }
    }

    /// With so many digits behind the point, rounded.
    private static func fixed(_ number: Double, _ digits: Int) -> String {
        let digits = min(digits, 15)
        let scale = (0..<digits).reduce(1.0) { scale, _ in scale * 10 }
        let scaled = (number.magnitude * scale).rounded(.toNearestOrEven)
        guard scaled < 9e18 else { return of(.double(number)) }
        var text = String(Int64(scaled))
        if text.count <= digits { text = String(repeating: "0", count: digits + 1 - text.count) + text }
        if digits > 0 { text.insert(".", at: text.index(text.endIndex, offsetBy: -digits)) }
        return (number < 0 && scaled > 0 ? "-" : "") + text
    }

    static func escapedForHTML(_ text: String) -> String {
        text.map { character in
            switch character {
            case "<": "&lt;"
            case ">": "&gt;"
            case "&": "&amp;"
            case "\"": "&#34;"
            case "'": "&#39;"
            default: String(character)
            }
        }.joined()
    }

    static func escapedForURL(_ text: String) -> String {
        text.utf8.map { byte in
            let character = Character(Unicode.Scalar(byte))
            if character.isASCII, character.isLetter || character.isNumber || "-_.~".contains(character) { return String(character) }
            return character == " " ? "+" : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }
}
