import Timing

/// Which endpoint each client was sent to last: `sessionAffinity: ClientIP`.
package struct AffinityTable: Sendable {
    /// How many clients are remembered; beyond it what has expired is forgotten, and if that is not enough the longer unused half.
    package static let clientLimit = 16_384

    private struct Memory {
        var endpoint: EndpointID
        var lastUse: Instant
    }
    /// How long a choice is remembered after its last use.
    package var timeout: Duration
    private var memories: [UInt32: Memory] = [:]

    package init(timeout: Duration) { self.timeout = timeout }

    package var count: Int { memories.count }

    /// The remembered endpoint, nil when there is none or its time is over.
    package func endpoint(for client: UInt32, now: Instant) -> EndpointID? {
        guard let memory = memories[client], memory.lastUse + timeout > now else { return nil }
        return memory.endpoint
    }

    /// Remembers a choice, or that it was used again.
    package mutating func remember(_ endpoint: EndpointID, for client: UInt32, now: Instant) {
        if memories.count >= Self.clientLimit && memories[client] == nil { makeRoom(now) }
        memories[client] = Memory(endpoint: endpoint, lastUse: now)
    }

    private mutating func makeRoom(_ now: Instant) {
        memories = memories.filter { $0.value.lastUse + timeout > now }
        guard memories.count >= Self.clientLimit else { return }
        let middle = memories.values.map(\.lastUse).sorted()[memories.count / 2]
        memories = memories.filter { $0.value.lastUse > middle }
    }
}
