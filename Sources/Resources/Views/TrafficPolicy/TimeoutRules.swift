import Formats

/// How long the parts of an exchange may take; nil: as without a policy.
package struct TimeoutRules: Hashable, Sendable {
    /// Until an endpoint accepts a connection.
    package var connect: Duration?
    /// From when a request is let in to the end of its response.
    package var request: Duration?
    /// Without a byte in either direction, whoever it is that the other waits for.
    package var streamIdle: Duration?
    /// How long a connection to an endpoint is kept without a request.
    package var connectionIdle: Duration?
    /// How old a connection to an endpoint may be when a request is put on it.
    package var connectionAge: Duration?
    /// Whether a caller's deadline shortens a request's time, and what is left of it is passed on.
    package var propagatesDeadline = false

    package init() {}

    init(_ value: Value) {
        let http = value["http"]
        connect = Self.limit(value["tcp"]["connectTimeout"])
        request = Self.limit(http["requestTimeout"])
        streamIdle = Self.limit(http["streamIdleTimeout"])
        connectionIdle = Self.limit(http["connectionIdleTimeout"])
        connectionAge = Self.limit(http["maxConnectionDuration"])
        propagatesDeadline = http["propagateDeadline"].bool ?? (request != nil)
    }

    /// Nothing, and a duration of zero, mean: no limit of the policy's.
    static func limit(_ value: Value) -> Duration? {
        guard let limit = value.string.flatMap(GatewayDuration.parse), limit > .zero else { return nil }
        return limit
    }
}
