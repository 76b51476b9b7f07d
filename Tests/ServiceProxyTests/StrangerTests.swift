import Linux
import Resources
import Testing
import Timing
import Traffic

@testable import ServiceProxy

/// When a pod's program dies, anybody on the machine may bind its address. What listens there is asked whose it is.
@Suite(.serialized, .enabled(if: Stranger.isPossible, Comment(rawValue: Stranger.reason))) struct StrangerTests {
    private let pods = ListenerUsers([1000])
    private static let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    @Test(arguments: [RouteTable.Carriage.exchanges, .flows])
    func `a stranger at one endpoint gets no connection, and the others serve`(carriage: RouteTable.Carriage) throws {
        let harness = try Harness(carriage)
        harness.users = ListenerUsers([Ownership.own.user])
        var sightings: [UInt32] = []
        harness.plane.guardian.onStranger = { address, user, users in sightings.append(user) }
        let stranger = try Stranger.acting { try harness.backend { $0.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil") } }
        try harness.backend { peer in
            peer.onBytes = {
                $0.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")
                $0.shutdown()
            }
        }
        for _ in 0..<6 { #expect(try harness.ask(Self.request).hasSuffix("good")) }
        #expect(stranger.peers.isEmpty)
        #expect(harness.plane.counts.strangerCount > 0)
        #expect(sightings == [Stranger.user])
    }

    @Test func `where only a stranger listens, clients are told that nobody accepts`() throws {
        let harness = try Harness()
        harness.users = pods
        let stranger = try Stranger.acting { try harness.backend { _ in } }
        #expect(try harness.ask(Self.request).hasPrefix("HTTP/1.1 503 "))
        #expect(stranger.peers.isEmpty)
    }

    @Test func `root is no stranger, and where the pod's users are not known nothing is required`() throws {
        let harness = try Harness()
        harness.users = pods
        try harness.echo("root")
        #expect(try harness.get().contains("X-Backend: root"))
        let open = try Harness()
        _ = try Stranger.acting { try open.backend { $0.send("HTTP/1.1 204 No Content\r\n\r\n") } }
        #expect(try open.get().hasPrefix("HTTP/1.1 204 "))
        #expect(open.plane.counts.strangerCount == 0)
    }

    /// What a connection that was begun comes to, when `meanwhile` happens before it is looked at.
    private func outcome(_ meanwhile: (_ listener: Int32, _ port: UInt16) throws -> Void) throws -> LinuxError? {
        let harness = try Harness()
        harness.users = ListenerUsers([Ownership.own.user])
        let listener = try Sockets.listen(tcp: .ipv4(Harness.host, port: 0))
        let port = try #require(try Sockets.localAddress(listener).port)
        harness.set(EndpointAddress(host: Harness.host.bits, port: port), .ready)
        var attempts = ExchangeAttempts(isIdempotent: true)
        let need = Dataplane.Need(backend: harness.name, counts: harness.plane.counts.backend(harness.name), client: 1, pooled: nil)
        guard case .connection(let upstream) = harness.plane.acquire(need, .exchanges, &attempts) else {
            Issue.record("no connection")
            return nil
        }
        try meanwhile(listener, port)
        harness.wait { !upstream.channel.isConnecting }
        let result = harness.plane.connectResult(upstream)
        harness.plane.finished(upstream, .exchanges, isReusable: false)
        return result
    }

    @Test func `a listener that changed hands between the connect and the first byte gets none`() throws {
        var stranger: Int32 = -1
        defer { Sockets.close(stranger) }
        let result = try outcome { listener, port in
            // The connection is taken, so it outlives its listener.
            let accepted = try #require(try Sockets.accept(listener))
            Sockets.close(listener)
            Sockets.close(accepted.fd)
            stranger = try Stranger.acting { try Sockets.listen(tcp: .ipv4(Harness.host, port: port)) }
        }
        #expect(result != nil)
    }

    @Test func `a program that takes one connection and listens no more keeps it`() throws {
        var taken: Int32 = -1
        defer { Sockets.close(taken) }
        let result = try outcome { listener, _ in
            taken = try #require(try Sockets.accept(listener)).fd
            Sockets.close(listener)
        }
        #expect(result == nil)
    }

    @Test func `a connection that nobody took, whose listener is gone, is not believed`() throws {
        #expect(try outcome { listener, _ in Sockets.close(listener) } != nil)
    }
}

@Suite struct UnaskedListenerTests {
    @Test(arguments: [(24 as Int32, false), (23, false), (105, false), (12, false), (2, true), (93, true), (1, true)])
    func `a connection is not trusted when we lack what asking takes, and is when the machine cannot tell`(errno: Int32, isTrusted: Bool) {
        let guardian = StrangerGuard(counts: TrafficCounts()) { _ throws(LinuxError) in throw LinuxError(errno: errno, operation: "ask") }
        let users = ListenerUsers([1000])
        let address = EndpointAddress(host: 0x7F40_0001, port: 8080)
        #expect(!guardian.isStranger(at: address, for: users))
        #expect(guardian.leadsHome(-1, to: address, for: users) == isTrusted)
        #expect(guardian.leadsHome(-1, to: address, for: nil))
    }
}
