import APIClient
import Formats
import Linux
import Resources
import Timing

/// `steady status`: the instance on one screen, once or live.
enum StatusView {
    /// How long a burst of changes is gathered before the screen is drawn again.
    private static let redrawDelay: Duration = .milliseconds(50)
    private static let eventCount = 8

    static func run(_ invocation: Invocation) throws(CommandError) -> Int32 {
        let api = try Instance.connect(invocation)
        let host = invocation.isGiven("server") ? Value.null : (try? Instance.askHost(invocation, ["op": "status"])) ?? .null
        guard invocation.isSet("watch") else {
            let state = State(
                nodes: try api.all(ListRequest(.nodes)), pods: try api.all(ListRequest(.pods)),
                deployments: try api.all(ListRequest(.deployments)),
                services: try api.all(ListRequest(.services)), events: try api.all(ListRequest(.events)))
            var refusal: StatusError?
            do throws(StatusError) { _ = try api.get(journalCheck) } catch { refusal = error }
            invocation.terminal.write(text(state, host, invocation.terminal, refusesWrites: isRefusal(refusal), limit: nil))
            return 0
        }
        Processes.leaveOnInterrupt()
        let types: [ResourceType] = [.nodes, .pods, .deployments, .services, .events]
        let caches = types.map { ObjectCache(api: api.remote, list: ListRequest($0)) }
        var redraw: EventLoop.Timer?
        var hostState = host
        var refusesWrites = false
        func draw() {
            guard caches.allSatisfy(\.isSynced) else { return }
            let state = State(
                nodes: caches[0].all, pods: caches[1].all, deployments: caches[2].all, services: caches[3].all, events: caches[4].all)
            let terminal = invocation.terminal
            let home = terminal.isInteractive ? "\u{1B}[H\u{1B}[J" : "---\n"
            terminal.write(
                home
                    + text(
                        state, hostState, terminal, refusesWrites: refusesWrites, limit: terminal.isInteractive ? terminal.height - 1 : nil)
            )
        }
        func schedule() {
            if redraw?.isPending == true { return }
            redraw = api.loop.schedule(after: redrawDelay, draw)
        }
        for cache in caches { cache.start(onChange: { _, _, _ in schedule() }, onSynced: schedule) }
        // Ages move on, and a role may have been restarted.
        func look() {
            api.remote.get(journalCheck) { result in
                if case .failure(let error) = result { refusesWrites = isRefusal(error) } else { refusesWrites = false }
                schedule()
            }
        }
        look()
        func tick() {
            hostState = invocation.isGiven("server") ? .null : (try? Instance.askHost(invocation, ["op": "status"])) ?? hostState
            look()
            api.loop.schedule(after: .seconds(2), tick)
        }
        api.loop.schedule(after: .seconds(2), tick)
        api.loop.run()
        return 0
    }

    /// Where the server says whether its last commit could be written.
    private static let journalCheck = ["readyz", "journal"]

    /// Not when the server itself is away: that is said already.
    private static func isRefusal(_ error: StatusError?) -> Bool { error?.code == 503 }

    struct State {
        var nodes: [Value]
        var pods: [Value]
        var deployments: [Value]
        var services: [Value]
        var events: [Value]
    }

    static func text(_ state: State, _ host: Value, _ terminal: Terminal, refusesWrites: Bool = false, limit: Int?) -> String {
        var out = ""
        if refusesWrites {
            let words =
                "refuses writes: the last one could not be kept on the disk; reads and supervision go on, and writes work again as soon as one "
                + "can be kept (steady logs --role server)"
            out += "\(terminal.coloured("STORE", .bold))  \(terminal.coloured(words, .red))\n"
        }
        if !host.isNull {
            out +=
                "\(terminal.coloured("INSTANCE", .bold))  API http://\(host["api"].plainText)   data \(host["dataDirectory"].plainText)\n"
        }
        for notice in host["store"].elements.compactMap(\.string) {
            out += "\(terminal.coloured("STORE", .bold))  \(terminal.coloured("at the server's start: \(notice)", .yellow))\n"
        }
        out += roles(host, terminal)
        out += zones(state, terminal)
        out += workloads(state, terminal)
        out += events(state, terminal)
        // A line that wraps would push the screen's first lines away.
        if terminal.isInteractive {
            let lines = out.split(separator: "\n", omittingEmptySubsequences: false)
            out = lines.map { $0.cut(toColumns: terminal.width - 1) }.joined(separator: "\n")
        }
        guard let limit else { return out }
        let lines = out.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.count <= limit ? out : lines.prefix(limit - 1).joined(separator: "\n") + "\n…\n"
    }

    private static func roles(_ host: Value, _ terminal: Terminal) -> String {
        let roles = host["roles"].elements
        guard !roles.isEmpty else { return "" }
        let words = roles.map { role -> String in
            let state = role["state"].plainText
            let restarts = role["restarts"].int ?? 0
            let word = "\(role["name"].plainText)\(restarts > 0 ? " (restarted \(restarts)x)" : "")\(state == "Running" ? "" : " \(state)")"
            return state == "Running" ? word : terminal.coloured(word, .red)
        }
        return "  " + words.joined(separator: "  ") + "\n"
    }

    private static func isReady(_ object: Value) -> Bool {
        object["status"]["conditions"].elements.contains { $0["type"].string == "Ready" && $0["status"].string == "True" }
    }

    private static func zones(_ state: State, _ terminal: Terminal) -> String {
        var out = "\n\(terminal.coloured("ZONES", .bold))\n"
        let byZone = Dictionary(grouping: state.nodes) { $0["metadata"]["labels"]["topology.kubernetes.io/zone"].string ?? "-" }
        let byNode = Dictionary(grouping: state.pods) { $0["spec"]["nodeName"].string ?? "" }
        for (zone, nodes) in byZone.sorted(by: { $0.key < $1.key }) {
            for (at, node) in nodes.sorted(by: { $0.name < $1.name }).enumerated() {
                let pods = byNode[node.name] ?? []
                let dots = pods.sorted { $0.name < $1.name }.prefix(60).map { pod -> String in
                    if !pod["metadata"]["deletionTimestamp"].isNull { return terminal.coloured("◌", .grey) }
                    return isReady(pod) ? terminal.coloured("●", .green) : terminal.coloured("○", .yellow)
                }
                let isUp = isReady(node)
                let words = (isUp ? "Ready" : "NotReady") + (node["spec"]["unschedulable"].bool == true ? ",SchedulingDisabled" : "")
                let shown = (at == 0 ? zone : "").padded(to: 8) + node.name.padded(to: 10)
                out +=
                    "  \(shown)\(isUp ? terminal.coloured(words.padded(to: 10), .green) : terminal.coloured(words.padded(to: 10), .red)) "
                out += "\(pods.filter(isReady).count)/\(pods.count) pods \(dots.joined())\(pods.count > 60 ? "…" : "")\n"
            }
        }
        return out
    }

    private static func workloads(_ state: State, _ terminal: Terminal) -> String {
        guard !state.deployments.isEmpty || !state.services.isEmpty else { return "" }
        var out = "\n\(terminal.coloured("WORKLOADS", .bold))\n"
        for deployment in state.deployments {
            let status = deployment["status"]
            let wanted = deployment["spec"]["replicas"].int ?? 1
            let ready = status["readyReplicas"].int ?? 0
            let images = deployment["spec"]["template"]["spec"]["containers"].elements.map { $0["image"].plainText }.joined(separator: ", ")
            let name = (deployment.namespaceName == "default" ? "" : deployment.namespaceName + "/") + deployment.name
            out +=
                "  deployment/\(name)".padded(to: 32)
                + terminal.coloured("\(ready)/\(wanted) ready".padded(to: 14), ready >= wanted ? .green : .yellow)
            let rollout = Progress.brief(deployment).map { " " + terminal.coloured($0.words, $0.isFailure ? .red : .yellow) } ?? ""
            out += images.padded(to: 20) + rollout + "\n"
        }
        for service in state.services {
            let ports = Printing.cells(service, .services, now: Clock.realtime())
            out +=
                "  service/\(service.namespaceName == "default" ? "" : service.namespaceName + "/")\(service.name)".padded(to: 32)
                + "\(service["spec"]["type"].plainText) \(service["spec"]["clusterIP"].plainText)"
            out += ports.count > 4 ? "  \(ports[4].plainText)\n" : "\n"
        }
        return out
    }

    private static func events(_ state: State, _ terminal: Terminal) -> String {
        let recent = state.events.sorted(by: EventsVerb.isEarlier).suffix(eventCount)
        guard !recent.isEmpty else { return "" }
        var out = "\n\(terminal.coloured("EVENTS", .bold))\n"
        for event in recent {
            let object = "\(event["involvedObject"]["kind"].plainText.lowercased())/\(event["involvedObject"]["name"].plainText)"
            let line =
                "  \(EventsVerb.age(event).padded(to: 22)) \(event["reason"].plainText.padded(to: 20)) \(object.padded(to: 30)) \(event["message"].plainText)"
            out += (event["type"].string == "Warning" ? terminal.coloured(line, .yellow) : line) + "\n"
        }
        return out
    }
}
