import Linux
import Timing

/// Connections of other users: each is told 403 when it asks something, and closed. Nothing that they send is looked at.
final class Strangers {
    private let loop: EventLoop
    private var connections: [Int32: Connection] = [:]

    private struct Connection {
        let watch: EventLoop.Watch
        let timer: EventLoop.Timer
        var isAnswered = false
    }

    /// Called for each.
    var onRefusal: () -> Void = {}

    /// Kept open at once to be told why; further ones are closed without a word.
    private static let connectionLimit = 64
    /// How long one may take to send its request and to read the answer.
    private static let patience: Duration = .seconds(2)
    /// Pieces read in one turn of the loop; the rest waits for the next.
    private static let readLimit = 8

    init(loop: EventLoop) { self.loop = loop }

    /// - Parameter descriptor: stays the caller's; a duplicate is kept.
    func refuse(_ descriptor: Int32) {
        onRefusal()
        guard connections.count < Self.connectionLimit, let copy = try? Sockets.duplicate(descriptor) else { return }
        guard let watch = try? loop.watch(copy, .read, { [weak self] _ in self?.converse(copy) }) else { return Sockets.close(copy) }
        let timer = loop.schedule(after: Self.patience) { [weak self] in self?.close(copy) }
        connections[copy] = Connection(watch: watch, timer: timer)
    }

    /// The answer goes out when the request begins to arrive: Go's client takes an earlier one for a broken connection. What comes is read on
    /// until the peer closes, else the kernel would reset the connection and take the answer with it.
    private func converse(_ descriptor: Int32) {
        for _ in 0..<Self.readLimit {
            let received = withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 1) { Sockets.receive(descriptor, into: $0) }
            switch received {
            case .wouldBlock: return
            case .ended, .failed: return close(descriptor)
            case .bytes:
                guard connections[descriptor]?.isAnswered == false else { continue }
                connections[descriptor]?.isAnswered = true
                // It is shorter than any socket's buffer: sent whole or not at all.
                guard case .bytes = Answer.forbiddenPeer.withUnsafeBufferPointer({ Sockets.send(descriptor, $0) }) else {
                    return close(descriptor)
                }
                Sockets.shutdownSending(descriptor)
            }
        }
    }

    private func close(_ descriptor: Int32) {
        guard let connection = connections.removeValue(forKey: descriptor) else { return }
        connection.watch.cancel()
        connection.timer.cancel()
        Sockets.close(descriptor)
    }
}
