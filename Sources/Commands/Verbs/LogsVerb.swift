import APIClient
import Formats
import Linux
import Resources
import Timing
import Transport
import Wire

/// `steady logs`.
enum LogsVerb {
    static let verb = Verb(
        "logs", group: .looking, summary: "What containers wrote", usage: "(POD | KIND/NAME | -l QUERY | --role ROLE)",
        examples: [
            ("a pod", "steady logs web-7d9c-x2x4z"), ("one pod of a deployment, and on", "steady logs -f deployment/web"),
            ("all pods of an app", "steady logs -l app=web --prefix"),
            ("all pods of a deployment", "steady logs deployment/web --all-pods"), ("Steady's own", "steady logs --role agent-a1"),
        ],
        flags: [
            Verb.namespaceFlag, .selector, Flag("follow", "f", .toggle, "go on as more is written"),
            Flag("previous", "p", .toggle, "of the run before the last restart"),
            Flag("container", "c", .value(placeholder: "NAME"), "which container"),
            Flag("all-containers", nil, .toggle, "every container of the pod"),
            Flag("all-pods", nil, .toggle, "every pod of the workload, with pod and container before each line"),
            Flag("max-log-requests", nil, .value(placeholder: "N"), "with -f: how many logs at once (default \(followLimit))"),
            Flag("ignore-errors", nil, .toggle, "go on where a log cannot be had, and end with 0"),
            Flag("tail", nil, .value(placeholder: "LINES"), "only the last lines"),
            Flag("since", nil, .value(placeholder: "DURATION"), "only what is not older"),
            Flag("since-time", nil, .value(placeholder: "TIME"), "only since (RFC 3339)"),
            Flag("timestamps", nil, .toggle, "with the time of each line"),
            Flag("limit-bytes", nil, .value(placeholder: "N"), "at most so many bytes"),
            Flag("prefix", nil, .toggle, "with pod and container before each line"),
            Flag(
                "role", nil, .value(placeholder: "ROLE"),
                "Steady's own log: up, server, agent-NODE (or agent), proxy-1 (or proxy), access-proxy-1 (or access: the requests that a "
                    + "TrafficPolicy wants told); of several the name stands before each line"),
        ],
        run: { try run($0) })

    /// Streams at once with `--follow`, unless `--max-log-requests` says more or fewer.
    private static let followLimit = 50

    private static func run(_ invocation: Invocation) throws(CommandError) -> Int32 {
        if invocation.isSet("follow") { Processes.leaveOnInterrupt() }
        if let role = invocation.value("role") { return try RoleLogs.run(role, invocation) }
        let api = try Instance.connect(invocation)
        let pods = try pods(invocation, api)
        let isFollowing = invocation.isSet("follow")
        var streams: [(pod: Value, container: String)] = []
        for pod in pods { for container in try containers(of: pod, invocation) { streams.append((pod, container)) } }
        let limit = try invocation.integer("max-log-requests", in: 1...10_000) ?? followLimit
        if isFollowing, streams.count > limit {
            throw CommandError(
                "you are attempting to follow \(streams.count) log streams, but maximum allowed concurrency is \(limit), "
                    + "use --max-log-requests to increase the limit")
        }
        let isTolerant = invocation.isSet("ignore-errors")
        let hasPrefix = invocation.isGiven("prefix") ? invocation.isSet("prefix") : invocation.isSet("all-pods")
        let query = try query(invocation)
        var open = streams.count
        var failure: StatusError?
        func start(_ at: Int, _ next: @escaping () -> Void) {
            let (pod, container) = streams[at]
            let prefix = hasPrefix ? "[pod/\(pod.name)/\(container)] " : ""
            var rest: [UInt8] = []
            func show(_ bytes: [UInt8]) {
                guard !prefix.isEmpty else { return invocation.terminal.write(bytes: bytes) }
                rest += bytes
                while let end = rest.firstIndex(of: 10) {
                    invocation.terminal.write(bytes: Array(prefix.utf8) + rest[...end])
                    rest.removeSubrange(...end)
                }
            }
            func end(_ error: StatusError?) {
                // A last line that is not ended yet.
                if !rest.isEmpty { invocation.terminal.write(bytes: Array(prefix.utf8) + rest + [10]) }
                if let error, isTolerant {
                    invocation.terminal.complain(CommandError(error).message)
                } else if let error {
                    failure = failure ?? error
                }
                open -= 1
                next()
            }
            // A limit of bytes counts what one answer has.
            if isFollowing, !invocation.isGiven("limit-bytes") {
                return LogFollowing(
                    api.remote, pod: pod, container: container, query: query, showsTimes: invocation.isSet("timestamps"), onBytes: show,
                    onEnd: end
                ).start()
            }
            let target = RequestTarget.text(
                segments: RequestCoding.segments(ObjectKey(.pods, namespace: pod.namespaceName, name: pod.name), .log),
                query: query + [("container", container)])
            _ = api.remote.stream(ClientRequest("GET", target), onBytes: show, onEnd: end)
        }
        if isFollowing {
            for at in streams.indices { start(at) {} }
        } else if !streams.isEmpty {
            // One after the other, so that they do not mix.
            func go(_ at: Int) { if at < streams.count { start(at) { go(at + 1) } } }
            go(0)
        }
        while open > 0 { api.loop.runUntil(within: .seconds(3600)) { open == 0 } }
        if let failure { throw CommandError(failure) }
        return 0
    }

    private static func query(_ invocation: Invocation) throws(CommandError) -> [(String, String)] {
        var out: [(String, String)] = []
        for (flag, name) in [("follow", "follow"), ("previous", "previous"), ("timestamps", "timestamps")] where invocation.isSet(flag) {
            out.append((name, "true"))
        }
        if let lines = try invocation.integer("tail", in: -1...Int.max), lines >= 0 {
            out.append(("tailLines", "\(lines)"))
        } else if invocation.isGiven("selector"), !invocation.isGiven("tail") {
            out.append(("tailLines", "10"))
        }
        if let bytes = try invocation.integer("limit-bytes", in: 1...Int.max) { out.append(("limitBytes", "\(bytes)")) }
        if let since = try invocation.duration("since") { out.append(("sinceSeconds", "\(max(1, Int(since.inSeconds.rounded(.up))))")) }
        if let time = invocation.value("since-time") { out.append(("sinceTime", time)) }
        return out
    }

    private static func pods(_ invocation: Invocation, _ api: BlockingAPI) throws(CommandError) -> [Value] {
        if invocation.isGiven("selector") {
            let targets = try Targets(["pods"], invocation)
            let found = try targets.fetch(api).map(\.object)
            if found.isEmpty { invocation.terminal.complain("No resources found in \(invocation.namespace) namespace.") }
            return found
        }
        guard let word = invocation.words.first else { throw .usage("which pod? name it, or deployment/NAME, or choose by -l QUERY") }
        guard word.contains("/") else { return [try api.ask(.get(ObjectKey(.pods, namespace: invocation.namespace, name: word))).object] }
        let (type, object) = try Targets([word], invocation).fetch(api)[0]
        if type == .pods { return [object] }
        let selector =
            type == .services
            ? LabelSelector(labels: object["spec"]["selector"].stringMap) : LabelSelector(object: object["spec"]["selector"])
        let found = try api.all(ListRequest(.pods, namespace: object.namespaceName, labelSelector: selector))
        guard let pod = found.first(where: { $0["status"]["phase"].string == "Running" }) ?? found.first else {
            throw CommandError("\(type.shown(object.name)) has no pods")
        }
        if invocation.isSet("all-pods") { return found.sorted { $0.name < $1.name } }
        if found.count > 1 { invocation.terminal.complain("Found \(found.count) pods, using pod/\(pod.name)") }
        return [pod]
    }

    private static func containers(of pod: Value, _ invocation: Invocation) throws(CommandError) -> [String] {
        let names = (pod["spec"]["initContainers"].elements + pod["spec"]["containers"].elements).compactMap { $0["name"].string }
        if invocation.isSet("all-containers") { return names }
        if let wanted = invocation.value("container") ?? (invocation.words.count > 1 ? invocation.words[1] : nil) {
            guard names.contains(wanted) else {
                throw CommandError("container \(wanted) is not valid for pod \(pod.name); it has \(names.joined(separator: ", "))")
            }
            return [wanted]
        }
        let regular = pod["spec"]["containers"].elements.compactMap { $0["name"].string }
        if let preferred = pod["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"].string, regular.contains(preferred) {
            return [preferred]
        }
        if names.count > 1, let first = regular.first {
            let initial = Set(pod["spec"]["initContainers"].elements.compactMap { $0["name"].string })
            let others = regular + names.filter(initial.contains).map { "\($0) (init)" }
            invocation.terminal.complain("Defaulted container \"\(first)\" out of: \(others.joined(separator: ", "))")
        }
        return Array(regular.prefix(1))
    }
}
