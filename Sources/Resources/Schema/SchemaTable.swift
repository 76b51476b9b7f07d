import Formats

/// What a field holds.
indirect enum FieldKind: Hashable, Sendable {
    case string
    /// A string, one of these; which is checked by validation, not by the schema.
    case choice([String])
    case int32
    case int64
    case number
    case bool
    case quantity
    case intOrString
    case time
    case microTime
    case bytes
    /// Anything; not looked into.
    case any
    case map(FieldKind)
    case list(FieldKind)
    /// Index into `SchemaTable.messages`.
    case message(Int)
}

/// One field of a message.
struct SchemaField: Sendable {
    var name: String
    var kind: FieldKind
    var isRequired = false
    /// Written even when it is an empty list.
    var isKeptEmpty = false
    /// False: kept, but nothing acts on it yet.
    var isActing = true
    /// Where a field that does not act says only what happens anyway.
    var quietValue: Value?
    var listStrategy = ListStrategy.atomic
    var mapStrategy = MapStrategy.merge
    var description = ""
}

/// A group of fields, found by name in constant time.
struct SchemaMessage: Sendable {
    var name: String
    var description: String
    var fields: [SchemaField] = []
    /// The fields without which the message means nothing.
    private(set) var requiredNames: [String] = []
    private var index: [String: Int] = [:]

    init(name: String, description: String) {
        self.name = name
        self.description = description
    }

    mutating func add(_ field: SchemaField) {
        index[field.name] = fields.count
        if field.isRequired { requiredNames.append(field.name) }
        fields.append(field)
    }

    func field(_ name: String) -> SchemaField? { index[name].map { fields[$0] } }
}

/// All messages, read once from `SchemaText` on first use (about half a millisecond).
struct SchemaTable: Sendable {
    private(set) var messages: [SchemaMessage] = []
    private var numbers: [String: Int] = [:]

    static let shared = SchemaTable()

    private init() {
        let lines = SchemaText.all.flatMap { $0.split(separator: "\n") }
        for line in lines where line.first != " " {
            let (name, description) = Self.described(line)
            numbers[String(name)] = messages.count
            messages.append(SchemaMessage(name: String(name), description: description))
        }
        var current = -1
        for line in lines {
            if line.first != " " {
                current += 1
                let isKind = ResourceType.all.contains { $0.kind == messages[current].name }
                if isKind { addKindFields(current) }
            } else {
                messages[current].add(field(line.drop { $0 == " " }))
            }
        }
    }

    /// The message of a kind.
    func message(of type: ResourceType) -> Int {
        guard let number = numbers[type.kind] else { preconditionFailure("no schema for \(type.kind)") }
        return number
    }

    private mutating func addKindFields(_ message: Int) {
        messages[message].add(SchemaField(name: "apiVersion", kind: .string, description: "The version of the API that the object is written in."))
        messages[message].add(SchemaField(name: "kind", kind: .string, description: "What kind of object it is."))
        messages[message].add(SchemaField(name: "metadata", kind: kind("ObjectMeta"), description: "Names the object and says where it belongs."))
    }

    private static func described(_ line: Substring) -> (Substring, String) {
        guard let bar = line.firstIndex(of: "|") else { return (line, "") }
        let before = line[..<bar]
        return (before.dropLast(before.last == " " ? 1 : 0), String(line[line.index(after: bar)...].drop { $0 == " " }))
    }

    private func field(_ line: Substring) -> SchemaField {
        let (declaration, description) = Self.described(line)
        let space = declaration.firstIndex(of: " ") ?? declaration.endIndex
        var name = declaration[..<space]
        var type = declaration[space...].drop { $0 == " " }
        var field = SchemaField(name: "", kind: .any, description: description)
        if name.last == "!" {
            field.isRequired = true
            name.removeLast()
        } else if name.last == "~" {
            field.isActing = false
            name.removeLast()
        }
        field.name = String(name)
        if let equals = type.lastIndex(of: "=") {
            let text = String(type[type.index(after: equals)...])
            field.quietValue = text == "false" ? false : text == "true" ? true : Int64(text).map { .int($0) } ?? .string(text)
            type = type[..<equals].dropLast()
        }
        if type.first == "[" {
            let words = type.dropFirst().dropLast().split(separator: " ")
            field.kind = .list(kind(words[0]))
            for (index, word) in words.enumerated() {
                switch word {
                case "by": field.listStrategy = .mergeByKey(String(words[index + 1]))
                case "kept": field.isKeptEmpty = true
                case "set": field.listStrategy = .mergeSet
                case "retainKeys": field.mapStrategy = .retainKeys
                default: break
                }
            }
        } else if type.hasSuffix(" retainKeys") {
            field.kind = kind(type.dropLast(11))
            field.mapStrategy = .retainKeys
        } else if type.hasSuffix(" replace") {
            field.kind = kind(type.dropLast(8))
            field.mapStrategy = .replace
        } else {
            field.kind = kind(type)
        }
        return field
    }

    private func kind(_ text: Substring) -> FieldKind {
        if text.first == "{" { return .map(kind(text.dropFirst().dropLast())) }
        if text.hasPrefix("string(") { return .choice(text.dropFirst(7).dropLast().split(separator: " ").map(String.init)) }
        switch text {
        case "string": return .string
        case "int": return .int32
        case "long": return .int64
        case "number": return .number
        case "bool": return .bool
        case "quantity": return .quantity
        case "intOrString": return .intOrString
        case "time": return .time
        case "microTime": return .microTime
        case "bytes": return .bytes
        case "any": return .any
        default:
            guard let number = numbers[String(text)] else { preconditionFailure("no message \(text)") }
            return .message(number)
        }
    }
}
