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
    /// Of listeners that rest, by descriptor.
    private var retryTimers: [Int32: EventLoop.Timer] = [:]
    private var countOfKind: [HTTPExchange.ConnectionKind: Int] = [:]
    /// Of bodies that were received and not answered yet, of all connections together.
    var bodyByteCount = 0
    /// Of answers that their clients have not taken yet.
    let unsent = UnsentBytes()

    /// How often connections are looked at for timeouts; only while there are connections.
    private static let sweepPeriod = Duration.seconds(5)
    /// After accept failed for want of descriptors or memory.
    private static let acceptRetryDelay = Duration.milliseconds(50)
    /// Taken from one listener in one turn, so that a flood of connections does not starve the requests.
    private static let acceptBurstLimit = 64
    /// At the limit the one that rests longest, of so many that rest, makes room.
    private static let sampleSize = 32
    /// Not sooner: who has just connected is about to ask.
    private static let leastRest = Duration.milliseconds(100)

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
        for timer in retryTimers.values { timer.cancel() }
        retryTimers = [:]
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
            if countOfKind[listener.kind, default: 0] >= limits.connectionLimit, !closeOneAtRest(listener.kind) {
                return pauseAccepting(listener)
            }
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
                countOfKind[listener.kind, default: 0] += 1
                startSweeping()
            } catch {
                return pauseAccepting(listener)
            }
        }
    }

    /// Out of descriptors, or at the limit: the listener rests, else it would report the same connection for ever. The others go on: who fills one of
    /// them does not keep the rest of Steady from its own.
    private func pauseAccepting(_ listener: Listener) {
        listener.watch.cancel()
        listeners.removeAll { $0.fd == listener.fd }
        retryTimers[listener.fd] = loop.schedule(after: Self.acceptRetryDelay) { [weak self] in
            self?.retryTimers[listener.fd] = nil
            try? self?.serve(listener: listener.fd, admit: listener.admit)
        }
    }

    /// Closes a connection on which nothing is under way, so that who only holds connections keeps nobody out; false when every one has work.
    private func closeOneAtRest(_ kind: HTTPExchange.ConnectionKind) -> Bool {
        var oldest: (connection: ServerConnection, since: Instant)?
        var seen = 0
        for connection in connections.values where connection.kind == kind {
            guard let since = connection.restsSince, since + Self.leastRest <= loop.now else { continue }
            seen += 1
            if since < oldest?.since ?? .never { oldest = (connection, since) }
            if seen == Self.sampleSize { break }
        }
        oldest?.connection.close()
        return oldest != nil
    }

    /// Whether a body may grow by so much, to this length.
    func takesBody(growing more: Int, to length: Int) -> Bool {
        length <= limits.smallBodyByteLimit || bodyByteCount + more <= limits.bodySumByteLimit
    }

    /// Whether so many more bytes may wait until their client takes them. Who has taken nothing for long makes room, the longest first.
    func mayWait(_ byteCount: Int) -> Bool {
        func fits() -> Bool { unsent.count + byteCount <= limits.unsentSumByteLimit }
        if fits() { return true }
        let sluggish = connections.values.filter {
            $0.stream.bufferedByteCount > 0 && loop.now - $0.stream.lastProgress > limits.sluggishTime
        }
        for connection in sluggish.sorted(by: { $0.stream.lastProgress < $1.stream.lastProgress }) where !fits() {
            connection.close()
        }
        return fits()
    }

    func connectionClosed(_ connection: ServerConnection) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        countOfKind[connection.kind, default: 0] -= 1
    }

    private func startSweeping() {
        if sweepTimer?.isPending == true { return }
        sweepTimer = loop.schedule(after: Self.sweepPeriod) { [weak self] in
            guard let self else { return }
            for connection in connections.values { connection.checkDeadlines(loop.now) }
            if !connections.isEmpty { startSweeping() }
        }
    }
}
