import Glibc
import Linux
import Testing
import Timing
import Wire

@testable import ServiceProxy
@testable import Traffic

@Suite struct `Memory of what is over` {
    private static let head = RequestHead(method: "POST", target: "/a", headers: ["Host": "a"])
    private static let marks = RequestMarks(high: 1, low: 2, parent: 3)

    private static func parts(_ exchange: Exchange) -> [String] {
        // The queue's memory is what is to stay.
        Mirror(reflecting: exchange).children.map { "\($0.label ?? ""): \($0.label == "kept" ? "\(exchange.kept.bytes)" : "\($0.value)")" }
    }

    /// Writes to every part of an exchange.
    private static func use(_ exchange: Exchange, _ loop: EventLoop) throws {
        let (upstream, rival) = (try connection(loop), try connection(loop))
        exchange.upstream = upstream
        exchange.rival = rival
        exchange.rivalBegan = Instant.zero + .seconds(2)
        let backend = BackendID(index: 1, generation: 1)
        exchange.place = Router.LinePlace(backend: backend, number: 1)
        exchange.stay = BackendGate.Stay(backend, hash: 1, terms: nil, quota: nil)
        exchange.deadline = RequestDeadline(at: .zero, field: .expectedTimeout)
        exchange.substitute = .init(.init("default", "other"), port: 80)
        exchange.fallbackCount = 1
        exchange.attempts = ExchangeAttempts(isIdempotent: true)
        _ = exchange.attempts.foundNone(.noBackend, now: .zero)
        exchange.write { $0.append("body" as StaticString) }
        exchange.isKept = false
        exchange.isRequestComplete = true
        exchange.tally = Tally(.init(.init("default", "web"), port: 80))
        exchange.isResponseBegun = true
        exchange.status = 200
        exchange.receivedByteCount = 1
        exchange.sentByteCount = 1
        exchange.coding = .chunked
        exchange.upstreamKeepsAlive = true
        exchange.clientKeepsAlive = true
        exchange.ticket = 7
        exchange.timer = loop.schedule(after: .seconds(1)) {}
        exchange.attemptBegan = Instant.zero + .seconds(1)
        exchange.attemptTimer = exchange.timer
        exchange.hedgeTimer = exchange.timer
    }

    private static func connection(_ loop: EventLoop) throws -> UpstreamConnection {
        let (one, other) = try Sockets.pair()
        close(other)
        return UpstreamConnection(channel: try ByteChannel(loop: loop, fd: one, spares: SpareBuffers()), endpoint: EndpointID(index: 0))
    }

    @Test func `an exchange in another's place is as new`() throws {
        let (loop, shelf) = (try EventLoop(), SpareExchanges())
        let fresh = Self.parts(Exchange(Self.head, marks: Self.marks, now: .zero))
        var first: Exchange? = shelf.begin(
            RequestHead(method: "GET", target: "/b"), marks: RequestMarks(high: 9, low: 9, parent: 9), now: Instant.zero + .seconds(9))
        let place = ObjectIdentifier(try #require(first))
        if let first {
            try Self.use(first, loop)
            // A part that was added and is not written to here could stay as it was, unseen.
            #expect(zip(fresh, Self.parts(first)).filter { $0 == $1 }.map(\.0) == [])
            for connection in [first.upstream, first.rival] { connection?.close() }
            shelf.end(first)
        }
        first = nil
        let second = shelf.begin(Self.head, marks: Self.marks, now: .zero)
        #expect(ObjectIdentifier(second) == place)
        #expect(Self.parts(second) == fresh)
    }

    @Test func `an exchange that somebody looks at is nobody else's`() {
        let shelf = SpareExchanges()
        let first = shelf.begin(Self.head, marks: Self.marks, now: .zero)
        shelf.end(first)
        let second = shelf.begin(Self.head, marks: Self.marks, now: .zero)
        #expect(first !== second)
    }

    @Test func `a queue's memory goes to the next that has none`() {
        let spares = SpareBuffers()
        var (one, other) = (ByteQueue(), ByteQueue())
        one.append("text" as StaticString)
        spares.takeBack(from: &one)
        #expect(one.count == 4)
        let place = one.withBytes { $0.baseAddress }
        one.consume(4)
        spares.takeBack(from: &one)
        #expect(!one.hasRoom)
        spares.lend(to: &other)
        other.append("more" as StaticString)
        #expect(other.withBytes { $0.baseAddress } == place)
        #expect(other.bytes == Array("more".utf8))
    }

    @Test func `connections at rest keep no memory for bytes`() throws {
        let harness = try Harness()
        try harness.echo()
        let clients = try (0..<4).map { _ in try harness.client() }
        for client in clients { client.send("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 4\r\n\r\nbody") }
        harness.wait { clients.allSatisfy { $0.text.hasSuffix("body") } }
        harness.settle()
        let channels = harness.plane.open.compactMap { ($0 as? HTTPConnection)?.channel }
        #expect(channels.map(\.input.hasRoom) == [false, false, false, false])
        #expect(channels.map(\.output.hasRoom) == [false, false, false, false])
        for client in clients { client.close() }
    }
}
