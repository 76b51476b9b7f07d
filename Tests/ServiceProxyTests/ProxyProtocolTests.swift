import Linux
import Resources
import Testing
import Timing
import Traffic
import Wire

@testable import ServiceProxy

@Suite(.serialized) struct `Connections that begin with a PROXY header` {
    private static let client = PeerAddress(ipv4: 0x0A01_0203, port: 4711)
    private static let request = Array("GET /x HTTP/1.1\r\nHost: web\r\n\r\n".utf8)

    private func header(_ source: PeerAddress? = Self.client) -> [UInt8] {
        var queue = ByteQueue()
        ProxyHeader(source.map { .init(source: $0, destination: PeerAddress(ipv4: 0x0A09_0909, port: 443)) }).serialize(into: &queue)
        return queue.bytes
    }

    private func harness(
        _ carriage: RouteTable.Carriage = .exchanges, isDetected: Bool = false, expects: Bool = false, sends: Bool = false
    ) throws -> Harness {
        let harness = try Harness(carriage, isDetected: isDetected)
        harness.rules.proxyProtocol = ProtocolRules(expectsProxyHeader: expects, sendsProxyHeader: sends)
        return harness
    }

    /// Answers requests with their own heads.
    private func mirror(_ harness: Harness) throws -> Backend {
        try harness.backend { peer in
            peer.onBytes = { peer in
                while let end = peer.text.firstRange(of: "\r\n\r\n") {
                    let head = String(peer.text[..<end.upperBound])
                    peer.consume(head.utf8.count)
                    peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(head.utf8.count)\r\n\r\n\(head)")
                }
            }
        }
    }

    @Test(arguments: [false, true]) func `of HTTP tell the endpoint who asks, however they are cut`(isDetected: Bool) throws {
        let harness = try harness(isDetected ? .flows : .exchanges, isDetected: isDetected, expects: true)
        _ = try mirror(harness)
        let bytes = header() + Self.request
        for cut in [1, 12, 13, 16, 27, 28, 29, 40, bytes.count] {
            let client = try harness.client()
            client.send(Array(bytes[..<cut]))
            harness.settle()
            client.send(Array(bytes[cut...]))
            harness.wait { client.text.contains("traceparent") }
            #expect(client.text.contains("X-Forwarded-For: 10.1.2.3\r\n"), "cut at \(cut)")
            // The next request of the connection has no header of its own.
            client.clear()
            client.send(Self.request)
            harness.wait { client.text.contains("X-Forwarded-For: 10.1.2.3\r\n") }
            client.close()
        }
    }

    @Test func `of IPv6, and from a proxy that speaks for itself`() throws {
        let harness = try harness(expects: true)
        _ = try mirror(harness)
        for (source, text) in [(PeerAddress(high: 0x2001_0DB8_0000_0000, low: 7, port: 1), "2001:db8::7"), (nil, "127.0.0.1")] {
            let client = try harness.client()
            client.send(header(source) + Self.request)
            harness.wait { client.text.contains("X-Forwarded-For: \(text)\r\n") }
        }
    }

    @Test func `are reset where they begin with anything else, and no endpoint hears of them`() throws {
        let harness = try harness(expects: true)
        let backend = try mirror(harness)
        for bytes in [Self.request, Array("PROXY TCP4 1.1.1.1 2.2.2.2 3 4\r\n".utf8), Array(header()[..<12]) + [0x21, 0x12]] {
            let client = try harness.client()
            client.send(bytes)
            harness.wait { client.isEnded || client.failure != nil }
            #expect(client.received.isEmpty)
        }
        #expect(backend.peers.isEmpty)
        #expect(harness.plane.counts.backend(harness.name).reasons.map(\.count) == [3])
        harness.wait { harness.plane.openConnectionCount == 0 }
    }

    @Test func `are ended where the header does not come`() throws {
        let harness = try harness(expects: true)
        let client = try harness.client()
        client.send(Array(header()[..<20]))
        harness.wait { harness.plane.bufferedByteCount == 20 }
        harness.plane.sweep(now: harness.loop.now + ProxyGreeting.limit)
        harness.wait { client.isEnded || client.failure != nil }
        #expect(harness.plane.openConnectionCount == 0)
    }

    @Test func `are of the client that is named, in every rule`() throws {
        let harness = try harness(expects: true)
        var selector = RateLimitRule.Selector()
        selector.source = RateLimitRule.SourceMatch(AddressRange("10.1.0.0/16")!, isDistinct: true)
        harness.rules.rateLimits = [RateLimitRule(selectors: [selector], requests: 1, period: .seconds(3600))]
        try harness.echo()
        func status(_ source: PeerAddress?) throws -> String {
            let client = try harness.client()
            client.send(header(source) + Self.request)
            harness.wait { client.text.contains("\r\n\r\n") }
            return String(client.text.dropFirst(9).prefix(3))
        }
        #expect(try status(Self.client) == "200")
        #expect(try status(PeerAddress(ipv4: 0x0A01_0203, port: 9)) == "429")
        #expect(try status(PeerAddress(ipv4: 0x0A01_0204, port: 9)) == "200")
        #expect(try status(nil) == "200")
        #expect(try status(nil) == "200")
    }

    @Test func `of TCP go on with a header for the endpoint, and half-close as ever`() throws {
        let harness = try harness(.flows, expects: true, sends: true)
        let backend = try harness.backend { peer in
            peer.onBytes = {
                if $0.isEnded {
                    $0.send("bye")
                    $0.shutdown()
                }
            }
        }
        let client = try harness.client()
        client.send(header() + Array("hello".utf8))
        harness.wait { backend.peers.first?.text.hasSuffix("hello") == true }
        client.shutdown()
        harness.wait { client.isEnded }
        #expect(client.text == "bye")
        #expect(backend.peers.first?.received == header() + Array("hello".utf8))
    }

    @Test func `are made for endpoints from the sockets' own addresses`() throws {
        let harness = try harness(.flows, sends: true)
        let backend = try harness.backend { _ in }
        let client = try harness.client()
        client.send("hello")
        harness.wait { backend.peers.first?.text.hasSuffix("hello") == true }
        var input = ByteQueue(try #require(backend.peers.first).received)
        let ends = try #require(try ProxyHeader.next(&input)?.ends)
        #expect(ends.source.ipv4 == Harness.host.bits)
        #expect(ends.destination == PeerAddress(ipv4: Harness.host.bits, port: harness.address.port!))
        #expect(input.bytes == Array("hello".utf8))
    }

    @Test func `carry one client's requests each, and are kept for it`() throws {
        let harness = try harness(sends: true)
        let backend = try mirrorBehindHeaders(harness)
        let clients = try (0..<3).map { _ in try harness.client() }
        for round in 1...3 {
            for client in clients {
                client.send(Self.request)
                harness.wait { client.count(of: "HTTP/1.1 200 OK") == round }
            }
        }
        #expect(backend.peers.count == 3)
        for peer in backend.peers { #expect(peer.count(of: "GET /x") == 3) }
        // Without the policy, what rests is not used for others.
        harness.rules.proxyProtocol = ProtocolRules()
        clients[0].send(Self.request)
        harness.wait { backend.peers.count == 4 }
    }

    /// Answers every request, whatever stands before the first.
    private func mirrorBehindHeaders(_ harness: Harness) throws -> Backend {
        try harness.backend { peer in
            var answeredCount = 0
            peer.onBytes = { peer in
                while answeredCount < peer.count(of: "traceparent") {
                    answeredCount += 1
                    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                }
            }
        }
    }
}
