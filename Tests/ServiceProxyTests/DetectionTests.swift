import Linux
import Testing
import Timing
import Traffic

@testable import ServiceProxy

@Suite(.serialized) struct `A port of which nobody says what it carries` {
    @Test func `carries exchanges for a client that speaks HTTP, each to the endpoint that suits it`() throws {
        let harness = try Harness(.flows, isDetected: true)
        let backends = try (0..<2).map { try harness.echo("\($0)") }
        let client = try harness.client()
        for index in 1...4 {
            client.send("GET /\(index) HTTP/1.1\r\nHost: web\r\n\r\n")
            harness.wait { client.count(of: "HTTP/1.1 200") == index }
        }
        #expect(backends.map { $0.requestCount() } == [2, 2])
        #expect(harness.plane.counts.sortedTallies().allSatisfy { $0[.flows] == 0 })
    }

    @Test func `a request that comes byte by byte is one request`() throws {
        let harness = try Harness(.flows, isDetected: true)
        let backend = try harness.echo()
        let client = try harness.client()
        for byte in "POST /x HTTP/1.1\r\nHost: web\r\nContent-Length: 2\r\n\r\nhi".utf8 {
            client.send([byte])
            harness.settle()
        }
        harness.wait { client.count(of: "HTTP/1.1 200") == 1 }
        #expect(client.text.hasSuffix("POST /x hi"))
        #expect(backend.requestCount() == 1)
    }

    @Test func `a client that connects and speaks HTTP only later is served as one`() throws {
        let harness = try Harness(.flows, isDetected: true)
        let backend = try harness.backend { peer in
            peer.onBytes = { if $0.text.hasSuffix("\r\n\r\n") { $0.send("HTTP/1.1 204 No Content\r\n\r\n") } }
        }
        let client = try harness.client()
        harness.wait { backend.peers.count == 1 }
        client.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n")
        harness.wait { client.count(of: "HTTP/1.1 204") == 1 }
        #expect(backend.peers.count == 2 && backend.peers[0].received.isEmpty)
    }

    @Test func `carries bytes for a client that speaks anything else`() throws {
        let harness = try Harness(.flows, isDetected: true)
        try harness.backend { peer in peer.onBytes = { $0.send("<" + $0.text + ">") } }
        for word in ["hello", "CONNECT a:1 HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\n", "GET key\r\n"] {
            let client = try harness.client()
            client.send(word)
            harness.wait { client.text == "<\(word)>" }
        }
    }

    @Test func `carries bytes where the endpoint speaks first`() throws {
        let harness = try Harness(.flows, isDetected: true)
        try harness.backend { peer in
            peer.send("220 ready\r\n")
            peer.onBytes = { $0.send("<" + $0.text + ">") }
        }
        let client = try harness.client()
        harness.wait { client.text == "220 ready\r\n" }
        client.send("GET / of another protocol")
        harness.wait { client.text.hasSuffix("<GET / of another protocol>") }
    }

    @Test func `a client that ends after too few bytes to tell is passed on`() throws {
        let harness = try Harness(.flows, isDetected: true)
        try harness.backend { peer in
            peer.onBytes = { peer in
                guard peer.isEnded else { return }
                peer.send("<\(peer.text)>")
                peer.close()
            }
        }
        let client = try harness.client()
        client.send("GE")
        harness.wait { harness.plane.openConnectionCount == 1 }
        client.shutdown()
        harness.wait { client.isEnded }
        #expect(client.text == "<GE>")
        #expect(harness.plane.openConnectionCount == 0)
    }

    @Test func `a client that leaves without a word leaves nothing behind`() throws {
        let harness = try Harness(.flows, isDetected: true)
        try harness.echo()
        for isReset in [false, true] {
            let client = try harness.client()
            harness.wait { harness.plane.openConnectionCount == 1 }
            if isReset { client.reset() } else { client.close() }
            harness.wait { harness.plane.openConnectionCount == 0 }
        }
        for endpoint in harness.endpoints { harness.set(endpoint.address, .withheld) }
        harness.wait { harness.plane.drainReport().isEmpty }
    }

    @Test func `who waits for an endpoint in silence gets the first that is ready`() throws {
        let harness = try Harness(.flows, isDetected: true)
        let client = try harness.client()
        harness.settle()
        try harness.echo()
        client.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n")
        harness.wait { client.count(of: "HTTP/1.1 200") == 1 }
    }
}
