import Formats

/// Collects what is wrong with an object, in Kubernetes' words, while a check walks over it.
///
/// The path is a stack, so that nothing is built for what is right.
struct Findings {
    private(set) var causes: [StatusError.Cause] = []
    private var path: [PathElement] = []

    /// Checks a member with `body`; whatever it finds is found at that field.
    mutating func at(_ key: String, _ body: (inout Findings) -> Void) {
        path.append(.key(key))
        body(&self)
        path.removeLast()
    }

    /// Checks each element of a list member.
    mutating func each(_ key: String, of value: Value, _ body: (inout Findings, Value) -> Void) {
        guard case .array(let list) = value[key] else { return }
        path.append(.key(key))
        for (index, element) in list.enumerated() {
            path.append(.index(index))
            body(&self, element)
            path.removeLast()
        }
        path.removeLast()
    }

    mutating func atIndex(_ index: Int, _ body: (inout Findings) -> Void) {
        path.append(.index(index))
        body(&self)
        path.removeLast()
    }

    private mutating func add(_ reason: String, _ message: String, _ key: String?) {
        let field = (key.map { path + [.key($0)] } ?? path).fieldPath
        causes.append(StatusError.Cause(reason: reason, message: message, field: field))
    }

    mutating func required(_ key: String? = nil, _ detail: String = "") {
        add("FieldValueRequired", "Required value" + (detail.isEmpty ? "" : ": " + detail), key)
    }

    mutating func invalid(_ key: String?, _ value: Value, _ detail: String) {
        add("FieldValueInvalid", "Invalid value: \(JSON.text(value)): \(detail)", key)
    }

    mutating func duplicate(_ key: String?, _ value: Value) { add("FieldValueDuplicate", "Duplicate value: \(JSON.text(value))", key) }

    mutating func notFound(_ key: String?, _ value: Value) { add("FieldValueNotFound", "Not found: \(JSON.text(value))", key) }

    mutating func forbidden(_ key: String?, _ detail: String) { add("FieldValueForbidden", "Forbidden: \(detail)", key) }

    mutating func tooLong(_ key: String?, limit: Int) { add("FieldValueTooLong", "Too long: may not be more than \(limit) bytes", key) }

    mutating func unsupported(_ key: String?, _ value: Value, _ supported: [String]) {
        var text = "Unsupported value: \(JSON.text(value))"
        if !supported.isEmpty { text += ": supported values: " + supported.map { "\"\($0)\"" }.joined(separator: ", ") }
        // A slip of a letter deserves the right word.
        if let word = value.string, let near = nearest(word, among: supported), supported.count > 1 {
            text += " (did you mean \"\(near)\"?)"
        }
        add("FieldValueNotSupported", text, key)
    }

    // MARK: Checks that many fields share

    /// A number that must lie in a range, where it is given.
    mutating func range(_ key: String, of value: Value, _ range: ClosedRange<Int64>) {
        guard let number = value[key].int, !range.contains(number) else { return }
        invalid(key, value[key], "must be between \(range.lowerBound) and \(range.upperBound), inclusive")
    }

    mutating func port(_ key: String, of value: Value) { range(key, of: value, 1...65535) }

    mutating func notNegative(_ key: String, of value: Value) {
        if let number = value[key].int, number < 0 { invalid(key, value[key], "must be greater than or equal to 0") }
    }

    /// A count or a percentage, where it is given; a whole may be its limit. Returns whether it is right.
    @discardableResult
    mutating func share(_ key: String, of value: Value, upToWhole: Bool) -> Bool {
        let found = value[key]
        switch (IntOrPercent(found), found) {
        case (_, .null): return true
        case (.count(let count)?, _) where count < 0:
            invalid(key, found, "must be greater than or equal to 0")
            return false
        case (.percent(let percent)?, _) where upToWhole && percent > 100:
            invalid(key, found, "must not be greater than 100%")
            return false
        case (nil, _):
            invalid(
                key, found,
                "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
            )
            return false
        default: return true
        }
    }

    /// A string that must pass a rule for names, where it is given.
    mutating func name(_ key: String, of value: Value, _ rule: (String) -> String?) {
        if let text = value[key].string, !text.isEmpty, let problem = rule(text) { invalid(key, value[key], problem) }
    }

    /// A port by number or name.
    mutating func portReference(_ key: String, of value: Value) {
        switch value[key] {
        case .int: port(key, of: value)
        case .string(let name):
            if name.isEmpty { return required(key) }
            for problem in Names.portNameProblems(name) { invalid(key, value[key], problem) }
        default: break
        }
    }

    mutating func labels(_ key: String, of value: Value) {
        guard case .object(let labels) = value[key] else { return }
        for (name, text) in labels {
            if let problem = Names.qualifiedNameProblem(name) { invalid(key, .string(name), problem) }
            if let text = text.string, let problem = Names.labelValueProblem(text) { invalid(key, .string(text), problem) }
        }
    }

    mutating func labelSelector(_ key: String, of value: Value) {
        let selector = value[key]
        guard case .object = selector else { return }
        at(key) { findings in
            findings.labels("matchLabels", of: selector)
            findings.each("matchExpressions", of: selector) { findings, requirement in
                findings.name("key", of: requirement, Names.qualifiedNameProblem)
                let isEmpty = requirement["values"].elements.isEmpty
                switch requirement["operator"].string {
                case "In", "NotIn": if isEmpty { findings.required("values", "must be specified when `operator` is 'In' or 'NotIn'") }
                case "Exists", "DoesNotExist":
                    if !isEmpty { findings.forbidden("values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'") }
                default: break
                }
            }
        }
    }

    /// A field that may not change once it is set.
    mutating func immutable(_ key: String, _ new: Value, _ old: Value) {
        if new[key] != old[key] { invalid(key, new[key], "field is immutable") }
    }

    /// A path inside a volume.
    mutating func relativePath(_ key: String, of value: Value) {
        guard let path = value[key].string, !path.isEmpty else { return }
        if path.hasPrefix("/") { invalid(key, value[key], "must be a relative path") }
        if path.split(separator: "/").contains("..") { invalid(key, value[key], "must not contain '..'") }
    }
}
