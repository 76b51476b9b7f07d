import Formats

/// Something in a manifest that does not fit its kind: where, what was found, what is allowed.
package struct FieldProblem: Hashable, Sendable, CustomStringConvertible {
    /// What may stand in a field.
    package enum Kind: Hashable, Sendable {
        /// A field that the kind does not have, and the name that was probably meant.
        case unknownField(nearest: String?)
        /// A value of another type.
        case wrongType
    }

    package var kind: Kind
    package var path: [PathElement]
    /// `found string "three", allowed integer`; for unknown fields the nearest name.
    package var text: String

    /// `spec.replicas`.
    package var fieldPath: String { path.fieldPath }

    /// Whether fieldValidation decides about it; a wrong type is always refused.
    package var isUnknownField: Bool { if case .unknownField = kind { true } else { false } }

    package var description: String {
        switch kind {
        case .unknownField(let near): "unknown field \"\(fieldPath)\"" + (near.map { ", did you mean \"\($0)\"?" } ?? "")
        case .wrongType: "\(fieldPath): \(text)"
        }
    }
}

/// The shape of every kind: which fields it has and what they hold.
package enum Schema {
    /// Everything that does not fit, in the order of the document. Cost: one hash look-up a field.
    package static func check(_ value: Value, _ type: ResourceType) -> [FieldProblem] {
        let table = SchemaTable.shared
        // Nearly everything fits: the paths are made only when something does not.
        if fits(value, .message(table.message(of: type)), table) { return [] }
        var check = SchemaCheck(table: table, hidesValues: type == .secrets)
        check.visit(value, .message(check.table.message(of: type)))
        return check.problems
    }

    /// Fields that are known and kept but that nothing acts on yet, without those that only say what happens anyway. Sorted, each once.
    package static func fieldsWithoutEffect(_ value: Value, _ type: ResourceType) -> [String] {
        let table = SchemaTable.shared
        if hasOnlyEffect(value, .message(table.message(of: type)), table) { return [] }
        var found: Set<String> = []
        func visit(_ value: Value, _ kind: FieldKind, _ path: String) {
            switch (value, kind) {
            case (.object(let object), .message(let number)):
                for (key, member) in object {
                    guard !member.isNull, let field = table.messages[number].field(key) else { continue }
                    let below = path.isEmpty ? key : "\(path).\(key)"
                    if field.isActing {
                        visit(member, field.kind, below)
                    } else if field.quietValue != member, member != .array([]), member != .object(Object()), member != .string("") {
                        found.insert(below)
                    }
                }
            case (.array(let list), .list(let element)):
                for member in list { visit(member, element, path + "[*]") }
            default: break
            }
        }
        visit(value, .message(table.message(of: type)), "")
        return found.sorted()
    }

    /// Whether every field of a document acts, or says what happens anyway.
    private static func hasOnlyEffect(_ value: Value, _ kind: FieldKind, _ table: SchemaTable) -> Bool {
        switch (value, kind) {
        case (.object(let object), .message(let number)):
            object.entries.allSatisfy { entry in
                guard !entry.value.isNull, let field = table.messages[number].field(entry.key) else { return true }
                if field.isActing { return hasOnlyEffect(entry.value, field.kind, table) }
                return field.quietValue == entry.value || isEmpty(entry.value)
            }
        case (.array(let list), .list(let element)): list.allSatisfy { hasOnlyEffect($0, element, table) }
        default: true
        }
    }

    private static func isEmpty(_ value: Value) -> Bool {
        switch value {
        case .array(let list): list.isEmpty
        case .object(let object): object.isEmpty
        case .string(let text): text.isEmpty
        default: false
        }
    }

    /// Whether a check finds nothing.
    private static func fits(_ value: Value, _ kind: FieldKind, _ table: SchemaTable) -> Bool {
        switch (kind, value) {
        case (_, .null), (.any, _): true
        case (.message(let number), .object(let object)):
            object.entries.allSatisfy { entry in
                guard let field = table.messages[number].field(entry.key) else { return false }
                return fits(entry.value, field.kind, table)
            }
        case (.map(let element), .object(let object)): object.entries.allSatisfy { fits($0.value, element, table) }
        case (.list(let element), .array(let list)):
            if case .message = element {
                list.allSatisfy { !$0.isNull && fits($0, element, table) }
            } else {
                list.allSatisfy { fits($0, element, table) }
            }
        case (.string, .string), (.choice, .string), (.int64, .int), (.bool, .bool), (.intOrString, .int), (.intOrString, .string): true
        case (.int32, .int(let number)): Int32(exactly: number) != nil
        case (.number, _): value.number != nil
        case (.quantity, _): Quantity(reading: value) != nil
        case (.time, _), (.microTime, _): value.timestamp != nil
        case (.bytes, .string(let text)): Base64.decode(text) != nil
        default: false
        }
    }

    /// How strategic merges join the lists and objects of a kind.
    package static func mergeKeys(_ type: ResourceType) -> MergeKeys {
        let top = SchemaTable.shared.message(of: type)
        return MergeKeys(list: { field($0, below: top)?.listStrategy ?? .atomic }, map: { field($0, below: top)?.mapStrategy ?? .merge })
    }

    /// Drops what the API never stores: unknown fields, nulls, and empty lists and maps (a null in a map of strings is an empty string).
    ///
    /// Clients written in Go leave these out when they write an object back; without this, that would look like a change.
    package static func prune(_ value: inout Value, _ type: ResourceType) {
        let table = SchemaTable.shared
        prune(&value, .message(table.message(of: type)), table)
    }

    /// What a field may be set to, where only some words are allowed: `["spec", "restartPolicy"]`.
    package static func choices(_ path: [String], _ type: ResourceType) -> [String] {
        if case .choice(let words)? = field(path, below: SchemaTable.shared.message(of: type))?.kind { words } else { [] }
    }

    static func field(_ path: [String], below message: Int) -> SchemaField? {
        let table = SchemaTable.shared
        var at = message
        var found: SchemaField?
        for (index, name) in path.enumerated() {
            guard let field = table.messages[at].field(name) else { return nil }
            found = field
            var kind = field.kind
            if case .list(let element) = kind { kind = element }
            if case .message(let next) = kind {
                at = next
            } else if index < path.count - 1 {
                return nil
            }
        }
        return found
    }

    private static func prune(_ value: inout Value, _ kind: FieldKind, _ table: SchemaTable) {
        if isClean(value, kind, table) { return }
        switch (value, kind) {
        case (.object(let object), .message(let number)):
            let message = table.messages[number]
            value = .object(
                Object(
                    object.compactMap { entry -> (String, Value)? in
                        guard let field = message.field(entry.key), isKept(entry.value, field) else { return nil }
                        var member = entry.value
                        prune(&member, field.kind, table)
                        return isKept(member, field) ? (entry.key, member) : nil
                    }))
        case (.object(let object), .map(let element)):
            value = .object(
                Object(
                    object.compactMap { entry -> (String, Value)? in
                        if entry.value.isNull { return element == .string ? (entry.key, "") : nil }
                        return (entry.key, entry.value)
                    }))
        case (.array(var list), .list(let element)):
            value = .null
            for index in list.indices { prune(&list[index], element, table) }
            value = .array(list)
        default: break
        }
    }

    private static func isKept(_ value: Value, _ field: SchemaField) -> Bool {
        if value.isNull { return false }
        if field.isRequired || field.isKeptEmpty { return true }
        switch (value, field.kind) {
        case (.array(let list), .list): return !list.isEmpty
        case (.object(let object), .map): return !object.isEmpty
        default: return true
        }
    }

    private static func isClean(_ value: Value, _ kind: FieldKind, _ table: SchemaTable) -> Bool {
        switch (value, kind) {
        case (.object(let object), .message(let number)):
            object.entries.allSatisfy { entry in
                guard let field = table.messages[number].field(entry.key) else { return false }
                return isKept(entry.value, field) && isClean(entry.value, field.kind, table)
            }
        case (.object(let object), .map): object.entries.allSatisfy { !$0.value.isNull }
        case (.array(let list), .list(let element)): list.allSatisfy { isClean($0, element, table) }
        default: true
        }
    }
}

/// One walk over a document, with the path to where it stands.
private struct SchemaCheck {
    let table: SchemaTable
    /// Problems end up in logs and on terminals: of a Secret they never tell what was found, only its type.
    let hidesValues: Bool
    var problems: [FieldProblem] = []
    private var path: [PathElement] = []

    init(table: SchemaTable, hidesValues: Bool) {
        self.table = table
        self.hidesValues = hidesValues
    }

    mutating func visit(_ value: Value, _ kind: FieldKind) {
        // Null stands for an absent field everywhere.
        if case .null = value { return }
        switch kind {
        case .any: break
        case .message(let number):
            guard case .object(let object) = value else { return refuse(value, "object") }
            for (key, member) in object {
                path.append(.key(key))
                if let field = table.messages[number].field(key) {
                    visit(member, field.kind)
                } else {
                    let near = nearest(key, among: table.messages[number].fields.map(\.name))
                    let text = near.map { "unknown field, did you mean \"\($0)\"?" } ?? "unknown field"
                    problems.append(FieldProblem(kind: .unknownField(nearest: near), path: path, text: text))
                }
                path.removeLast()
            }
        case .map(let element):
            guard case .object(let object) = value else { return refuse(value, "object") }
            for (key, member) in object {
                path.append(.key(key))
                visit(member, element)
                path.removeLast()
            }
        case .list(let element):
            guard case .array(let list) = value else { return refuse(value, "list") }
            for (index, member) in list.enumerated() {
                path.append(.index(index))
                // An element that is null is no absent field: nothing can be made of it.
                if member.isNull, case .message = element { refuse(member, "object") } else { visit(member, element) }
                path.removeLast()
            }
        case .string, .choice:
            guard case .string = value else { return refuse(value, "string") }
        case .int32:
            guard case .int(let number) = value else { return refuse(value, "integer") }
            if Int32(exactly: number) == nil { refuse(value, "integer from \(Int32.min) to \(Int32.max)") }
        case .int64:
            guard case .int = value else { return refuse(value, "integer") }
        case .number:
            if value.number == nil { refuse(value, "number") }
        case .bool:
            guard case .bool = value else { return refuse(value, "boolean (true or false)") }
        case .quantity:
            if Quantity(reading: value) == nil { refuse(value, "a quantity like 250m, 2 or 64Mi") }
        case .intOrString:
            switch value {
            case .int, .string: break
            default: refuse(value, "integer or string")
            }
        case .time, .microTime:
            if value.timestamp == nil { refuse(value, "a time like 2026-01-31T12:00:00Z") }
        case .bytes:
            guard case .string(let text) = value else { return refuse(value, "base64 text") }
            if Base64.decode(text) == nil { refuse(value, "base64 text (plain text goes into stringData or data of a ConfigMap)") }
        }
    }

    private mutating func refuse(_ value: Value, _ allowed: String) {
        var text = "found \(describe(value)), allowed \(allowed)"
        if allowed == "string" {
            switch value {
            case .bool: text += ": quote it (yes, no, on, off, y and n are booleans too)"
            case .int, .double: text += ": quote it"
            default: break
            }
        }
        problems.append(FieldProblem(kind: .wrongType, path: path, text: text))
    }

    private static let shownLength = 40

    private func describe(_ value: Value) -> String {
        switch value {
        case .null: "null"
        case .bool where hidesValues: "a boolean"
        case .int where hidesValues, .double where hidesValues: "a number"
        case .string(let text) where hidesValues: "a string of \(text.count) characters (not shown: it may be secret)"
        case .bool(let flag): "boolean \(flag)"
        case .int(let number): "integer \(number)"
        case .double(let number): "number \(number)"
        case .string(let text): "string \"\(text.count > Self.shownLength ? text.prefix(Self.shownLength) + "…" : text)\""
        case .array: "list"
        case .object: "object"
        }
    }
}
