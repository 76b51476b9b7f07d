import Linux
import Resources
import Testing
import Timing
import Traffic

@testable import ServiceProxy

@Suite(.serialized) struct `Attempts of an exchange` {
    private final class Counter { var count = 0 }

    /// Answers every request on every connection with this status, and counts them.
    @discardableResult
    private func answering(_ harness: Harness, _ status: String, _ body: String = "", asked: Counter = Counter()) throws -> Backend {
        try harness.backend { peer in
            peer.onBytes = { peer in
                guard peer.text.contains("\r\n\r\n") else { return }
                asked.count += 1
                peer.clear()
                peer.send("HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            }
        }
    }

    @Test func `a status that the policy names is answered by another endpoint, and passed on where all say the same`() throws {
        let harness = try Harness()
        let asked = Counter()
        try answering(harness, "503 Service Unavailable", "sick", asked: asked)
        harness.rules.retries.triggers = [.gatewayError]
        #expect(try harness.get().hasSuffix("\r\n\r\nsick"))
        #expect(asked.count == 2, "once, and once more for want of another")
        let echo = try harness.echo("well")
        for _ in 0..<6 { #expect(try harness.get().contains("X-Backend: well")) }
        #expect(echo.requestCount() == 6)
        #expect(harness.plane.drainReport().isEmpty)
    }

    @Test func `a POST that was answered is repeated only with the policy's leave`() throws {
        let harness = try Harness()
        let asked = Counter()
        try answering(harness, "502 Bad Gateway", asked: asked)
        harness.rules.retries.triggers = [.gatewayError]
        let post = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n"
        #expect(try harness.ask(post + "Idempotency-Key: 7\r\n\r\nhi").hasPrefix("HTTP/1.1 502"))
        #expect(asked.count == 1)
        harness.rules.retries.notIdempotent = .withKey
        #expect(try harness.ask(post + "\r\nhi").hasPrefix("HTTP/1.1 502"))
        #expect(asked.count == 2)
        #expect(try harness.ask(post + "Idempotency-Key: 7\r\n\r\nhi").hasPrefix("HTTP/1.1 502"))
        #expect(asked.count == 4)
        try harness.echo("well")
        for _ in 0..<4 { #expect(try harness.ask(post + "Idempotency-Key: 7\r\n\r\nhi").hasSuffix("POST / hi")) }
    }

    @Test func `an attempt that takes too long goes to another endpoint, within the time of the whole`() throws {
        let harness = try Harness()
        let silent = try harness.backend { _ in }
        try harness.echo("quick")
        harness.rules.retries.tryTimeout = .milliseconds(20)
        harness.rules.timeouts.request = .seconds(60)
        for _ in 0..<4 { #expect(try harness.get().contains("X-Backend: quick")) }
        #expect(!silent.peers.isEmpty)
        harness.rules.retries.limit = 0
        let answers = try (0..<2).map { _ in try harness.get() }
        #expect(answers.contains { $0.contains("Steady-Proxy-Reason: request-timeout") })
        #expect(answers.contains { $0.contains("X-Backend: quick") })
    }

    @Test func `a connect gives up when the policy says, not before`() throws {
        let harness = try Harness()
        // A listener whose queue is full: the kernel drops what else comes.
        let fd = try Sockets.listen(tcp: .ipv4(Harness.host, port: 0), backlog: 0)
        defer { Sockets.close(fd) }
        let address = try Sockets.localAddress(fd)
        let fillers = try (0..<2).map { _ in try Peer(loop: harness.loop, connectingTo: address) }
        harness.settle()
        harness.set(EndpointAddress(host: Harness.host.bits, port: address.port!), .ready)
        try harness.echo("open")
        harness.rules.timeouts.connect = .milliseconds(30)
        for _ in 0..<3 { #expect(try harness.get().contains("X-Backend: open")) }
        #expect(harness.plane.counts.sortedTallies().contains { $0[.connectFailures] > 0 })
        for filler in fillers { filler.close() }
    }

    @Test func `an endpoint hears what is left of the caller's time, and the caller gets no answer after it`() throws {
        let harness = try Harness()
        let backend = try harness.backend { _ in }
        harness.rules.timeouts.propagatesDeadline = true
        let answer = try harness.ask(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Envoy-Expected-Rq-Timeout-Ms: 40\r\nX-Other: 1\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 504"))
        let head = backend.peers[0].text
        #expect(head.hasPrefix("GET / HTTP/1.1\r\n") && head.hasSuffix("\r\n\r\n") && head.contains("\r\nX-Other: 1\r\n"))
        let fields = head.components(separatedByText: "X-Envoy-Expected-Rq-Timeout-Ms: ")
        #expect(fields.count == 2, "\(head)")
        #expect((1...40).contains(Int(fields.last?.prefix { $0.isNumber } ?? "") ?? 0))
    }

    @Test func `without a policy a caller's deadline passes as it is`() throws {
        let harness = try Harness()
        let backend = try harness.backend { _ in }
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Envoy-Expected-Rq-Timeout-Ms: 1\r\n\r\n")
        harness.wait { backend.peers.first?.text.hasSuffix("\r\n\r\n") ?? false }
        #expect(backend.peers[0].text.contains("X-Envoy-Expected-Rq-Timeout-Ms: 1\r\n"))
        backend.peers[0].send("HTTP/1.1 204 No Content\r\n\r\n")
        harness.wait { client.count(of: "HTTP/1.1 204") == 1 }
    }

    @Test func `an endpoint that thinks for longer than the policy's idle time is given up`() throws {
        let harness = try Harness()
        try harness.backend { _ in }
        harness.rules.timeouts.streamIdle = .milliseconds(20)
        #expect(try harness.get().contains("Steady-Proxy-Reason: request-timeout"))
    }

    @Test func `a connection that is older than the policy allows gets no further request`() throws {
        let harness = try Harness()
        let backend = try answering(harness, "200 OK")
        for _ in 0..<3 { #expect(try harness.get().hasPrefix("HTTP/1.1 200")) }
        #expect(backend.peers.count == 1)
        harness.rules.timeouts.connectionAge = .nanoseconds(1)
        harness.plane.ended(host: backend.address.host)
        for _ in 0..<3 { #expect(try harness.get().hasPrefix("HTTP/1.1 200")) }
        #expect(backend.peers.count == 4)
    }

    @Test func `an endpoint that says how long it keeps connections is not kept waiting longer`() throws {
        let harness = try Harness()
        let backend = try harness.backend { peer in
            peer.onBytes = { $0.send("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=0\r\nContent-Length: 0\r\n\r\n") }
        }
        for _ in 0..<3 { #expect(try harness.get().hasPrefix("HTTP/1.1 200")) }
        #expect(backend.peers.count == 3)
    }
}

@Suite(.serialized) struct `Hedging` {
    private func harness() throws -> Harness {
        let harness = try Harness()
        harness.rules.retries.hedging = .init(delay: .milliseconds(15))
        return harness
    }

    @Test func `a slow endpoint is overtaken by another, and is told so`() throws {
        let harness = try harness()
        let slow = try harness.backend { _ in }
        try harness.echo("quick")
        for _ in 0..<4 { #expect(try harness.get().contains("X-Backend: quick")) }
        #expect(harness.plane.counts.sortedTallies().contains { $0[.hedgeWins] > 0 })
        harness.wait { !slow.peers.isEmpty && slow.peers.allSatisfy { $0.isEnded } }
        harness.set(slow.address, .withheld)
        #expect(harness.plane.drainReport().isEmpty, "nothing is counted as open")
    }

    @Test func `the first attempt may still win, and only one answer comes`() throws {
        let harness = try harness()
        let backends = try (0..<2).map { _ in try harness.backend { _ in } }
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { backends.allSatisfy { $0.peers.first?.text.hasSuffix("\r\n\r\n") ?? false } }
        for backend in backends { backend.peers[0].send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") }
        harness.wait { client.text.hasSuffix("ok") }
        harness.settle()
        #expect(client.count(of: "HTTP/1.1") == 1)
        client.clear()
        client.send("GET /again HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { backends.contains { $0.peers.contains { $0.text.contains("/again") } } }
        for backend in backends {
            for peer in backend.peers where peer.text.contains("/again") { peer.send("HTTP/1.1 204 No Content\r\n\r\n") }
        }
        harness.wait { client.count(of: "HTTP/1.1 204") == 1 }
    }

    @Test func `what a client asked in advance is answered after an answer that overtook`() throws {
        let harness = try harness()
        _ = try harness.backend { _ in }
        try harness.echo("quick")
        let client = try harness.client()
        client.send(String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 4))
        harness.wait { client.count(of: "X-Backend: quick") == 4 }
        #expect(harness.plane.counts.sortedTallies().contains { $0[.hedgeWins] > 0 })
    }

    @Test func `where one of two attempts breaks the other goes on, whichever it is`() throws {
        for first in [true, false] {
            let harness = try harness()
            harness.rules.retries.limit = 0
            let backends = try (0..<2).map { _ in try harness.backend { _ in } }
            let client = try harness.client()
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            harness.wait { backends.contains { $0.peers.first?.text.hasSuffix("\r\n\r\n") ?? false } }
            let begun = backends.firstIndex { !$0.peers.isEmpty }!
            harness.wait { backends.allSatisfy { $0.peers.first?.text.hasSuffix("\r\n\r\n") ?? false } }
            backends[first ? begun : 1 - begun].peers[0].reset()
            harness.settle()
            #expect(client.text.isEmpty)
            backends[first ? 1 - begun : begun].peers[0].send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            harness.wait { client.text.hasSuffix("ok") }
        }
    }

    @Test func `a POST is sent once, and a request without another endpoint too`() throws {
        let harness = try harness()
        let alone = try harness.backend { _ in }
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { alone.peers.first?.text.hasSuffix("\r\n\r\n") ?? false }
        harness.loop.runUntil(within: .milliseconds(60)) { false }
        #expect(alone.peers.count == 1)
        let other = try harness.backend { _ in }
        let poster = try harness.client()
        poster.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
        harness.loop.runUntil(within: .milliseconds(60)) { false }
        #expect((alone.peers + other.peers).filter { $0.text.hasPrefix("POST") }.count == 1)
    }

    @Test func `where there is no second endpoint, the budget stays for a repeat`() throws {
        let harness = try harness()
        harness.rules.retries.percent = 100
        harness.rules.retries.minPerSecond = 0
        let alone = try harness.backend { _ in }
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { alone.peers.first?.text.hasSuffix("\r\n\r\n") ?? false }
        harness.loop.runUntil(within: .milliseconds(60)) { false }
        alone.peers[0].reset()
        harness.wait { !client.text.isEmpty || alone.peers.last?.text.hasSuffix("\r\n\r\n") ?? false && alone.peers.count == 2 }
        alone.peers.last?.send("HTTP/1.1 204 No Content\r\n\r\n")
        harness.wait { !client.text.isEmpty }
        #expect(client.text.hasPrefix("HTTP/1.1 204"))
    }

    @Test(arguments: ["HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "what is this\r\n\r\n"])
    func `a second endpoint that fails is held to it`(answer: String) throws {
        let harness = try harness()
        harness.rules.retries.triggers = [.gatewayError]
        harness.rules.health.passive = PassiveHealth()
        harness.rules.health.passive?.consecutive5XxErrors = 1
        var turns: [HealthTurn] = []
        harness.plane.onHealthChange = { turns.append($0.turn) }
        var first: Peer?
        for _ in 0..<2 {
            try harness.backend { peer in
                if first == nil { first = peer } else { peer.onBytes = { $0.send(answer) } }
            }
        }
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { !turns.isEmpty }
        #expect(client.text.isEmpty)
        first?.send("HTTP/1.1 204 No Content\r\n\r\n")
        harness.wait { client.text.hasPrefix("HTTP/1.1 204") }
        #expect(turns.count == 1)
    }

    @Test func `a handshake for another protocol is sent once`() throws {
        let harness = try harness()
        let backends = try (0..<2).map { _ in try harness.backend { _ in } }
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        harness.wait { backends.contains { $0.peers.first?.text.hasSuffix("\r\n\r\n") ?? false } }
        harness.loop.runUntil(within: .milliseconds(60)) { false }
        #expect(backends.reduce(0) { $0 + $1.peers.count } == 1)
    }

    @Test func `a client that goes away takes both attempts with it`() throws {
        let harness = try harness()
        let backends = try (0..<2).map { _ in try harness.backend { _ in } }
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { backends.allSatisfy { $0.peers.first?.text.hasSuffix("\r\n\r\n") ?? false } }
        client.reset()
        harness.wait { backends.allSatisfy { $0.peers[0].isEnded } && harness.plane.openConnectionCount == 0 }
        for backend in backends { harness.set(backend.address, .withheld) }
        #expect(harness.plane.drainReport().isEmpty)
    }
}
