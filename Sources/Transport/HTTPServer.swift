import Linux
import Timing
import Wire

/// Serves HTTP/1.1 on any number of listeners, all on one loop: keep-alive, pipelining (answers in order, one request at a time per
/// connection), `100-continue`, chunked bodies both ways.
///
/// The handler is called on the loop with each whole request, and answers then or later. A request that breaks HTTP is refused here and never
/// reaches it.
package final class HTTPServer {
    package let loop: EventLoop
    package let limits: ServerLimits
    let handler: (HTTPExchange) -> Void
    /// The body of a refusal made here; nil: the plain text.
    package var refusalBody: ((WireError) -> (contentType: String, body: [UInt8]))?
    private var dateField: DateField
    private var listeners: [Listener] = []
    private var connections: [ObjectIdentifier: ServerConnection] = [:]
    private var sweepTimer: EventLoop.Timer?
    private var retryTimer: EventLoop.Timer?

    /// How often connections are looked at for timeouts; only while there are connections.
    private static let sweepPeriod = Duration.seconds(5)
    /// After accept failed for want of descriptors or memory.
    private static let acceptRetryDelay = Duration.milliseconds(50)
    /// Taken from one listener in one turn, so that a flood of connections does not starve the requests.
    private static let acceptBurstLimit = 64

    private struct Listener {
        let fd: Int32
        let kind: HTTPExchange.ConnectionKind
        let watch: EventLoop.Watch
        let admit: ((Int32, SocketAddress) -> Bool)?
    }

    /// - Parameter clock: what the answers' `Date` says.
    package init(
        loop: EventLoop, limits: ServerLimits = .standard, clock: @escaping () -> Timestamp = Clock.realtime,
        handler: @escaping (HTTPExchange) -> Void
    ) {
        dateField = DateField(clock: clock)
        self.loop = loop
        self.limits = limits
        self.handler = handler
    }

    package var connectionCount: Int { connections.count }

    /// The `Date` of an answer that is sent now.
    var date: String { dateField.value(at: loop.now) }

    /// Accepts from a listening socket, which stays the caller's. `admit` is asked once for each connection right after accept; false closes it.
    package func serve(listener fd: Int32, admit: ((_ fd: Int32, _ peer: SocketAddress) -> Bool)? = nil) throws(LinuxError) {
        let kind: HTTPExchange.ConnectionKind = if case .unix = try Sockets.localAddress(fd) { .unix } else { .tcp }
        let watch = try loop.watch(fd, [.read, .exclusive]) { [weak self] _ in self?.accept(fd) }
        listeners.append(Listener(fd: fd, kind: kind, watch: watch, admit: admit))
    }

    /// Accepts nothing more; every open connection ends with its next answer, which says so. None is closed by this: a request may be on its way.
    package func announceEnd() {
        stopListening()
        for connection in sortedConnections { connection.closeAfterNextAnswer() }
    }

    /// Accepts nothing more; open connections finish what they have and close. The listeners stay open: they are the caller's.
    package func stopAccepting() {
        stopListening()
        for connection in sortedConnections { connection.closeWhenIdle() }
    }

    private func stopListening() {
        for listener in listeners { listener.watch.cancel() }
        listeners = []
        retryTimer?.cancel()
    }

    /// Closes every connection at once.
    package func close() {
        stopAccepting()
        for connection in sortedConnections { connection.close() }
        sweepTimer?.cancel()
        sweepTimer = nil
    }

    private var sortedConnections: [ServerConnection] { connections.values.sorted { $0.number < $1.number } }
    private var acceptedCount = 0

    private func accept(_ fd: Int32) {
        guard let listener = listeners.first(where: { $0.fd == fd }) else { return }
        for _ in 0..<Self.acceptBurstLimit {
            if connections.count >= limits.connectionLimit { return pauseAccepting() }
            do throws(LinuxError) {
                guard let (connection, peer) = try Sockets.accept(fd) else { return }
                if let admit = listener.admit, !admit(connection, peer) {
                    Sockets.close(connection)
                    continue
                }
                if listener.kind == .tcp { Sockets.setNoDelay(connection) }
                acceptedCount += 1
                let made = try ServerConnection(server: self, fd: connection, peer: peer, kind: listener.kind, number: acceptedCount)
                connections[ObjectIdentifier(made)] = made
                startSweeping()
            } catch {
                return pauseAccepting()
            }
        }
    }

    /// Out of descriptors, or at the limit: the listeners rest, else they would report the same connection for ever.
    private func pauseAccepting() {
        if retryTimer?.isPending == true { return }
        for listener in listeners { listener.watch.cancel() }
        let resting = listeners
        listeners = []
        retryTimer = loop.schedule(after: Self.acceptRetryDelay) { [weak self] in
            guard let self else { return }
            for listener in resting { try? serve(listener: listener.fd, admit: listener.admit) }
        }
    }

    func connectionClosed(_ connection: ServerConnection) { connections[ObjectIdentifier(connection)] = nil }

    private func startSweeping() {
        if sweepTimer?.isPending == true { return }
        sweepTimer = loop.schedule(after: Self.sweepPeriod) { [weak self] in
            guard let self else { return }
            for connection in connections.values { connection.checkDeadlines(loop.now) }
            if !connections.isEmpty { startSweeping() }
        }
    }
}
