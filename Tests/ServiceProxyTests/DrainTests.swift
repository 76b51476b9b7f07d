import Linux
import Testing
import Timing
import Traffic

@testable import ServiceProxy

@Suite(.serialized) struct DrainTests {
    /// Ends a response when it is told to.
    private static func slow(_ peer: Peer) {
        peer.onBytes = { if $0.text.hasSuffix("\r\n\r\n") { $0.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab") } }
    }

    @Test func `a withdrawn endpoint is drained when its exchanges are finished, and not before`() throws {
        let harness = try Harness()
        let leaving = try harness.backend(Self.slow)
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { client.text.hasSuffix("ab") }
        let staying = try harness.echo("stays")
        var announcedCount = 0
        harness.plane.onReportDue = { announcedCount += 1 }
        harness.set(leaving.address, .terminating)
        #expect(announcedCount == 1)
        #expect(harness.plane.drainReport() == [.init(address: leaving.address, exchangeCount: 1, flowCount: 0)])
        for _ in 0..<4 { #expect(try harness.get().contains("X-Backend: stays")) }
        #expect(announcedCount == 1)
        leaving.peers[0].send("cd")
        harness.wait { announcedCount == 2 }
        #expect(harness.plane.drainReport().isEmpty)
        harness.wait { client.text.hasSuffix("abcd") && leaving.peers[0].isEnded }
        #expect(staying.requestCount() == 4)
    }

    @Test func `idle connections to a withdrawn endpoint are closed at once`() throws {
        let harness = try Harness()
        let backend = try harness.echo()
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { client.text.hasSuffix("GET / ") }
        #expect(backend.server.connectionCount == 1)
        harness.set(backend.address, .terminating)
        harness.wait { backend.server.connectionCount == 0 }
        #expect(client.isEnded == false)
    }

    @Test func `endpoints come and go under load, and every POST runs exactly once`() throws {
        let harness = try Harness()
        var ran: [String: Int] = [:]
        func replica() throws -> HTTPBackend {
            let backend = try HTTPBackend(loop: harness.loop) { exchange in
                ran[String(decoding: exchange.body, as: UTF8.self), default: 0] += 1
                exchange.respond(status: 200, body: exchange.body)
            }
            harness.set(backend.address, .ready)
            return backend
        }
        var replicas = try [replica(), replica(), replica()]
        var answered: Set<String> = []
        var nextID = 0
        var isStopping = false
        func post(_ client: Peer) {
            nextID += 1
            let id = "id-\(1_000_000 + nextID)"
            client.onBytes = { client in
                guard client.text.hasSuffix(id) else { return }
                #expect(client.text.hasPrefix("HTTP/1.1 200 OK"))
                answered.insert(id)
                client.clear()
                if !isStopping { post(client) }
            }
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(id.utf8.count)\r\n\r\n\(id)")
        }
        let clients = try (0..<16).map { _ in try harness.client() }
        for client in clients { post(client) }
        for round in 1...10 {
            harness.wait { answered.count > round * 150 }
            replicas.append(try replica())
            let leaving = replicas.removeFirst()
            harness.set(leaving.address, .terminating)
            harness.wait { !harness.plane.drainReport().contains { $0.address == leaving.address } }
            // Drained: its process may be killed now.
            leaving.kill()
            harness.wait { answered.count > round * 150 + 50 }
            harness.set(leaving.address, nil)
        }
        isStopping = true
        harness.wait { answered.count == nextID }
        #expect(clients.allSatisfy { !$0.isEnded })
        #expect(ran.values.allSatisfy { $0 == 1 })
        #expect(Set(ran.keys) == answered)
    }

    @Test func `the last replica serves while it drains, and a request behind its drain waits for the next`() throws {
        let harness = try Harness()
        let leaving = try harness.backend(Self.slow)
        let first = try harness.client()
        first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { first.text.hasSuffix("ab") }
        harness.set(leaving.address, .terminating)
        _ = harness.plane.drainReport()
        let second = try harness.client()
        second.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { second.text.hasSuffix("ab") }
        for peer in leaving.peers { peer.send("cd") }
        harness.wait { first.text.hasSuffix("cd") && second.text.hasSuffix("cd") }
        #expect(harness.plane.drainReport().isEmpty)
        let third = try harness.client()
        third.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.settle()
        #expect(third.text.isEmpty)
        try harness.echo("next")
        harness.wait { third.text.contains("X-Backend: next") }
    }
}
