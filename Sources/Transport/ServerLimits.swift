import Wire

/// What clients may cost a server.
package struct ServerLimits: Sendable {
    package var wire = WireLimits.standard
    /// Of TCP and of Unix sockets each. Beyond it one that rests is closed for each new one; where none rests nothing is accepted until one closes,
    /// and the backlog holds the others.
    package var connectionLimit = 4096
    /// From a request's first byte to its last header line, and from one arriving piece of a body to the next; beyond it 408.
    package var requestTimeout = Duration.seconds(30)
    /// A connection between requests. Longer than the 90 s after which kubectl's own pool lets go, so that the client closes first.
    package var idleTimeout = Duration.seconds(180)
    /// An answer of which the client takes nothing for so long; then the connection is closed. Does not hold for streams: they have a byte limit.
    package var sendTimeout = Duration.seconds(60)
    /// What waits to be sent on one stream. A watcher that does not read is cut off beyond it, rather than making the server hold the history
    /// for it; it comes back and lists. Room enough for the first burst of a watch over thousands of objects.
    package var streamBufferByteLimit = 16 * 1024 * 1024
    /// While this much of earlier answers waits to be sent, a connection's next pipelined request is not looked at.
    package var pipelineBufferByteLimit = 256 * 1024
    /// Received but not yet looked at, while an answer is being made; then the socket is not read.
    package var inputByteLimit = 64 * 1024
    /// After a refusal the rest of what the client sends is thrown away for so long and so much: closing at once would reset the connection, and
    /// the client would never see the refusal.
    package var lingerTimeout = Duration.seconds(2)
    package var lingerByteLimit = 1024 * 1024

    package init() {}
    package static let standard = ServerLimits()
}
