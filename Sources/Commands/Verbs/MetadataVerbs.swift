import APIClient
import Formats
import Resources

/// `steady label` and `steady annotate`.
enum MetadataVerbs {
    static let all = [verb("label", "labels", "labeled"), verb("annotate", "annotations", "annotated")]

    private static func verb(_ name: String, _ field: String, _ done: String) -> Verb {
        Verb(
            name, group: .workloads, summary: "Set or remove \(field)", usage: "(KIND NAME | KIND/NAME ...) KEY=VALUE ... KEY-",
            examples: [("set", "steady \(name) pod web-1 tier=front"), ("remove", "steady \(name) pod web-1 tier-")],
            flags: [
                Verb.namespaceFlag, .selector, Flag("all", nil, .toggle, "all objects of the kind"),
                Flag("overwrite", nil, .toggle, "also where there is another value"), .dryRun,
            ], run: { try run($0, field, done) })
    }

    private static func run(_ invocation: Invocation, _ field: String, _ done: String) throws(CommandError) -> Int32 {
        func isChange(_ word: String) -> Bool { word.contains("=") || word.hasSuffix("-") && word != "-" }
        let words = invocation.words
        guard let first = words.firstIndex(where: isChange) else { throw .usage("what to change? write KEY=VALUE, or KEY- to remove") }
        var patch: [(String, Value)] = []
        for word in words[first...] {
            guard isChange(word) else { throw .usage("found \"\(word)\", allowed are KEY=VALUE and KEY-") }
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            patch.append(parts.count == 2 ? (parts[0], .string(parts[1])) : (String(word.dropLast()), .null))
        }
        let api = try Instance.connect(invocation)
        let targets = try Targets(Array(words[..<first]), invocation)
        if targets.keys.isEmpty, !invocation.isSet("all"), !invocation.isGiven("selector") {
            throw .usage("which ones? name them, choose by -l QUERY, or say --all")
        }
        for (type, object) in try targets.fetch(api) {
            for (key, value) in patch where !value.isNull && !invocation.isSet("overwrite") {
                let present = object["metadata"][field][key]
                guard present.isNull || present == value else {
                    throw CommandError("'\(key)' already has a value (\(present.plainText)), and --overwrite is false")
                }
            }
            let key = ObjectKey(type, namespace: object.namespaceName, name: object.name)
            let isDryRun = (invocation.value("dry-run") ?? "none") != "none"
            let reply = try api.ask(
                .patch(
                    key, .merge(["metadata": .object(Object([(field, .object(Object(patch)))]))]), nil,
                    WriteOptions(isDryRun: isDryRun, fieldManager: "kubectl-\(field == "labels" ? "label" : "annotate")")))
            let isChanged = reply.object["metadata"][field] != object["metadata"][field]
            invocation.terminal.line(
                "\(type.shown(object.name)) \(isChanged ? (patch.allSatisfy { $0.1.isNull } && field == "labels" ? "unlabeled" : done) : "not \(done)")"
            )
        }
        return 0
    }
}
