import Formats
import Linux
import Resources
import Supervision
import Timing
import Transport
import Wire

/// The agent's own HTTP socket, asked by the server: `GET /logs/NAMESPACE/POD/CONTAINER` for `pods/log`, `GET /machines/NAMESPACE/POD` for how a
/// pod stands.
final class AgentEndpoint {
    private let server: HTTPServer
    private let path: String

    /// - Parameters:
    ///   - find: a container's log, the files' place, and why it has not been started yet ("" where it has); nil for what is not here.
    ///   - explain: why a pod is as it is, and what comes next; nil for one that is not here.
    init(
        loop: EventLoop, path: String,
        find: @escaping (_ namespace: String, _ pod: String, _ container: String) -> (PodPaths, ContainerLog, waiting: String)?,
        explain: @escaping (_ namespace: String, _ pod: String) -> [Explained]?
    ) throws(LinuxError) {
        self.path = path
        try? Files.removeTree(path)
        server = HTTPServer(loop: loop) { exchange in Self.answer(exchange, find, explain) }
        try server.serve(listener: try Sockets.listen(unix: path)) { descriptor, _ in PeerIdentity.ofUnix(descriptor).identity.isOurs }
    }

    func close() {
        server.close()
        try? Files.removeTree(path)
    }

    private static func refuse(_ exchange: HTTPExchange, _ error: StatusError) {
        exchange.respond(
            status: error.code, headers: HTTPHeaders([("Content-Type", "application/json")]), body: JSON.serialize(error.value))
    }

    private static func answer(
        _ exchange: HTTPExchange, _ find: (String, String, String) -> (PodPaths, ContainerLog, waiting: String)?,
        _ explain: (String, String) -> [Explained]?
    ) {
        let parts = exchange.path.split(separator: "/").map(String.init)
        if parts == ["healthz"] { return exchange.respond(status: 200, body: Array("ok".utf8)) }
        if parts.count == 3, parts[0] == "machines" {
            guard let sentences = explain(parts[1], parts[2]) else {
                return refuse(exchange, .notFound(ObjectKey(.pods, namespace: parts[1], name: parts[2])))
            }
            return exchange.respond(
                status: 200, headers: HTTPHeaders([("Content-Type", "application/json")]),
                body: JSON.serialize(["items": .array(sentences.map(\.value))]))
        }
        guard parts.count == 4, parts[0] == "logs" else {
            return refuse(exchange, .badRequest("the path is /logs/NAMESPACE/POD/CONTAINER or /machines/NAMESPACE/POD"))
        }
        guard let (paths, log, waiting) = find(parts[1], parts[2], parts[3]) else {
            return refuse(exchange, .notFound(ObjectKey(.pods, namespace: parts[1], name: parts[2])))
        }
        let selection: LogSelection
        do { selection = try LogSelection(query: exchange.query, now: Clock.realtime()) } catch {
            return refuse(exchange, .badRequest(error.message))
        }
        let run = selection.previous ? log.run - 1 : log.run
        let file = paths.log(parts[3], run: run)
        guard run >= 0 else {
            let which = selection.previous ? "previous terminated container" : "container"
            let verb = selection.previous ? "not found" : waiting.isEmpty ? "is waiting to start" : "is waiting to start: \(waiting)"
            return refuse(exchange, .badRequest("\(which) \"\(parts[3])\" in pod \"\(parts[2])\" \(verb)"))
        }
        let isFollowing = selection.follow && !selection.previous && !log.isComplete
        let reader = LogReader(file, tail: selection.tailLines, endsHere: !isFollowing)
        let stream = exchange.stream(status: 200, headers: HTTPHeaders([("Content-Type", "text/plain")]))
        LogTransfer.begin(reader, LogFormatter(selection), to: stream, following: isFollowing ? log : nil, loop: exchange.loop)
    }
}
