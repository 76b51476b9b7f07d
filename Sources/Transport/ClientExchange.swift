import Linux
import Wire

/// One request under way in a client, whichever connection carries it.
final class ClientExchange {
    let request: ClientRequest
    let address: SocketAddress
    let isStream: Bool
    /// Carried again at most once: on a fresh connection, after a pooled one turned out to be dead.
    var wasRepeated = false
    var connection: ClientConnection?
    var timer: EventLoop.Timer?
    private(set) var isFinished = false

    private var onHead: ((ResponseHead) -> Void)?
    private var onBytes: (([UInt8]) -> Void)?
    private var onEnd: ((TransportError?) -> Void)?

    init(
        _ request: ClientRequest, to address: SocketAddress, isStream: Bool, onHead: @escaping (ResponseHead) -> Void,
        onBytes: @escaping ([UInt8]) -> Void, onEnd: @escaping (TransportError?) -> Void
    ) {
        self.request = request
        self.address = address
        self.isStream = isStream
        self.onHead = onHead
        self.onBytes = onBytes
        self.onEnd = onEnd
    }

    func receive(_ head: ResponseHead) { onHead?(head) }
    func receive(_ bytes: [UInt8]) { onBytes?(bytes) }

    /// Exactly once, unless it was cancelled before.
    func finish(_ error: TransportError?) {
        guard !isFinished else { return }
        let report = onEnd
        forget()
        report?(error)
    }

    /// No callback is made after this.
    func forget() {
        isFinished = true
        timer?.cancel()
        timer = nil
        connection = nil
        onHead = nil
        onBytes = nil
        onEnd = nil
    }
}
