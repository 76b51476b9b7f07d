import Linux
import Testing
import Timing
import Wire

@testable import Transport

@Suite struct `The server` {
    @Test func `serves one request after the other on one connection`() throws {
        let stage = try Stage()
        defer { stage.end() }
        let client = try RawClient(stage)
        client.send("GET /a?x=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        stage.until("an answer") { client.received.hasSuffix("GET ") }
        client.send("POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
        stage.until("a second one") { client.received.hasSuffix("POST hi") }
        #expect(
            client.received == "HTTP/1.1 200 OK\r\n\(Stage.date)X-Path: /a\r\nContent-Length: 4\r\n\r\nGET "
                + "HTTP/1.1 200 OK\r\n\(Stage.date)X-Path: /b\r\nContent-Length: 7\r\n\r\nPOST hi")
        #expect(stage.server.connectionCount == 1)
    }

    @Test func `answers pipelined requests in their order, one at a time`() throws {
        let stage = try Stage()
        defer { stage.end() }
        var open: [HTTPExchange] = []
        stage.answer = { open.append($0) }
        let client = try RawClient(stage)
        client.send((0..<20).map { "GET /\($0) HTTP/1.1\r\nHost: x\r\n\r\n" }.joined())
        for index in 0..<20 {
            stage.until("request \(index)") { !open.isEmpty }
            #expect(open.count == 1)
            open.removeFirst().respond(status: 200, body: Array("<\(index)>".utf8))
        }
        stage.until("all answers") { client.received.hasSuffix("<19>") }
        #expect(stage.requests == (0..<20).map { "GET /\($0)" })
        #expect(client.answers.enumerated().allSatisfy { $1.hasSuffix("<\($0)>") })
    }

    @Test func `an answer does not wait for the answer to a request that was sent with it`() throws {
        let stage = try Stage()
        defer { stage.end() }
        var open: [HTTPExchange] = []
        stage.answer = { open.append($0) }
        let client = try RawClient(stage)
        client.send((0..<2).map { "GET /\($0) HTTP/1.1\r\nHost: x\r\n\r\n" }.joined())
        stage.until("the first") { open.count == 1 }
        open[0].respond(status: 200, body: Array("<0>".utf8))
        stage.until("its answer") { client.received.hasSuffix("<0>") }
        #expect(open.count == 2)
        open[1].respond(status: 200, body: Array("<1>".utf8))
        stage.until("the second answer") { client.received.hasSuffix("<1>") }
    }

    @Test func `reads a request that comes byte by byte`() throws {
        let stage = try Stage()
        defer { stage.end() }
        let client = try RawClient(stage)
        for byte in "POST /slow HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n" {
            client.send(String(byte))
            stage.loop.runUntil(within: .milliseconds(1)) { false }
        }
        stage.until("the answer") { client.received.hasSuffix("POST abcde") }
    }

    @Test func `tells a client that waits to go on`() throws {
        let stage = try Stage()
        defer { stage.end() }
        let client = try RawClient(stage)
        client.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        stage.until("100") { client.received == "HTTP/1.1 100 Continue\r\n\r\n" }
        client.send("ok")
        stage.until("200") { client.received.hasSuffix("POST ok") }
    }

    static let refused: [(request: String, status: String)] = [
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("GET / HTTP/2.1\r\nHost: x\r\n\r\n", "505"),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", "413"),
        ("GET /" + String(repeating: "a", count: 20000) + " HTTP/1.1\r\nHost: x\r\n\r\n", "414"),
        ("GET / HTTP/1.1\r\nHost: x\r\nA: " + String(repeating: "a", count: 100_000) + "\r\n\r\n", "431"),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", "501"),
        ("\u{16}\u{3}\u{1}", "400"),
    ]

    @Test(arguments: refused.indices) func `refuses what it does not take, and closes`(index: Int) throws {
        let (request, status) = Self.refused[index]
        let stage = try Stage()
        defer { stage.end() }
        let client = try RawClient(stage)
        client.send(request + "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
        stage.until("a refusal") { client.isEnded }
        #expect(client.statuses == [status])
        #expect(client.received.contains("Connection: close"))
        #expect(stage.requests == [])
    }

    @Test func `lets a client see the refusal of a body that it is still sending`() throws {
        let stage = try Stage()
        defer { stage.end() }
        let client = try RawClient(stage)
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n" + String(repeating: "a", count: 500_000))
        stage.until("413") { client.isEnded }
        #expect(client.statuses == ["413"])
    }

    @Test func `closes behind the last answer when the client wants that`() throws {
        let stage = try Stage()
        defer { stage.end() }
        for request in ["GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"] {
            let client = try RawClient(stage)
            client.send(request)
            stage.until("the end") { client.isEnded }
            #expect(client.statuses == ["200"])
            #expect(client.received.contains("Connection: close\r\n"))
            client.stream.close()
        }
        stage.until("both to be forgotten") { stage.server.connectionCount == 0 }
    }

    @Test func `answers a client that has ended its direction`() throws {
        let stage = try Stage()
        defer { stage.end() }
        var exchange: HTTPExchange?
        stage.answer = { exchange = $0 }
        let client = try RawClient(stage)
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        stage.until("the request") { exchange != nil }
        client.stream.shutdownSending()
        stage.loop.runUntil(within: .milliseconds(5)) { false }
        exchange?.respond(status: 200, body: Array("late".utf8))
        stage.until("the answer") { client.isEnded }
        #expect(client.received.hasSuffix("late"))
    }

    @Test func `says HEAD the length and sends nothing`() throws {
        let stage = try Stage()
        defer { stage.end() }
        let client = try RawClient(stage)
        client.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
        stage.until("both answers") { client.received.hasSuffix("GET ") }
        #expect(client.answers.first == "200 OK\r\n\(Stage.date)X-Path: /\r\nContent-Length: 5\r\n\r\n")
    }

    @Test func `streams in chunks, and serves the next request behind`() throws {
        let stage = try Stage()
        defer { stage.end() }
        var stream: ResponseStream?
        stage.answer = { exchange in
            if exchange.path == "/watch" { stream = exchange.stream() } else { exchange.respond(status: 404) }
        }
        let client = try RawClient(stage)
        client.send("GET /watch HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n")
        stage.until("the head, at once") { client.received == "HTTP/1.1 200 OK\r\n\(Stage.date)Transfer-Encoding: chunked\r\n\r\n" }
        stream?.write(Array("one\n".utf8))
        stage.until("a piece") { client.received.hasSuffix("4\r\none\n\r\n") }
        stream?.write([])
        stream?.write(Array("two".utf8))
        stream?.end()
        stage.until("the end") { client.received.contains("3\r\ntwo\r\n0\r\n\r\nHTTP/1.1 404 Not Found") }
        #expect(stage.requests == ["GET /watch", "GET /next"])
    }

    @Test func `ends a stream for HTTP/1.0 by closing`() throws {
        let stage = try Stage()
        defer { stage.end() }
        stage.answer = { exchange in
            let stream = exchange.stream()
            stream.write(Array("text".utf8))
            stream.end()
        }
        let client = try RawClient(stage)
        client.send("GET / HTTP/1.0\r\n\r\n")
        stage.until("the end") { client.isEnded }
        #expect(client.received == "HTTP/1.1 200 OK\r\n\(Stage.date)Connection: close\r\n\r\ntext")
    }

    @Test func `tells a stream that its reader left`() throws {
        let stage = try Stage()
        defer { stage.end() }
        var stream: ResponseStream?
        var isClosed = false
        stage.answer = { exchange in
            stream = exchange.stream()
            stream?.onClose = { isClosed = true }
        }
        let client = try RawClient(stage)
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        stage.until("the stream") { stream != nil }
        client.stream.close()
        stage.until("the news") { isClosed }
        #expect(stream?.isOpen == false)
        stream?.write([1])
        #expect(stage.server.connectionCount == 0)
    }

    @Test func `tells a handler that nobody waits any more`() throws {
        let stage = try Stage()
        defer { stage.end() }
        var exchange: HTTPExchange?
        var isAbandoned = false
        stage.answer = {
            exchange = $0
            exchange?.onAbandoned = { isAbandoned = true }
        }
        let client = try RawClient(stage)
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        stage.until("the request") { exchange != nil }
        // A reset, not an end: both directions are over.
        Sockets.setOption(client.stream.fd, 1, 13, 0)
        client.stream.close()
        stage.loop.runUntil(within: .milliseconds(20)) { isAbandoned }
        exchange?.respond(status: 200)
        stage.until("the connection to be forgotten") { stage.server.connectionCount == 0 }
    }

    @Test func `cuts off a reader that does not read`() throws {
        var limits = ServerLimits.standard
        limits.streamBufferByteLimit = 1_000_000
        let stage = try Stage(limits: limits)
        defer { stage.end() }
        var stream: ResponseStream?
        var isClosed = false
        stage.answer = { exchange in
            stream = exchange.stream()
            stream?.onClose = { isClosed = true }
        }
        let client = try RawClient(stage)
        client.stream.isReading = false
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        stage.until("the stream") { stream != nil }
        let piece = [UInt8](repeating: 97, count: 100_000)
        var mostBuffered = 0
        for _ in 0..<1000 where stream?.isOpen == true {
            stream?.write(piece)
            mostBuffered = max(mostBuffered, stream?.bufferedByteCount ?? 0)
            stage.loop.runUntil(within: .zero) { false }
        }
        stage.until("the cut") { isClosed }
        #expect(mostBuffered <= limits.streamBufferByteLimit)
        #expect(stage.server.connectionCount == 0)
    }

    @Test func `passes a large stream to a reader that reads`() throws {
        var limits = ServerLimits.standard
        limits.streamBufferByteLimit = 1_000_000
        let stage = try Stage(limits: limits)
        defer { stage.end() }
        stage.answer = { exchange in
            let stream = exchange.stream()
            var left = 200
            stream.onDrained = {
                if left == 0 { return stream.end() }
                left -= 1
                stream.write([UInt8](repeating: 98, count: 100_000))
            }
            stream.write([98])
        }
        let client = HTTPClient(loop: stage.loop)
        var count = 0
        var isEnded = false
        client.stream(ClientRequest("GET", "/"), to: stage.address, onHead: { _ in }, onBytes: { count += $0.count }) { error in
            #expect(error == nil)
            isEnded = true
        }
        stage.until("everything") { isEnded }
        #expect(count == 20_000_001)
    }

    @Test func `does not let in whom the gate refuses`() throws {
        let stage = try Stage()
        defer { stage.end() }
        let other = try Sockets.listen(tcp: .ipv4(.loopback, port: 0))
        defer { Sockets.close(other) }
        var asked: [SocketAddress] = []
        try stage.server.serve(listener: other) { _, peer in
            asked.append(peer)
            return false
        }
        var failure: TransportError?
        HTTPClient(loop: stage.loop).send(ClientRequest("GET", "/"), to: try Sockets.localAddress(other)) { result in
            if case .failure(let error) = result { failure = error }
        }
        stage.until("the refusal") { failure != nil }
        #expect(failure?.kind == .closed)
        #expect(asked.count == 1)
        #expect(stage.requests == [])
    }

    @Test func `finishes what it has when it accepts no more`() throws {
        let stage = try Stage()
        defer { stage.end() }
        var exchange: HTTPExchange?
        stage.answer = { exchange = $0 }
        let idle = try RawClient(stage)
        let busy = try RawClient(stage)
        busy.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        stage.until("the request") { exchange != nil && stage.server.connectionCount == 2 }
        stage.server.stopAccepting()
        stage.until("the idle one to end") { idle.isEnded }
        #expect(!busy.isEnded)
        exchange?.respond(status: 200, body: [65])
        stage.until("the other to end") { busy.isEnded }
        #expect(busy.received.hasSuffix("Connection: close\r\n\r\nA"))
    }

    @Test func `tells every client with its next answer to come back on another connection, and closes none before`() throws {
        let stage = try Stage()
        defer { stage.end() }
        stage.answer = { $0.respond(status: 200, body: [65]) }
        let (new, old) = (try RawClient(stage), try RawClient(stage))
        old.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        stage.until("the first answer") { old.received.hasSuffix("A") && stage.server.connectionCount == 2 }
        stage.server.announceEnd()
        for client in [new, old] {
            #expect(!client.isEnded)
            client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            stage.until("the last answer") { client.isEnded }
            #expect(client.received.hasSuffix("Connection: close\r\n\r\nA"))
        }
    }
}
