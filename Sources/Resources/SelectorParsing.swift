import Formats

/// A selector that cannot be read: what is wrong with it.
package struct SelectorError: Error, Hashable, Sendable, CustomStringConvertible {
    package var message: String
    package var description: String { message }
}

extension LabelSelector {
    /// Reads `matchLabels` and `matchExpressions`; an absent or empty selector selects everything. Requirements are sorted by key.
    package init(object: Value) {
        var found: [Requirement] = []
        for (key, value) in object["matchLabels"].stringMap { found.append(Requirement(key, .in, [value])) }
        for expression in object["matchExpressions"].elements {
            guard let op = expression["operator"].string.flatMap(Requirement.Operator.init(rawValue:)) else { continue }
            found.append(Requirement(expression["key"].string ?? "", op, expression["values"].strings))
        }
        self.init(found.sorted { ($0.key, $0.op.rawValue) < ($1.key, $1.op.rawValue) })
    }

    /// The requirements that these labels have these values, sorted by key.
    package init(labels: [String: String]) { self.init(labels.sorted { $0.key < $1.key }.map { Requirement($0.key, .in, [$0.value]) }) }

    /// The canonical query: `app=web,tier in (a,b),!old`; empty selects everything.
    package var query: String {
        requirements.map { requirement in
            let values = requirement.values.sorted()
            return switch requirement.op {
            case .in where values.count == 1: "\(requirement.key)=\(values[0])"
            case .in: "\(requirement.key) in (\(values.joined(separator: ",")))"
            case .notIn where values.count == 1: "\(requirement.key)!=\(values[0])"
            case .notIn: "\(requirement.key) notin (\(values.joined(separator: ",")))"
            case .exists: requirement.key
            case .doesNotExist: "!\(requirement.key)"
            }
        }.joined(separator: ",")
    }

    /// Reads a query: comma-joined `k`, `!k`, `k=v`, `k==v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`. Empty selects everything.
    package init(query: String) throws(SelectorError) {
        var scanner = QueryScanner(query)
        var found: [Requirement] = []
        scanner.skipSpace()
        while !scanner.isAtEnd {
            found.append(try scanner.requirement())
            scanner.skipSpace()
            if scanner.isAtEnd { break }
            guard scanner.take(",") else { throw scanner.unexpected("',' or the end") }
            scanner.skipSpace()
            if scanner.isAtEnd { throw scanner.unexpected("a label key") }
        }
        self.init(found.sorted { ($0.key, $0.op.rawValue) < ($1.key, $1.op.rawValue) })
    }
}

/// Walks over the bytes of a label query.
private struct QueryScanner {
    private let text: String
    private let bytes: [UInt8]
    private var at = 0

    init(_ text: String) {
        self.text = text
        bytes = Array(text.utf8)
    }

    var isAtEnd: Bool { at == bytes.count }

    mutating func skipSpace() { while at < bytes.count, bytes[at] == 32 || bytes[at] == 9 { at += 1 } }

    mutating func take(_ token: StaticString) -> Bool {
        let count = token.utf8CodeUnitCount
        guard at + count <= bytes.count else { return false }
        for offset in 0..<count where token.utf8Start[offset] != bytes[at + offset] { return false }
        at += count
        return true
    }

    func unexpected(_ wanted: String) -> SelectorError {
        let rest = String(decoding: bytes[at...], as: UTF8.self)
        let found = rest.isEmpty ? "the end" : "'\(rest)'"
        return SelectorError(message: "unable to parse requirement: found \(found), expected: \(wanted) in selector \"\(text)\"")
    }

    /// A key or a value: everything up to a space or a mark of the grammar.
    private mutating func word() -> String {
        let start = at
        while at < bytes.count,
            ![UInt8(ascii: " "), 9, UInt8(ascii: ","), UInt8(ascii: "="), UInt8(ascii: "!"), UInt8(ascii: "("), UInt8(ascii: ")")].contains(
                bytes[at])
        {
            at += 1
        }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    mutating func requirement() throws(SelectorError) -> LabelSelector.Requirement {
        if take("!") {
            skipSpace()
            return LabelSelector.Requirement(try key(), .doesNotExist)
        }
        let key = try key()
        skipSpace()
        if isAtEnd || bytes[at] == UInt8(ascii: ",") { return LabelSelector.Requirement(key, .exists) }
        if take("!=") { return LabelSelector.Requirement(key, .notIn, [try value()]) }
        if take("==") || take("=") { return LabelSelector.Requirement(key, .in, [try value()]) }
        let mark = at
        switch word() {
        case "in": return LabelSelector.Requirement(key, .in, try set())
        case "notin": return LabelSelector.Requirement(key, .notIn, try set())
        default:
            at = mark
            throw unexpected("one of '=', '==', '!=', 'in', 'notin'")
        }
    }

    private mutating func key() throws(SelectorError) -> String {
        let mark = at
        let key = word()
        if key.isEmpty { throw unexpected("a label key") }
        if let problem = Names.qualifiedNameProblem(key) {
            at = mark
            throw SelectorError(message: "unable to parse requirement: <nil>: Invalid value: \"\(key)\": \(problem)")
        }
        return key
    }

    private mutating func value() throws(SelectorError) -> String {
        skipSpace()
        let value = word()
        if let problem = Names.labelValueProblem(value) {
            throw SelectorError(message: "unable to parse requirement: values[0]: Invalid value: \"\(value)\": \(problem)")
        }
        return value
    }

    private mutating func set() throws(SelectorError) -> [String] {
        skipSpace()
        guard take("(") else { throw unexpected("'('") }
        var values: [String] = []
        while true {
            values.append(try value())
            skipSpace()
            if take(")") { return Array(Set(values)).sorted() }
            guard take(",") else { throw unexpected("',' or ')'") }
        }
    }
}

extension FieldSelector {
    /// The fields by which a kind can be selected, besides `metadata.name` and (where it has one) `metadata.namespace`.
    package static func fields(of type: ResourceType) -> [String] {
        let own: [String] =
            switch (type.group, type.plural) {
            case ("", "pods"):
                [
                    "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork",
                    "status.phase",
                    "status.podIP", "status.nominatedNodeName",
                ]
            case ("", "events"):
                [
                    "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
                    "involvedObject.apiVersion",
                    "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type",
                ]
            case ("", "nodes"): ["spec.unschedulable"]
            case ("", "secrets"): ["type"]
            case ("", "namespaces"): ["status.phase"]
            case ("", "services"): ["spec.clusterIP", "spec.type"]
            case ("apps", "replicasets"): ["status.replicas"]
            case ("steady.dev", "images"): ["spec.reference"]
            default: []
            }
        return ["metadata.name"] + (type.isNamespaced ? ["metadata.namespace"] : []) + own
    }

    /// Reads `path=v,path==v,path!=v`; a backslash before `\`, `,` and `=` takes them literally. An empty value is legal.
    package init(query: String, for type: ResourceType) throws(SelectorError) {
        var terms: [Term] = []
        let allowed = Self.fields(of: type)
        for text in Self.split(query) where !text.isEmpty {
            let bytes = Array(text.utf8)
            guard let equals = Self.firstEquals(bytes) else {
                throw SelectorError(message: "invalid selector: '\(query)'; can't understand '\(text)'")
            }
            var pathEnd = equals
            var valueStart = equals + 1
            var isEqual = true
            if equals > 0, bytes[equals - 1] == UInt8(ascii: "!") {
                pathEnd -= 1
                isEqual = false
            } else if valueStart < bytes.count, bytes[valueStart] == UInt8(ascii: "=") {
                valueStart += 1
            }
            let path = String(decoding: bytes[..<pathEnd], as: UTF8.self)
            guard allowed.contains(path) else { throw SelectorError(message: "field label not supported: \(path)") }
            terms.append(
                Term(path.split(separator: ".").map(String.init), try Self.unescape(bytes[valueStart...], query), isEqual: isEqual))
        }
        self.init(terms)
    }

    /// The canonical query.
    package var query: String {
        terms.map { term in
            var value = ""
            for character in term.value {
                if character == "\\" || character == "," || character == "=" { value.append("\\") }
                value.append(character)
            }
            return term.path.joined(separator: ".") + (term.isEqual ? "=" : "!=") + value
        }.joined(separator: ",")
    }

    private static func split(_ query: String) -> [String] {
        var parts: [[UInt8]] = [[]]
        var isEscaped = false
        for byte in query.utf8 {
            if byte == UInt8(ascii: ","), !isEscaped {
                parts.append([])
            } else {
                parts[parts.count - 1].append(byte)
            }
            isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
        }
        return parts.map { String(decoding: $0, as: UTF8.self) }
    }

    private static func firstEquals(_ bytes: [UInt8]) -> Int? {
        var isEscaped = false
        for (index, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "="), !isEscaped { return index }
            isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
        }
        return nil
    }

    private static func unescape(_ bytes: ArraySlice<UInt8>, _ query: String) throws(SelectorError) -> String {
        var out: [UInt8] = []
        var isEscaped = false
        for byte in bytes {
            if isEscaped {
                guard [UInt8(ascii: "\\"), UInt8(ascii: ","), UInt8(ascii: "=")].contains(byte) else {
                    throw SelectorError(message: "invalid field selector: invalid escape sequence in '\(query)'")
                }
                out.append(byte)
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "=") || byte == UInt8(ascii: ",") {
                throw SelectorError(
                    message: "invalid field selector: unescaped character '\(Character(UnicodeScalar(byte)))' in '\(query)'")
            } else {
                out.append(byte)
            }
        }
        if isEscaped { throw SelectorError(message: "invalid field selector: unfinished escape in '\(query)'") }
        return String(decoding: out, as: UTF8.self)
    }
}
