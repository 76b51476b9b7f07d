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
        let showsNamespace = list.namespace == nil
        func cells(_ event: Value) -> [String] {
            let object = event["involvedObject"]
            return (showsNamespace ? [event.namespaceName] : []) + [
                age(event), event["type"].string ?? "", event["reason"].string ?? "",
                "\(object["kind"].string ?? "")/\(object["name"].string ?? "")",
                event["message"].string ?? "",
            ]
        }
        let found = try api.all(list).filter(isWanted).sorted(by: isEarlier)
        let header = (showsNamespace ? ["NAMESPACE"] : []) + ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
        if found.isEmpty, !invocation.isSet("watch") {
            invocation.terminal.complain("No events found in \(list.namespace.map { "\($0) namespace." } ?? "any namespace.")")
        }
        let rows = found.map(cells)
        if !found.isEmpty { invocation.terminal.write(TextTable.text((invocation.isSet("no-headers") ? [] : [header]) + rows)) }
        guard invocation.isSet("watch") else { return 0 }
        Processes.leaveOnInterrupt()
        guard case .list(_, _, let revision) = try api.ask(.list(list)).body else { return 1 }
        let widths = (rows + [header]).reduce(into: [Int](repeating: 0, count: header.count)) { widths, row in
            for (at, cell) in row.enumerated() { widths[at] = max(widths[at], cell.count) }
        }
        var from: Revision? = revision
        var patience = WatchPatience()
        while true {
            var failure: StatusError?
            api.watch(list, from: from, within: .seconds(86_400 * 365)) { signal in
                switch signal {
                case .event(let event):
                    patience.renew()
                    from = event.revision
                    guard event.kind != .bookmark, event.kind != .deleted, isWanted(event.object) else { break }
                    invocation.terminal.write(TextTable.line(cells(event.object), widths))
                case .synced: patience.renew()
                case .ended(let error): failure = error
                }
                return false
            }
            if let failure, failure.code < 500 || !patience.isLeft { throw CommandError(failure) }
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
