import APIClient
import Formats
import Linux
import Resources
import Timing
import Transport

/// `steady get`.
enum GetVerb {
    static let verb = Verb(
        "get", group: .looking, summary: "List objects", usage: "(KIND[,KIND] [NAME ...] | KIND/NAME ... | -f FILE)",
        examples: [
            ("pods, with node and address", "steady get pods -o wide"), ("everything of one app", "steady get all -l app=web"),
            ("one object as YAML", "steady get deployment web -o yaml"), ("follow changes", "steady get pods -w"),
            ("one field", "steady get pods -o jsonpath='{.items[*].status.podIP}'"),
            ("a template", "steady get pods -o go-template='{{range .items}}{{.metadata.name}}{{\"\\n\"}}{{end}}'"),
        ],
        flags: [
            Verb.namespaceFlag, .allNamespaces, .selector, .fieldSelector, .files, .recursive, .kustomize,
            Flag("output", "o", .value(placeholder: "FORMAT"), OutputFormat.words), .template,
            Flag("watch", "w", .toggle, "list, then follow changes"), Flag("watch-only", nil, .toggle, "follow changes only"),
            Flag("output-watch-events", nil, .toggle, "with -w: also what happened: ADDED, MODIFIED, DELETED"),
            Flag("show-kind", nil, .toggle, "the kind before each name"),
            Flag("show-labels", nil, .toggle, "labels as the last column"),
            Flag("label-columns", "L", .value(placeholder: "KEY"), repeats: true, "a label as a column"),
            Flag("no-headers", nil, .toggle, "rows only"),
            Flag("sort-by", nil, .value(placeholder: "JSONPATH"), "order of rows: .metadata.name"),
            Flag("ignore-not-found", nil, .toggle, "a missing object is no error"),
            Flag("subresource", nil, .value(placeholder: "NAME"), "a part of the named objects: status, scale"),
            Flag("raw", nil, .value(placeholder: "PATH"), "what the server has at a path, as it is: /readyz?verbose"),
        ],
        run: { try run($0) })

    private static func run(_ invocation: Invocation) throws(CommandError) -> Int32 {
        if let path = invocation.value("raw") { return try raw(path, invocation) }
        let format = try OutputFormat(invocation)
        let targets = try Targets(invocation.words, invocation)
        let subresource = try subresource(invocation, targets)
        let api = try Instance.connect(invocation)
        if invocation.isSet("watch") || invocation.isSet("watch-only") { return try watch(targets, api, format, invocation) }
        var found: [(type: ResourceType, object: Value)] = []
        var exitCode: Int32 = 0
        if targets.keys.isEmpty {
            found = try targets.fetch(api)
        } else {
            for key in targets.keys {
                do throws(StatusError) {
                    let object = try api.perform(.get(key, subresource)).object
                    found.append((subresource == .scale ? .scales : key.type, object))
                } catch {
                    if error.code == 404, invocation.isSet("ignore-not-found") { continue }
                    invocation.terminal.complain(CommandError(error).message)
                    exitCode = 1
                }
            }
        }
        if let path = invocation.value("sort-by") {
            let sorting = try JSONPath(path)
            guard found.isEmpty || found.contains(where: { !sorting.values(in: $0.object).isEmpty }) else {
                throw CommandError("couldn't find any field with path \"\(path)\" in the list of objects")
            }
            // A table has a paragraph for each kind.
            let order = Dictionary(uniqueKeysWithValues: targets.types.enumerated().map { ($0.element, format.isTable ? $0.offset : 0) })
            found = found.enumerated().sorted { a, b in
                let (first, second) = (order[a.element.type] ?? 0, order[b.element.type] ?? 0)
                if first != second { return first < second }
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

    private static func subresource(_ invocation: Invocation, _ targets: Targets) throws(CommandError) -> ResourceType.Subresource? {
        guard let name = invocation.value("subresource") else { return nil }
        guard name == "status" || name == "scale", let found = ResourceType.Subresource(rawValue: name) else {
            throw .usage("--subresource: found \"\(name)\", allowed are status, scale")
        }
        guard !targets.keys.isEmpty else {
            throw .usage("subresource cannot be used when bulk resources are specified: name the objects")
        }
        if let other = targets.types.first(where: { !$0.subresources.contains(found) }) {
            throw .usage("--subresource: \(other.plural) have no \(name)")
        }
        return found
    }

    /// The answer to a GET of any path.
    private static func raw(_ path: String, _ invocation: Invocation) throws(CommandError) -> Int32 {
        guard path.hasPrefix("/"), invocation.words.isEmpty else { throw .usage("--raw takes one path and nothing else: --raw /version") }
        let api = try Instance.connect(invocation)
        var end: StatusError??
        _ = api.remote.stream(ClientRequest("GET", path), onBytes: { invocation.terminal.write(bytes: $0) }) { end = .some($0) }
        while end == nil { api.loop.runUntil(within: .seconds(3600)) { end != nil } }
        if case .some(.some(let error)) = end { throw CommandError(error) }
        return 0
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
        var problem: CommandError?
        var patience = WatchPatience()
        while true {
            var last = from
            api.watch(list, from: from, within: .seconds(86_400)) { signal in
                switch signal {
                case .event(let event):
                    patience.renew()
                    last = event.revision
                    guard event.kind != .bookmark else { return false }
                    do throws(CommandError) { invocation.terminal.write(try rows.event(event)) } catch {
                        problem = error
                        return true
                    }
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
            if let problem { throw problem }
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

extension String {
    /// `web-2` before `web-10`: numbers inside count by what they are worth.
    func isNaturallyBefore(_ other: String) -> Bool {
        var (a, b) = (self[...], other[...])
        while let x = a.first, let y = b.first {
            let (left, right) = (a.prefix { $0.isASCII && $0.isNumber }, b.prefix { $0.isASCII && $0.isNumber })
            if let m = Int(left), let n = Int(right) {
                if m != n { return m < n }
                (a, b) = (a.dropFirst(left.count), b.dropFirst(right.count))
            } else {
                if x != y { return x < y }
                (a, b) = (a.dropFirst(), b.dropFirst())
            }
        }
        return a.isEmpty && !b.isEmpty
    }
}

extension Value {
    /// The order of `--sort-by`: numbers by value, all else by its text.
    fileprivate func isBefore(_ other: Value) -> Bool {
        if let a = number, let b = other.number { return a < b }
        if let a = string, let b = other.string {
            if let x = Quantity(a), let y = Quantity(b) { return x < y }
            return a.isNaturallyBefore(b)
        }
        return isNull && !other.isNull
    }
}
