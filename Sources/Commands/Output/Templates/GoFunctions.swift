import Formats

/// The functions of Go's templates, and the two that kubectl adds: `base64decode` and `exists`.
enum GoFunctions {
    static let names = [
        "and", "base64decode", "eq", "exists", "ge", "gt", "html", "index", "le", "len", "lt", "ne", "not", "or", "print", "printf",
        "println",
        "slice", "urlquery",
    ]

    private static func fail(_ name: String, _ words: String) -> CommandError {
        CommandError("go-template: error calling \(name): \(words)")
    }

    /// `and` and `or` are the template's own affair: they look at no more than they need.
    static func call(_ name: String, _ arguments: [Value]) throws(CommandError) -> Value {
        func need(_ count: ClosedRange<Int>) throws(CommandError) {
            guard count.contains(arguments.count) else {
                let wanted = count.lowerBound == count.upperBound ? "\(count.lowerBound)" : "at least \(count.lowerBound)"
                throw fail(name, "wrong number of arguments: want \(wanted), got \(arguments.count)")
            }
        }
        switch name {
        case "eq":
            try need(2...Int.max)
            for other in arguments.dropFirst() where try isEqual(arguments[0], other) { return true }
            return false
        case "ne":
            try need(2...2)
            return .bool(try !isEqual(arguments[0], arguments[1]))
        case "lt", "le", "gt", "ge":
            try need(2...2)
            return .bool(try compare(name, arguments[0], arguments[1]))
        case "not":
            try need(1...1)
            return .bool(!GoText.isTrue(arguments[0]))
        case "len":
            try need(1...1)
            switch arguments[0] {
            case .string(let text): return .int(Int64(text.utf8.count))
            case .array(let elements): return .int(Int64(elements.count))
            case .object(let object): return .int(Int64(object.count))
            default: throw fail(name, "len of \(arguments[0].kindWords)")
            }
        case "index":
            try need(1...Int.max)
            return try index(arguments[0], arguments.dropFirst())
        case "exists":
            try need(1...Int.max)
            var value = arguments[0]
            for step in arguments.dropFirst() {
                guard let found = try? index(value, [step]), !found.isNull else { return false }
                value = found
            }
            return true
        case "slice":
            try need(1...3)
            return try slice(arguments)
        case "print": return .string(GoText.joined(arguments))
        case "println": return .string(arguments.map { GoText.of($0) }.joined(separator: " ") + "\n")
        case "printf":
            try need(1...Int.max)
            guard let format = arguments[0].string else { throw fail(name, "the format is \(arguments[0].kindWords)") }
            return .string(GoText.formatted(format, Array(arguments.dropFirst())))
        case "base64decode":
            try need(1...1)
            guard let bytes = arguments[0].string.flatMap({ Base64.decode($0) }) else { throw fail(name, "illegal base64 data") }
            return .string(String(decoding: bytes, as: UTF8.self))
        case "html": return .string(GoText.escapedForHTML(GoText.joined(arguments)))
        case "urlquery": return .string(GoText.escapedForURL(GoText.joined(arguments)))
        default: throw fail(name, "it is not defined")
        }
    }

    private static func isEqual(_ a: Value, _ b: Value) throws(CommandError) -> Bool {
        if let a = a.number, let b = b.number { return a == b }
        switch (a, b) {
        case (.string, .string), (.bool, .bool): return a == b
        case (.null, _), (_, .null): return a.isNull && b.isNull
        default: throw fail("eq", "incompatible types for comparison: \(a.kindWords), \(b.kindWords)")
        }
    }

    private static func compare(_ name: String, _ a: Value, _ b: Value) throws(CommandError) -> Bool {
        func decide<T: Comparable>(_ a: T, _ b: T) -> Bool { name == "lt" ? a < b : name == "le" ? a <= b : name == "gt" ? a > b : a >= b }
        if let a = a.number, let b = b.number { return decide(a, b) }
        if let a = a.string, let b = b.string { return decide(a, b) }
        throw fail(name, "incompatible types for comparison: \(a.kindWords), \(b.kindWords)")
    }

    private static func index(_ value: Value, _ steps: ArraySlice<Value>) throws(CommandError) -> Value {
        var value = value
        for step in steps {
            switch (value, step) {
            case (.array(let elements), .int(let at)):
                guard elements.indices.contains(Int(at)) else { throw fail("index", "index out of range: \(at)") }
                value = elements[Int(at)]
            case (.object(let object), .string(let key)): value = object[key] ?? .null
            case (.null, _): throw fail("index", "index of nothing by \(step.kindWords)")
            default: throw fail("index", "\(value.kindWords) has no index \(step.kindWords)")
            }
        }
        return value
    }

    private static func slice(_ arguments: [Value]) throws(CommandError) -> Value {
        let bounds = arguments.dropFirst().map { $0.int.map { Int($0) } ?? -1 }
        func range(_ count: Int) throws(CommandError) -> Range<Int> {
            let (from, to) = (bounds.first ?? 0, bounds.count > 1 ? bounds[1] : count)
            guard from >= 0, from <= to, to <= count else { throw fail("slice", "index out of range: \(from), \(to) of \(count)") }
            return from..<to
        }
        switch arguments[0] {
        case .array(let elements): return .array(Array(elements[try range(elements.count)]))
        case .string(let text):
            let bytes = Array(text.utf8)
            return .string(String(decoding: bytes[try range(bytes.count)], as: UTF8.self))
        default: throw fail("slice", "slice of \(arguments[0].kindWords)")
        }
    }
}
