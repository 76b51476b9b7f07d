import Formats

/// What a field holds.
enum FieldKind: Hashable, Sendable {
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
    indirect case map(FieldKind)
    indirect case list(FieldKind)
    /// Index into `SchemaTable.messages`.
    case message(Int)
}

/// One field of a message. A class, because the walks over documents hand it on a lot.
final class SchemaField: Sendable {
    let name: String
    let kind: FieldKind
    let isRequired: Bool
    /// Written even when it is an empty list.
    let isKeptEmpty: Bool
    /// False: kept, but nothing acts on it yet.
    let isActing: Bool
    /// Where a field that does not act says only what happens anyway.
    let quietValue: Value?
    let listStrategy: ListStrategy
    let mapStrategy: MapStrategy
    let description: String

    init(
        _ name: String, _ kind: FieldKind, isRequired: Bool = false, isKeptEmpty: Bool = false, isActing: Bool = true,
        quietValue: Value? = nil,
        listStrategy: ListStrategy = .atomic, mapStrategy: MapStrategy = .merge, description: String
    ) {
        self.name = name
        self.kind = kind
        self.isRequired = isRequired
        self.isKeptEmpty = isKeptEmpty
        self.isActing = isActing
        self.quietValue = quietValue
        self.listStrategy = listStrategy
        self.mapStrategy = mapStrategy
        self.description = description
    }
}

/// A group of fields.
final class SchemaMessage: Sendable {
    let name: String
    let description: String
    let fields: [SchemaField]
    /// The fields without which the message means nothing.
    let requiredNames: [String]
    /// By how many bytes their names have: few share a length, and to compare those is quicker than to hash a name.
    private let byLength: [[SchemaField]]

    init(name: String, description: String, fields: [SchemaField]) {
        self.name = name
        self.description = description
        self.fields = fields
        requiredNames = fields.filter(\.isRequired).map(\.name)
        var byLength = [[SchemaField]](repeating: [], count: (fields.map(\.name.utf8.count).max() ?? 0) + 1)
        for field in fields { byLength[field.name.utf8.count].append(field) }
        self.byLength = byLength
    }

    /// The field of this name; where a name is declared twice, the first.
    func field(_ name: String) -> SchemaField? {
        let length = name.utf8.count
        guard length < byLength.count else { return nil }
        for field in byLength[length] where field.name == name { return field }
        return nil
    }
}

/// All messages, read once from `SchemaText` on first use.
struct SchemaTable: Sendable {
    private(set) var messages: [SchemaMessage] = []
    private var numbers: [String: Int] = [:]

    static let shared = SchemaTable()

    private init() {
        let lines = SchemaText.all.flatMap { $0.utf8.split(separator: UInt8(ascii: "\n")).map { Substring($0) } }
        var heads: [(name: String, description: String)] = []
        for line in lines where line.utf8.first != UInt8(ascii: " ") {
            let (name, description) = Self.described(line)
            numbers[String(name)] = heads.count
            heads.append((String(name), description))
        }
        let kinds = Set(ResourceType.all.map(\.kind))
        var fields: [[SchemaField]] = []
        for line in lines {
            if line.utf8.first == UInt8(ascii: " ") {
                fields[fields.count - 1].append(field(Substring(line.utf8.drop { $0 == UInt8(ascii: " ") })))
            } else {
                fields.append(kinds.contains(heads[fields.count].name) ? kindFields : [])
            }
        }
        messages = zip(heads, fields).map { SchemaMessage(name: $0.name, description: $0.description, fields: $1) }
    }

    /// The message of a kind.
    func message(of type: ResourceType) -> Int {
        guard let number = numbers[type.kind] else { preconditionFailure("no schema for \(type.kind)") }
        return number
    }

    /// What every object has beside its own fields.
    private var kindFields: [SchemaField] {
        [
            SchemaField("apiVersion", .string, description: "The version of the API that the object is written in."),
            SchemaField("kind", .string, description: "What kind of object it is."),
            SchemaField("metadata", kind("ObjectMeta"), description: "Names the object and says where it belongs."),
        ]
    }

    private static func described(_ line: Substring) -> (Substring, String) {
        guard let bar = line.utf8.firstIndex(of: UInt8(ascii: "|")) else { return (line, "") }
        return (Substring(line.utf8[..<bar].dropLast()), String(Substring(line.utf8[bar...].dropFirst(2))))
    }

    private func field(_ line: Substring) -> SchemaField {
        let (declaration, description) = Self.described(line)
        var words = declaration.utf8.split(separator: UInt8(ascii: " ")).map { Substring($0) }
        var name = words.removeFirst()
        let mark = name.utf8.last
        if mark == UInt8(ascii: "!") || mark == UInt8(ascii: "~") { name = name.dropLast() }
        var quietValue: Value?
        if let last = words.last, last.utf8.first == UInt8(ascii: "=") {
            let text = String(last.dropFirst())
            quietValue = text == "false" ? false : Int64(text).map { .int($0) } ?? .string(text)
            words.removeLast()
        }
        var listStrategy = ListStrategy.atomic
        var mapStrategy = MapStrategy.merge
        var isKeptEmpty = false
        let isChoice = words[0].hasPrefix("string(")
        for (index, word) in words.enumerated() where index > 0 && !isChoice {
            switch word.hasSuffix("]") ? word.dropLast() : word {
            case "kept": isKeptEmpty = true
            case "by": listStrategy = .mergeByKey(String(words[index + 1].hasSuffix("]") ? words[index + 1].dropLast() : words[index + 1]))
            case "set": listStrategy = .mergeSet
            case "retainKeys": mapStrategy = .retainKeys
            case "replace": mapStrategy = .replace
            default: break
            }
        }
        let kind: FieldKind
        if isChoice {
            kind = .choice(words.joined(separator: " ").dropFirst(7).dropLast().split(separator: " ").map(String.init))
        } else if words[0].hasPrefix("[") {
            let element = words[0].dropFirst()
            kind = .list(self.kind(element.hasSuffix("]") ? element.dropLast() : element))
        } else {
            kind = self.kind(words[0])
        }
        return SchemaField(
            String(name), kind, isRequired: mark == UInt8(ascii: "!"), isKeptEmpty: isKeptEmpty, isActing: mark != UInt8(ascii: "~"),
            quietValue: quietValue, listStrategy: listStrategy, mapStrategy: mapStrategy, description: description)
    }

    private func kind(_ text: Substring) -> FieldKind {
        if text.utf8.first == UInt8(ascii: "{") { return .map(kind(text.dropFirst().dropLast())) }
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
