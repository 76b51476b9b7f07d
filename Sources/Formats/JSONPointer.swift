/// A JSON pointer (RFC 6901): the reference tokens of a path, unescaped.
struct JSONPointer: Hashable, Sendable {
    var tokens: [String]

    /// Nil when the text is no pointer: it must be empty or begin with a slash, and `~` must be followed by `0` or `1`.
    init?(_ text: String) {
        if text.isEmpty {
            tokens = []
            return
        }
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts[0].isEmpty else { return nil }
        tokens = []
        for part in parts.dropFirst() {
            var token: [UInt8] = []
            var rest = part[...]
            while let byte = rest.popFirst() {
                guard byte == UInt8(ascii: "~") else {
                    token.append(byte)
                    continue
                }
                switch rest.popFirst() {
                case UInt8(ascii: "0"): token.append(UInt8(ascii: "~"))
                case UInt8(ascii: "1"): token.append(UInt8(ascii: "/"))
                default: return nil
                }
            }
            tokens.append(String(decoding: token, as: UTF8.self))
        }
    }

    /// An array index as RFC 6901 §4 writes it: digits without leading zeros.
    static func index(_ token: String) -> Int? {
        guard let first = token.utf8.first, token.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else { return nil }
        if first == UInt8(ascii: "0"), token.utf8.count > 1 { return nil }
        return Int(token)
    }
}
