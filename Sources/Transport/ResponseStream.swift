import Wire

/// An answer that is written piece by piece: watches, followed logs.
///
/// What is written in one turn of the loop goes out together at its end. When more than the server's `streamBufferByteLimit` waits because the
/// client does not read, the client is cut off: `onClose` is called, and nothing written later goes anywhere.
package final class ResponseStream {
    private var exchange: HTTPExchange?
    private let isChunked: Bool
    private let byteLimit: Int
    /// The answer to HEAD has no body.
    private let discards: Bool
    /// The client went, or was cut off. Called once, at the end of a turn of the loop; not called after `end`.
    package var onClose: (() -> Void)?
    /// All that was written has gone to the kernel: the time for a slow source to write more.
    package var onDrained: (() -> Void)?

    init(exchange: HTTPExchange?, isChunked: Bool, byteLimit: Int, discards: Bool = false) {
        self.exchange = exchange
        self.isChunked = isChunked
        self.byteLimit = byteLimit
        self.discards = discards
    }

    package var isOpen: Bool { exchange != nil }

    /// Written and not yet taken by the kernel.
    package var bufferedByteCount: Int { exchange?.socket.bufferedByteCount ?? 0 }

    /// One piece; it is sent whole, and as one chunk.
    package func write(_ bytes: [UInt8]) {
        guard let exchange, !bytes.isEmpty, !discards else { return }
        let socket = exchange.socket
        guard exchange.mayStream(bytes.count) else { return exchange.cutOff() }
        var isFirst = socket.bufferedByteCount == 0
        socket.write { output in
            if isChunked { Chunks.append(bytes, into: &output) } else { output.append(bytes) }
        }
        if socket.bufferedByteCount > byteLimit {
            // It may only be that this turn wrote much and nothing was sent yet.
            socket.flush()
            if socket.bufferedByteCount > byteLimit { return exchange.cutOff() }
            isFirst = true
        }
        if isFirst { socket.flushSoon() }
    }

    /// Ends the answer; the connection serves the next request.
    package func end() {
        guard let exchange else { return }
        self.exchange = nil
        onClose = nil
        onDrained = nil
        if isChunked, !discards { exchange.socket.write { Chunks.finish(into: &$0) } }
        exchange.socket.flushSoon()
        exchange.streamEnded()
    }

    /// Ends it so that the client sees that it is not whole.
    package func abort() {
        onClose = nil
        exchange?.cutOff()
    }

    func lost() {
        guard let exchange else { return }
        self.exchange = nil
        exchange.loop.later { [self] in
            let report = onClose
            onClose = nil
            onDrained = nil
            report?()
        }
    }
}
