import Formats

/// What `up` tells the server and the proxies whenever it changes and whenever one of them says hello: the agents that it misses, all of them each time.
package struct AbsentAgents: Hashable, Sendable {
    /// Node to the name of its agent's absence.
    package var byNode: [String: String]

    package init(_ byNode: [String: String] = [:]) { self.byNode = byNode }

    /// Nil for a message that says something else.
    package init?(_ message: Value) {
        guard message["op"].string == Self.operation else { return nil }
        byNode = message["nodes"].stringMap
    }

    package var message: Value { ["op": .string(Self.operation), "nodes": .strings(byNode)] }

    private static let operation = "absent"
}
