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

    @Test func `a client that went while its endpoint thinks is noticed`() throws {
        let harness = try Harness()
        let backend = try harness.backend { _ in }
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { backend.peers.first?.text.isEmpty == false }
        client.close()
        harness.settle()
        harness.plane.sweep(now: harness.loop.now + HTTPConnection.halfClosedLimit)
        harness.wait { backend.peers[0].isEnded }
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
