import APIClient
import Linux

/// A command line that was understood: what a verb runs with.
package struct Invocation: Sendable {
    package let verb: Verb
    /// What is not a flag, in order, up to `--`.
    package let words: [String]
    /// What stood behind `--`.
    package let rest: [String]
    let values: [String: [String]]
    package let terminal: Terminal

    /// The last value given; nil when the flag was not.
    package func value(_ flag: String) -> String? { values[flag]?.last }
    /// Every value of a flag that may be repeated.
    package func all(_ flag: String) -> [String] { values[flag] ?? [] }

    /// Whether a toggle is on: given, and not as `=false`.
    package func isSet(_ flag: String) -> Bool {
        switch value(flag) {
        case nil: false
        case "false", "0", "f", "F", "False", "FALSE": false
        default: true
        }
    }

    /// Whether the flag stands on the command line, with whatever value.
    package func isGiven(_ flag: String) -> Bool { values[flag] != nil }

    /// A whole number; a usage error names the flag otherwise.
    package func integer(_ flag: String, in range: ClosedRange<Int>) throws(CommandError) -> Int? {
        guard let text = value(flag) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw .usage("--\(flag): found \"\(text)\", allowed is a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A length of time as Go writes it: `30s`, `1m30s`, `500ms`, `0`; a bare number counts seconds.
    package func duration(_ flag: String) throws(CommandError) -> Duration? {
        guard let text = value(flag) else { return nil }
        guard let duration = Duration(goText: text) else {
            throw .usage("--\(flag): found \"\(text)\", allowed is a length of time such as 30s, 1m30s or 500ms")
        }
        return duration
    }

    /// The names in `--zones`, nil where it was not given.
    package func zones() throws(CommandError) -> [String]? {
        guard let text = value("zones") else { return nil }
        let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let areNames = names.allSatisfy { name in
            !name.isEmpty && name.count <= 32 && name.first != "-"
                && name.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") }
        }
        guard areNames, Set(names).count == names.count else {
            throw .usage(
                "--zones: found \"\(text)\", allowed are distinct names of lower-case letters, digits and -, comma-separated: a,b,c")
        }
        return names
    }

    package var namespace: String { value("namespace") ?? "default" }
    /// The instance's directory; fails where neither a flag nor the environment nor the user's home says where it is.
    package var dataDirectory: DataDirectory {
        get throws(CommandError) {
            do throws(NoDataDirectory) { return try DataDirectory.chosen(value("data-dir")) } catch { throw CommandError("\(error)") }
        }
    }
}

extension Duration {
    /// Reads Go's notation: `1h2m3.5s`, `-1s`, `0`; a bare number counts seconds.
    init?(goText text: String) {
        if let seconds = Double(text), seconds.isFinite, abs(seconds) < 1e9 {
            self = .nanoseconds(Int64(seconds * 1e9))
            return
        }
        var rest = Substring(text)
        var total = 0.0
        let isNegative = rest.hasPrefix("-")
        if isNegative { rest.removeFirst() }
        guard !rest.isEmpty else { return nil }
        let units: [(String, Double)] = [("ns", 1), ("us", 1e3), ("ms", 1e6), ("h", 3.6e12), ("m", 6e10), ("s", 1e9)]
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isNumber || $0 == "." }
            guard let number = Double(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            guard let (name, scale) = units.first(where: { rest.hasPrefix($0.0) }) else { return nil }
            rest = rest.dropFirst(name.count)
            total += number * scale
        }
        guard total < 9e18 else { return nil }
        self = .nanoseconds(Int64(isNegative ? -total : total))
    }
}
