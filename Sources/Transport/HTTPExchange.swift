import Linux
import Wire

/// One request and the answer to it. Answer exactly once: with `respond`, or with `stream`, or take the connection over.
///
/// It may be answered at any later turn of the loop. When the client is gone in the meantime, `onAbandoned` is called and answers are ignored.
package final class HTTPExchange {
    /// What a request came over.
    package enum ConnectionKind: Hashable, Sendable { case unix, tcp }

    package let head: RequestHead
    package let target: RequestTarget
    /// The whole body, until a stream is begun.
    package private(set) var body: [UInt8]
    private let connection: ServerConnection
    private enum State { case open, streaming(ResponseStream), done }
    private var state = State.open

    /// The client went away before it was answered: nobody waits for the result any more. Not called for streams: they have `onClose`.
    package var onAbandoned: (() -> Void)?

    init(connection: ServerConnection, head: RequestHead, target: RequestTarget, body: [UInt8]) {
        self.connection = connection
        self.head = head
        self.target = target
        self.body = body
    }

    package var loop: EventLoop { connection.server.loop }
    package var method: String { head.method }
    /// Decoded, without the query.
    package var path: String { target.path }
    package var query: [(name: String, value: String)] { target.query }
    package var peer: SocketAddress { connection.peer }
    package var kind: ConnectionKind { connection.kind }
    /// Who made the connection; a system call or two, and right only while the caller waits.
    package var caller: PeerIdentity {
        switch kind {
        case .tcp: PeerIdentity.ofTCP(connection.stream.fd)
        case .unix: PeerIdentity.ofUnix(connection.stream.fd).identity
        }
    }

    /// Sends a whole answer. `Content-Length` and `Connection` are added; `headers` must not have them.
    package func respond(status: Int, headers: HTTPHeaders = HTTPHeaders(), body: [UInt8] = []) {
        guard case .open = state else { return }
        let mayWait = body.count <= connection.server.limits.smallAnswerByteLimit || connection.server.mayWait(body.count)
        state = .done
        guard mayWait else {
            // What else was asked for has been done: its client is not told that it was refused.
            return method == "GET" ? connection.refuse(Self.answersFillUp) : connection.close()
        }
        connection.stream.write { output in
            startHead(status, headers, &output)
            if status != 204 && status != 304 {
                output.append("Content-Length: " as StaticString)
                output.append(decimal: body.count)
                output.append("\r\n" as StaticString)
            }
            endHead(&output)
            if method != "HEAD", status != 204, status != 304 { output.append(body) }
        }
        connection.answered()
    }

    /// Begins an answer of unknown length: the head is sent at once. Chunked; for a client of HTTP/1.0 the close ends it.
    package func stream(status: Int = 200, headers: HTTPHeaders = HTTPHeaders()) -> ResponseStream {
        guard case .open = state else { return ResponseStream(exchange: nil, isChunked: false, byteLimit: 0) }
        // A stream may last for ever.
        body = []
        connection.bodyIsDone()
        let isChunked = head.version == .http11
        if !isChunked { connection.closeWhenIdle() }
        let stream = ResponseStream(
            exchange: self, isChunked: isChunked, byteLimit: connection.server.limits.streamBufferByteLimit, discards: method == "HEAD")
        state = .streaming(stream)
        connection.stream.write { output in
            startHead(status, headers, &output)
            if isChunked { output.append("Transfer-Encoding: chunked\r\n" as StaticString) }
            endHead(&output)
        }
        connection.stream.flush()
        return stream
    }

    private static let answersFillUp = WireError(429, "answers that others do not take fill the room for them; try again in a second")

    private func startHead(_ status: Int, _ headers: HTTPHeaders, _ output: inout ByteQueue) {
        output.append("HTTP/1.1 " as StaticString)
        output.append(decimal: status)
        output.append(" " as StaticString)
        output.append(StatusReason.text(status))
        output.append("\r\n" as StaticString)
        output.append("Date: " as StaticString)
        output.append(connection.server.date)
        output.append("\r\n" as StaticString)
        headers.serialize(into: &output)
    }

    private func endHead(_ output: inout ByteQueue) {
        if connection.isClosing {
            output.append("Connection: close\r\n" as StaticString)
        } else if head.version == .http10 {
            output.append("Connection: keep-alive\r\n" as StaticString)
        }
        output.append("\r\n" as StaticString)
    }

    // MARK: - For the stream

    var socket: SocketStream { connection.stream }

    /// Whether one more piece of a stream may wait beside all that waits already. A stream that is up to date goes on.
    func mayStream(_ byteCount: Int) -> Bool {
        socket.bufferedByteCount == 0 && byteCount <= connection.server.limits.smallAnswerByteLimit || connection.server.mayWait(byteCount)
    }

    func streamEnded() {
        state = .done
        connection.answered()
    }

    func cutOff() { connection.close() }

    // MARK: - From the connection

    /// The client sends no more. Who only waits for a short answer still gets it; a stream has no other sign that its reader left.
    func clientEnded() {
        if case .streaming = state { connection.close() }
    }

    func drained() { if case .streaming(let stream) = state { stream.onDrained?() } }

    func connectionLost() {
        let last = state
        state = .done
        switch last {
        case .open:
            let report = onAbandoned
            onAbandoned = nil
            report?()
        case .streaming(let stream): stream.lost()
        case .done: break
        }
    }
}
