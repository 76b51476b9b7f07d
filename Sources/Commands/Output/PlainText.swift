import Formats

extension Value {
    /// As a cell shows it: strings without quotes, trees as JSON, nothing for null.
    var plainText: String {
        switch self {
        case .null: ""
        case .string(let text): text
        default: JSON.text(sortedByKeys)
        }
    }

    /// With every object's members in the order of their keys, as Go writes maps.
    var sortedByKeys: Value {
        switch self {
        case .array(let elements): .array(elements.map(\.sortedByKeys))
        case .object(let object): .object(Object(object.entries.sorted { $0.key < $1.key }.map { ($0.key, $0.value.sortedByKeys) }))
        default: self
        }
    }
}
