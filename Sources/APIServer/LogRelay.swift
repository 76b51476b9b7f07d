import Linux
import Resources
import Timing
import Transport
import Wire

/// Passes a container's log from the agent of its node to the client, piece by piece.
final class LogRelay {
    private let http: HTTPClient
    /// Where an agent serves, by the name of its node.
    private let agentSocket: (_ node: String) -> SocketAddress

    /// How long an agent may take to begin its answer. Longer than any hiccup, shorter than clients' patience.
    private static let headTimeout: Duration = .seconds(10)
    /// While more than this waits for the client, the agent is not read.
    private static let waitingByteLimit = 256 << 10

    init(http: HTTPClient, agentSocket: @escaping (_ node: String) -> SocketAddress) {
        self.http = http
        self.agentSocket = agentSocket
    }

    /// `done` is called once with the HTTP code, when the head has gone to the client.
    func relay(_ target: LogTarget, to exchange: HTTPExchange, _ done: @escaping (Int) -> Void) {
        var stream: ResponseStream?
        var cancellation: Cancellation?
        let gate = StreamGate()
        exchange.onAbandoned = { cancellation?.cancel() }
        cancellation = http.stream(
            ClientRequest("GET", target.target), to: agentSocket(target.node), timeout: Self.headTimeout, gate: gate,
            onHead: { head in
                let type = head.headers["Content-Type"] ?? "text/plain"
                let opened = exchange.stream(status: head.status, headers: ["Content-Type": type])
                opened.onClose = { cancellation?.cancel() }
                opened.onDrained = { gate.isHeld = false }
                stream = opened
                done(head.status)
            },
            onBytes: { bytes in
                stream?.write(bytes)
                if let stream, stream.bufferedByteCount > Self.waitingByteLimit { gate.isHeld = true }
            },
            onEnd: { error in
                if let stream {
                    // A log that broke off must not look whole.
                    if error == nil { stream.end() } else { stream.abort() }
                } else {
                    let refusal = StatusError.unavailable(
                        "the agent of node \"\(target.node)\" does not answer: \(error?.description ?? "no answer")")
                    exchange.respond(
                        status: refusal.code, headers: ["Content-Type": "application/json"], body: Answer(refusal).body)
                    done(refusal.code)
                }
                cancellation = nil
            })
    }
}
