import Resources

/// The query parameters of a call, decoded. Unknown ones are ignored, as Kubernetes does; known ones with unreadable values are refused.
package struct Query: Sendable {
    package var pairs: [(name: String, value: String)]

    package init(_ pairs: [(name: String, value: String)] = []) { self.pairs = pairs }

    /// The first value; nil when the parameter is absent.
    package subscript(name: String) -> String? { pairs.first { $0.name == name }?.value }

    /// Every value of a parameter that may be repeated.
    package func all(_ name: String) -> [String] { pairs.filter { $0.name == name }.map(\.value) }

    /// `true` as Go and Python write it, and as a bare `?watch`; false when absent.
    package func flag(_ name: String) throws(StatusError) -> Bool {
        guard let text = self[name] else { return false }
        switch text {
        case "", "1", "t", "T", "true", "True", "TRUE": return true
        case "0", "f", "F", "false", "False", "FALSE": return false
        default: throw .badRequest("\(name): Invalid value: \"\(text)\": must be true or false")
        }
    }

    /// A whole number of zero or more; nil when absent or empty.
    package func count(_ name: String) throws(StatusError) -> Int64? {
        guard let text = self[name], !text.isEmpty else { return nil }
        guard let number = Int64(text), number >= 0 else {
            throw .badRequest("\(name): Invalid value: \"\(text)\": must be a whole number, 0 or more")
        }
        return number
    }
}
