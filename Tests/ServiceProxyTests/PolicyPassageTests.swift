import Linux
import Resources
import Testing
import Timing
import Traffic

@testable import ServiceProxy

@Suite(.serialized) struct `A policy on the way` {
    @Test func `who asks too often is told 429 and when to come back, and his connection lives on`() throws {
        let harness = try Harness()
        let backend = try harness.echo()
        harness.rules.rateLimits = [RateLimitRule(requests: 2, period: .seconds(3600))]
        let client = try harness.client()
        for _ in 0..<4 { client.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n") }
        harness.wait { client.count(of: "HTTP/1.1 ") == 4 }
        #expect(client.count(of: "HTTP/1.1 200") == 2 && client.count(of: "HTTP/1.1 429 Too Many Requests") == 2)
        for field in [
            "Retry-After: 1800", "RateLimit-Limit: 2", "RateLimit-Remaining: 0", "RateLimit-Reset: 1800",
            "Steady-Proxy-Reason: rate-limited", "RateLimit: \"default\";r=0;t=1800",
        ] {
            #expect(client.text.components(separatedByText: "429 Too").dropFirst().allSatisfy { $0.contains(field + "\r\n") }, "\(field)")
        }
        #expect(client.count(of: "RateLimit-Policy: \"default\";q=2;w=3600\r\n") == 4, "who passes is told what is left")
        #expect(client.count(of: "RateLimit-Remaining: 1\r\n") == 1 && client.count(of: "RateLimit-Remaining: 0\r\n") == 3)
        #expect(backend.requestCount() == 2)
    }

    @Test func `what takes longer than the policy allows is answered with 504, and its endpoint is free again`() throws {
        let harness = try Harness()
        let backend = try harness.backend { _ in }
        harness.rules.timeouts.request = .milliseconds(20)
        #expect(try harness.get().hasPrefix("HTTP/1.1 504 Gateway Timeout\r\n"))
        harness.set(backend.address, .withheld)
        #expect(harness.plane.drainReport().isEmpty)
    }

    @Test func `a response that began and then takes too long breaks off`() throws {
        let harness = try Harness()
        try harness.backend { peer in
            peer.onBytes = { $0.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc") }
        }
        harness.rules.timeouts.request = .milliseconds(50)
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n")
        harness.wait { client.isEnded || client.failure != nil }
        #expect(client.text.hasSuffix("abc"))
    }

    @Test func `a request that is answered in time is not touched by its time limit`() throws {
        let harness = try Harness()
        try harness.echo()
        harness.rules.timeouts.request = .seconds(60)
        let client = try harness.client()
        for index in 1...3 {
            client.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n")
            harness.wait { client.count(of: "HTTP/1.1 200") == index }
        }
        client.close()
        harness.wait { harness.plane.openConnectionCount == 0 }
    }

    @Test func `beyond what may be under way a request is refused at once, and let in when another has ended`() throws {
        let harness = try Harness()
        let backend = try harness.backend { _ in }
        harness.rules.limits.parallelRequests = 1
        let first = try harness.client()
        first.send("GET /first HTTP/1.1\r\nHost: web\r\n\r\n")
        harness.wait { backend.peers.count == 1 && backend.peers[0].text.contains("/first") }
        let refused = try harness.get("/second")
        #expect(refused.hasPrefix("HTTP/1.1 503 ") && refused.contains("Steady-Proxy-Reason: too-many-requests\r\n"))
        backend.peers[0].send("HTTP/1.1 204 No Content\r\n\r\n")
        harness.wait { first.count(of: "HTTP/1.1 204") == 1 }
        first.send("GET /third HTTP/1.1\r\nHost: web\r\n\r\n")
        harness.wait { backend.peers.contains { $0.text.contains("/third") } }
    }

    @Test func `beyond what may be under way requests wait in line, and who waits too long is refused`() throws {
        let harness = try Harness()
        let backend = try harness.backend { _ in }
        var shedding = LoadSheddingRules()
        shedding.parallelRequests = 1
        var selector = RateLimitRule.Selector()
        selector.path = .exact("/vip")
        shedding.priorities = [.init(selectors: [selector], priority: 9)]
        harness.rules.loadShedding = shedding
        let clients = try ["/first", "/second", "/vip", "/gone"].map { path in
            let client = try harness.client()
            client.send("GET \(path) HTTP/1.1\r\nHost: web\r\n\r\n")
            if path == "/first" { harness.wait { backend.peers.last?.text.contains("/first") ?? false } }
            return client
        }
        harness.wait { harness.plane.inLine.count == 3 }
        clients[3].reset()
        harness.wait { harness.plane.inLine.count == 2 }
        func answer() {
            backend.peers.last?.clear()
            backend.peers.last?.send("HTTP/1.1 204 No Content\r\n\r\n")
        }
        answer()
        harness.wait { backend.peers.last?.text.contains("/vip ") ?? false }
        #expect(backend.peers.count == 1, "the second is older, but not as important")
        harness.wait { clients[1].text.contains("Steady-Proxy-Reason: overloaded\r\n") }
        #expect(clients[1].text.hasPrefix("HTTP/1.1 503 ") && clients[1].text.contains("Retry-After: 1\r\n"))
        answer()
        harness.wait { clients[2].count(of: "HTTP/1.1 204") == 1 && harness.plane.inLine.isEmpty }
        clients[1].clear()
        clients[1].send("GET /third HTTP/1.1\r\nHost: web\r\n\r\n")
        harness.wait { backend.peers.last?.text.contains("/third ") ?? false }
    }

    @Test func `a client that goes away, and a response that breaks off, leave no request counted`() throws {
        let harness = try Harness()
        let backend = try harness.backend { _ in }
        harness.rules.limits.parallelRequests = 1
        for index in 1...3 {
            let client = try harness.client()
            client.send("GET /\(index) HTTP/1.1\r\nHost: web\r\n\r\n")
            harness.wait { backend.peers.last?.text.contains("/\(index) ") ?? false }
            client.reset()
            harness.wait { harness.plane.openConnectionCount == 0 }
        }
    }

    @Test func `as many wait for an endpoint as the policy allows`() throws {
        let harness = try Harness()
        harness.rules.limits.pendingRequests = 1
        let waiting = try harness.client()
        waiting.send("GET /first HTTP/1.1\r\nHost: web\r\n\r\n")
        harness.wait { harness.plane.openConnectionCount == 1 }
        harness.settle()
        #expect(try harness.get("/second").contains("Steady-Proxy-Reason: too-many-waiting\r\n"))
        try harness.echo()
        harness.wait { waiting.text.contains("GET /first") }
    }

    @Test func `a fault is answered in place of an endpoint, or comes before one`() throws {
        let harness = try Harness()
        let backend = try harness.echo()
        harness.rules.faults = FaultInjection(abort: .init(status: 418, percentage: 100))
        let refused = try harness.get()
        #expect(refused.hasPrefix("HTTP/1.1 418 ") && refused.contains("Steady-Proxy-Reason: fault-injected\r\n"))
        #expect(backend.requestCount() == 0)
        harness.rules.faults = FaultInjection(delay: .init(duration: .milliseconds(30), percentage: 100))
        let client = try harness.client()
        let began = harness.loop.now
        client.send("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 3\r\n\r\nabc")
        harness.wait { client.count(of: "HTTP/1.1 200") == 1 }
        #expect(client.text.hasSuffix("POST / abc"))
        #expect(harness.loop.now - began >= .milliseconds(30))
    }

    @Test func `a long body that begins during a fault's delay arrives whole over a connection that was there before`() throws {
        let harness = try Harness()
        try harness.echo()
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n")
        harness.wait { client.count(of: "HTTP/1.1 200") == 1 }
        harness.rules.faults = FaultInjection(delay: .init(duration: .milliseconds(30), percentage: 100))
        client.send("PUT / HTTP/1.1\r\nHost: web\r\nContent-Length: 300000\r\n\r\n" + String(repeating: "x", count: 300_000))
        harness.wait { client.count(of: "HTTP/1.1 200") == 2 }
    }

    @Test func `a client that goes away during a fault's delay is forgotten`() throws {
        let harness = try Harness()
        let backend = try harness.echo()
        harness.rules.faults = FaultInjection(delay: .init(duration: .milliseconds(50), percentage: 100))
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: web\r\n\r\n")
        harness.wait { harness.plane.openConnectionCount == 1 }
        client.reset()
        harness.wait { harness.plane.openConnectionCount == 0 }
        #expect(backend.requestCount() == 0)
    }

    @Test func `a lost request is repeated as often as the policy says`() throws {
        for limit in 0...2 {
            let harness = try Harness()
            let backends = try (0..<4).map { _ in try harness.backend { peer in peer.onBytes = { $0.reset() } } }
            harness.rules.retries.limit = limit
            #expect(try harness.get().hasPrefix("HTTP/1.1 502 "))
            #expect(backends.reduce(0) { $0 + $1.peers.filter { !$0.text.isEmpty }.count } == limit + 1)
        }
    }

    @Test func `consistentHash keeps a user at one endpoint over many connections`() throws {
        let harness = try Harness()
        for index in 0..<4 { try harness.echo("\(index)") }
        harness.rules.balancing = .consistentHash(.header("X-User"))
        var seen: Set<String> = []
        for user in 0..<20 {
            let answers = try (0..<3).map { _ in
                let text = try harness.ask("GET / HTTP/1.1\r\nHost: web\r\nX-User: u\(user)\r\nConnection: close\r\n\r\n")
                return text.split(separator: "\r\n").first { $0.hasPrefix("X-Backend") }.map(String.init) ?? text
            }
            #expect(Set(answers).count == 1)
            seen.formUnion(answers)
        }
        #expect(seen.count == 4)
    }
}
