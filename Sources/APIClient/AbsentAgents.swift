import Formats

/// What `up` tells the server and the proxies whenever it changes and whenever one of them says hello: the agents that it misses, all of them each time.
package struct AbsentAgents: Hashable, Sendable {
    /// Node to the name of its agent's absence.
    package var byNode: [String: String]
    /// All nodes that `up` has agents for: one that the store knows beside these, as after a restore, has none. Nil where that is not known.
    package var nodes: Set<String>?

    package init(_ byNode: [String: String] = [:], of nodes: Set<String>? = nil) {
        self.byNode = byNode
        self.nodes = nodes
    }

    /// Also those that nobody has an agent for, by one name: there is nothing that could come back.
    ///
    /// - Parameter all: what the store knows of.
    package func byNode(of all: some Sequence<String>) -> [String: String] {
        guard let nodes else { return byNode }
        return byNode.merging(all.filter { !nodes.contains($0) }.map { ($0, Self.never) }) { told, _ in told }
    }

    /// Nil for a message that says something else.
    package init?(_ message: Value) {
        guard message["op"].string == Self.operation else { return nil }
        byNode = message["nodes"].stringMap
        nodes = message["of"].isNull ? nil : Set(message["of"].elements.compactMap(\.string))
    }

    package var message: Value {
        var out: Value = ["op": .string(Self.operation), "nodes": .strings(byNode)]
        if let nodes { out["of"] = .array(nodes.sorted().map { .string($0) }) }
        return out
    }

    private static let operation = "absent"
    /// The absence of an agent that nobody starts.
    package static let never = "never"
}
