import Linux
import Testing
import Timing
import Traffic

@testable import ServiceProxy

@Suite(.serialized) struct ExchangeTests {
    @Test func `a request goes to an endpoint and its answer comes back`() throws {
        let harness = try Harness()
        try harness.echo("one")
        let answer = try harness.get("/hello")
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(answer.contains("X-Backend: one\r\n"))
        #expect(answer.hasSuffix("\r\n\r\nGET /hello "))
    }

    @Test func `requests of one connection are spread over the endpoints, and their connections are kept`() throws {
        let harness = try Harness()
        let backends = try (0..<3).map { try harness.echo("\($0)") }
        let client = try harness.client()
        for index in 0..<9 {
            client.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n")
            harness.wait { client.count(of: "HTTP/1.1 200") == index + 1 }
        }
        #expect(backends.map { $0.requestCount() } == [3, 3, 3])
        #expect(backends.map(\.server.connectionCount) == [1, 1, 1])
    }

    @Test func `pipelined requests are answered in order`() throws {
        let harness = try Harness()
        try harness.echo()
        let client = try harness.client()
        client.send((0..<50).map { "GET /\($0) HTTP/1.1\r\nHost: web\r\n\r\n" }.joined())
        harness.wait { client.count(of: "HTTP/1.1 200") == 50 }
        let numbers = client.text.components(separatedByText: "GET /").dropFirst().map { $0.prefix { $0 != " " } }
        #expect(numbers.map(String.init) == (0..<50).map(String.init))
    }

    @Test func `the endpoint learns who asked, and nothing that concerns the client's connection`() throws {
        let harness = try Harness()
        let backend = try harness.backend { peer in
            peer.onBytes = { if $0.text.hasSuffix("\r\n\r\n") { $0.send("HTTP/1.1 204 No Content\r\n\r\n") } }
        }
        _ = try harness.ask(
            "GET http://shop:81/a?b HTTP/1.1\r\nHost: other\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nX-Forwarded-For: 10.1.1.1\r\nX-Stays: 2\r\n\r\n"
        )
        let text = backend.peers[0].text
        #expect(text.hasPrefix("GET /a?b HTTP/1.1\r\n"))
        for gone in ["Connection", "X-Hop", "Keep-Alive", "TE:"] { #expect(!text.contains(gone)) }
        for there in ["Host: shop:81", "X-Forwarded-For: 10.1.1.1, 127.0.0.1", "X-Forwarded-Proto: http", "X-Stays: 2"] {
            #expect(text.contains(there + "\r\n"))
        }
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400"), ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", "HTTP/1.1 505"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 400"),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 501"),
    ])
    func `what is ambiguous or not served is refused and reaches nobody`(request: String, answer: String) throws {
        let harness = try Harness()
        let backend = try harness.echo()
        #expect(try harness.ask(request).hasPrefix(answer))
        #expect(backend.requestCount() == 0)
    }

    @Test func `bodies of any size pass both ways, with a length or chunked, however they are cut`() throws {
        let harness = try Harness()
        try harness.echo()
        let body = String(repeating: "0123456789abcdef", count: 40_000)
        let withLength = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        #expect(try harness.ask(withLength).hasSuffix("\r\n\r\nPOST / " + body))
        let client = try harness.client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
        for part in ["5\r", "\nhel", "lo\r\n1;x=y\r\n \r\n5\r\nwo", "rld\r\n0\r\nX-Trailer: 1\r\n", "\r\n"] {
            client.send(part)
            harness.settle()
        }
        harness.wait { client.isEnded }
        #expect(client.text.hasSuffix("POST / hello world"))
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\n\r\nhello!", true), ("HTTP/1.0 200 OK\r\n\r\nhello!", true),
    ])
    func `a body of unknown length is chunked for the client, and ends with the connection for HTTP 1.0`(response: String, closes: Bool)
        throws
    {
        let harness = try Harness()
        try harness.backend { peer in
            peer.onBytes = {
                guard $0.text.hasSuffix("\r\n\r\n") else { return }
                $0.send(response)
                if closes { $0.close() }
            }
        }
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { client.text.hasSuffix("0\r\n\r\n") }
        #expect(client.text.contains("Transfer-Encoding: chunked\r\n"))
        let old = try harness.ask("GET / HTTP/1.0\r\n\r\n")
        #expect(old.hasSuffix("\r\n\r\nhello!"))
        #expect(!old.contains("chunked"))
    }

    @Test func `a body of unknown length that a reset breaks off does not reach the client as a whole one`() throws {
        let harness = try Harness()
        let backend = try harness.backend { peer in
            peer.onBytes = { if $0.text.hasSuffix("\r\n\r\n") { $0.send("HTTP/1.0 200 OK\r\n\r\nhalf") } }
        }
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { client.text.contains("half\r\n") }
        backend.peers[0].reset()
        harness.wait { client.failure != nil }
        #expect(!client.text.hasSuffix("0\r\n\r\n"))
    }

    @Test func `HEAD and 304 have no body whatever their length says`() throws {
        let harness = try Harness()
        try harness.backend { peer in
            peer.onBytes = { peer in
                guard peer.text.hasSuffix("\r\n\r\n") else { return }
                peer.send(
                    peer.text.hasPrefix("HEAD") ? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" : "HTTP/1.1 304 Not Modified\r\n\r\n")
                peer.clear()
            }
        }
        let client = try harness.client()
        client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { client.count(of: "HTTP/1.1") == 2 }
        #expect(client.text.contains("Content-Length: 5\r\n"))
    }

    @Test func `100 Continue is the endpoint's to say`() throws {
        let harness = try Harness()
        try harness.backend { peer in
            peer.onBytes = { peer in
                if peer.text.hasSuffix("\r\n\r\n") { peer.send("HTTP/1.1 100 Continue\r\n\r\n") }
                if peer.text.hasSuffix("body") { peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") }
            }
        }
        let client = try harness.client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        harness.wait { client.text == "HTTP/1.1 100 Continue\r\n\r\n" }
        client.send("body")
        harness.wait { client.text.contains("HTTP/1.1 200 OK") }
    }

    @Test func `an answer before the request's end reaches the client, and both connections end`() throws {
        let harness = try Harness()
        let backend = try harness.backend { peer in
            peer.onBytes = { if $0.text.contains("\r\n\r\n") { $0.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig") } }
        }
        let client = try harness.client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nxxx")
        harness.wait { client.text.hasSuffix("big") && client.isEnded }
        harness.wait { backend.peers[0].isEnded }
    }

    @Test func `a WebSocket is a flow once both sides agreed to it`() throws {
        let harness = try Harness()
        let backend = try harness.backend { peer in
            peer.onBytes = { peer in
                if peer.text.hasSuffix("\r\n\r\n") {
                    peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\u{1}early")
                } else if peer.text.hasSuffix("ping") {
                    peer.send("pong")
                } else if peer.isEnded {
                    peer.close()
                }
            }
        }
        let client = try harness.client()
        client.send(
            "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n")
        harness.wait { client.text.hasSuffix("\u{1}early") }
        #expect(backend.peers[0].text.lowercased().contains("connection: upgrade\r\n"))
        #expect(backend.peers[0].text.contains("Upgrade: websocket\r\n"))
        client.send("ping")
        harness.wait { client.text.hasSuffix("pong") }
        harness.set(backend.address, .terminating)
        #expect(harness.plane.drainReport() == [.init(address: backend.address, exchangeCount: 0, flowCount: 1)])
        client.close()
        harness.wait { harness.plane.openConnectionCount == 0 }
        #expect(harness.plane.drainReport().isEmpty)
    }

    @Test func `a slow reader holds its endpoint back, in bounded memory`() throws {
        let harness = try Harness()
        let chunk = [UInt8](repeating: 120, count: 1 << 20)
        let total = 64 << 20
        let backend = try harness.backend { peer in
            peer.onBytes = { peer in
                guard peer.text.hasSuffix("\r\n\r\n") else { return }
                peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
                for _ in 0..<(total / chunk.count) { peer.send(chunk) }
            }
        }
        let client = try harness.client()
        client.pause(true)
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { !backend.peers.isEmpty }
        harness.settle()
        #expect(harness.plane.bufferedByteCount < 2 * HTTPConnection.bufferLimit + ByteChannel.receiveLimit)
        client.pause(false)
        harness.wait { client.received.count > total }
    }

    @Test func `a client that goes takes its exchange with it`() throws {
        let harness = try Harness()
        let backend = try harness.backend { _ in }
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { backend.peers.first?.text.isEmpty == false }
        client.reset()
        harness.wait { backend.peers[0].isEnded }
        #expect(harness.plane.openConnectionCount == 0)
    }

    @Test func `who only closed its half still gets its answer`() throws {
        let harness = try Harness()
        try harness.echo()
        let client = try harness.client()
        harness.settle()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        client.shutdown()
        harness.wait { client.text.hasSuffix("GET / ") && client.isEnded }
    }
}
