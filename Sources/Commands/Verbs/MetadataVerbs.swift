import APIClient
import Formats
import Resources

/// `steady label` and `steady annotate`.
enum MetadataVerbs {
    static let all = [verb("label", "labels", "labeled"), verb("annotate", "annotations", "annotated")]

    private static func verb(_ name: String, _ field: String, _ done: String) -> Verb {
        Verb(
            name, group: .workloads, summary: "Set or remove \(field)",
            usage: "(KIND NAME | KIND/NAME ... | KIND -l QUERY | KIND --all | -f FILE) KEY=VALUE ... KEY-",
            examples: [
                ("set", "steady \(name) pod web-1 tier=front"), ("remove", "steady \(name) pod web-1 tier-"),
                ("look", "steady \(name) pod web-1 --list"),
            ],
            flags: [
                Verb.namespaceFlag, .allNamespaces, .selector, .fieldSelector, .files, .recursive, .kustomize,
                Flag("all", nil, .toggle, "all objects of the kind"),
                Flag("overwrite", nil, .toggle, "also where there is another value"),
                Flag("list", nil, .toggle, "print the \(field) instead of changing them"),
                Flag("resource-version", nil, .value(placeholder: "VERSION"), "only if it is at this version"), .dryRun, .local,
            ] + Flag.objectOutput, run: { try run($0, field, done) })
    }

    private static func run(_ invocation: Invocation, _ field: String, _ done: String) throws(CommandError) -> Int32 {
        func isChange(_ word: String) -> Bool { word.contains("=") || word.hasSuffix("-") && word != "-" }
        let words = invocation.words
        let isList = invocation.isSet("list")
        let first = words.firstIndex(where: isChange) ?? words.endIndex
        var patch: [(String, Value)] = []
        for word in words[first...] {
            guard isChange(word) else { throw .usage("found \"\(word)\", allowed are KEY=VALUE and KEY-") }
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            patch.append(parts.count == 2 ? (parts[0], .string(parts[1])) : (String(word.dropLast()), .null))
        }
        guard isList || !patch.isEmpty else { throw .usage("what to change? write KEY=VALUE, or KEY- to remove") }
        let format = try ObjectOutput(invocation)
        let dryRun = try invocation.dryRun()
        let source = try ChangeSource(Array(words[..<first]), invocation)
        let manager = "kubectl-\(field == "labels" ? "label" : "annotate")"
        var shown: [(type: ResourceType, object: Value)] = []
        let found = try source.objects()
        for (type, object) in found {
            var changed = object
            if !patch.isEmpty {
                try check(object, patch, field, invocation)
                let members: Value = .object(Object([(field, .object(Object(patch)))]))
                changed = try source.patch(
                    object, type, .merge(["metadata": members]), WriteOptions(isDryRun: dryRun.isOn, fieldManager: manager))
                for (key, value) in patch where field == "labels" && value.isNull && object["metadata"][field][key].isNull {
                    invocation.terminal.line("\(field.dropLast()) \"\(key)\" not found.")
                }
            }
            shown.append((type, changed))
            if format != nil { continue }
            if !patch.isEmpty {
                let isChanged = changed["metadata"][field] != object["metadata"][field]
                let words = patch.allSatisfy { $0.1.isNull } && field == "labels" ? "unlabeled" : done
                invocation.terminal.line(
                    "\(type.shown(object.name)) \(isChanged || field != "labels" ? words : "not \(done)")\(dryRun.suffix)")
            }
            if isList {
                list(
                    changed["metadata"][field], of: found.count > 1 ? "\(field) for \(type.kind).\(type.group)/\(object.name)" : nil,
                    invocation.terminal)
            }
        }
        if let format { invocation.terminal.write(try format.each(shown)) }
        return 0
    }

    /// What kubectl refuses before it writes.
    private static func check(_ object: Value, _ patch: [(String, Value)], _ field: String, _ invocation: Invocation) throws(CommandError) {
        if let version = invocation.value("resource-version"), version != object["metadata"]["resourceVersion"].string {
            throw CommandError("Expected resource version to be \(version), was \(object["metadata"]["resourceVersion"].string ?? "")")
        }
        guard !invocation.isSet("overwrite") else { return }
        for (key, value) in patch where !value.isNull {
            let present = object["metadata"][field][key]
            guard present.isNull || present == value else {
                throw CommandError("'\(key)' already has a value (\(present.plainText)), and --overwrite is false")
            }
        }
    }

    private static func list(_ members: Value, of name: String?, _ terminal: Terminal) {
        if let name { terminal.line("Listing \(name):") }
        for (key, value) in members.stringMap.sorted(by: { $0.key < $1.key }) { terminal.line("\(name == nil ? "" : " ")\(key)=\(value)") }
    }
}
