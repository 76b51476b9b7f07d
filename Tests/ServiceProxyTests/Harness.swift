import Formats
import Linux
import Resources
import Testing
import Timing
import Traffic
import Transport
import Wire

@testable import ServiceProxy

/// A dataplane with listeners on free ports and real backends, all on one loop.
final class Harness {
    static let service = RouteTable.ServiceName("default", "web")
    /// How long a test waits for what must come. It comes in milliseconds; only a machine with too much to do needs more.
    static let patience = Duration.seconds(60)

    let loop: EventLoop
    let plane: Dataplane
    let name: RouteTable.BackendName
    let carriage: RouteTable.Carriage
    private let entrances: Entrances
    let address: SocketAddress
    var endpoints: [(address: EndpointAddress, standing: RouteTable.Standing)] = []
    /// Who may listen at the endpoints; nil: anybody.
    var users: ListenerUsers?
    /// What a TrafficPolicy asks for.
    var rules = TrafficRules() {
        didSet { apply() }
    }
    /// Further backends of the table, which have no entrance of their own.
    var others: [RouteTable.Backend] = [] {
        didSet { apply() }
    }
    /// The first bytes of a connection decide what it carries.
    let isDetected: Bool
    private let route: RouteTable.Route
    /// Kept alive until the test's end.
    private var backends: [AnyObject] = []

    init(
        _ carriage: RouteTable.Carriage = .exchanges, isDetected: Bool = false, connectionLimit: Int = Dataplane.mostConnections,
        accessLog: String? = nil
    ) throws {
        self.isDetected = isDetected
        loop = try EventLoop()
        plane = Dataplane(loop: loop, connectionLimit: connectionLimit, accessLog: accessLog)
        self.carriage = carriage
        address = .ipv4(Self.host, port: try FreePort.next())
        name = .init(Self.service, port: 80)
        route = .init(.init(.clusterIP(Self.host.bits), port: address.port!), name)
        entrances = Entrances(plane: plane, exposed: .loopback, store: KeepingStore())
        apply()
    }

    static let host = IPv4Address("127.0.0.1")!

    func apply() {
        var table = RouteTable()
        table.backends = [
            .init(
                name: name, carriage: carriage, isDetected: isDetected,
                endpoints: endpoints.sorted { $0.address < $1.address }.map { .init($0.address, $0.standing, users: users) }, rules: rules)
        ]
        table.backends = (table.backends + others).sorted { $0.name < $1.name }
        table.routes = [route]
        plane.apply(.table(table))
        entrances.apply(table.routes)
    }

    func set(_ address: EndpointAddress, _ standing: RouteTable.Standing?) {
        endpoints.removeAll { $0.address == address }
        if let standing { endpoints.append((address, standing)) }
        apply()
    }

    /// A scripted backend that is ready at once.
    @discardableResult
    func backend(ready: Bool = true, _ serve: @escaping (Peer) -> Void) throws -> Backend {
        let backend = try Backend(loop: loop, serve)
        backends.append(backend)
        if ready { set(backend.address, .ready) }
        return backend
    }

    /// A backend that answers every request with its own number and the request's body.
    @discardableResult
    func echo(_ text: String = "", ready: Bool = true) throws -> HTTPBackend {
        let backend = try HTTPBackend(loop: loop) { exchange in
            exchange.respond(
                status: 200, headers: ["X-Backend": text], body: Array("\(exchange.method) \(exchange.path) ".utf8) + exchange.body)
        }
        backends.append(backend)
        if ready { set(backend.address, .ready) }
        return backend
    }

    func client() throws -> Peer { try Peer(loop: loop, connectingTo: address) }

    /// Sends one request on its own connection and returns all that came back.
    func ask(_ request: String) throws -> String {
        let client = try client()
        client.send(request)
        wait { client.isEnded || client.failure != nil }
        defer { client.close() }
        return client.text
    }

    func get(_ path: String = "/") throws -> String { try ask("GET \(path) HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n") }

    /// Turns the loop until it holds; records an issue when it never does.
    func wait(
        _ what: Comment = "waited in vain", within limit: Duration = patience, _ done: () -> Bool,
        at place: SourceLocation = #_sourceLocation
    ) {
        if !loop.runUntil(within: limit, done) { Issue.record(what, sourceLocation: place) }
    }

    /// Turns the loop until nothing happens any more for a moment's worth of turns.
    func settle() {
        var turnCount = 0
        loop.runUntil(within: .milliseconds(30)) {
            turnCount += 1
            return false
        }
    }

    deinit {
        plane.closeAll()
        entrances.closeAll()
    }
}

/// A connection of a test's own: what it received, and what it does when bytes come.
final class Peer {
    private var stream: SocketStream?
    private(set) var received: [UInt8] = []
    private(set) var failure: LinuxError?
    private(set) var isEnded = false
    /// The other side said that it was done; a reset does not.
    private(set) var hasSeenEnd = false
    var onBytes: ((Peer) -> Void)?
    private let loop: EventLoop

    init(loop: EventLoop, connectingTo address: SocketAddress) throws {
        self.loop = loop
        adopt(try SocketStream(loop: loop, fd: try Sockets.connect(to: address), isConnecting: true))
    }

    init(loop: EventLoop, accepted fd: Int32) throws {
        self.loop = loop
        adopt(try SocketStream(loop: loop, fd: fd))
    }

    private func adopt(_ stream: SocketStream) {
        self.stream = stream
        stream.onInput = { [unowned self, unowned stream] in
            received += stream.input.bytes
            stream.input.consume(stream.input.count)
            isEnded = stream.isInputEnded
            hasSeenEnd = hasSeenEnd || isEnded
            onBytes?(self)
        }
        stream.onFailure = { [unowned self] in
            failure = $0
            isEnded = true
        }
    }

    var text: String { String(decoding: received, as: UTF8.self) }
    /// How often something occurs in what was received.
    func count(of part: String) -> Int { text.components(separatedByText: part).count - 1 }

    func send(_ text: String) { send(Array(text.utf8)) }
    func send(_ bytes: [UInt8]) {
        stream?.write { $0.append(bytes) }
        stream?.flush()
    }
    func shutdown() { stream?.shutdownSending() }
    /// Says that nothing more comes, behind all that was sent.
    func shutdownWhenSent() {
        guard let stream, stream.bufferedByteCount > 0 else { return shutdown() }
        stream.onDrained = { [unowned self] in shutdown() }
    }
    func close() {
        stream?.close()
        stream = nil
    }
    func reset() {
        if let fd = stream?.release().fd { Sockets.closeWithReset(fd) }
        stream = nil
    }
    func pause(_ isPaused: Bool) { stream?.isReading = !isPaused }
    func clear() { received = [] }
    /// Forgets what was received first.
    func consume(_ count: Int) { received.removeFirst(count) }
    deinit { close() }
}

extension String {
    func components(separatedByText separator: String) -> [Substring] {
        var out: [Substring] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            out.append(rest[..<range.lowerBound])
            rest = rest[range.upperBound...]
        }
        return out + [rest]
    }
}

/// A listener that hands each connection to a script.
final class Backend {
    private let loop: EventLoop
    private(set) var fd: Int32
    private var watch: EventLoop.Watch?
    private(set) var peers: [Peer] = []
    let address: EndpointAddress

    init(loop: EventLoop, at address: SocketAddress = .ipv4(Harness.host, port: 0), _ serve: @escaping (Peer) -> Void) throws {
        self.loop = loop
        fd = try Sockets.listen(tcp: address)
        self.address = try EndpointAddress(host: Harness.host.bits, port: Sockets.localAddress(fd).port!)
        watch = try loop.watch(fd, .read) { [unowned self] _ in
            while let (fd, _) = try? Sockets.accept(self.fd), let peer = try? Peer(loop: loop, accepted: fd) {
                peers.append(peer)
                serve(peer)
            }
        }
    }

    /// As if its process had been killed: listener and connections go, the latter by a reset.
    func kill() {
        stopListening()
        for peer in peers { peer.reset() }
        peers = []
    }

    func stopListening() {
        watch?.cancel()
        watch = nil
        if fd >= 0 { Sockets.close(fd) }
        fd = -1
    }

    deinit { kill() }
}

/// A whole HTTP server as a backend.
final class HTTPBackend {
    private let fd: Int32
    let server: HTTPServer
    let address: EndpointAddress
    private(set) var requestCount: () -> Int = { 0 }

    init(loop: EventLoop, _ handler: @escaping (HTTPExchange) -> Void) throws {
        fd = try Sockets.listen(tcp: .ipv4(Harness.host, port: 0))
        address = try EndpointAddress(host: Harness.host.bits, port: Sockets.localAddress(fd).port!)
        var count = 0
        server = HTTPServer(loop: loop) { exchange in
            count += 1
            handler(exchange)
        }
        requestCount = { count }
        try server.serve(listener: fd)
    }

    func kill() {
        server.close()
        Sockets.close(fd)
    }

    deinit { server.close() }
}
