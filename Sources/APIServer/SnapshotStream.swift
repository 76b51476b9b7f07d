import Storage
import Transport

/// Answers `GET /snapshot` with the whole state at one moment, as the file that `steady snapshot restore` reads.
///
/// Piece by piece, as fast as the client takes it: the loop serves others between two pieces, and no second copy of the state is made.
final class SnapshotStream {
    private static let pieceByteCount = 128 << 10

    private let stream: ResponseStream
    private let next: () -> [UInt8]?

    /// Kept alive by the stream until it ends.
    init(_ storage: Storage, exchange: HTTPExchange) {
        next = storage.snapshotBytes(Self.pieceByteCount)
        stream = exchange.stream(status: 200, headers: ["Content-Type": "application/octet-stream", "Cache-Control": "no-store"])
        guard exchange.method != "HEAD" else {
            stream.end()
            return
        }
        stream.onDrained = { self.write() }
        stream.onClose = { self.stream.onDrained = nil }
        write()
    }

    private func write() {
        guard let bytes = next() else { return stream.end() }
        stream.write(bytes)
    }
}
