import Linux
import Timing
import Traffic

/// The resting connections of one endpoint; the last one used is used first.
final class UpstreamPool {
    /// Connections kept per endpoint; what comes back beyond it is closed.
    static let restingLimit = 256
    /// Shorter than the keep-alive time of the usual servers (Node 5 s, Apache 5 s, gunicorn 2 s but repeatable requests survive that).
    static let restLimit = Duration.seconds(3)
    /// A request that may not be repeated takes a resting connection only if it was used this lately: no usual server closes so soon.
    static let freshness = Duration.milliseconds(500)

    private(set) var resting: [UpstreamConnection] = []

    /// A connection on which a request can go at once; nil when a new one is needed.
    ///
    /// - Parameter isRepeatable: whether the request may be sent again should the connection turn out to be dead. If not, the socket is
    ///   looked at
    ///   first: that closes the gap between the last turn of the loop and now.
    /// - Parameter announced: of whom the endpoint must have been told when the connection began.
    func take(now: Instant, isRepeatable: Bool, announced: ClientOrigin? = nil) -> UpstreamConnection? {
        while let index = resting.lastIndex(where: { $0.announced == announced }) {
            let connection = resting.remove(at: index)
            connection.pool = nil
            // The sweep may not have come by yet.
            if connection.restsSince + connection.restLimit <= now || connection.retiresAt <= now {
                connection.close()
                continue
            }
            if !isRepeatable {
                if connection.restsSince + Self.freshness <= now {
                    // The others rest longer still, but repeatable requests can use them.
                    connection.pool = self
                    resting.insert(connection, at: index)
                    return nil
                }
                guard Sockets.isQuiet(connection.channel.fd) else {
                    connection.close()
                    continue
                }
            }
            connection.isReused = true
            return connection
        }
        return nil
    }

    func rest(_ connection: UpstreamConnection, now: Instant) {
        connection.user = nil
        guard resting.count < Self.restingLimit else { return connection.close() }
        connection.restsSince = now
        put(connection)
    }

    private func put(_ connection: UpstreamConnection) {
        connection.pool = self
        resting.append(connection)
    }

    /// The other side ended it, or sent what nobody asked for.
    func discard(_ connection: UpstreamConnection) {
        resting.removeAll { $0 === connection }
        connection.close()
    }

    func closeAll() {
        for connection in resting { connection.close() }
        resting = []
    }

    /// Closes what rested too long, or is too old.
    func closeOld(now: Instant) {
        resting.removeAll { connection in
            guard connection.restsSince + connection.restLimit <= now || connection.retiresAt <= now else { return false }
            connection.close()
            return true
        }
    }
}
