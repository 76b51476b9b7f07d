import Linux
import Testing

@Suite struct ListenerInquiryTests {
    @Test func `nobody listens at a free port, and whoever does is told as long as it does`() throws {
        let inquiry = ListenerInquiry()
        let listener = try Sockets.listen(tcp: .ipv4(.loopback, port: 0))
        let port = try #require(try Sockets.localAddress(listener).port)
        #expect(try inquiry.user(at: IPv4Address.loopback.bits, port: port) == Ownership.own.user)
        // Another address of the machine is another place.
        #expect(try inquiry.user(at: IPv4Address("127.77.0.1")!.bits, port: port) == nil)
        Sockets.close(listener)
        #expect(try inquiry.user(at: IPv4Address.loopback.bits, port: port) == nil)
    }

    @Test func `a listener on every address is who a connection meets, and who connects to a port is no listener`() throws {
        let inquiry = ListenerInquiry()
        let listener = try Sockets.listen(tcp: .ipv4(.any, port: 0))
        defer { Sockets.close(listener) }
        let port = try #require(try Sockets.localAddress(listener).port)
        #expect(try inquiry.user(at: IPv4Address("127.77.0.1")!.bits, port: port) == Ownership.own.user)
        let client = try Sockets.connect(to: .ipv4(.loopback, port: port))
        defer { Sockets.close(client) }
        let own = try #require(try Sockets.localAddress(client).port)
        #expect(try inquiry.user(at: IPv4Address.loopback.bits, port: own) == nil)
    }

    @Test(.enabled(if: Stranger.isPossible, Comment(rawValue: Stranger.reason)))
    func `a socket belongs to the user who made it`() throws {
        let listener = try Stranger.acting { try Sockets.listen(tcp: .ipv4(.loopback, port: 0)) }
        defer { Sockets.close(listener) }
        let port = try #require(try Sockets.localAddress(listener).port)
        #expect(try ListenerInquiry().user(at: IPv4Address.loopback.bits, port: port) == Stranger.user)
    }
}
