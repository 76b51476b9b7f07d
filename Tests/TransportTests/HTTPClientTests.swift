import Glibc
@testable import Linux
import Testing
import Timing
import Wire

@testable import Transport

@Suite struct `The client` {
    /// Sends and turns the loop until the answer is there.
    private func ask(_ stage: Stage, _ client: HTTPClient, _ request: ClientRequest, timeout: Duration = .seconds(60))
        -> Result<ClientResponse, TransportError>
    {
        var result: Result<ClientResponse, TransportError>?
        client.send(request, to: stage.address, timeout: timeout) { result = $0 }
        stage.until("an answer") { result != nil }
        return result ?? .failure(TransportError(.timeout, "none"))
    }

    /// A server that follows a script: for every connection, in order, what it sends once something has arrived; nil closes it instead.
    private func scripted(_ stage: Stage, _ scripts: [[String?]]) throws -> (address: SocketAddress, seen: () -> [String], end: () -> Void)
    {
        let listener = try Sockets.listen(tcp: .ipv4(.loopback, port: 0))
        var seen: [String] = []
        var scripts = scripts[...]
        let watch = try stage.loop.watch(listener, .read) { _ in
            guard let (fd, _) = try? Sockets.accept(listener), let stream = try? SocketStream(loop: stage.loop, fd: fd) else { return }
            var script = (scripts.popFirst() ?? [])[...]
            stream.onInput = {
                if stream.isInputEnded { return stream.close() }
                seen.append(String(decoding: stream.input.bytes, as: UTF8.self).split(separator: "\r\n").first.map(String.init) ?? "")
                stream.input.consume(stream.input.count)
                guard let answer = script.popFirst(), let answer else { return stream.close() }
                stream.write { $0.append(answer) }
                stream.flush()
                if script.first == .some(nil) { stream.close() }
            }
        }
        return (
            try Sockets.localAddress(listener), { seen },
            {
                watch.cancel()
                Sockets.close(listener)
            }
        )
    }

    @Test func `sends what it is given and gives back what came`() throws {
        let stage = try Stage()
        defer { stage.end() }
        var heads: [[String]] = []
        stage.answer = { exchange in
            heads.append(exchange.head.headers.pairs.map { "\($0.name): \($0.value)" })
            exchange.respond(status: 201, headers: ["A": "b"], body: exchange.body.reversed())
        }
        let client = HTTPClient(loop: stage.loop)
        let response = try ask(stage, client, ClientRequest("POST", "/x", headers: ["C": "d"], body: [1, 2, 3])).get()
        #expect(response.status == 201)
        #expect(response.headers["a"] == "b")
        #expect(response.body == [3, 2, 1])
        #expect(heads == [["C: d", "Host: \(stage.address)", "Content-Length: 3"]])
    }

    @Test func `keeps connections and bounds their number`() throws {
        let stage = try Stage()
        defer { stage.end() }
        var open: [HTTPExchange] = []
        var most = 0
        stage.answer = { exchange in
            open.append(exchange)
            most = max(most, open.count)
            stage.loop.later { open.removeFirst().respond(status: 200) }
        }
        var limits = ClientLimits.standard
        limits.connectionLimit = 3
        limits.waitingLimit = 50
        let client = HTTPClient(loop: stage.loop, limits: limits)
        var done = 0
        var overloadedCount = 0
        for index in 0..<60 {
            client.send(ClientRequest("GET", "/\(index)"), to: stage.address) { result in
                done += 1
                if case .failure(let error) = result, error.kind == .overloaded { overloadedCount += 1 }
            }
        }
        stage.until("all answers") { done == 60 }
        #expect(overloadedCount == 7)
        #expect(most <= 3)
        #expect(stage.server.connectionCount == 3)
        #expect(stage.requests == (0..<53).map { "GET /\($0)" })
    }

    @Test func `reads answers of every framing`() throws {
        let stage = try Stage()
        defer { stage.end() }
        let cases: [(answer: [String?], body: String)] = [
            (["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"], "hi"),
            (["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"], "hi"),
            (["HTTP/1.0 200 OK\r\n\r\nto the end", nil], "to the end"),
            (["HTTP/1.1 204 No Content\r\n\r\n"], ""),
        ]
        for (answer, body) in cases {
            let server = try scripted(stage, [answer])
            defer { server.end() }
            let client = HTTPClient(loop: stage.loop)
            var text: String?
            client.send(ClientRequest("GET", "/"), to: server.address) { result in
                text = (try? result.get()).map { String(decoding: $0.body, as: UTF8.self) }
            }
            stage.until("an answer") { text != nil }
            #expect(text == body)
        }
    }

    @Test func `repeats a safe request once when a kept connection turns out to be dead`() throws {
        let stage = try Stage()
        defer { stage.end() }
        let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        // The first connection answers once and dies when it is used again.
        let server = try scripted(stage, [[ok], [ok]])
        defer { server.end() }
        let client = HTTPClient(loop: stage.loop)
        var statuses: [Int] = []
        for path in ["/1", "/2"] {
            let before = statuses.count
            client.send(ClientRequest("GET", path), to: server.address) { statuses.append((try? $0.get().status) ?? 0) }
            stage.until("an answer") { statuses.count > before }
        }
        #expect(statuses == [200, 200])
        #expect(server.seen() == ["GET /1 HTTP/1.1", "GET /2 HTTP/1.1", "GET /2 HTTP/1.1"])
    }

    @Test func `does not repeat a POST, and nothing of which an answer has begun`() throws {
        let stage = try Stage()
        defer { stage.end() }
        let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        for (method, second) in [("POST", String?.none), ("GET", "HTTP/1.1 2")] {
            let server = try scripted(stage, [[ok, second, nil]])
            defer { server.end() }
            let client = HTTPClient(loop: stage.loop)
            var kinds: [TransportError.Kind?] = []
            for _ in 0..<2 {
                let before = kinds.count
                client.send(ClientRequest(method, "/"), to: server.address) { result in
                    if case .failure(let error) = result { kinds.append(error.kind) } else { kinds.append(nil) }
                }
                stage.until("an answer") { kinds.count > before }
            }
            #expect(kinds == [nil, .closed])
            #expect(server.seen().count == 2)
        }
    }

    @Test func `notices before it uses it that a kept connection was closed`() throws {
        let stage = try Stage()
        defer { stage.end() }
        let client = HTTPClient(loop: stage.loop)
        #expect(try ask(stage, client, ClientRequest("POST", "/1")).get().status == 200)
        stage.server.close()
        try stage.server.serve(listener: stage.listener)
        #expect(try ask(stage, client, ClientRequest("POST", "/2")).get().status == 200)
        #expect(stage.requests == ["POST /1", "POST /2"])
    }

    @Test func `says what went wrong`() throws {
        let stage = try Stage()
        defer { stage.end() }
        let client = HTTPClient(loop: stage.loop)
        stage.answer = { _ in }
        let cases: [(answer: [String?], kind: TransportError.Kind)] = [
            (["SSH-2.0-OpenSSH\r\n"], .badResponse),
            (["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", nil], .closed),
            (["HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n"], .tooLarge),
            ([nil], .closed),
        ]
        for (answer, kind) in cases {
            let server = try scripted(stage, [answer])
            defer { server.end() }
            var found: TransportError.Kind?
            client.send(ClientRequest("GET", "/"), to: server.address) { if case .failure(let error) = $0 { found = error.kind } }
            stage.until("a failure") { found != nil }
            #expect(found == kind)
        }
        if case .failure(let error) = ask(stage, client, ClientRequest("GET", "/"), timeout: .milliseconds(20)) {
            #expect(error.kind == .timeout)
            #expect(error.mayHaveRun)
        } else {
            Issue.record("an answer from nowhere")
        }
    }

    @Test func `says that nobody listens`() throws {
        let stage = try Stage()
        defer { stage.end() }
        // Bound, so that nobody else gets the port meanwhile, but it does not listen.
        let held = try Sockets.open(AF_INET, Sockets.SocketType.stream.raw)
        defer { Sockets.close(held) }
        try Sockets.bind(held, to: .ipv4(.loopback, port: 0))
        let address = try Sockets.localAddress(held)
        for address in [address, .unix("/nowhere/at.sock")] {
            var error: TransportError?
            HTTPClient(loop: stage.loop).send(ClientRequest("GET", "/"), to: address) { if case .failure(let e) = $0 { error = e } }
            stage.until("a failure") { error != nil }
            #expect(error?.kind == .connect)
            #expect(error?.mayHaveRun == false)
            #expect(error?.cause != nil)
        }
    }

    @Test func `calls nothing back after it was cancelled`() throws {
        let stage = try Stage()
        defer { stage.end() }
        var exchange: HTTPExchange?
        var isAbandoned = false
        stage.answer = {
            exchange = $0
            _ = $0.stream()
        }
        let client = HTTPClient(loop: stage.loop)
        var calls = 0
        client.send(ClientRequest("GET", "/never"), to: stage.address) { _ in calls += 1 }.cancel()
        let watch = client.stream(ClientRequest("GET", "/"), to: stage.address, onHead: { _ in }, onBytes: { _ in calls += 1 }) { _ in
            calls += 1
        }
        stage.until("the stream") { exchange != nil }
        watch.cancel()
        stage.until("the server to see it") {
            isAbandoned = stage.server.connectionCount == 0
            return isAbandoned
        }
        #expect(calls == 0)
        #expect(stage.requests == ["GET /"])
    }

    @Test func `speaks over Unix sockets`() throws {
        let stage = try Stage()
        defer { stage.end() }
        let path = "/tmp/steady-transport-\(UInt64.random(in: 0 ... .max)).sock"
        let listener = try Sockets.listen(unix: path)
        defer {
            Sockets.close(listener)
            try? Files.removeTree(path)
        }
        try stage.server.serve(listener: listener)
        var kind: HTTPExchange.ConnectionKind?
        stage.answer = {
            kind = $0.kind
            $0.respond(status: 200)
        }
        var status: Int?
        HTTPClient(loop: stage.loop).send(ClientRequest("GET", "/"), to: .unix(path)) { status = try? $0.get().status }
        stage.until("an answer") { status != nil }
        #expect(kind == .unix)
    }
}
