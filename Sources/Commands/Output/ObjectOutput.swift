import Formats
import Resources

/// `-o name|json|yaml` of verbs that change objects: what is printed of them instead of a sentence.
enum ObjectOutput: String, CaseIterable {
    case json, yaml, name

    /// Nil without `-o`.
    init?(_ invocation: Invocation) throws(CommandError) {
        guard let text = invocation.value("output") else { return nil }
        guard let found = Self(rawValue: text) else { throw .usage("--output: found \"\(text)\", allowed are yaml, json, name") }
        self = found
    }

    /// One object as it is, several as a List.
    func text(_ objects: [(type: ResourceType, object: Value)]) -> String {
        if self == .name { return objects.map { $0.type.shown($0.object.name) + "\n" }.joined() }
        let whole: Value =
            objects.count == 1
            ? objects[0].object
            : ["apiVersion": "v1", "items": .array(objects.map(\.object)), "kind": "List", "metadata": ["resourceVersion": ""]]
        return self == .yaml ? YAML.text(whole.sortedByKeys) : JSON.text(whole.sortedByKeys, pretty: true)
    }
}

extension Flag {
    static let objectOutput = Flag("output", "o", .value(placeholder: "yaml|json|name"), "print the objects")
}
