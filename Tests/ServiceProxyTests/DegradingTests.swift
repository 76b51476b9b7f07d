import Resources
import Testing
import Timing
import Traffic

@testable import ServiceProxy

@Suite(.serialized) struct `Where no endpoint can answer` {
    private static let spare = RouteTable.BackendName(.init("default", "spare"), port: 81)

    /// A harness without endpoints; the spare Service has those given.
    private func harness(_ fallbacks: [Fallback], spare: [EndpointAddress] = []) throws -> Harness {
        let harness = try Harness()
        harness.rules.fallbacks = fallbacks
        harness.others = [.init(name: Self.spare, carriage: .exchanges, endpoints: spare.map { .init($0, .ready) })]
        return harness
    }

    @Test func `another Service answers, and the client is told which`() throws {
        let harness = try harness([.service(name: "spare", port: 81)])
        let spare = try harness.echo("spare", ready: false)
        harness.others[0].endpoints = [.init(spare.address, .ready)]
        var told: [String?] = []
        harness.plane.onFallback = { told.append($1) }
        let answer = try harness.ask("POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi")
        #expect(told == ["default/spare:81"])
        #expect(answer.hasSuffix("POST /x hi") && answer.contains("Steady-Proxy-Fallback: default/spare:81\r\n"))
        #expect(harness.plane.counts.backend(harness.name).whole[.failovers] == 1)
        #expect(harness.plane.counts.sortedTallies().map { "\($0.backend) \($0.requestCount)" } == ["default/spare:81 1"])
        try harness.echo("own")
        let own = try harness.get()
        #expect(own.contains("X-Backend: own") && !own.contains("Steady-Proxy-Fallback"))
    }

    @Test func `that others answer is told once, and that the Service answers itself again when it does so for long`() throws {
        let harness = try harness([.response(FixedResponse(status: 200, body: "stale"))])
        var told: [String?] = []
        harness.plane.onFallback = { told.append("\($0) \($1 ?? "itself")") }
        for _ in 0..<3 { #expect(try harness.get().hasSuffix("stale")) }
        try harness.echo("own")
        for _ in 0..<3 { #expect(try harness.get().contains("X-Backend: own")) }
        #expect(told == ["default/web:80 a fixed response with status 200"])
    }

    @Test func `that others answer is over with the policy that lets them`() throws {
        let harness = try harness([.response(FixedResponse(status: 200, body: "stale"))])
        var failovers: [Router.Failover] = []
        harness.plane.onFailover = { failovers.append($0) }
        #expect(try harness.get().hasSuffix("stale"))
        harness.rules = TrafficRules()
        #expect(failovers.map(\.isDropped) == [true])
    }

    @Test func `endpoints that nobody gives a weight are no endpoints`() throws {
        let harness = try Harness()
        try harness.echo("own")
        harness.rules.balance.groups = [.init(.everything, weight: 0)]
        let refused = try harness.get()
        #expect(refused.hasPrefix("HTTP/1.1 503") && refused.contains("Steady-Proxy-Reason: no-weight"), "\(refused)")
        harness.rules.fallbacks = [.response(FixedResponse(status: 200, body: "closed"))]
        #expect(try harness.get().hasSuffix("closed"))
    }

    @Test func `endpoints that all refuse are no endpoints`() throws {
        let harness = try harness([.service(name: "spare", port: 81)])
        let dead = try harness.backend { _ in }
        dead.stopListening()
        let spare = try harness.echo("spare", ready: false)
        harness.others[0].endpoints = [.init(spare.address, .ready)]
        #expect(try harness.get().contains("X-Backend: spare"))
    }

    @Test func `they are tried in their order, and a response is the last word`() throws {
        let response = FixedResponse(status: 200, contentType: "application/json", body: #"{"stale":true}"#)
        let harness = try harness([.service(name: "gone", port: 1), .service(name: "spare", port: 81), .response(response)])
        let answer = try harness.get()
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.hasSuffix("\r\n\r\n{\"stale\":true}"))
        for field in ["Content-Type: application/json", "Steady-Proxy-Fallback: response", "Steady-Proxy-Reason: no-ready-endpoint"] {
            #expect(answer.contains(field + "\r\n"), "\(answer)")
        }
        let head = try harness.ask("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(head.contains("Content-Length: 14\r\n") && head.hasSuffix("\r\n\r\n"))
    }

    @Test func `an endpoint that answers with an error has answered`() throws {
        let harness = try harness([.response(FixedResponse(status: 200, body: "stale"))])
        try harness.backend { peer in peer.onBytes = { $0.send("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n") } }
        #expect(try harness.get().hasPrefix("HTTP/1.1 500"))
    }

    @Test func `without any that can answer the client is told why`() throws {
        let harness = try harness([.service(name: "spare", port: 81)])
        let answer = try harness.get()
        #expect(answer.contains("Steady-Proxy-Reason: no-ready-endpoint"))
        #expect(answer.contains("no endpoint of default/spare:81, which answers in place of default/web:80, became ready within 0.1"))
        harness.rules.fallbacks = [.service(name: "gone", port: 1)]
        #expect(try harness.get().contains("the Service of default/gone:1, which answers in place of default/web:80, is not there"))
        harness.rules.fallbacks = [.service(name: "web", port: 80)]
        #expect(try harness.get().contains("no endpoint of default/web:80 became ready"), "nobody stands in for himself")
        harness.settle()
        #expect(harness.plane.openConnectionCount == 0)
    }
}
