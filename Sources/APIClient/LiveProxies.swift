import Formats

/// What `up` tells the server and the agents whenever it changes and whenever one of them says hello: the proxies that may carry traffic, those included that
/// finish what they have. A drain waits for the word of each: the server keeps their words in memory alone, and has none after its death.
package struct LiveProxies: Hashable, Sendable {
    /// As their leases and statuses are named.
    package var names: Set<String>

    package init(_ names: Set<String>) { self.names = names }

    /// Nil for a message that says something else.
    package init?(_ message: Value) {
        guard message["op"].string == Self.operation else { return nil }
        names = Set(message["names"].elements.compactMap(\.string))
    }

    package var message: Value { ["op": .string(Self.operation), "names": .array(names.sorted().map { .string($0) })] }

    private static let operation = "proxies"
}
