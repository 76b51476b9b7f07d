import Linux
import Timing

/// How long a verb that watches waits for a server that went away.
struct WatchPatience {
    private var until = Clock.monotonic() + WatchPatience.limit

    /// After a longer absence the verb ends with the server's, or the connection's, error.
    static let limit: Duration = .seconds(30)
    /// Between two attempts.
    static let pause: Duration = .milliseconds(20)

    /// The server was heard.
    mutating func renew() { until = Clock.monotonic() + Self.limit }

    var isLeft: Bool { Clock.monotonic() < until }
}
