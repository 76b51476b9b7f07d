import Resources
import Timing
import Wire

/// Choosing among the endpoints of a backend as its policy says.
extension Router {
    /// How much more than the average an endpoint may have open before `consistentHash` goes on to the next (consistent hashing with bounded loads).
    static let hashOverload = 1.25

    /// The position of the endpoint to take; nil when each is avoided or sealed. Those that refused a connection lately come after all others.
    mutating func pick(
        _ candidates: [EndpointID], in backend: Int, for stay: BackendGate.Stay?, _ client: UInt32, _ avoiding: [EndpointID], _ now: Instant
    ) -> Int? {
        switch backends[backend].gate.rules.balancing {
        case .leastRequest: fewestOpen(candidates, in: backend, avoiding, now)
        case .roundRobin: next(candidates, in: backend, avoiding, now)
        case .random: anyone(candidates, in: backend, avoiding, now)
        case .consistentHash: nearest(candidates, to: stay?.hash ?? HashKeyReading.hash(client: client), in: backend, avoiding, now)
        }
    }

    private func next(_ candidates: [EndpointID], in backend: Int, _ avoiding: [EndpointID], _ now: Instant) -> Int? {
        let cursor = backends[backend].cursor
        let order = candidates.indices.map { ($0 + cursor) % candidates.count }
            .filter { isOpen(candidates[$0], in: backend, avoiding, now) }
        return order.first { !isSuspected(candidates[$0], now) } ?? order.first
    }

    private mutating func anyone(_ candidates: [EndpointID], in backend: Int, _ avoiding: [EndpointID], _ now: Instant) -> Int? {
        let open = candidates.indices.filter { isOpen(candidates[$0], in: backend, avoiding, now) }
        let trusted = open.filter { !isSuspected(candidates[$0], now) }
        return (trusted.isEmpty ? open : trusted).randomElement(using: &random)
    }

    /// Rendezvous hashing: each endpoint draws a number for the key, and the highest wins. When an endpoint comes or goes only its own share of the
    /// keys moves. Cost: linear in the endpoints.
    private func nearest(
        _ candidates: [EndpointID], to hash: UInt64, in backend: Int, _ avoiding: [EndpointID], _ now: Instant
    ) -> Int? {
        let open = candidates.indices.filter { isOpen(candidates[$0], in: backend, avoiding, now) }
        let trusted = open.filter { !isSuspected(candidates[$0], now) }
        let considered = trusted.isEmpty ? open : trusted
        let total = considered.reduce(0) { $0 + load(candidates[$1]) }
        // The request that is about to come counts.
        let bound = Int((Double(total + 1) / Double(max(considered.count, 1)) * Self.hashOverload).rounded(.up))
        let light = considered.filter { load(candidates[$0]) < bound }
        return (light.isEmpty ? considered : light).max { draw(hash, candidates[$0]) < draw(hash, candidates[$1]) }
    }

    private func draw(_ hash: UInt64, _ endpoint: EndpointID) -> UInt64 {
        let address = address(of: endpoint)
        var random = SeededRandom(seed: hash ^ (UInt64(address.host) << 16 | UInt64(address.port)))
        return random.next()
    }
}

/// The number that `consistentHash` goes by: the same for the same bytes, in every process (FNV-1a).
enum HashKeyReading {
    static func hash(_ head: RequestHead, client: UInt32, by key: TrafficRules.HashKey) -> UInt64 {
        switch key {
        case .sourceIP: hash(client: client)
        case .header(let name): head.headers.first(name).map { hash($0.utf8) } ?? hash(client: client)
        case .cookie(let name): head.cookie(name).map { hash($0.utf8) } ?? hash(client: client)
        }
    }

    static func hash(client: UInt32) -> UInt64 { hash((0..<4).map { UInt8(truncatingIfNeeded: client >> ($0 * 8)) }) }

    private static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}

extension RequestHead {
    /// The first cookie of this name (RFC 6265, 5.4).
    func cookie(_ name: String) -> Substring? {
        for line in headers.all("Cookie") {
            for pair in line.split(separator: ";") {
                let trimmed = pair.drop { $0 == " " }
                if trimmed.hasPrefix(name), trimmed.dropFirst(name.count).first == "=" { return trimmed.dropFirst(name.count + 1) }
            }
        }
        return nil
    }
}
