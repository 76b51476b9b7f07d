import APIClient
import Formats
import Linux
import Resources
import Timing

/// `steady wait`.
enum WaitVerb {
    static let verb = Verb(
        "wait", group: .looking, summary: "Wait for a condition",
        usage: "(KIND NAME | KIND/NAME ... | KIND -l QUERY | KIND --all) --for=CONDITION",
        examples: [
            ("available", "steady wait deployment/web --for=condition=Available --timeout 60s"),
            ("gone", "steady wait pod -l app=web --for=delete"),
            ("a field's value", "steady wait pod/x --for=jsonpath='{.status.phase}'=Running"),
        ],
        flags: [
            Flag("for", nil, .value(placeholder: "CONDITION"), "condition=TYPE[=VALUE], delete, create, jsonpath={PATH}=VALUE"),
            Verb.namespaceFlag, .allNamespaces, .files, .recursive, .kustomize,
            .selector, .fieldSelector, .timeout, Flag("all", nil, .toggle, "all objects of the kind"),
        ] + Flag.objectOutput,
        run: { try run($0) })

    private enum Wanted {
        case condition(String, String)
        case gone
        case present
        case field(JSONPath, String?)

        init(_ text: String) throws(CommandError) {
            if text.lowercased() == "delete" {
                self = .gone
            } else if text.lowercased() == "create" {
                self = .present
            } else if text.hasPrefix("condition=") {
                let parts = text.dropFirst(10).split(separator: "=", maxSplits: 1).map(String.init)
                guard let type = parts.first else { throw .usage("--for: condition=TYPE is incomplete") }
                self = .condition(type, parts.count > 1 ? parts[1] : "true")
            } else if text.hasPrefix("jsonpath=") {
                let rest = text.dropFirst(9)
                guard let end = rest.lastIndex(of: "}") else { throw .usage("--for: found \"\(text)\", allowed is jsonpath={PATH}=VALUE") }
                let value = rest[rest.index(after: end)...]
                self = .field(try JSONPath(String(rest[...end])), value.hasPrefix("=") ? String(value.dropFirst()) : nil)
            } else {
                throw .usage("--for: found \"\(text)\", allowed are condition=TYPE[=VALUE], delete, create, jsonpath={PATH}=VALUE")
            }
        }

        /// kubectl's rule: a condition that speaks of an older generation does not count.
        func holds(_ object: Value) -> Bool {
            switch self {
            case .gone: return false
            case .present: return true
            case .condition(let type, let value):
                guard
                    let found = object["status"]["conditions"].elements.first(where: {
                        $0["type"].string?.lowercased() == type.lowercased()
                    })
                else { return false }
                let observed = found["observedGeneration"].int ?? object["status"]["observedGeneration"].int
                if let observed, observed < object["metadata"]["generation"].int ?? 0 { return false }
                return found["status"].string?.lowercased() == value.lowercased()
            case .field(let path, let value):
                let found = path.values(in: object)
                return value.map { wanted in found.contains { $0.plainText == wanted } } ?? !found.isEmpty
            }
        }
    }

    private static func run(_ invocation: Invocation) throws(CommandError) -> Int32 {
        guard let text = invocation.value("for") else { throw .usage("--for is missing: --for=condition=Available") }
        let wanted = try Wanted(text)
        let format = try ObjectOutput(invocation)
        let targets = try Targets(invocation.words, invocation)
        let api = try Instance.connect(invocation)
        let timeout = try invocation.timeout(default: .seconds(30))
        var keys = targets.keys
        var uids: [ObjectKey: String] = [:]
        if keys.isEmpty {
            try targets.requireChoice(invocation)
            for (type, object) in try targets.fetch(api) {
                let key = ObjectKey(type, namespace: object.namespaceName, name: object.name)
                keys.append(key)
                uids[key] = object["metadata"]["uid"].string
            }
            guard !keys.isEmpty else { throw CommandError("no matching resources found") }
        }
        var exitCode: Int32 = 0
        for key in keys {
            // As in kubectl each one is given the whole time.
            let deadline = Clock.monotonic() + timeout
            let isMet: Bool
            var last: Value?
            if case .gone = wanted {
                isMet = untilGone(key, uid: uids[key] ?? "", api, deadline: deadline)
            } else {
                if case .present = wanted {} else { _ = try api.ask(.get(key)) }
                isMet = until(key, api, deadline: deadline) { object in
                    last = object ?? last
                    return object.map(wanted.holds) ?? false
                }
            }
            if isMet, let format {
                // Of what is gone there is no more than its name.
                let object = last ?? ["metadata": ["name": .string(key.name), "namespace": .string(key.namespace)]]
                invocation.terminal.write(try format.text([(key.type, object)]))
            } else if isMet {
                invocation.terminal.line("\(key.type.shown(key.name)) condition met")
            } else {
                invocation.terminal.complain("error: timed out waiting for the condition on \(key.type.plural)/\(key.name)")
                exitCode = 1
            }
        }
        return exitCode
    }

    /// Watches one object until `holds` says so (nil: it is gone); false when the time was over.
    static func until(_ key: ObjectKey, _ api: BlockingAPI, deadline: Instant, _ holds: @escaping (Value?) -> Bool) -> Bool {
        let list = ListRequest(key.type, namespace: key.namespace, fieldSelector: FieldSelector([.init(["metadata", "name"], key.name)]))
        while Clock.monotonic() < deadline {
            var isThere = false
            var hasEnded = false
            let isMet = api.watch(list, from: nil, within: deadline - Clock.monotonic()) { signal in
                switch signal {
                case .event(let event) where event.kind == .bookmark: return false
                case .event(let event):
                    isThere = event.kind != .deleted
                    return holds(isThere ? event.object : nil)
                case .synced: return !isThere && holds(nil)
                case .ended:
                    hasEnded = true
                    return false
                }
            }
            if isMet { return true }
            // A server that restarts is back in milliseconds.
            if hasEnded { api.loop.runUntil(within: .milliseconds(20)) { false } }
        }
        return false
    }

    /// Waits until the object, or the one of this uid, is gone.
    static func untilGone(_ key: ObjectKey, uid: String, _ api: BlockingAPI, deadline: Instant) -> Bool {
        until(key, api, deadline: deadline) { object in
            guard let object else { return true }
            return !uid.isEmpty && object["metadata"]["uid"].string != uid
        }
    }
}
