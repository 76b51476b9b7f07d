import Linux
import Testing
import Timing
import Traffic

@testable import ServiceProxy

@Suite(.serialized) struct FailoverTests {
    @Test(arguments: ["GET", "POST"])
    func `a request whose endpoint refuses goes to another, whatever its method`(method: String) throws {
        let harness = try Harness()
        try harness.echo("alive")
        let dead = try harness.backend { _ in }
        dead.kill()
        for _ in 0..<4 {
            #expect(
                try harness.ask("\(method) / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi").contains(
                    "X-Backend: alive"))
        }
        #expect(harness.plane.counts.sortedTallies().reduce(0) { $0 + $1[.connectFailures] } == 1)
    }

    @Test func `what rests to an endpoint whose process ended is closed, and it is still asked where there is no other`() throws {
        let harness = try Harness()
        let backend = try harness.backend { peer in
            peer.onBytes = {
                $0.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            }
        }
        #expect(try harness.get().hasPrefix("HTTP/1.1 200"))
        #expect(try harness.get().hasPrefix("HTTP/1.1 200"))
        #expect(backend.peers.count == 1)
        harness.plane.ended(host: backend.address.host)
        #expect(try harness.get().hasPrefix("HTTP/1.1 200"))
        #expect(backend.peers.count == 2)
    }

    @Test func `a GET whose endpoint resets before it answers goes to another`() throws {
        let harness = try Harness()
        try harness.backend { peer in peer.onBytes = { $0.reset() } }
        try harness.echo("alive")
        for _ in 0..<4 { #expect(try harness.get().contains("X-Backend: alive")) }
    }

    @Test func `a head that broke off in the middle counts as no answer`() throws {
        let harness = try Harness()
        try harness.backend { peer in
            peer.onBytes = {
                $0.send("HTTP/1.1 200 OK\r\nContent-")
                $0.close()
            }
        }
        try harness.echo("alive")
        for _ in 0..<2 { #expect(try harness.get().contains("X-Backend: alive")) }
    }

    @Test func `a POST that was sent is never sent twice`() throws {
        let harness = try Harness()
        let backend = try harness.backend { peer in peer.onBytes = { $0.reset() } }
        let other = try harness.echo("alive", ready: false)
        let client = try harness.client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
        harness.wait { client.text.contains("\r\n\r\n") }
        #expect(client.text.hasPrefix("HTTP/1.1 502 "))
        #expect(client.text.contains("Steady-Proxy-Reason: endpoint-reset\r\n"))
        #expect(backend.peers.count == 1)
        #expect(other.requestCount() == 0)
    }

    @Test func `a request that was too long to keep is not repeated`() throws {
        let harness = try Harness()
        let limit = 4 * Exchange.keptRequestLimit
        let backend = try harness.backend { peer in
            peer.onBytes = { if $0.received.count > limit { $0.reset() } }
        }
        let body = String(repeating: "x", count: limit)
        #expect(
            try harness.ask("PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: \(limit)\r\n\r\n\(body)").hasPrefix(
                "HTTP/1.1 502 "))
        #expect(backend.peers.count == 1)
    }

    @Test func `an answer that breaks off is passed on broken, never repeated`() throws {
        let harness = try Harness()
        let backend = try harness.backend { peer in
            peer.onBytes = { peer in
                peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
                peer.onBytes = nil
            }
        }
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { client.text.hasSuffix("half") }
        backend.kill()
        harness.wait { client.failure != nil || client.isEnded }
        #expect(client.count(of: "HTTP/1.1") == 1)
    }

    @Test func `a kept connection that the endpoint closed is no failure for a GET and not used for a POST`() throws {
        let harness = try Harness()
        let backend = try harness.backend { peer in
            peer.onBytes = { peer in
                guard peer.text.contains("\r\n\r\n") else { return }
                peer.clear()
                peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
        let client = try harness.client()
        for (index, request) in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"]
            .enumerated()
        {
            client.clear()
            client.send(request)
            harness.wait { client.text.hasSuffix("ok") }
            #expect(backend.peers.count == index + 1)
            // Behind the loop's back: the next request comes before the loop hears of it.
            backend.peers[index].close()
        }
    }

    @Test func `killed replicas fail no GET of a busy client`() throws {
        let harness = try Harness()
        var backends = try (0..<3).map { try harness.echo("\($0)") }
        let clients = try (0..<20).map { _ in try harness.client() }
        var answered = 0
        func ask(_ client: Peer) { client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
        for client in clients {
            client.onBytes = { client in
                guard client.text.hasSuffix("GET / ") else { return }
                #expect(client.text.hasPrefix("HTTP/1.1 200 OK"))
                client.clear()
                answered += 1
                ask(client)
            }
            ask(client)
        }
        for round in 1...6 {
            harness.wait { answered > round * 200 }
            let victim = backends.removeFirst()
            victim.kill()
            harness.wait { answered > round * 200 + 100 }
            // Only now the control plane says so, and a new one is there.
            harness.set(victim.address, nil)
            backends.append(try harness.echo("new"))
        }
        #expect(clients.allSatisfy { $0.failure == nil && !$0.isEnded })
    }

    @Test func `with nobody ready a request waits, and goes on as soon as somebody is`() throws {
        let harness = try Harness()
        let client = try harness.client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
        harness.settle()
        #expect(client.text.isEmpty)
        try harness.echo("late")
        harness.wait(within: .milliseconds(500)) { client.text.hasSuffix("POST / hi") }
    }

    @Test func `a replica that is started again in place loses no request`() throws {
        let harness = try Harness()
        let first = try harness.backend { _ in }
        first.kill()
        let client = try harness.client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
        harness.settle()
        let again = try Backend(loop: harness.loop, at: .ipv4(Harness.host, port: first.address.port)) { peer in
            peer.onBytes = { if $0.text.hasSuffix("hi") { $0.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") } }
        }
        harness.wait { client.text.hasPrefix("HTTP/1.1 200 OK") }
        #expect(again.peers.count == 1)
    }

    @Test func `when nobody becomes ready the client is told why, in time`() throws {
        let harness = try Harness()
        let answer = try harness.get()
        #expect(answer.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
        #expect(answer.contains("Steady-Proxy-Reason: no-ready-endpoint\r\n"))
        #expect(answer.contains("Retry-After: 1\r\n"))
    }
}
