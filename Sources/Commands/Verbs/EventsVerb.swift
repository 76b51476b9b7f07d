import APIClient
import Formats
import Linux
import Resources
import Timing

/// `steady events`.
enum EventsVerb {
    static let verb = Verb(
        "events", group: .looking, summary: "What happened", usage: "",
        examples: [
            ("of one object", "steady events --for pod/web-1"), ("as they come", "steady events -w"),
            ("problems only", "steady events --types Warning -A"),
        ],
        flags: [
            Verb.namespaceFlag, .allNamespaces, Flag("for", nil, .value(placeholder: "KIND/NAME"), "of this object only"),
            Flag("types", nil, .value(placeholder: "LIST"), "Normal, Warning"), Flag("watch", "w", .toggle, "go on"),
            Flag("no-headers", nil, .toggle, "rows only"),
            Flag("output", "o", .value(placeholder: "FORMAT"), OutputFormat.words), .template,
        ],
        run: { try run($0) })

    private static func run(_ invocation: Invocation) throws(CommandError) -> Int32 {
        var list = ListRequest(.events, namespace: invocation.isSet("all-namespaces") ? nil : invocation.namespace)
        if let text = invocation.value("for") {
            let parts = text.split(separator: "/").map(String.init)
            guard parts.count == 2 else { throw .usage("--for: found \"\(text)\", allowed is KIND/NAME") }
            let type = try Targets.type(parts[0])
            list.fieldSelector = FieldSelector([
                .init(["involvedObject", "kind"], type.kind), .init(["involvedObject", "name"], parts[1]),
            ])
        }
        let types = invocation.value("types").map { Set($0.split(separator: ",").map { $0.lowercased() }) }
        func isWanted(_ event: Value) -> Bool { types?.contains(event["type"].string?.lowercased() ?? "") ?? true }
        let api = try Instance.connect(invocation)
        let format = try OutputFormat(invocation)
        let showsNamespace = list.namespace == nil
        let table = EventTable(showsNamespace: showsNamespace, isWide: invocation.value("output") == "wide")
        let found = try api.all(list).filter(isWanted).sorted(by: isEarlier)
        if invocation.isGiven("output") || invocation.isGiven("template"), !table.isWide {
            if !found.isEmpty || !format.isTable, !invocation.isSet("watch") {
                invocation.terminal.write(
                    try format.text(
                        found.map { (type: .events, object: $0) }, isSingle: false, showsKind: false, showsNamespace: showsNamespace))
            }
        } else if !found.isEmpty {
            let headers = invocation.isSet("no-headers") ? [] : [table.headers]
            invocation.terminal.write(TextTable.text(headers + found.map(table.cells)))
        } else if !invocation.isSet("watch") {
            invocation.terminal.complain("No events found in \(list.namespace.map { "\($0) namespace." } ?? "any namespace.")")
        }
        guard invocation.isSet("watch") else { return 0 }
        Processes.leaveOnInterrupt()
        var rows = format.rows(.events, showsNamespace: showsNamespace)
        let widths = ([table.headers] + found.map(table.cells)).reduce(into: [Int](repeating: 0, count: table.headers.count)) {
            for (at, cell) in $1.enumerated() { $0[at] = max($0[at], cell.count) }
        }
        let isTable = !invocation.isGiven("output") && !invocation.isGiven("template") || table.isWide
        try follow(list, api, told: isTable ? found : []) { event in
            guard isWanted(event.object) else { return }
            if isTable { return invocation.terminal.write(TextTable.line(table.cells(event.object), widths)) }
            do throws(CommandError) { invocation.terminal.write(try rows.event(event)) } catch {
                invocation.terminal.complain("error: \(error.message)")
            }
        }
    }

    /// Tells each event once, for as long as the server is there, and goes on after it was away.
    ///
    /// - Parameter told: what was shown already.
    private static func follow(_ list: ListRequest, _ api: BlockingAPI, told: [Value], _ tell: @escaping (WatchEvent) -> Void)
        throws(CommandError) -> Never
    {
        var heard = HeardEvents()
        told.forEach { _ = heard.isNews($0) }
        // Nil: what exists comes first, in one go, up to `synced`; only what is new of it is told, in its order.
        var from: Revision?
        var patience = WatchPatience()
        while true {
            var failure: StatusError?
            var existing: [WatchEvent]? = from == nil ? [] : nil
            api.watch(list, from: from, within: .seconds(86_400 * 365)) { signal in
                switch signal {
                case .event(let event):
                    patience.renew()
                    if existing != nil, event.kind != .bookmark {
                        existing?.append(event)
                        break
                    }
                    from = event.revision
                    if event.kind == .deleted { heard.forget(event.object) }
                    if event.kind == .added || event.kind == .modified, heard.isNews(event.object) { tell(event) }
                case .synced(let revision):
                    patience.renew()
                    from = revision
                    heard.keep(only: existing?.map(\.object) ?? [])
                    for event in existing?.sorted(by: { isEarlier($0.object, $1.object) }) ?? [] where heard.isNews(event.object) {
                        tell(event)
                    }
                    existing = nil
                case .ended(let error): failure = error
                }
                return false
            }
            if let failure {
                if failure.asksForNewList { from = nil } else if failure.code < 500 { throw CommandError(failure) }
                guard patience.isLeft else { throw CommandError(failure) }
            }
            api.loop.runUntil(within: WatchPatience.pause) { false }
        }
    }

    /// By time; of one second (Kubernetes' grain) by the order of their writing.
    static func isEarlier(_ a: Value, _ b: Value) -> Bool {
        func order(_ event: Value) -> (String, Int) { (time(event), Int(event["metadata"]["resourceVersion"].string ?? "") ?? 0) }
        return order(a) < order(b)
    }

    static func time(_ event: Value) -> String {
        for found in [
            event["series"]["lastObservedTime"], event["lastTimestamp"], event["firstTimestamp"], event["eventTime"],
            event["metadata"]["creationTimestamp"],
        ] {
            if let text = found.string { return text }
        }
        return ""
    }

    /// `12s`, or `12s (x4 over 2m)` for one that repeats.
    static func age(_ event: Value) -> String {
        let now = Clock.realtime()
        func since(_ text: String?) -> String { text.flatMap(Timestamp.init(rfc3339:)).map { HumanDuration.text(now - $0) } ?? "<unknown>" }
        let count = event["series"]["count"].int ?? event["count"].int ?? 1
        let last = since(time(event))
        return count > 1 ? "\(last) (x\(count) over \(since(event["firstTimestamp"].string)))" : last
    }
}

/// How events are listed: for people, with ages instead of times.
private struct EventTable {
    let showsNamespace: Bool
    let isWide: Bool

    var headers: [String] {
        (showsNamespace ? ["NAMESPACE"] : []) + ["LAST SEEN", "TYPE", "REASON", "OBJECT"] + (isWide ? ["SOURCE"] : []) + ["MESSAGE"]
            + (isWide ? ["COUNT", "NAME"] : [])
    }

    func cells(_ event: Value) -> [String] {
        let object = event["involvedObject"]
        let source = event["source"]["component"].string ?? event["reportingComponent"].plainText
        let count = event["series"]["count"].int ?? event["count"].int ?? 1
        return (showsNamespace ? [event.namespaceName] : []) + [
            EventsVerb.age(event), event["type"].string ?? "", event["reason"].string ?? "",
            "\(object["kind"].string ?? "")/\(object["name"].string ?? "")",
        ] + (isWide ? [source] : []) + [event["message"].string ?? ""] + (isWide ? ["\(count)", event.name] : [])
    }
}
