import APIClient
import Formats
import Linux
import Measuring
import Resources
import Timing

/// `steady top services`: what the proxies carry just now.
enum TopVerb {
    static let verb = Verb(
        "top services", aliases: ["top service", "top svc"], group: .looking,
        summary: "Traffic of Services and their endpoints: rate, errors, latency, what is open, breakers, ejections, retries",
        usage: "[NAME ...]",
        notes: """
            Shows what was carried in the last interval, and draws it anew until Ctrl-C. Without a terminal, or with --once, it prints once.
            ERRORS are answers with 5xx and those that were cut off; EJECTIONS are counted since the proxy began.
            """,
        examples: [
            ("live", "steady top services"), ("one Service, once, over ten seconds", "steady top services web --once --interval 10s"),
            ("for scripts", "steady top services -A -o json"),
        ],
        flags: [
            .allNamespaces,
            Verb.namespaceFlag,
            Flag("once", nil, .toggle, "print once"),
            Flag("interval", nil, .value(placeholder: "DURATION"), "how long is measured (default: 1s)"),
            Flag("output", "o", .value(placeholder: "json"), "json"),
        ], run: { try run($0) })

    static func run(_ invocation: Invocation) throws(CommandError) -> Int32 {
        let output = invocation.value("output")
        if let output, output != "json" { throw .usage("--output: found \"\(output)\", allowed is json") }
        let interval = try invocation.duration("interval") ?? .seconds(1)
        guard interval >= .milliseconds(100) else { throw .usage("--interval: at least 100ms") }
        let api = try Instance.connect(invocation)
        let terminal = invocation.terminal
        let isLive = terminal.isInteractive && output == nil && !invocation.isSet("once")
        if isLive { Processes.leaveOnInterrupt() }
        var last = try scrape(api)
        repeat {
            api.loop.runUntil(within: interval) { false }
            let next = try scrape(api)
            let figures = TrafficFigures(last.scrape, next.scrape, seconds: (next.at - last.at).inSeconds)
            last = next
            let services = try chosen(figures.services, invocation)
            if output != nil {
                terminal.write(JSON.text(["services": TopTable.json(services)], pretty: true))
            } else if isLive {
                draw(TopTable.text(services, showsNamespaces: invocation.isSet("all-namespaces"), terminal), terminal)
            } else {
                terminal.write(TopTable.text(services, showsNamespaces: invocation.isSet("all-namespaces"), terminal))
            }
        } while isLive
        return 0
    }

    private static func scrape(_ api: BlockingAPI) throws(CommandError) -> (scrape: Scrape, at: Instant) {
        do throws(StatusError) {
            let text = try api.get(["metrics"])
            return (Scrape(text, isWanted: TrafficFigures.isWanted), Clock.monotonic())
        } catch { throw CommandError(error.message) }
    }

    private static func chosen(_ all: [TrafficFigures.Service], _ invocation: Invocation) throws(CommandError) -> [TrafficFigures.Service] {
        let isEverywhere = invocation.isSet("all-namespaces")
        let here = all.filter { isEverywhere || $0.namespace == invocation.namespace }
        guard !invocation.words.isEmpty else { return here }
        for word in invocation.words where !here.contains(where: { $0.name == word }) {
            let near = nearest(word, among: here.map(\.name)).map { "; did you mean \($0)?" } ?? ""
            throw CommandError(
                "no Service \"\(word)\" with a TCP port\(isEverywhere ? "" : " in namespace \(invocation.namespace)")\(near)")
        }
        return here.filter { invocation.words.contains($0.name) }
    }

    /// From the screen's first line on, and no line that would wrap or push the first away.
    private static func draw(_ text: String, _ terminal: Terminal) {
        let lines = text.split(separator: "\n").map { $0.cut(toColumns: terminal.width - 1) }
        let limit = max(terminal.height - 1, 2)
        let shown = lines.count <= limit ? lines : lines.prefix(limit - 1) + ["…"]
        terminal.write("\u{1B}[H\u{1B}[J" + shown.joined(separator: "\n") + "\n")
    }
}
