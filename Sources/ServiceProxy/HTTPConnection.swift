import Linux
import Timing
import Traffic
import Wire

/// A client's connection to a port that carries exchanges: one request after the other, each to the endpoint that suits it.
///
/// Requests that come early wait in the socket or in `input`; the next one is begun when the response before it is written.
final class HTTPConnection: ChannelOwner, UpstreamUser, Swept, Waiter, Closable {
    /// From the first byte of a head to its last: who is slower is told 408.
    static let headLimit = Duration.seconds(10)
    /// Between two requests.
    static let restLimit = Duration.seconds(75)
    /// A body, in either direction, that does not move for this long ends its exchange.
    static let standstillLimit = Duration.seconds(60)
    /// How long the rest of a refused request is read and dropped, so that the client gets to read the answer (RFC 9112, 9.6).
    static let lingerLimit = Duration.seconds(1)
    /// Bytes that wait in one direction before nothing more is received from the other side.
    static let bufferLimit = 64 * 1024

    enum Phase {
        case resting, head, exchange, lingering, closed
    }

    let plane: Dataplane
    let channel: ByteChannel
    let backend: RouteTable.BackendName
    let counts: BackendCounts
    let origin: ClientOrigin
    let client: UInt32
    private let way: RequestWay
    private var reader = RequestReader(limits: .streaming)
    var phase = Phase.resting
    var exchange: Exchange?
    var place = -1
    /// When the phase has taken too long.
    private var deadline: Instant
    private var restingSince: Instant
    private var progressSeen = 0
    /// Whether what asks for more of the request is asked by the pump itself, which goes on by itself.
    private(set) var isPumpingRequest = false

    /// Takes the channel over and stays alive by the dataplane until the connection ends.
    init(_ channel: ByteChannel, _ origin: ClientOrigin, entrance: String, backend: RouteTable.BackendName, plane: Dataplane) {
        self.plane = plane
        self.channel = channel
        self.origin = origin
        client = origin.client
        self.backend = backend
        way = RequestWay(client: origin.ends.source.hostText, entrance: entrance)
        counts = plane.counts.backend(backend)
        deadline = plane.loop.now + Self.headLimit
        restingSince = plane.loop.now
        channel.owner = self
        plane.opened(self)
    }

    // MARK: - What happens

    func channelIsReady(_ channel: ByteChannel) {
        channel.flush()
        if channel.failure != nil { return abort() }
        pumpResponse()
        pumpRequest()
    }

    func upstreamIsReady(_ upstream: UpstreamConnection) {
        guard exchange?.upstream === upstream else {
            rivalIsReady(upstream)
            // It may have answered, and the next request may be here already.
            return pumpRequest()
        }
        if upstream.connectDeadline != .never {
            if upstream.channel.isConnecting {
                if plane.loop.now >= upstream.connectDeadline { connectFailed() }
                return
            }
            if plane.connectResult(upstream) != nil { return connectFailed() }
        }
        upstream.channel.flush()
        pumpResponse()
        pumpRequest()
    }

    func tryAgain() {
        guard exchange != nil, exchange?.upstream == nil else { return }
        exchange?.ticket = nil
        if let exchange { plane.stopsWaiting(exchange) }
        seekEndpoint()
    }

    func sweep(now: Instant) {
        channel.heed()
        if channel.failure != nil, phase != .closed { return abort() }
        switch phase {
        case .closed: break
        case .resting: if now >= deadline { close() }
        case .head: if now >= deadline { refuse(.headTooSlow) }
        case .lingering: if now >= deadline { close() }
        case .exchange: sweepExchange(now)
        }
    }

    private func sweepExchange(_ now: Instant) {
        guard let exchange else { return }
        if let upstream = exchange.upstream, now >= upstream.connectDeadline { return connectFailed() }
        if let rival = exchange.rival, now >= rival.connectDeadline {
            rivalIsReady(rival)
            guard self.exchange === exchange else { return }
        }
        let idleLimit = exchange.terms?.rules.timeouts.streamIdle
        let progress = channel.progressCount &+ (exchange.upstream?.channel.progressCount ?? 0)
        // Who waits for the endpoint to think waits as long as it takes; only bytes that should move and do not are counted. But a client that ended its
        // side may be one that went: it takes no place for ever.
        let isOwed = idleLimit != nil || !exchange.isRequestComplete || !channel.output.isEmpty || channel.isEndAnnounced
        if progress != progressSeen || !isOwed {
            progressSeen = progress
            deadline = now + (idleLimit ?? Self.standstillLimit)
        } else if now >= deadline {
            if exchange.isResponseBegun { return abort() }
            guard exchange.isRequestComplete else { return fail(.bodyTooSlow) }
            // No rule was broken that the endpoint could know of: whoever asked is not there.
            guard idleLimit != nil else { return abort(as: .clientGone) }
            if let upstream = exchange.upstream { note(.failed, at: upstream.endpoint) }
            fail(.requestTimeout)
        }
    }

    var bufferedByteCount: Int {
        channel.bufferedByteCount + (exchange?.upstream?.channel.bufferedByteCount ?? 0) + (exchange?.kept.count ?? 0)
    }

    func closeNow() { abort() }
    var restsSince: Instant? {
        switch phase {
        case .resting: channel.input.isEmpty && channel.output.isEmpty && Sockets.isQuiet(channel.fd) ? restingSince : nil
        // It has been answered, and only waits for its client to read.
        case .lingering: channel.output.isEmpty ? .zero : nil
        case .head, .exchange, .closed: nil
        }
    }
    func closeIfResting() { if phase == .resting, channel.input.isEmpty { linger() } }

    // MARK: - The request

    /// Reads requests as far as there is something to read and room for it.
    func pumpRequest() {
        isPumpingRequest = true
        defer { isPumpingRequest = false }
        var receiveCount = 0
        while channel.isOpen {
            switch phase {
            case .closed: return
            case .lingering: return drop()
            case .resting, .head: if channel.output.count >= Self.bufferLimit { return }
            case .exchange: if !mayReadBody { return }
            }
            let part: RequestPart?
            do throws(WireError) {
                part = try reader.next(&channel.input, &plane.exchanges.headRoom)
            } catch {
                return fail(LocalResponse(error))
            }
            switch consume part {
            case .head(let head): begin(head)
            case .body(let count): passBody(count)
            case .end(let trailers): endRequest(trailers)
            case nil:
                receiveCount += 1
                if receiveCount > Dataplane.turnLimit {
                    exchange?.upstream?.channel.flushAtTurnEnd()
                    return plane.loop.later { [weak self] in self?.pumpRequest() }
                }
                if channel.receive(plane.scratch) { continue }
                exchange?.upstream?.channel.flushAtTurnEnd()
                if channel.hasEnded { return clientEnded() }
                channel.heed()
                if channel.failure != nil { return abort() }
                if phase == .resting, !channel.input.isEmpty {
                    phase = .head
                    deadline = plane.loop.now + Self.headLimit
                }
                channel.giveRoomBack()
                return
            }
        }
    }

    private var mayReadBody: Bool {
        guard let exchange, !exchange.isRequestComplete else { return false }
        if let upstream = exchange.upstream, !upstream.channel.isConnecting {
            // A short body leaves together with its head.
            if upstream.channel.output.count >= Self.bufferLimit { upstream.channel.flush() }
            return upstream.channel.output.count < Self.bufferLimit
        }
        return exchange.kept.count < Self.bufferLimit
    }

    private func begin(_ head: RequestHead) {
        phase = .exchange
        deadline = plane.loop.now + Self.standstillLimit
        progressSeen = 0
        let exchange = plane.exchanges.begin(head, marks: RequestMarks(&plane.random), now: plane.loop.now)
        let id = plane.backend(backend)
        if let id, plane.router.propagatesDeadline(id) {
            var passed = head
            for field in RequestDeadline.Field.allCases { passed.headers.remove(field.rawValue) }
            RequestForwarding.write(passed, way, exchange.marks, into: &exchange.kept)
        } else {
            RequestForwarding.write(head, way, exchange.marks, into: &exchange.kept)
        }
        exchange.isRequestComplete = head.framing == .none || head.framing == .length(0)
        self.exchange = exchange
        if head.method == "CONNECT" {
            // What follows is meant for a tunnel, whatever it looks like: the connection must not live on.
            exchange.isRequestComplete = false
            return fail(.noTunnels)
        }
        if exchange.isRequestComplete {
            // Nothing of a body will come, but the reader wants to say so.
            do throws(WireError) { _ = try reader.next(&channel.input) } catch { return fail(LocalResponse(error)) }
        }
        meetFaults(id)
    }

    private func passBody(_ count: Int) {
        exchange?.receivedByteCount += count
        let isChunked = exchange?.head.framing == .chunked
        channel.input.withBytes { bytes in
            let body = UnsafeBufferPointer(rebasing: bytes[0..<count])
            exchange?.write { output in
                if isChunked { Chunks.begin(count, into: &output) }
                output.append(body)
                if isChunked { Chunks.end(into: &output) }
            }
        }
        channel.input.consume(count)
    }

    private func endRequest(_ trailers: HTTPHeaders) {
        if exchange?.head.framing == .chunked { exchange?.write { Chunks.finish(trailers: trailers, into: &$0) } }
        exchange?.isRequestComplete = true
        exchange?.upstream?.channel.flushAtTurnEnd()
        timeAttempt()
    }

    private func clientEnded() {
        switch phase {
        // An answer may wait for the end of the turn.
        case .resting: if channel.output.isEmpty { close() } else { linger() }
        case .lingering, .closed: close()
        case .head: close()
        // A request that will never be whole. A whole one is answered (RFC 9112, 9.6 lets a client end its side behind its last request).
        case .exchange: if exchange?.isRequestComplete == false { abort() }
        }
    }

    /// Every byte, in either direction, gives the exchange so long again.
    func keepMoving(within limit: Duration) { deadline = plane.loop.now + limit }

    // MARK: - Ends

    func fail(_ failure: ExchangeFailure) {
        if failure.isFault { noteEnd(isFailure: true) }
        if degrade(failure) { return }
        let patience = exchange?.attempts.patience ?? ExchangeAttempts.waitLimit
        fail(LocalResponse(failure, backend: backend, substitute: exchange?.substitute, patience: patience))
    }

    /// Ends the exchange with an answer of our own; the connection lives on where the request was read whole.
    func fail(_ response: LocalResponse) {
        if exchange?.isResponseBegun == true { return abort() }
        let isWhole = exchange?.isRequestComplete ?? false
        let keepsAlive = isWhole && exchange?.head.keepsAlive == true
        response.serialize(into: &channel.output, isHead: exchange?.head.method == "HEAD", keepsAlive: keepsAlive)
        account(.local(response))
        letGoOfUpstream()
        conclude()
        guard keepsAlive else { return linger() }
        rest()
        // A request that came early has no event of its own any more.
        plane.loop.later { [weak self] in self?.pumpRequest() }
    }

    private func refuse(_ response: LocalResponse) { fail(response) }

    /// Ready for the next request; what came early is begun by the pump.
    func rest() {
        if plane.isFinishing { return linger() }
        phase = .resting
        deadline = plane.loop.now + Self.restLimit
        restingSince = plane.loop.now
        channel.flushAtTurnEnd()
        channel.heed()
        if channel.failure != nil { close() }
    }

    /// Writes what is left, says that nothing more comes, and reads on for a moment: closing with unread bytes would reset the connection
    /// and could take the answer with it.
    func linger() {
        phase = .lingering
        deadline = plane.loop.now + Self.lingerLimit
        drop()
    }

    private func drop() {
        channel.flush()
        if channel.failure != nil { return close() }
        if !channel.output.isEmpty {
            // A slow reader of a long answer gets the time that a standstill gets.
            deadline = plane.loop.now + Self.standstillLimit
        } else if !channel.isSendingShut {
            deadline = plane.loop.now + Self.lingerLimit
            channel.shutSending()
        }
        repeat { channel.input.consume(channel.input.count) } while channel.receive(plane.scratch)
        if channel.hasEnded, channel.output.isEmpty { return close() }
        channel.heed()
    }

    /// The client went, or a response broke off: both sides end at once, the client's by a reset so that it sees that something is missing.
    func abort(as end: ExchangeEnd? = nil) {
        account(end ?? (isClientGone ? .clientGone : .cutOff))
        let isCutOff = exchange?.isResponseBegun == true
        letGoOfUpstream()
        conclude()
        close(withReset: isCutOff)
    }

    private func letGoOfUpstream() {
        if let ticket = exchange?.ticket { plane.stopWaiting(ticket) }
        dropRival()
        guard let upstream = exchange?.upstream else { return }
        exchange?.upstream = nil
        plane.finished(upstream, .exchanges, isReusable: false)
    }

    func close(withReset: Bool = false) {
        guard phase != .closed else { return }
        phase = .closed
        channel.close(withReset: withReset)
        plane.closed(self)
    }
}
