import Linux
import Resources
import Testing
import Timing
import Traffic

@testable import ServiceProxy

@Suite(.serialized) struct `Health on the way` {
    /// A backend that answers as it is told, and counts.
    private final class Replica {
        var status = 200
        var body = ""
        var requestCount = 0
        private var backend: HTTPBackend?
        var address: EndpointAddress { backend!.address }
        var kill: () -> Void { { [backend] in backend?.kill() } }

        init(_ harness: Harness) throws {
            backend = try HTTPBackend(loop: harness.loop) { [unowned self] exchange in
                requestCount += 1
                exchange.respond(status: status, body: Array(body.utf8))
            }
            harness.set(backend!.address, .ready)
        }
    }

    private func passive(_ change: (inout PassiveHealth) -> Void = { _ in }) -> HealthRules {
        var rules = PassiveHealth()
        change(&rules)
        return HealthRules(passive: rules)
    }

    /// Opens at the first failure.
    private func breaker() -> BreakerRules {
        var rules = BreakerRules()
        rules.consecutiveErrors = 1
        rules.openTime = .seconds(60)
        return rules
    }

    private func code(_ answer: String) -> Substring { answer.split(separator: " ").dropFirst().first ?? "" }

    private func metric(_ harness: Harness, _ name: String) -> [Substring] {
        harness.plane.showHealth()
        let text = TrafficText.text(harness.plane.counts, openConnectionCount: 0, now: harness.loop.now) { _, _ in true }
        return text.split(separator: "\n").filter { $0.hasPrefix(name + "{") && !$0.hasSuffix(" 0") }
    }

    @Test func `a replica that answers 500 gets five requests, then none; its time over, it gets trials and is back`() throws {
        let harness = try Harness()
        var turns: [HealthTurn] = []
        harness.plane.onHealthChange = { turns.append($0.turn) }
        let (bad, good) = (try Replica(harness), try Replica(harness))
        harness.rules.health = passive { $0.baseEjectionTime = .milliseconds(200) }
        bad.status = 500
        let began = harness.loop.now
        let codes = try (0..<30).map { _ in code(try harness.get()) }
        if harness.loop.now - began < .milliseconds(200) {
            #expect(codes.count { $0 == "500" } == 5 && bad.requestCount == 5)
        }
        #expect(codes.count { $0 == "500" } + codes.count { $0 == "200" } == 30)
        #expect(turns.first == .ejected(.consecutive5Xx, for: .milliseconds(200)))
        #expect(metric(harness, "ejections_total").count == 1)
        bad.status = 200
        harness.wait {
            (try? harness.get()) != nil && turns.last == .returned
        }
        #expect(metric(harness, "ejected_endpoints").isEmpty)
        #expect(good.requestCount > 0)
    }

    @Test func `where every replica answers 500, each goes on getting requests`() throws {
        let harness = try Harness()
        let replicas = try (0..<3).map { _ in try Replica(harness) }
        harness.rules.health = passive()
        for replica in replicas { replica.status = 500 }
        for _ in 0..<60 { _ = try harness.get() }
        #expect(replicas.allSatisfy { $0.requestCount >= 15 })
        #expect(metric(harness, "ejections_total").isEmpty && metric(harness, "panic_mode").isEmpty)
    }

    @Test func `a replica that breaks connections off counts as one that fails, and idempotent requests do not notice`() throws {
        let harness = try Harness()
        let bad = try harness.backend { peer in peer.onBytes = { $0.reset() } }
        try harness.echo()
        harness.rules.health = passive()
        harness.rules.retries = .init(limit: 2, percent: 100, minPerSecond: 100)
        for _ in 0..<20 { #expect(try code(harness.get()) == "200") }
        #expect(metric(harness, "ejections_total").count == 1)
        #expect(bad.peers.count <= 5)
    }

    @Test func `who accepts no connection is out, and asked all the same when the others go too`() throws {
        let harness = try Harness()
        let gone = try Replica(harness)
        let stays = try Replica(harness)
        harness.rules.health = passive { $0.consecutive5XxErrors = 1 }
        gone.kill()
        for _ in 0..<4 { #expect(try code(harness.get()) == "200") }
        #expect(metric(harness, "ejected_endpoints").count == 1)
        // What listens again at an ejected address is better than nobody.
        let back = try Backend(loop: harness.loop, at: .ipv4(Harness.host, port: gone.address.port)) { peer in
            peer.onBytes = { $0.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n") }
        }
        stays.kill()
        #expect(try code(harness.get()) == "204")
        back.kill()
    }

    @Test func `an endpoint that lets a stream stand still for too long has failed`() throws {
        let harness = try Harness()
        try harness.backend { _ in }
        try harness.backend { _ in }
        harness.rules.health = passive { $0.consecutive5XxErrors = 1 }
        harness.rules.timeouts.streamIdle = .milliseconds(20)
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.settle()
        harness.plane.sweep(now: harness.loop.now)
        harness.plane.sweep(now: harness.loop.now + .seconds(1))
        harness.wait { client.text.hasPrefix("HTTP/1.1 504 ") }
        #expect(metric(harness, "ejections_total").count == 1)
    }

    @Test func `a breaker refuses at once when all fails, says why and until when, and closes when a trial succeeds`() throws {
        let harness = try Harness()
        let replica = try Replica(harness)
        var rules = BreakerRules()
        rules.consecutiveErrors = 3
        rules.openTime = .seconds(1)
        harness.rules.breaker = rules
        replica.status = 500
        for _ in 0..<3 { #expect(try code(harness.get()) == "500") }
        let refused = try harness.get()
        #expect(refused.hasPrefix("HTTP/1.1 503 "))
        #expect(refused.contains("Steady-Proxy-Reason: circuit-open\r\n") && refused.contains("Retry-After: 1\r\n"))
        #expect(replica.requestCount == 3)
        #expect(metric(harness, "circuit_breaker_state").contains { $0.hasSuffix(" 2") })
        replica.status = 200
        harness.wait { (try? harness.get())?.hasPrefix("HTTP/1.1 200 ") ?? false }
        #expect(replica.requestCount == 4)
        #expect(try code(harness.get()) == "200")
        #expect(metric(harness, "circuit_breaker_state").isEmpty)
    }

    @Test func `an open circuit is as good as no endpoint: the policy's fallback answers`() throws {
        let harness = try Harness()
        let replica = try Replica(harness)
        harness.rules.breaker = breaker()
        harness.rules.fallbacks = [.response(.init(status: 200, contentType: "text/plain", body: "later"))]
        replica.status = 500
        #expect(try code(harness.get()) == "500", "an answer is an answer")
        let answer = try harness.get()
        #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.contains("later"))
        #expect(replica.requestCount == 1)
    }

    @Test func `a caller that gives too little time closes nothing off for others`() throws {
        let harness = try Harness()
        try harness.backend { peer in
            peer.onBytes = { if $0.text.contains("/quick") { $0.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n") } }
        }
        harness.rules.health = passive { $0.consecutive5XxErrors = 1 }
        harness.rules.breaker = breaker()
        harness.rules.timeouts.request = .seconds(60)
        harness.rules.timeouts.propagatesDeadline = true
        let answer = try harness.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Envoy-Expected-Rq-Timeout-Ms: 1\r\n\r\n")
        #expect(code(answer) == "504")
        #expect(try code(harness.get("/quick")) == "204")
        harness.rules.timeouts.request = .milliseconds(20)
        #expect(try code(harness.get()) == "504")
        #expect(try harness.get("/quick").contains("circuit-open"), "what the policy allows is the Service's to keep")
    }

    @Test func `in place of an open circuit the fallbacks answer in their order, within the policy's limits`() throws {
        let harness = try Harness()
        let replica = try Replica(harness)
        var told: [String?] = []
        harness.plane.onFallback = { told.append($1) }
        harness.rules.breaker = breaker()
        harness.rules.fallbacks = [.service(name: "gone", port: 1), .response(.init(status: 200, body: "later"))]
        harness.rules.rateLimits = [RateLimitRule(requests: 3, period: .seconds(3600))]
        replica.status = 500
        #expect(try (0..<4).map { _ in try code(harness.get()) } == ["500", "200", "200", "429"])
        #expect(replica.requestCount == 1 && told == ["a fixed response with status 200"], "who has nobody to answer is not named")
    }

    @Test func `who answers in place of an open circuit is given as much time as the Service`() throws {
        let harness = try Harness()
        let replica = try Replica(harness)
        let spare = try harness.backend(ready: false) { _ in }
        harness.others = [
            .init(name: .init(.init("default", "spare"), port: 81), carriage: .exchanges, endpoints: [.init(spare.address, .ready)])
        ]
        harness.rules.breaker = breaker()
        harness.rules.fallbacks = [.service(name: "spare", port: 81)]
        harness.rules.timeouts.request = .milliseconds(200)
        replica.status = 500
        #expect(try (0..<2).map { _ in try code(harness.get()) } == ["500", "504"])
    }

    @Test func `a breaker of flows refuses them by a reset once nobody accepts`() throws {
        let harness = try Harness(.flows)
        harness.rules.breaker = breaker()
        let first = try harness.client()
        harness.wait { first.isEnded || first.failure != nil }
        let began = harness.loop.now
        let second = try harness.client()
        harness.wait { second.isEnded || second.failure != nil }
        #expect(harness.loop.now - began < ExchangeAttempts.waitLimit, "nobody waits for an endpoint")
    }

    @Test func `beyond the connections that a policy allows a request is refused at once, or waits where the policy lets it`() throws {
        let harness = try Harness()
        let backend = try harness.backend { _ in }
        harness.rules.limits.connections = 1
        let first = try harness.client()
        first.send("GET /first HTTP/1.1\r\nHost: web\r\n\r\n")
        harness.wait { backend.peers.count == 1 && backend.peers[0].text.contains("/first") }
        let refused = try harness.get("/second")
        #expect(refused.hasPrefix("HTTP/1.1 503 ") && refused.contains("Steady-Proxy-Reason: too-many-connections\r\n"))
        harness.rules.limits.pendingRequests = 1
        let waiting = try harness.client()
        waiting.send("GET /third HTTP/1.1\r\nHost: web\r\n\r\n")
        harness.wait { harness.plane.openConnectionCount == 2 }
        backend.peers[0].send("HTTP/1.1 204 No Content\r\n\r\n")
        harness.wait { backend.peers.contains { $0.text.contains("/third") } }
    }

    @Test func `to one endpoint no more connections are open than the policy allows, those at rest included`() throws {
        let harness = try Harness()
        let backend = try harness.backend { peer in
            peer.onBytes = { peer in
                if peer.text.hasSuffix("\r\n\r\n"), !peer.text.contains("/slow") { peer.send("HTTP/1.1 204 No Content\r\n\r\n") }
            }
        }
        harness.rules.limits.endpointConnections = 2
        for _ in 0..<2 {
            let client = try harness.client()
            client.send("GET /slow HTTP/1.1\r\nHost: web\r\n\r\n")
            harness.wait { backend.peers.last?.text.contains("/slow") ?? false }
            if backend.peers.count == 2 {
                let refused = try harness.get()
                #expect(refused.contains("Steady-Proxy-Reason: too-many-connections\r\n"))
            }
            client.reset()
            harness.wait { harness.plane.openConnectionCount == 0 }
        }
        for _ in 0..<5 { #expect(try code(harness.get()) == "204") }
        #expect(backend.peers.count { !$0.isEnded } <= 2)
    }

    private func check(_ question: HealthCheckRule.Question, depth: HealthCheckRule.Depth = .shallow) -> HealthCheckRule {
        var rule = HealthCheckRule(name: "live", depth: depth, question)
        rule.interval = .milliseconds(5)
        rule.unhealthyThreshold = 2
        return rule
    }

    @Test func `an active check takes out who fails it, though no client asked, and lets him in when he passes`() throws {
        let harness = try Harness()
        let (bad, good) = (try Replica(harness), try Replica(harness))
        harness.rules.health.checks = [check(.http(.init(path: "/live", expectedText: "well")))]
        bad.body = "not at all"
        good.body = "all is well"
        harness.wait { !harness.plane.router.isUsable(bad.address, in: harness.name) }
        for _ in 0..<6 {
            let answer = try harness.get()
            #expect(answer.hasSuffix("all is well\n") || answer.hasSuffix("all is well"))
        }
        #expect(metric(harness, "unhealthy_endpoints").count == 1)
        #expect(metric(harness, "health_check_total").contains { $0.contains("result=\"fail\"") && $0.contains("check=\"live\"") })
        bad.body = "well again"
        harness.wait { harness.plane.router.isUsable(bad.address, in: harness.name) }
        harness.rules.health.checks = []
        harness.settle()
        let count = bad.requestCount
        harness.settle()
        #expect(bad.requestCount == count, "nobody asks any more")
    }

    @Test func `a deep check that nobody passes takes nobody out`() throws {
        let harness = try Harness()
        let replicas = try (0..<2).map { _ in try Replica(harness) }
        harness.rules.health.checks = [check(.http(.init(path: "/deep", expectedStatuses: [204])), depth: .deep)]
        var failed: Set<EndpointAddress> = []
        harness.plane.onHealthChange = { if case .checkFailed = $0.turn { failed.insert($0.endpoint!) } }
        harness.wait { failed.count == 2 }
        for _ in 0..<8 { #expect(try code(harness.get()) == "200") }
        #expect(replicas.allSatisfy { harness.plane.router.isUsable($0.address, in: harness.name) })
    }

    @Test(arguments: [
        (HealthCheckRule.TCPQuestion(), true), (.init(send: "ping\n", receive: "pong"), true),
        (.init(send: "ping\n", receive: "pang"), false),
        (.init(send: "ping\n"), true),
    ])
    func `a TCP check is a connection, or a word each way`(question: HealthCheckRule.TCPQuestion, isUsable: Bool) throws {
        let harness = try Harness(.flows)
        let asked = try harness.backend { peer in
            peer.onBytes = { if $0.text.contains("ping") { $0.send("+pong\n") } }
        }
        let other = try harness.backend { _ in }
        other.stopListening()
        var rule = check(.tcp(question))
        rule.timeout = .milliseconds(50)
        harness.rules.health.checks = [rule]
        var failed: Set<EndpointAddress> = []
        harness.plane.onHealthChange = { if case .checkFailed = $0.turn { failed.insert($0.endpoint!) } }
        harness.wait { failed.contains(other.address) }
        if isUsable { #expect(!failed.contains(asked.address)) } else { harness.wait { failed.contains(asked.address) } }
    }

    @Test func `an endpoint that hangs fails its check after the timeout`() throws {
        let harness = try Harness()
        let silent = try harness.backend { _ in }
        let good = try Replica(harness)
        var rule = check(.http(.init(path: "/")))
        rule.timeout = .milliseconds(20)
        harness.rules.health.checks = [rule]
        harness.wait { !harness.plane.router.isUsable(silent.address, in: harness.name) }
        for _ in 0..<4 { #expect(try code(harness.get()) == "200") }
        #expect(good.requestCount > 0)
        harness.set(silent.address, nil)
        harness.set(good.address, nil)
        harness.settle()
        #expect(silent.peers.allSatisfy { $0.isEnded }, "checks of endpoints that left are broken off")
    }
}
