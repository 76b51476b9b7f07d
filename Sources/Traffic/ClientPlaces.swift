import Resources

/// Where the clients are: each node's pods have addresses of a range of their own.
package struct ClientRange: Hashable, Sendable {
    package var range: AddressRange
    package var node: String
    package var zone: String

    package init(_ range: AddressRange, node: String, zone: String) {
        self.range = range
        self.node = node
        self.zone = zone
    }
}

extension RouteTable {
    /// The range that a client's address is in; nil for who is no pod. Cost: logarithmic in the nodes.
    package func range(of client: UInt32) -> ClientRange? {
        var candidates = clients.startIndex..<clients.endIndex
        while !candidates.isEmpty {
            let middle = candidates.lowerBound + candidates.count / 2
            let found = clients[middle]
            if found.range.contains(client) { return found }
            candidates = found.range.first < client ? middle + 1..<candidates.upperBound : candidates.lowerBound..<middle
        }
        return nil
    }
}
