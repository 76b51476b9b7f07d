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

@Suite struct `A server that is asked for much` {
    private func stage(_ change: (inout ServerLimits) -> Void) throws -> Stage {
        var limits = ServerLimits.standard
        change(&limits)
        return try Stage(limits: limits)
    }

    private func post(_ length: Int, _ body: String) -> String {
        "POST /long HTTP/1.1\r\nHost: x\r\nContent-Length: \(length)\r\n\r\n\(body)"
    }

    @Test func `refuses bodies beyond what all may have together, takes small ones, and takes long ones again when there is room`() throws {
        let stage = try stage {
            $0.bodySumByteLimit = 1000
            $0.smallBodyByteLimit = 10
        }
        defer { stage.end() }
        let first = try RawClient(stage)
        first.send(post(900, String(repeating: "a", count: 899)))
        stage.until("its bytes") { stage.server.bodyByteCount == 899 }
        let declared = try RawClient(stage)
        declared.send(post(200, ""))
        let chunked = try RawClient(stage)
        chunked.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nC8\r\n" + String(repeating: "b", count: 200))
        stage.until("refusals") { declared.isEnded && chunked.isEnded }
        for client in [declared, chunked] {
            #expect(client.statuses == ["429"])
            #expect(client.received.contains("Retry-After: 1\r\n"))
        }
        let small = try RawClient(stage)
        small.send(post(2, "hi"))
        stage.until("an answer") { small.received.hasSuffix("POST hi") }
        first.send("a")
        stage.until("the first one's") { first.statuses == ["200"] }
        #expect(stage.server.bodyByteCount == 0)
        let next = try RawClient(stage)
        next.send(post(200, String(repeating: "c", count: 200)))
        stage.until("the next one's") { next.statuses == ["200"] }
    }

    @Test func `counts no body of a stream, or of a client that is gone`() throws {
        let stage = try stage { _ in }
        defer { stage.end() }
        var stream: ResponseStream?
        stage.answer = { stream = $0.stream() }
        let watcher = try RawClient(stage)
        watcher.send(post(4, "body"))
        stage.until("the stream") { watcher.received.contains("200 OK") }
        #expect(stage.server.bodyByteCount == 0)
        let gone = try RawClient(stage)
        gone.send(post(9, "body"))
        stage.until("its bytes") { stage.server.bodyByteCount == 4 }
        gone.stream.close()
        stage.until("its end") { stage.server.bodyByteCount == 0 }
        stream?.end()
    }

    @Test func `a client that sends 100 MB at once learns that it is too much`() throws {
        let stage = try stage { $0.wire.bodyByteLimit = 1000 }
        defer { stage.end() }
        let client = try RawClient(stage)
        client.stream.write { output in
            output.append(post(100_000_000, ""))
            output.append([UInt8](repeating: 0x20, count: 100_000_000))
        }
        client.stream.flush()
        stage.until("an answer") { client.isEnded }
        #expect(client.statuses == ["413"])
        #expect(client.received.contains("longer than 1000 bytes"))
    }

    /// A stage on which one answer of 20 MB waits for a client that does not read, and no two may.
    private func full(sluggishTime: Duration) throws -> (Stage, idler: RawClient) {
        let stage = try stage {
            $0.unsentSumByteLimit = 30 << 20
            $0.sluggishTime = sluggishTime
        }
        stage.answer = { $0.respond(status: 200, body: [UInt8](repeating: 0x61, count: $0.path == "/small" ? 5 : 20 << 20)) }
        let idler = try RawClient(stage)
        idler.stream.isReading = false
        idler.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        stage.until("what waits for it") { stage.server.unsent.count > 10 << 20 }
        return (stage, idler)
    }

    @Test func `beside answers that nobody takes a long read is told to come back, and short ones are answered`() throws {
        let (stage, idler) = try full(sluggishTime: .seconds(3600))
        defer { stage.end() }
        let reader = try RawClient(stage)
        reader.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        stage.until("a refusal") { reader.isEnded }
        #expect(reader.statuses == ["429"])
        #expect(reader.received.contains("Retry-After: 1\r\n"))
        let small = try RawClient(stage)
        small.send("GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
        stage.until("an answer") { small.received.hasSuffix("aaaaa") }
        idler.stream.close()
        stage.until("room") { stage.server.unsent.count == 0 }
        let next = try RawClient(stage)
        next.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        stage.until("all of it") { next.received.utf8.count > 20 << 20 }
    }

    @Test func `who takes nothing of an answer for long makes room for the next`() throws {
        let (stage, idler) = try full(sluggishTime: .zero)
        defer { stage.end() }
        let next = try RawClient(stage)
        next.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        stage.until("all of it") { next.received.utf8.count > 20 << 20 }
        stage.until("nothing that waits") { stage.server.unsent.count == 0 }
        idler.stream.isReading = true
        stage.until("its end") { idler.isEnded }
        #expect(idler.received.utf8.count < 20 << 20)
    }
}
