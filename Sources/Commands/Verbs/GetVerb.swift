import APIClient
import Formats
import Linux
import Resources
import Timing

/// `steady get`.
enum GetVerb {
    static let verb = Verb(
        "get", group: .looking, summary: "List objects", usage: "(KIND[,KIND] [NAME ...] | KIND/NAME ... | -f FILE)",
        examples: [
            ("pods, with node and address", "steady get pods -o wide"), ("everything of one app", "steady get all -l app=web"),
            ("one object as YAML", "steady get deployment web -o yaml"), ("follow changes", "steady get pods -w"),
            ("one field", "steady get pods -o jsonpath='{.items[*].status.podIP}'"),
        ],
        flags: [
            Verb.namespaceFlag, .allNamespaces, .selector, .fieldSelector, .files, .recursive,
            Flag("output", "o", .value(placeholder: "FORMAT"), "wide, yaml, json, name, jsonpath=…, custom-columns=…"),
            Flag("watch", "w", .toggle, "list, then follow changes"), Flag("watch-only", nil, .toggle, "follow changes only"),
            Flag("show-labels", nil, .toggle, "labels as the last column"),
            Flag("label-columns", "L", .value(placeholder: "KEY"), repeats: true, "a label as a column"),
            Flag("no-headers", nil, .toggle, "rows only"),
            Flag("sort-by", nil, .value(placeholder: "JSONPATH"), "order of rows: .metadata.name"),
            Flag("ignore-not-found", nil, .toggle, "a missing object is no error"),
        ],
        run: { try run($0) })

    private static func run(_ invocation: Invocation) throws(CommandError) -> Int32 {
        let format = try OutputFormat(invocation)
        let targets = try Targets(invocation.words, invocation)
        let api = try Instance.connect(invocation)
        if invocation.isSet("watch") || invocation.isSet("watch-only") { return try watch(targets, api, format, invocation) }
        var found: [(type: ResourceType, object: Value)] = []
        var exitCode: Int32 = 0
        if targets.keys.isEmpty {
            found = try targets.fetch(api)
        } else {
            for key in targets.keys {
                do throws(StatusError) {
                    found.append((key.type, try api.get(key)))
                } catch {
                    if error.code == 404, invocation.isSet("ignore-not-found") { continue }
                    invocation.terminal.complain(CommandError(error).message)
                    exitCode = 1
                }
            }
        }
        if let path = invocation.value("sort-by") {
            let sorting = try JSONPath(path)
            found = found.enumerated().sorted { a, b in
                let left = sorting.values(in: a.element.object).first ?? .null
                let right = sorting.values(in: b.element.object).first ?? .null
                return left.isBefore(right) || !right.isBefore(left) && a.offset < b.offset
            }.map(\.element)
        }
        if found.isEmpty, exitCode != 0 { return exitCode }
        if found.isEmpty, format.isTable {
            if exitCode == 0, !invocation.isSet("ignore-not-found") {
                invocation.terminal.complain(targets.namespace.map { "No resources found in \($0) namespace." } ?? "No resources found")
            }
            return exitCode
        }
        let isSingle = targets.keys.count == 1 && found.count == 1
        invocation.terminal.write(
            try format.text(found, isSingle: isSingle, showsKind: targets.types.count > 1, showsNamespace: targets.namespace == nil))
        return exitCode
    }

    private static func watch(_ targets: Targets, _ api: BlockingAPI, _ format: OutputFormat, _ invocation: Invocation) throws(CommandError)
        -> Int32
    {
        guard targets.types.count == 1, targets.keys.count <= 1 else { throw .usage("--watch takes one kind, or one object") }
        Processes.leaveOnInterrupt()
        let type = targets.types[0]
        var list = targets.list(type)
        if let key = targets.keys.first {
            _ = try api.ask(.get(key))
            list.fieldSelector.terms.append(.init(["metadata", "name"], key.name))
        }
        var from: Revision?
        var rows = format.rows(type, showsNamespace: targets.namespace == nil)
        if invocation.isSet("watch-only") {
            guard case .list(_, _, let revision) = try api.ask(.list(list)).body else { return 1 }
            from = revision
        }
        var failure: StatusError?
        var patience = WatchPatience()
        while true {
            var last = from
            api.watch(list, from: from, within: .seconds(86_400)) { signal in
                switch signal {
                case .event(let event):
                    patience.renew()
                    last = event.revision
                    guard event.kind != .bookmark else { return false }
                    invocation.terminal.write(rows.event(event))
                    return false
                case .synced(let revision):
                    patience.renew()
                    last = revision
                    return false
                case .ended(let error):
                    failure = error
                    return true
                }
            }
            if let ended = failure {
                failure = nil
                // A server that restarts is back in milliseconds; what happened meanwhile is caught up with.
                guard ended.asksForNewList || ended.code >= 500, patience.isLeft else { throw CommandError(ended) }
                from = ended.asksForNewList ? nil : last
                api.loop.runUntil(within: WatchPatience.pause) { false }
                continue
            }
            from = last
        }
    }
}

extension Value {
    /// The order of `--sort-by`: numbers by value, all else by its text.
    fileprivate func isBefore(_ other: Value) -> Bool {
        if let a = number, let b = other.number { return a < b }
        if let a = string, let b = other.string {
            if let x = Quantity(a), let y = Quantity(b) { return x < y }
            return a < b
        }
        return isNull && !other.isNull
    }
}
