import Linux
import Testing
import Timing
import Traffic

@testable import ServiceProxy

/// Limits are tried by telling the sweep another time, not by waiting for it.
@Suite(.serialized) struct TimeLimitTests {
    @Test func `who only holds connections keeps nobody out, and a request under way is never closed for another`() throws {
        let harness = try Harness(connectionLimit: 4)
        var held: [Peer] = []
        try harness.backend { peer in
            peer.onBytes = { peer in
                if peer.text.contains("/slow") {
                    held.append(peer)
                } else {
                    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfast")
                }
            }
        }
        let busy = try (0..<3).map { _ in try harness.client() }
        for client in busy { client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n") }
        harness.wait { held.count == 3 }
        let idlers = try (0..<20).map { _ in try harness.client() }
        #expect(try harness.get().hasSuffix("fast"))
        harness.wait { idlers.filter(\.isEnded).count >= 19 }
        #expect(harness.plane.openConnectionCount <= 4)
        for peer in held { peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow") }
        harness.wait { busy.allSatisfy { $0.text.hasSuffix("slow") } }
    }

    @Test func `a head that does not come in time is answered with 408`() throws {
        let harness = try Harness()
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHo")
        harness.settle()
        harness.plane.sweep(now: harness.loop.now + HTTPConnection.headLimit - .seconds(1))
        harness.settle()
        #expect(client.text.isEmpty)
        harness.plane.sweep(now: harness.loop.now + HTTPConnection.headLimit)
        harness.wait { client.isEnded }
        #expect(client.text.hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
    }

    @Test func `a body that stops is answered with 408, and its endpoint is let go`() throws {
        let harness = try Harness()
        let backend = try harness.backend { _ in }
        let client = try harness.client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
        harness.wait { backend.peers.first?.text.hasSuffix("half") == true }
        // The first look notes how far it came, the second that nothing moved.
        harness.plane.sweep(now: harness.loop.now)
        harness.plane.sweep(now: harness.loop.now + HTTPConnection.standstillLimit)
        harness.wait { client.isEnded && backend.peers[0].isEnded }
        #expect(client.text.hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
    }

    @Test func `an endpoint may think as long as it likes`() throws {
        let harness = try Harness()
        let backend = try harness.backend { _ in }
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { backend.peers.first?.text.isEmpty == false }
        for _ in 0..<3 { harness.plane.sweep(now: harness.loop.now + .seconds(3600)) }
        backend.peers[0].send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        harness.wait { client.text.hasPrefix("HTTP/1.1 200 OK") }
    }

    @Test func `a connection at rest is closed after a while, and so are the kept ones behind it`() throws {
        let harness = try Harness()
        let backend = try harness.echo()
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { client.text.hasSuffix("GET / ") }
        harness.plane.sweep(now: harness.loop.now + HTTPConnection.restLimit)
        harness.wait { client.isEnded && backend.server.connectionCount == 0 }
    }

    private static func metrics(_ harness: Harness) -> String {
        TrafficText.text(harness.plane.counts, openConnectionCount: 0, now: harness.loop.now) { _, _ in true }
    }

    /// A client that has asked, and an endpoint that thinks.
    private static func thinking() throws -> (Harness, client: Peer, endpoint: Peer) {
        let harness = try Harness()
        let backend = try harness.backend { _ in }
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { backend.peers.first?.text.isEmpty == false }
        return (harness, client, try #require(backend.peers.first))
    }

    @Test func `a client that broke its connection while its endpoint thinks is noticed at once`() throws {
        let (harness, client, endpoint) = try Self.thinking()
        client.reset()
        harness.wait { endpoint.isEnded && harness.plane.openConnectionCount == 0 }
        #expect(Self.metrics(harness).contains("code=\"499\"} 1\n"))
    }

    @Test func `a client that only ended its side is answered, however long that takes as long as something moves`() throws {
        let (harness, client, endpoint) = try Self.thinking()
        client.shutdown()
        harness.settle()
        let almost = HTTPConnection.standstillLimit - .milliseconds(1)
        harness.plane.sweep(now: harness.loop.now)
        harness.plane.sweep(now: harness.loop.now + almost)
        endpoint.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsl")
        harness.wait { client.text.hasSuffix("sl") }
        harness.plane.sweep(now: harness.loop.now)
        harness.plane.sweep(now: harness.loop.now + almost)
        endpoint.send("ow")
        harness.wait { client.text.hasSuffix("slow") && client.isEnded && client.failure == nil }
        #expect(Self.metrics(harness).contains("code=\"200\"} 1\n"))
    }

    @Test func `a client that ended its side takes no place for ever`() throws {
        let (harness, client, endpoint) = try Self.thinking()
        client.close()
        harness.settle()
        harness.plane.sweep(now: harness.loop.now)
        harness.plane.sweep(now: harness.loop.now + HTTPConnection.standstillLimit - .milliseconds(1))
        harness.settle()
        #expect(!endpoint.isEnded)
        harness.plane.sweep(now: harness.loop.now + HTTPConnection.standstillLimit)
        harness.wait { endpoint.isEnded }
        #expect(Self.metrics(harness).contains("code=\"499\"} 1\n"))
    }

    @Test func `what breaks off is the endpoint's fault also where the client had ended its side`() throws {
        let (harness, client, endpoint) = try Self.thinking()
        client.shutdown()
        endpoint.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsl")
        harness.wait { client.text.hasSuffix("sl") }
        endpoint.close()
        harness.wait { client.failure != nil }
        #expect(Self.metrics(harness).contains("code=\"0\"} 1\n"))
    }

    @Test func `a request behind one that failed is answered too`() throws {
        let harness = try Harness()
        try harness.backend { $0.close() }
        let client = try harness.client()
        client.send("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        harness.wait { client.count(of: "HTTP/1.1 50") == 2 }
    }

    @Test func `while the proxy ends it answers what comes, says so, and is done when nothing is open`() throws {
        let harness = try Harness()
        try harness.echo()
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { client.text.hasSuffix("GET / ") }
        var isDone = false
        harness.plane.finish(within: .seconds(5)) { isDone = true }
        client.clear()
        client.send("GET /last HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { client.text.hasSuffix("GET /last ") && client.isEnded }
        #expect(client.text.contains("Connection: close\r\n"))
        client.close()
        harness.wait { isDone }
    }
}
