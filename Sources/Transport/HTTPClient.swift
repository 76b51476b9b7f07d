import Linux
import Timing
import Wire

/// Sends requests over HTTP/1.1 to TCP and Unix sockets, all on one loop, with connections kept for the next request.
///
/// A connection that the server closed while it lay in the pool is found out in two ways: it is looked at before it is used again, and a request
/// that may be repeated goes once to a fresh connection when nothing at all came back.
package final class HTTPClient {
    package let loop: EventLoop
    package let limits: ClientLimits
    private var pools: [SocketAddress: Pool] = [:]
    private var streams: [ObjectIdentifier: ClientConnection] = [:]
    private var sweepTimer: EventLoop.Timer?
    private var isClosed = false

    /// How often idle connections are looked at; only while there are some.
    private static let sweepPeriod = Duration.seconds(15)

    private struct Pool {
        /// The last used one is at the end, and is used first: the others age and close.
        var idle: [ClientConnection] = []
        var connectionCount = 0
        var waiting: [ClientExchange] = []
    }

    package init(loop: EventLoop, limits: ClientLimits = .standard) {
        self.loop = loop
        self.limits = limits
    }

    /// Sends and collects the whole answer. `done` is called exactly once, at a later turn of the loop, unless it is cancelled before.
    @discardableResult
    package func send(
        _ request: ClientRequest, to address: SocketAddress, timeout: Duration? = .seconds(30),
        _ done: @escaping (Result<ClientResponse, TransportError>) -> Void
    ) -> Cancellation {
        var head: ResponseHead?
        var body = ByteQueue()
        let exchange = ClientExchange(request, to: address, isStream: false) {
            head = $0
        } onBytes: {
            body.append($0)
        } onEnd: { error in
            if let error {
                done(.failure(error))
            } else if let head {
                done(.success(ClientResponse(head: head, body: body.take(body.count))))
            } else {
                done(.failure(TransportError(.badResponse, "\(address) gave no answer")))
            }
        }
        return start(exchange, timeout: timeout, of: "the answer of \(address)")
    }

    /// Sends and passes the answer on as it comes, on a connection of its own. `timeout` holds until the head is there. `onEnd` is called exactly
    /// once and last, with nil when the answer was whole, unless it is cancelled before. A receiver that must not be given more than it can pass
    /// on holds it by `gate`.
    @discardableResult
    package func stream(
        _ request: ClientRequest, to address: SocketAddress, timeout: Duration? = .seconds(30), gate: StreamGate? = nil,
        onHead: @escaping (ResponseHead) -> Void, onBytes: @escaping ([UInt8]) -> Void, onEnd: @escaping (TransportError?) -> Void
    ) -> Cancellation {
        var request = request
        request.sharesConnections = false
        var started: ClientExchange?
        let exchange = ClientExchange(request, to: address, isStream: true) { head in
            started?.timer?.cancel()
            started = nil
            onHead(head)
        } onBytes: {
            onBytes($0)
        } onEnd: { error in
            started = nil
            onEnd(error)
        }
        started = exchange
        gate?.exchange = exchange
        return start(exchange, timeout: timeout, of: "the first byte from \(address)")
    }

    /// Closes every connection; requests under way end with `closed`, at once.
    package func close() {
        isClosed = true
        sweepTimer?.cancel()
        for (address, pool) in pools.sorted(by: { $0.key.description < $1.key.description }) {
            pools[address]?.idle = []
            pools[address]?.waiting = []
            for connection in pool.idle { connection.close() }
            for exchange in pool.waiting { exchange.finish(TransportError(.closed, "the client was closed")) }
        }
        for connection in Array(streams.values) {
            let exchange = connection.exchange
            connection.abandon()
            exchange?.finish(TransportError(.closed, "the client was closed"))
        }
    }

    private func start(_ exchange: ClientExchange, timeout: Duration?, of what: String) -> Cancellation {
        if let timeout {
            exchange.timer = loop.schedule(at: Clock.monotonic() + timeout) { [self] in
                expire(exchange, TransportError(.timeout, "\(what) did not come within \(timeout)"))
            }
        }
        // Always later, so that `done` is never called from within `send`.
        loop.later { [self] in if !exchange.isFinished { place(exchange) } }
        return Cancellation { [self] in
            if exchange.isFinished { return }
            drop(exchange)
            exchange.forget()
        }
    }

    private func expire(_ exchange: ClientExchange, _ error: TransportError) {
        drop(exchange)
        exchange.finish(error)
    }

    /// Takes the exchange from wherever it is.
    private func drop(_ exchange: ClientExchange) {
        if let connection = exchange.connection {
            connection.abandon()
        } else {
            pools[exchange.address]?.waiting.removeAll { $0 === exchange }
        }
    }

    private func place(_ exchange: ClientExchange) {
        if isClosed { return exchange.finish(TransportError(.closed, "the client was closed")) }
        if !exchange.request.sharesConnections { return open(for: exchange, isPooled: false) }
        if !exchange.wasRepeated {
            while let connection = pools[exchange.address]?.idle.popLast() {
                if connection.isUsable { return connection.carry(exchange) }
                connection.close()
            }
        }
        let pool = pools[exchange.address] ?? Pool()
        if pool.connectionCount < limits.connectionLimit { return open(for: exchange, isPooled: true) }
        if pool.waiting.count >= limits.waitingLimit {
            return exchange.finish(TransportError(.overloaded, "\(pool.waiting.count) requests wait for \(exchange.address) already"))
        }
        pools[exchange.address, default: Pool()].waiting.append(exchange)
    }

    private func open(for exchange: ClientExchange, isPooled: Bool) {
        let address = exchange.address
        do throws(LinuxError) {
            let connection = try ClientConnection(loop: loop, address: address, source: exchange.request.source, limits: limits.wire)
            if isPooled {
                pools[address, default: Pool()].connectionCount += 1
            }
            streams[ObjectIdentifier(connection)] = connection
            connection.onOutcome = { [self] connection, outcome in
                switch outcome {
                case .reusable: returned(connection)
                case .over:
                    streams[ObjectIdentifier(connection)] = nil
                    if isPooled { closed(connection) }
                }
            }
            connection.onRepeatable = { [self] exchange in place(exchange) }
            connection.carry(exchange)
        } catch {
            exchange.finish(TransportError(.connect, "cannot connect to \(address): \(error.reason)", cause: error))
        }
    }

    private func returned(_ connection: ClientConnection) {
        let address = connection.address
        if let next = nextWaiting(address) { return connection.carry(next) }
        if isClosed { return connection.close() }
        pools[address, default: Pool()].idle.append(connection)
        if let oldest = pools[address]?.idle.first, pools[address]!.idle.count > limits.idleLimit { oldest.close() }
        startSweeping()
    }

    private func closed(_ connection: ClientConnection) {
        let address = connection.address
        pools[address]?.connectionCount -= 1
        pools[address]?.idle.removeAll { $0 === connection }
        if let next = nextWaiting(address) {
            place(next)
        } else if let pool = pools[address], pool.connectionCount == 0 {
            pools[address] = nil
        }
    }

    private func nextWaiting(_ address: SocketAddress) -> ClientExchange? {
        guard pools[address]?.waiting.isEmpty == false else { return nil }
        return pools[address]?.waiting.removeFirst()
    }

    private func startSweeping() {
        if sweepTimer?.isPending == true { return }
        sweepTimer = loop.schedule(after: Self.sweepPeriod) { [weak self] in
            guard let self else { return }
            var isAnyLeft = false
            for pool in pools.values {
                for connection in pool.idle {
                    if loop.now - connection.idleSince > limits.idleTimeout { connection.close() } else { isAnyLeft = true }
                }
            }
            if isAnyLeft { startSweeping() }
        }
    }
}

/// Holds a streamed answer back while its receiver has enough: nothing more is read, and the sender feels it.
package final class StreamGate {
    weak var exchange: ClientExchange?

    package init() {}

    /// True: what has been received already may still come. To be set once the head is there.
    package var isHeld = false {
        didSet { if isHeld != oldValue { exchange?.connection?.stream.isReading = !isHeld } }
    }
}
