/// How a string is written so that it is read back as the same string.
enum YAMLStringStyle: Hashable {
    case plain
    case singleQuoted
    case doubleQuoted
    /// A block with `|`.
    case literal

    init(_ string: String) {
        let traits = Traits(string)
        if string.utf8.contains(0x0A) {
            self = traits.isLiteralAllowed ? .literal : .doubleQuoted
        } else if traits.mustEscape || Self.meansSomethingElse(string) {
            self = .doubleQuoted
        } else {
            self = traits.isPlainAllowed ? .plain : .singleQuoted
        }
    }

    /// Whether a plain scalar with this text would be no string to some reader: numbers, booleans, nulls, times, and numbers to the base 60.
    private static func meansSomethingElse(_ string: String) -> Bool {
        if string == "<<" || string == "=" { return true }
        for schema in [ScalarSchema.kubernetes, .core] {
            guard let value = try? schema.resolve(string, isPlain: true, tag: nil), case .string = value else { return true }
        }
        return looksLikeTime(string) || looksLikeBase60(string)
    }

    /// `2001-12-14`, alone or with a time behind `T`, `t` or spaces.
    private static func looksLikeTime(_ string: String) -> Bool {
        let bytes = Array(string.utf8)
        guard bytes.count >= 8, bytes[..<4].allSatisfy({ 0x30...0x39 ~= $0 }), bytes[4] == UInt8(ascii: "-") else { return false }
        let parts = bytes[5...].split(separator: UInt8(ascii: "-"), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, (1...2).contains(parts[0].count), parts[0].allSatisfy({ 0x30...0x39 ~= $0 }) else { return false }
        let day = parts[1].prefix { 0x30...0x39 ~= $0 }
        guard (1...2).contains(day.count) else { return false }
        let rest = parts[1].dropFirst(day.count)
        guard let separator = rest.first else { return true }
        return (separator | 0x20 == UInt8(ascii: "t") || separator == 0x20) && rest.contains(UInt8(ascii: ":"))
    }

    /// `1:30`, `190:20:30.15`: numbers in YAML 1.1.
    private static func looksLikeBase60(_ string: String) -> Bool {
        var groups = string.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard groups.count > 1 else { return false }
        if let sign = groups[0].first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { groups[0].removeFirst() }
        func isNumber(_ text: Substring.UTF8View) -> Bool { text.allSatisfy { 0x30...0x39 ~= $0 || $0 == UInt8(ascii: "_") } }
        guard let first = groups[0].first, 0x30...0x39 ~= first, isNumber(groups[0]) else { return false }
        if let last = groups.last, let point = last.firstIndex(of: UInt8(ascii: ".")) {
            guard isNumber(last[last.index(after: point)...]) else { return false }
            groups[groups.count - 1] = last[..<point]
        }
        return groups.dropFirst().allSatisfy { group in
            guard let first = group.first, group.allSatisfy({ 0x30...0x39 ~= $0 }) else { return false }
            return group.count == 1 || group.count == 2 && first < 0x36
        }
    }

    static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        // Characters beyond the basic plane are escaped, as kubectl does.
        case 0x20...0x7E, 0xA0...0xD7FF, 0xE000...0xFFFD: scalar.value != 0xFEFF
        default: false
        }
    }

    private struct Traits {
        var isPlainAllowed = true
        var isLiteralAllowed = true
        var mustEscape = false

        init(_ string: String) {
            let bytes = Array(string.utf8)
            isPlainAllowed = Self.isPlain(bytes)
            for scalar in string.unicodeScalars where scalar != "\n" && !YAMLStringStyle.isPrintable(scalar) {
                mustEscape = true
                break
            }
            // Spaces at the end of lines would be lost on the way through editors.
            let endsLineWithSpace = zip(bytes, bytes.dropFirst()).contains { $0 == 0x20 && $1 == 0x0A }
            isLiteralAllowed = !mustEscape && !endsLineWithSpace && bytes.last != 0x20
        }

        private static func isPlain(_ bytes: [UInt8]) -> Bool {
            guard let first = bytes.first, first != 0x20, bytes.last != 0x20 else { return false }
            if bytes.starts(with: Array("---".utf8)) || bytes.starts(with: Array("...".utf8)) { return false }
            for (offset, byte) in bytes.enumerated() {
                let isFollowedBySpace = offset + 1 >= bytes.count || bytes[offset + 1] == 0x20
                if byte == UInt8(ascii: ":"), isFollowedBySpace { return false }
                if byte == UInt8(ascii: "#"), offset > 0, bytes[offset - 1] == 0x20 { return false }
            }
            switch first {
            case UInt8(ascii: "-"), UInt8(ascii: "?"), UInt8(ascii: ":"): return !(bytes.count == 1 || bytes[1] == 0x20)
            case UInt8(ascii: "#"), UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"),
                UInt8(ascii: "&"), UInt8(ascii: "*"), UInt8(ascii: "!"), UInt8(ascii: "|"), UInt8(ascii: ">"), UInt8(ascii: "'"),
                UInt8(ascii: "\""), UInt8(ascii: "%"), UInt8(ascii: "@"), UInt8(ascii: "`"):
                return false
            default: return true
            }
        }
    }
}
