import Timing

/// Where an exchange goes on that an endpoint has failed: what took that one may have taken its whole zone.
extension Router {
    /// Like `choose`, but endpoints of the zones of those avoided come after all others. Costs nothing more while nobody is avoided.
    package mutating func chooseElsewhere(
        _ id: BackendID, client: UInt32, avoiding: [EndpointID], as kind: RouteTable.Carriage? = nil, stay: BackendGate.Stay? = nil,
        now: Instant
    ) -> Choice {
        if !avoiding.isEmpty, backends.indices.contains(id.index), backends[id.index].generation == id.generation {
            let zones = avoiding.map { zone(of: $0) }
            let neighbours = backends[id.index].ready.filter { endpoint in
                let zone = zone(of: endpoint)
                return !zone.isEmpty && zones.contains(zone)
            }
            if !neighbours.isEmpty, neighbours.count < backends[id.index].ready.count {
                let choice = choose(id, client: client, avoiding: avoiding + neighbours, as: kind, stay: stay, now: now)
                if case .endpoint = choice { return choice }
            }
        }
        return choose(id, client: client, avoiding: avoiding, as: kind, stay: stay, now: now)
    }
}
