import Formats
import Linux
import Resources

/// How objects are printed in full or by a template, instead of a row or a sentence: what `-o` means to every verb.
enum ObjectOutput: Sendable {
    case json, yaml, name
    case template(GoTemplate)
    case jsonPath(JSONPath)
    /// Each expression's values as a JSON list.
    case jsonPathValues(JSONPath)

    /// For messages.
    static let words = "yaml, json, name, go-template=…, jsonpath=…"
    static let names = [
        "yaml", "json", "name", "go-template", "go-template-file", "template", "templatefile", "jsonpath", "jsonpath-as-json",
        "jsonpath-file",
    ]

    /// Nil without `-o` and `--template`.
    init?(_ invocation: Invocation) throws(CommandError) {
        guard let text = invocation.value("output") ?? invocation.value("template").map({ _ in "go-template" }) else { return nil }
        guard let found = try Self.named(text, invocation) else {
            let near = nearest(text, among: Self.names).map { "; did you mean \($0)?" } ?? ""
            throw .usage("--output: found \"\(text)\", allowed are \(Self.words)\(near)")
        }
        self = found
    }

    /// `json`, `jsonpath={.x}`, or `jsonpath` with `--template={.x}`; nil: no such format.
    static func named(_ text: String, _ invocation: Invocation) throws(CommandError) -> ObjectOutput? {
        let name = String(text.prefix { $0 != "=" })
        func argument() throws(CommandError) -> String {
            if name.count < text.count { return String(text.dropFirst(name.count + 1)) }
            if let template = invocation.value("template") { return template }
            throw .usage("template format specified but no template given: write -o \(name)=… or --template=…")
        }
        func file() throws(CommandError) -> String {
            let path = try argument()
            do throws(LinuxError) { return try Files.text(path) } catch { throw CommandError("\(error)") }
        }
        switch name {
        case "json": return name == text ? .json : nil
        case "yaml": return name == text ? .yaml : nil
        case "name": return name == text ? .name : nil
        case "go-template", "template": return .template(try GoTemplate(try argument()))
        case "go-template-file", "templatefile": return .template(try GoTemplate(try file()))
        case "jsonpath": return .jsonPath(try JSONPath(try argument()))
        case "jsonpath-file": return .jsonPath(try JSONPath(try file()))
        case "jsonpath-as-json": return .jsonPathValues(try JSONPath(try argument()))
        default: return nil
        }
    }

    /// One object as it is, several (or none) as a List.
    func text(_ objects: [(type: ResourceType, object: Value)], isSingle: Bool? = nil) throws(CommandError) -> String {
        if case .name = self { return objects.map { $0.type.shown($0.object.name) + "\n" }.joined() }
        guard isSingle ?? (objects.count == 1) else {
            return try text(
                of: ["apiVersion": "v1", "items": .array(objects.map(\.object)), "kind": "List", "metadata": ["resourceVersion": ""]])
        }
        return try text(of: objects[0].object)
    }

    /// Each object by itself, one after the other: what kubectl's verbs do that go from object to object.
    func each(_ objects: [(type: ResourceType, object: Value)]) throws(CommandError) -> String {
        var out = ""
        for (at, entry) in objects.enumerated() {
            if case .yaml = self, at > 0 { out += "---\n" }
            out += try text([entry], isSingle: true)
        }
        return out
    }

    /// A whole document: an object, a List, or an event of a watch.
    func text(of whole: Value) throws(CommandError) -> String {
        switch self {
        case .yaml: return YAML.text(whole.sortedByKeys)
        case .json: return JSON.text(whole.sortedByKeys, pretty: true)
        case .name: return whole.name + "\n"
        case .template(let template): return try template.text(in: whole)
        case .jsonPath(let path): return path.text(in: whole)
        case .jsonPathValues(let path):
            return path.lists(in: whole).map { JSON.text(.array($0).sortedByKeys, pretty: true) }.joined()
        }
    }
}

extension Flag {
    /// `-o` of verbs that change objects, and what it may need.
    static let objectOutput = [
        Flag("output", "o", .value(placeholder: "FORMAT"), "print the objects: yaml, json, name, go-template=…, jsonpath=…"), template,
    ]
    static let template = Flag("template", nil, .value(placeholder: "TEXT"), "the template of -o go-template or jsonpath")
}
