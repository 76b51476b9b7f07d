/// How scalars of YAML become values.
package enum ScalarSchema: Hashable, Sendable {
    /// The core schema of YAML 1.2 (§10.3).
    case core
    /// As kubectl reads manifests: YAML 1.1's booleans (`yes`, `on`, `n`, also as keys), octal `0644`, `1_000`, the merge key `<<`; whole
    /// numbers are integers however they are written.
    case kubernetes

    struct Problem: Error {
        var message: String
    }

    /// The value of a scalar: `tag` is the full tag, `!` or nil for none.
    func resolve(_ text: String, isPlain: Bool, tag: String?) throws(Problem) -> Value {
        let value = try tagged(text, isPlain: isPlain, tag: tag)
        if self == .kubernetes, case .double(let number) = value, !number.isFinite {
            throw Problem(message: "JSON, which manifests become, has no number \"\(text)\": quote it if the text is meant")
        }
        return value
    }

    private func tagged(_ text: String, isPlain: Bool, tag: String?) throws(Problem) -> Value {
        guard let tag else { return isPlain ? plain(text) : .string(text) }
        let value: Value
        switch tag {
        case "tag:yaml.org,2002:null":
            value = .null
        case "tag:yaml.org,2002:bool":
            value = plain(text)
            guard case .bool = value else { throw Problem(message: "\"\(text)\" is no boolean, as its tag says") }
        case "tag:yaml.org,2002:int":
            value = plain(text)
            guard case .int = value else { throw Problem(message: "\"\(text)\" is no integer, as its tag says") }
        case "tag:yaml.org,2002:float":
            guard let number = plain(text).number else { throw Problem(message: "\"\(text)\" is no number, as its tag says") }
            value = self == .kubernetes ? whole(number) : .double(number)
        case "tag:yaml.org,2002:binary" where self == .kubernetes:
            guard let bytes = Base64.decode(text), let decoded = String(validating: bytes, as: UTF8.self) else {
                throw Problem(message: "the value is no base64 of a UTF-8 text, as its tag says")
            }
            value = .string(decoded)
        default: value = .string(text)
        }
        return value
    }

    private func plain(_ text: String) -> Value {
        guard let first = text.utf8.first else { return .null }
        switch text {
        case "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: break
        }
        if self == .kubernetes {
            switch text {
            case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON": return .bool(true)
            case "n", "N", "no", "No", "NO", "off", "Off", "OFF": return .bool(false)
            default: break
            }
        }
        // Most scalars are words: they cannot be numbers.
        switch first {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            return (self == .core ? coreNumber(text) : kubernetesNumber(text)) ?? .string(text)
        default: return .string(text)
        }
    }

    // MARK: Numbers

    private func coreNumber(_ text: String) -> Value? {
        let digits = Array(text.utf8)
        if text.hasPrefix("0o") { return integer(digits.dropFirst(2), radix: 8, isNegative: false) }
        if text.hasPrefix("0x") { return integer(digits.dropFirst(2), radix: 16, isNegative: false) }
        let unsigned = digits.first == UInt8(ascii: "-") || digits.first == UInt8(ascii: "+") ? digits.dropFirst() : digits[...]
        let isNegative = digits.first == UInt8(ascii: "-")
        if let value = integer(unsigned, radix: 10, isNegative: isNegative) { return value }
        return special(unsigned, isNegative: isNegative) ?? float(text, unsigned).map { .double($0) }
    }

    private func kubernetesNumber(_ text: String) -> Value? {
        var digits = Array(text.utf8)
        let isNegative = digits.first == UInt8(ascii: "-")
        if let value = special(isNegative || digits.first == UInt8(ascii: "+") ? digits.dropFirst() : digits[...], isNegative: isNegative) {
            return value
        }
        digits.removeAll { $0 == UInt8(ascii: "_") }
        let unsigned = digits.first == UInt8(ascii: "-") || digits.first == UInt8(ascii: "+") ? digits.dropFirst() : digits[...]
        if let value = prefixedInteger(unsigned, isNegative: isNegative) { return value }
        return float(String(decoding: digits, as: UTF8.self), unsigned).map(whole)
    }

    private func prefixedInteger(_ digits: ArraySlice<UInt8>, isNegative: Bool) -> Value? {
        guard digits.first == UInt8(ascii: "0"), digits.count > 1 else { return integer(digits, radix: 10, isNegative: isNegative) }
        switch digits[digits.startIndex + 1] | 0x20 {
        case UInt8(ascii: "x"): return integer(digits.dropFirst(2), radix: 16, isNegative: isNegative)
        case UInt8(ascii: "o"): return integer(digits.dropFirst(2), radix: 8, isNegative: isNegative)
        case UInt8(ascii: "b"): return integer(digits.dropFirst(2), radix: 2, isNegative: isNegative)
        default: return integer(digits.dropFirst(), radix: 8, isNegative: isNegative)
        }
    }

    /// Nil when these are not digits of the radix. Beyond 64 bits a double: of a decimal number the nearest, of others one that is near.
    private func integer(_ digits: ArraySlice<UInt8>, radix: UInt8, isNegative: Bool) -> Value? {
        guard !digits.isEmpty else { return nil }
        var magnitude: UInt64 = 0
        var approximate = 0.0
        var isExact = true
        for digit in digits {
            guard let value = hexadecimalDigit(digit), value < radix else { return nil }
            let (product, overflow) = magnitude.multipliedReportingOverflow(by: UInt64(radix))
            let (sum, carry) = product.addingReportingOverflow(UInt64(value))
            if overflow || carry { isExact = false }
            magnitude = sum
            approximate = approximate * Double(radix) + Double(value)
        }
        if isExact, !isNegative, magnitude <= UInt64(Int64.max) { return .int(Int64(magnitude)) }
        if isExact, isNegative, magnitude <= UInt64(Int64.max) + 1 { return .int(Int64(truncatingIfNeeded: 0 &- magnitude)) }
        // kubectl reads an octal number that is too long as a decimal one, and a hexadecimal one as a string.
        if self == .kubernetes, radix != 10, !isExact { return nil }
        // Digit by digit it is rounded each time, and what is written of the sum is read as another number.
        if radix == 10, let nearest = Double(String(decoding: digits, as: UTF8.self)) { approximate = nearest }
        return .double(isNegative ? -approximate : approximate)
    }

    /// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
    private func float(_ text: String, _ unsigned: ArraySlice<UInt8>) -> Double? {
        var rest = unsigned
        func takeDigits() -> Int {
            let count = rest.prefix { 0x30...0x39 ~= $0 }.count
            rest = rest.dropFirst(count)
            return count
        }
        let whole = takeDigits()
        var fraction = 0
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            fraction = takeDigits()
        }
        guard whole + fraction > 0 else { return nil }
        if let sign = rest.first, sign | 0x20 == UInt8(ascii: "e") {
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
            guard takeDigits() > 0 else { return nil }
        }
        guard rest.isEmpty else { return nil }
        var padded = text
        // The standard library wants digits on both sides of the point.
        if whole == 0, let point = padded.firstIndex(of: ".") { padded.insert("0", at: point) }
        if fraction == 0, let point = padded.firstIndex(of: ".") { padded.insert("0", at: padded.index(after: point)) }
        guard let number = Double(padded), number.isFinite else { return nil }
        return number
    }

    private func special(_ unsigned: ArraySlice<UInt8>, isNegative: Bool) -> Value? {
        switch String(decoding: unsigned, as: UTF8.self) {
        case ".inf", ".Inf", ".INF": .double(isNegative ? -.infinity : .infinity)
        case ".nan", ".NaN", ".NAN": .double(.nan)
        default: nil
        }
    }

    /// JSON, through which kubectl sends manifests, does not tell 3.0 from 3.
    private func whole(_ number: Double) -> Value {
        if let int = Int64(exactly: number) { .int(int) } else { .double(number) }
    }
}
