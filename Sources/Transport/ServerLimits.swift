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
    /// Bodies that were received and not answered yet, of all connections together, each by itself bounded by `wire.bodyByteLimit`. A body that comes
    /// beyond it is refused with 429 and a `Retry-After`, unless it is no longer than `smallBodyByteLimit`: who sends much does not keep out those
    /// who send little.
    package var bodySumByteLimit = 64 * 1024 * 1024
    package var smallBodyByteLimit = 16 * 1024
    /// Answers that wait for clients to take them, of all connections together. Beyond it who has taken nothing for `sluggishTime` is cut off; where
    /// that makes no room, a GET is answered with 429 instead, and what else would be longer than `smallAnswerByteLimit`, or go on for ever, is cut off.
    package var unsentSumByteLimit = 256 * 1024 * 1024
    package var sluggishTime = Duration.seconds(1)
    package var smallAnswerByteLimit = 16 * 1024
    /// What waits to be sent on one stream. A watcher that does not read is cut off beyond it, rather than making the server hold the history
    /// for it; it comes back and lists. Room enough for the first burst of a watch over thousands of objects.
    package var streamBufferByteLimit = 16 * 1024 * 1024
    /// While this much of earlier answers waits to be sent, a connection's next pipelined request is not looked at.
    package var pipelineBufferByteLimit = 256 * 1024
    /// Received but not yet looked at, while an answer is being made; then the socket is not read.
    package var inputByteLimit = 64 * 1024
    /// After a refusal the rest of what the client sends is thrown away for so long and so much: closing at once would reset the connection, and
    /// the client would never see the refusal. Who sends 100 MB at once learns that it is too much.
    package var lingerTimeout = Duration.seconds(2)
    package var lingerByteLimit = 256 * 1024 * 1024

    package init() {}
    package static let standard = ServerLimits()
}
