extension Value {
    /// Equality as JSON means it: like `==`, but numbers compare by what they are worth (`1` and `1.0`).
    package func isEquivalent(to other: Value) -> Bool {
        switch (self, other) {
        case (.int, .double), (.double, .int): return number == other.number
        case (.array(let a), .array(let b)):
            guard a.count == b.count else { return false }
            return zip(a, b).allSatisfy { $0.isEquivalent(to: $1) }
        case (.object(let a), .object(let b)):
            guard a.count == b.count else { return false }
            for (offset, entry) in a.entries.enumerated() {
                let beside = b.entries[offset]
                if beside.key == entry.key {
                    if !entry.value.isEquivalent(to: beside.value) { return false }
                } else {
                    guard let value = b[entry.key], entry.value.isEquivalent(to: value) else { return false }
                }
            }
            return true
        default: return self == other
        }
    }

    /// How errors name the kind of a value.
    package var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .int: "an integer"
        case .double: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}
