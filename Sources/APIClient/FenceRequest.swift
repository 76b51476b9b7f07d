import Formats
import Timing

/// What the server asks `up` when a node is lost: to kill the node's agent and everything that its records name.
///
/// It says when it was asked. An `up` that was held up reads it late, and what held it up may have held up the agent too, which lives on after it.
package struct FenceRequest: Hashable, Sendable {
    /// A request that is older when it is read is refused. Whoever asked asks again, unless the node has recovered.
    package static let ageLimit: Duration = .seconds(2)

    package var node: String
    /// On the machine's monotonic clock, which both ends share. Nil: an older server does not say.
    package var askedAt: Instant?

    package init(node: String, askedAt: Instant) {
        self.node = node
        self.askedAt = askedAt
    }

    /// Nil for a message that says something else.
    package init?(_ message: Value) {
        guard message["op"].string == Self.operation else { return nil }
        node = message["node"].string ?? ""
        askedAt = message["askedAt"].int.map { Instant(nanoseconds: $0) }
    }

    package var message: Value {
        var message: Value = ["op": .string(Self.operation), "node": .string(node)]
        if let askedAt { message["askedAt"] = .int(askedAt.nanoseconds) }
        return message
    }

    /// Whether too much may have changed since it was asked.
    package func isStale(now: Instant) -> Bool { askedAt.map { now - $0 > Self.ageLimit } ?? false }

    private static let operation = "fence"
}
