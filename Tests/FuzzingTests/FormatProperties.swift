import Formats

extension Property {
    /// What was read and written is read again as the same value, in both spellings.
    static let json = Property(name: "json") { bytes in
        guard let value = try? JSON.parse(bytes) else { return nil }
        for pretty in [false, true] {
            let written = JSON.serialize(value, pretty: pretty)
            guard let again = try? JSON.parse(written) else { return "what was written is not read" }
            if !again.isEquivalent(to: value) { return "what was written is read as another value" }
            if JSON.serialize(again, pretty: pretty) != written { return "what was written is written differently the second time" }
        }
        return nil
    }

    /// Every document of a stream, by both schemas: what was read and written is read again as the same value.
    static let yaml = Property(name: "yaml") { bytes in
        for schema in [ScalarSchema.core, .kubernetes] {
            guard let documents = try? YAML.parse(bytes, schema: schema) else { continue }
            for document in documents {
                // Aliases stand for more than the text holds: what is not small is not written here.
                guard isSmall(document.value) else { continue }
                let text = YAML.text(document.value)
                guard let again = try? YAML.parse(Array(text.utf8), schema: .kubernetes), again.count == 1 else {
                    return "what was written is not read as one document"
                }
                if !again[0].value.isEquivalent(to: document.value) { return "what was written is read as another value: \(text)" }
            }
        }
        return nil
    }

    private static func isSmall(_ value: Value) -> Bool {
        var room = 10_000
        func count(_ value: Value) {
            room -= 1
            if room < 0 { return }
            switch value {
            case .array(let elements): for element in elements where room >= 0 { count(element) }
            case .object(let object): for (_, member) in object where room >= 0 { count(member) }
            case .string(let text): room -= text.utf8.count / 64
            case .double(let number): if !number.isFinite { room = -1 }
            default: break
            }
        }
        count(value)
        return room >= 0
    }
}
