import Linux
import Testing
import Wire

@testable import Transport

@Suite struct `A crowded server` {
    @Test func `serves who asks however many connections are only held, and holds no more than its limit`() throws {
        var limits = ServerLimits.standard
        limits.connectionLimit = 4
        let stage = try Stage(limits: limits)
        defer { stage.end() }
        let idlers = try (0..<12).map { _ in try RawClient(stage) }
        let client = try RawClient(stage)
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        stage.until("an answer") { client.received.hasSuffix("GET ") }
        #expect(stage.server.connectionCount <= 4)
        stage.until("the others' end") { idlers.filter(\.isEnded).count >= 9 }
    }

    @Test func `takes nobody while all are served, and the next when one is done; another listener goes on meanwhile`() throws {
        var limits = ServerLimits.standard
        limits.connectionLimit = 2
        let stage = try Stage(limits: limits)
        defer { stage.end() }
        let path = "/tmp/steady-crowd-\(Processes.current).sock"
        let unix = try Sockets.listen(unix: path)
        defer {
            Sockets.close(unix)
            try? Files.removeTree(path)
        }
        try stage.server.serve(listener: unix)
        var open: [HTTPExchange] = []
        stage.answer = { exchange in
            if exchange.path == "/slow" { open.append(exchange) } else { exchange.respond(status: 204, headers: [:], body: []) }
        }
        let busy = try (0..<3).map { _ in try RawClient(stage) }
        for client in busy { client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n") }
        stage.until("two requests") { open.count == 2 }
        let other = try SocketStream(loop: stage.loop, fd: try Sockets.connect(to: .unix(path)), isConnecting: true)
        other.write { $0.append("GET /fast HTTP/1.1\r\nHost: x\r\n\r\n") }
        other.flush()
        stage.until("an answer on the other listener") { other.input.count > 0 }
        #expect(open.count == 2)
        open[0].respond(status: 200, headers: [:], body: [])
        stage.until("the third") { open.count == 3 }
        other.close()
    }
}
