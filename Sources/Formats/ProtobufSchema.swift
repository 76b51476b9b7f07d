/// The messages of protobuf bodies as a table: what each field number is called and how it becomes JSON.
package struct ProtobufSchema: Sendable {
    /// How the bytes of a field are read.
    enum FieldType: Hashable, Sendable {
        case string, integer, boolean, bytes
        /// A message around one string: `100m`.
        case quantity
        /// Seconds and nanoseconds, written as RFC 3339, for `Time` with whole seconds and for `MicroTime` with six decimals.
        case time, microTime
        case integerOrString
        /// A message around bytes that are JSON themselves.
        case json
        case message(String)
    }

    enum Shape: Hashable, Sendable { case single, list, map }

    struct Field: Hashable, Sendable {
        var name: String
        var type: FieldType
        var shape: Shape
        /// The members of this message belong to the message around it.
        var isInlined: Bool
    }

    private(set) var messages: [String: [Int: Field]] = [:]

    /// Reads the table's notation: names of messages, each followed by its fields as `NUMBER NAME` or `NUMBER NAME:TYPE`.
    ///
    /// A type is nothing (a string), `s` string, `i` integer, `B` boolean, `b` bytes, `Q` quantity, `T` time, `U` time with microseconds,
    /// `I` integer or string, `R` raw JSON, or a message (looked for with the package of the message around it first); `[x]` is a list,
    /// `{x}` a map from strings, `^` before the name says that the message is inlined.
    package init(_ notation: String) {
        let words = notation.split { $0 == " " || $0 == "\n" }
        var message = ""
        var at = 0
        while at < words.count {
            guard let number = Int(words[at]), at + 1 < words.count else {
                message = String(words[at])
                messages[message] = [:]
                at += 1
                continue
            }
            messages[message, default: [:]][number] = Self.field(words[at + 1])
            at += 2
        }
        for (name, fields) in messages {
            guard let dot = name.lastIndex(of: ".") else { continue }
            for (number, field) in fields {
                guard case .message(let inner) = field.type, case let qualified = name[...dot] + inner, messages[String(qualified)] != nil
                else {
                    continue
                }
                messages[name]?[number]?.type = .message(String(qualified))
            }
        }
    }

    private static func field(_ word: Substring) -> Field {
        let parts = word.split(separator: ":")
        let isInlined = parts[0].first == "^"
        var type = parts.count > 1 ? parts[1] : "s"
        var shape = Shape.single
        if type.first == "[" { shape = .list }
        if type.first == "{" { shape = .map }
        if shape != .single { type = type.dropFirst().dropLast() }
        return Field(name: String(isInlined ? parts[0].dropFirst() : parts[0]), type: fieldType(type), shape: shape, isInlined: isInlined)
    }

    private static func fieldType(_ letter: Substring) -> FieldType {
        switch letter {
        case "s": .string
        case "i": .integer
        case "B": .boolean
        case "b": .bytes
        case "Q": .quantity
        case "T": .time
        case "U": .microTime
        case "I": .integerOrString
        case "R": .json
        default: .message(String(letter))
        }
    }

    /// The message of a kind: `apps/v1` and `Deployment` give `apps.v1.Deployment`, those of the core group have no package.
    func messageName(apiVersion: String, kind: String) -> String? {
        let parts = apiVersion.split(separator: "/")
        if parts.count == 2, let group = parts[0].split(separator: ".").first {
            let name = "\(group).\(parts[1]).\(kind)"
            if messages[name] != nil { return name }
            // Options of a request are sent under the group of what they are for.
            return kind == "DeleteOptions" ? kind : nil
        }
        return messages[kind] == nil ? nil : kind
    }
}
