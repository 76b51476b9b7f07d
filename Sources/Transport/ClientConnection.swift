import Linux
import Timing
import Wire

/// One connection of a client to a server: carries one exchange at a time.
final class ClientConnection {
    enum Outcome {
        /// The exchange is over and the connection can carry another.
        case reusable
        case over
    }

    let stream: SocketStream
    let address: SocketAddress
    private var reader: ResponseReader
    private(set) var exchange: ClientExchange?
    private(set) var idleSince: Instant
    /// Whether it carried an exchange before this one: then the server may have closed it just before we wrote.
    private var wasUsed = false
    private var receivedAny = false
    private var keepsAlive = false
    private var isProcessing = false
    /// Called when the exchange ended or the connection did.
    var onOutcome: ((ClientConnection, Outcome) -> Void)?
    /// The exchange met a connection that was dead before the server saw anything: it may be carried again.
    var onRepeatable: ((ClientExchange) -> Void)?

    init(loop: EventLoop, address: SocketAddress, source: IPv4Address?, limits: WireLimits) throws(LinuxError) {
        self.address = address
        reader = ResponseReader(limits: limits)
        idleSince = loop.now
        let fd = try Sockets.connect(to: address, from: source)
        if case .unix = address {
            stream = try SocketStream(loop: loop, fd: fd)
        } else {
            stream = try SocketStream(loop: loop, fd: fd, isConnecting: true)
        }
        stream.onInput = { [self] in process() }
        stream.onFailure = { [self] error in failed(error) }
    }

    var isUsable: Bool { exchange == nil && stream.isQuiet() }

    func carry(_ exchange: ClientExchange) {
        self.exchange = exchange
        exchange.connection = self
        receivedAny = false
        keepsAlive = false
        reader.expect(method: exchange.request.method)
        stream.write { exchange.request.serialize(to: address, into: &$0) }
        stream.flush()
    }

    /// Gives the exchange up; the answer may still be on its way, so the connection cannot be used again.
    func abandon() {
        exchange = nil
        close()
    }

    func close() {
        stream.close()
        let report = onOutcome
        onOutcome = nil
        onRepeatable = nil
        report?(self, .over)
    }

    private func process() {
        if isProcessing { return }
        isProcessing = true
        defer { isProcessing = false }
        if !stream.input.isEmpty { receivedAny = true }
        guard exchange != nil else { return close() }
        do throws(WireError) {
            while let exchange {
                guard let part = try reader.next(&stream.input) else {
                    if stream.isInputEnded { try inputEnded() }
                    return
                }
                switch part {
                case .interim: break
                case .head(let head):
                    keepsAlive = head.keepsAlive && exchange.request.sharesConnections
                    exchange.receive(head)
                    if head.framing == .tunnel { return end(TransportError(.badResponse, "\(address) left HTTP unasked"), .over) }
                case .body(let count): exchange.receive(stream.input.take(count))
                case .end: return end(nil, keepsAlive && stream.input.isEmpty && !stream.isInputEnded ? .reusable : .over)
                }
            }
            // Cancelled by one of its callbacks; `abandon` closed the stream.
        } catch {
            end(
                TransportError(error.status == 413 ? .tooLarge : .badResponse, "the answer of \(address) is refused: \(error.message)"),
                .over)
        }
    }

    private func inputEnded() throws(WireError) {
        if !receivedAny { return lost(nil) }
        guard case .end? = try? reader.close(stream.input) else { return lost(nil) }
        end(nil, .over)
    }

    private func failed(_ error: LinuxError) {
        guard exchange != nil else { return close() }
        lost(error)
    }

    /// The connection is gone with its exchange unfinished.
    private func lost(_ cause: LinuxError?) {
        guard let exchange else { return close() }
        if wasUsed, !receivedAny, !exchange.wasRepeated, exchange.request.isIdempotent, let onRepeatable {
            self.exchange = nil
            exchange.connection = nil
            exchange.wasRepeated = true
            close()
            return onRepeatable(exchange)
        }
        let what = receivedAny ? "before the answer was whole" : "without an answer"
        let error =
            if let cause, Self.isConnectFailure(cause) {
                TransportError(.connect, "cannot connect to \(address): \(cause.reason)", cause: cause)
            } else {
                TransportError(.closed, "\(address) closed the connection \(what)", cause: cause)
            }
        end(error, .over)
    }

    private static func isConnectFailure(_ error: LinuxError) -> Bool { error.operation == "connect" }

    private func end(_ error: TransportError?, _ outcome: Outcome) {
        guard let exchange else { return }
        self.exchange = nil
        exchange.connection = nil
        wasUsed = true
        idleSince = stream.loop.now
        if outcome == .over { close() } else { onOutcome?(self, .reusable) }
        exchange.finish(error)
    }
}
