/// A message that breaks the rules of HTTP/1.1, or a limit.
///
/// After it nothing more can be read from that connection: where the next message begins is not known.
package struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What a server answers to such a request: 400, 413, 414, 431, 501, 505. A client or proxy that meets it in a response has met a bad server (502).
    package var status: Int
    /// What was found and what is allowed.
    package var message: String

    package init(_ status: Int, _ message: String) {
        self.status = status
        self.message = message
    }

    package var description: String { message }

    static func bad(_ message: String) -> WireError { WireError(400, message) }
}

/// What one message may cost the reader. Each limit refuses; none truncates.
package struct WireLimits: Sendable {
    /// Request line; beyond it 414. Long label selectors travel in the query.
    package var startLineByteLimit = 16 * 1024
    /// Start line, header lines and their line ends together; beyond it 431. Also holds for trailers.
    package var headByteLimit = 64 * 1024
    /// Header lines; beyond it 431. Bounds the look-ups, which are scans.
    package var fieldCountLimit = 128
    /// The decoded body; beyond it 413. A proxy streams and sets no limit.
    package var bodyByteLimit = 8 * 1024 * 1024
    /// One chunk's size line with its extensions, and all extensions of one body together sixteen times that; beyond it 413. Extensions carry
    /// nothing for us, so a sender that pads with them only wants to keep the reader busy.
    package var chunkLineByteLimit = 1024
    /// RFC 9112, 3.2: a request of HTTP/1.1 without exactly one `Host` is refused.
    package var requiresHost = true

    package init() {}
    package static let standard = WireLimits()
    /// For a proxy: bodies of any length pass through.
    package static let streaming: WireLimits = {
        var limits = WireLimits()
        limits.bodyByteLimit = .max
        return limits
    }()
}
