import Linux
import Timing
import Wire

/// One client's connection: reads requests, hands them over one at a time, and sends the answers in order.
final class ServerConnection {
    private enum Phase {
        case idle
        case head
        case body(RequestHead, ByteQueue)
        /// The handler has it.
        case answering(HTTPExchange)
        /// A refusal was sent; what still comes is thrown away.
        case lingering(discarded: Int)
        case closed
    }

    let server: HTTPServer
    let stream: SocketStream
    let peer: SocketAddress
    let kind: HTTPExchange.ConnectionKind
    /// Connections are counted; whatever is done to all is done in this order.
    let number: Int
    private var reader: RequestReader
    private var phase = Phase.idle
    private var phaseSince: Instant
    private var isProcessing = false
    private var closesAfterAnswer = false
    private var isLastRequestNext = false
    /// Of the body that is received or being answered: its part of the server's sum.
    private var bodyByteCount = 0

    init(server: HTTPServer, fd: Int32, peer: SocketAddress, kind: HTTPExchange.ConnectionKind, number: Int) throws(LinuxError) {
        self.server = server
        self.peer = peer
        self.kind = kind
        self.number = number
        reader = RequestReader(limits: server.limits.wire)
        phaseSince = server.loop.now
        stream = try SocketStream(loop: server.loop, fd: fd)
        stream.unsent = server.unsent
        stream.onInput = { [self] in process() }
        stream.onFailure = { [self] _ in finish() }
        stream.onDrained = { [self] in drained() }
    }

    // MARK: - Reading

    private func enter(_ phase: Phase) {
        self.phase = phase
        phaseSince = server.loop.now
        switch phase {
        case .body, .answering: break
        case .idle, .head, .lingering, .closed: bodyIsDone()
        }
    }

    /// Its bytes are not kept any longer.
    func bodyIsDone() {
        server.bodyByteCount -= bodyByteCount
        bodyByteCount = 0
    }

    private var bodiesFillUp: WireError {
        WireError(429, "the bodies of requests under way fill \(server.limits.bodySumByteLimit) bytes; try again in a second")
    }

    private func process() {
        if isProcessing { return }
        isProcessing = true
        defer { isProcessing = false }
        reading: while stream.isOpen {
            switch phase {
            case .closed: return
            case .lingering(let discarded):
                let total = discarded + stream.input.count
                stream.input.consume(stream.input.count)
                if stream.isInputEnded || total > server.limits.lingerByteLimit { return close() }
                phase = .lingering(discarded: total)
                return
            case .answering(let exchange):
                if stream.isInputEnded {
                    closesAfterAnswer = true
                    exchange.clientEnded()
                    if case .answering(let same) = phase, same === exchange { return }
                    continue
                }
                stream.isReading = stream.input.count < server.limits.inputByteLimit
                // The answers before it do not wait for this one.
                break reading
            case .idle, .head, .body:
                if stream.bufferedByteCount > server.limits.pipelineBufferByteLimit { break reading }
                if !readPart() { break reading }
            }
        }
        if stream.isOpen { stream.flush() }
    }

    /// One step; false when more bytes are needed.
    private func readPart() -> Bool {
        stream.isReading = true
        let part: RequestPart?
        do throws(WireError) { part = try reader.next(&stream.input) } catch {
            refuse(error)
            return true
        }
        switch part {
        case nil:
            if stream.isInputEnded {
                // Between requests that is how connections end; within one the client has given up.
                if stream.bufferedByteCount > 0, reader.isBetweenRequests(stream.input) {
                    closesAfterAnswer = true
                    return false
                }
                close()
                return false
            }
            if case .idle = phase, !stream.input.isEmpty { enter(.head) }
            return false
        case .head(let head):
            if case .length(let length) = head.framing, !server.takesBody(growing: length, to: length) {
                refuse(bodiesFillUp)
                return true
            }
            if head.expectsContinue, stream.input.isEmpty {
                stream.write { $0.append("HTTP/1.1 100 Continue\r\n\r\n" as StaticString) }
                stream.flush()
            }
            enter(.body(head, ByteQueue()))
        case .body(let count):
            guard case .body(let head, var body) = phase else { return true }
            guard server.takesBody(growing: count, to: bodyByteCount + count) else {
                refuse(bodiesFillUp)
                return true
            }
            bodyByteCount += count
            server.bodyByteCount += count
            phase = .head
            if body.isEmpty { body = ByteQueue(stream.input.take(count)) } else { stream.input.move(count, to: &body) }
            enter(.body(head, body))
        case .end:
            guard case .body(let head, var body) = phase else { return true }
            begin(head, body.take(body.count))
        }
        return true
    }

    private func begin(_ head: RequestHead, _ body: [UInt8]) {
        if !head.keepsAlive || isLastRequestNext { closesAfterAnswer = true }
        let target: RequestTarget
        do throws(WireError) { target = try RequestTarget(head.target) } catch { return refuse(error) }
        let exchange = HTTPExchange(connection: self, head: head, target: target, body: body)
        enter(.answering(exchange))
        server.handler(exchange)
    }

    // MARK: - Answering

    /// Whether the answer under way is to say that the connection ends with it.
    var isClosing: Bool { closesAfterAnswer }

    /// The answer is complete (not necessarily sent): on with the next request.
    func answered() {
        guard case .answering = phase else { return }
        enter(.idle)
        if closesAfterAnswer {
            stream.flush()
            if stream.isOpen, stream.bufferedByteCount == 0 { endAfterSending() }
            return
        }
        if isProcessing { return }
        process()
    }

    /// Answers with an error of this server's own; the connection ends with it.
    func refuse(_ error: WireError) {
        let (contentType, body) = server.refusalBody?(error) ?? ("text/plain; charset=utf-8", Array((error.message + "\n").utf8))
        stream.write { output in
            var head = ResponseHead(status: error.status)
            head.headers.add(.date, server.date)
            head.headers.add(.contentType, contentType)
            head.headers.add(.contentLength, String(body.count))
            if error.status == 429 { head.headers.add(.retryAfter, "1") }
            head.headers.add(.connection, "close")
            head.serialize(into: &output)
            output.append(body)
        }
        closesAfterAnswer = true
        stream.flush()
        linger()
    }

    /// Our direction ends; the client's is read to its end, so that our last bytes are not lost by a reset.
    private func linger() {
        guard stream.isOpen else { return }
        enter(.lingering(discarded: 0))
        stream.isReading = true
        if stream.bufferedByteCount == 0 { stream.shutdownSending() }
        server.loop.schedule(after: server.limits.lingerTimeout) { [weak self] in
            if let self, case .lingering = phase { close() }
        }
    }

    private func endAfterSending() {
        if stream.isInputEnded { close() } else { linger() }
    }

    private func drained() {
        switch phase {
        case .lingering: stream.shutdownSending()
        case .idle, .head, .body:
            if closesAfterAnswer { endAfterSending() } else { process() }
        case .answering(let exchange): exchange.drained()
        case .closed: break
        }
    }

    // MARK: - Ending

    /// With the next request that begins: what was answered before has not said that the connection ends.
    func closeAfterNextAnswer() { isLastRequestNext = true }

    /// Since when nothing is under way in either direction; nil while something is, if only in the socket.
    var restsSince: Instant? {
        guard case .idle = phase, stream.bufferedByteCount == 0, stream.input.isEmpty, Sockets.isQuiet(stream.fd) else { return nil }
        return phaseSince
    }

    func closeWhenIdle() {
        closesAfterAnswer = true
        if case .idle = phase, stream.bufferedByteCount == 0 { close() }
    }

    func close() {
        stream.close()
        finish()
    }

    private func finish() {
        if case .closed = phase { return }
        let last = phase
        enter(.closed)
        server.connectionClosed(self)
        if case .answering(let exchange) = last { exchange.connectionLost() }
    }

    func checkDeadlines(_ now: Instant) {
        let limits = server.limits
        switch phase {
        case .idle:
            if stream.bufferedByteCount > 0 {
                if now - stream.lastProgress > limits.sendTimeout { close() }
            } else if now - phaseSince > limits.idleTimeout {
                close()
            }
        case .head, .body:
            if now - phaseSince > limits.requestTimeout {
                refuse(WireError(408, "the request did not arrive within \(limits.requestTimeout)"))
            }
        case .answering, .lingering, .closed: break
        }
    }
}
