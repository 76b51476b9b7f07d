import Formats

@testable import Commands

extension Property {
    /// A template, a zero byte, a document: rendered without harm.
    static let jsonPath = Property(name: "jsonpath") { bytes in
        guard let (first, second) = halves(bytes), let path = try? JSONPath(String(decoding: first, as: UTF8.self)),
            let value = try? JSON.parse(second)
        else { return nil }
        _ = path.text(in: value)
        _ = path.values(in: value)
        return nil
    }
}
