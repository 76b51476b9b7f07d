import Linux
import Testing
import Timing
import Wire

@testable import Transport

/// A server on a free port of the loopback, with a loop to turn.
final class Stage {
    let loop: EventLoop
    let server: HTTPServer
    let listener: Int32
    let address: SocketAddress
    private(set) var requests: [String] = []
    /// Answers; the default says what was asked.
    var answer: (HTTPExchange) -> Void = { exchange in
        exchange.respond(status: 200, headers: ["X-Path": exchange.path], body: Array("\(exchange.method) ".utf8) + exchange.body)
    }

    /// The server's clock stands still, so that its answers are known to the byte.
    static let date = "Date: Fri, 02 Jan 2026 03:04:05 GMT\r\n"

    init(limits: ServerLimits = .standard) throws {
        loop = try EventLoop()
        listener = try Sockets.listen(tcp: .ipv4(.loopback, port: 0))
        address = try Sockets.localAddress(listener)
        var own: Stage?
        server = HTTPServer(loop: loop, limits: limits, clock: { Timestamp(rfc3339: "2026-01-02T03:04:05.6Z")! }) { exchange in
            own!.requests.append("\(exchange.method) \(exchange.head.target)")
            own!.answer(exchange)
        }
        try server.serve(listener: listener)
        own = self
    }

    func end() {
        server.close()
        Sockets.close(listener)
    }

    func until(_ what: String, _ done: () -> Bool) {
        let came = loop.runUntil(within: .seconds(60), done)
        #expect(came, "\(what) did not come")
    }
}

/// A client that sends exactly the bytes it is told to.
final class RawClient {
    let stream: SocketStream
    private(set) var received = ""
    private(set) var isEnded = false

    init(_ stage: Stage) throws {
        stream = try SocketStream(loop: stage.loop, fd: try Sockets.connect(to: stage.address), isConnecting: true)
        stream.onInput = { [weak self] in
            guard let self else { return }
            received += String(decoding: stream.input.bytes, as: UTF8.self)
            stream.input.consume(stream.input.count)
            if stream.isInputEnded { isEnded = true }
        }
        stream.onFailure = { [weak self] _ in self?.isEnded = true }
    }

    func send(_ text: String) {
        stream.write { $0.append(text) }
        stream.flush()
    }

    /// The answers so far, without the fields that say nothing here.
    var answers: [String] { received.split(separator: "HTTP/1.1 ").map(String.init) }
    var statuses: [String] { answers.map { String($0.prefix(3)) } }
}
