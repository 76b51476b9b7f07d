import Timing
import Traffic

/// What the dataplane counts for its metrics.
///
/// A client's connection finds its backend's counts once; an endpoint's tally is found by the endpoint's index. A new table only makes each endpoint
/// look its tally up again at its next use, so that a change of endpoints costs nothing here.
final class TrafficCounts {
    /// Endpoints that have a tally of their own, also those that left lately; others share one for each backend.
    static let tallyLimit = 4096
    /// The endpoint of those that share one.
    static let others = "other"
    /// For how long the series of an endpoint that left stay: longer than anybody waits between two scrapes, so that its last requests are seen.
    static let departedLimit = Duration.seconds(300)
    /// Backends that left and are still kept, before they are looked through.
    private static let backendSlack = 64

    private struct Key: Hashable {
        var backend: RouteTable.BackendName
        var endpoint: String
        var zone: String
    }

    private(set) var table = RouteTable()
    private var epoch = 0
    private var prunedEpoch = 0
    private var backends: [RouteTable.BackendName: BackendCounts] = [:]
    private var tallies: [Key: Tally] = [:]
    /// Those that have an access log.
    private var logged: [BackendCounts] = []
    /// Connections of clients.
    var acceptedCount: UInt64 = 0
    /// Connects and accepts that failed for want of descriptors, ports or memory.
    var shortageCount: UInt64 = 0
    /// Connects not made or given up, since the listener was not the pod's.
    var strangerCount: UInt64 = 0
    /// What active checks found, as of the last `Dataplane.showHealth`.
    var checks: [CheckCount] = []

    /// What is counted of a backend. Costs a look-up: who serves it keeps what it is given.
    func backend(_ name: RouteTable.BackendName) -> BackendCounts {
        if let known = backends[name] { return known }
        let new = BackendCounts(name)
        backends[name] = new
        return new
    }

    /// A table is in force. BEFORE an endpoint is chosen by it, since the router gives indices out again.
    func follow(_ table: RouteTable, now: Instant) { follow(.table(table), now: now) }

    /// The same for what changed in it. A table of its own: one that is shared with the router would be copied with every change.
    func follow(_ update: RouteUpdate, now: Instant) {
        table.take(update)
        epoch += 1
        // Where only endpoints are other, the policies are as they were.
        if case .table = update { followAccessLogs() }
        // Services that come and go leave nothing behind, though nobody reads.
        if backends.count > table.backends.count + Self.backendSlack { prune(now: now) }
    }

    private func followAccessLogs() {
        for backend in logged { backend.accessLog = nil }
        logged = []
        for listed in table.backends {
            guard let rule = listed.rules.telemetry.accessLog else { continue }
            let backend = backend(listed.name)
            backend.accessLog = rule
            logged.append(backend)
        }
    }

    /// The tally of an endpoint behind a backend. Cost: an index and two comparisons; a look-up at its first use since the table changed.
    func tally(_ endpoint: EndpointID, at address: EndpointAddress, of backend: BackendCounts, now: Instant) -> Tally {
        if backend.epoch != epoch { forget(backend) }
        let place = endpoint.index & (backend.recent.count - 1)
        if let recent = backend.recent[place], recent.index == endpoint.index { return recent.tally }
        let tally = look(for: address, backend, now)
        backend.recent[place] = (endpoint.index, tally)
        return tally
    }

    /// Indices of endpoints may mean others from now on.
    private func forget(_ backend: BackendCounts) {
        let endpointCount = table.backend(backend.name)?.endpoints.count ?? 0
        var placeCount = 4
        // Endpoints of one backend mostly have indices in a row; two that meet in a place only cost a look-up.
        while placeCount < endpointCount, placeCount < Self.tallyLimit { placeCount *= 2 }
        backend.recent = Array(repeating: nil, count: placeCount)
        backend.epoch = epoch
    }

    private func look(for address: EndpointAddress, _ backend: BackendCounts, _ now: Instant) -> Tally {
        let endpoint = table.backend(backend.name)?.endpoint(at: address)
        let key = Key(backend: backend.name, endpoint: Self.name(endpoint, address), zone: Self.zone(endpoint))
        if let known = tallies[key] {
            known.departed = nil
            return known
        }
        if tallies.count >= Self.tallyLimit, prunedEpoch != epoch { prune(now: now) }
        // One for each backend goes beyond the limit.
        let isWithin = tallies.count < Self.tallyLimit
        let found = isWithin ? key : Key(backend: backend.name, endpoint: Self.others, zone: "")
        if let known = tallies[found] { return known }
        let new = Tally(found.backend, endpoint: found.endpoint, zone: found.zone)
        tallies[found] = new
        return new
    }

    /// What an endpoint is called.
    static func name(_ endpoint: RouteTable.Endpoint?, _ address: EndpointAddress) -> String {
        if let pod = endpoint?.pod, !pod.isEmpty { return pod }
        return address.description
    }

    private static func zone(_ endpoint: RouteTable.Endpoint?) -> String { endpoint?.zone ?? "" }

    // MARK: - Reading

    /// All of them, sorted by labels.
    func sortedTallies() -> [Tally] {
        tallies.sorted { ($0.key.backend, $0.key.endpoint, $0.key.zone) < ($1.key.backend, $1.key.endpoint, $1.key.zone) }.map(\.value)
    }

    func sortedBackends() -> [BackendCounts] { backends.sorted { $0.key < $1.key }.map(\.value) }

    /// Forgets what left the table long ago. Cost: linear in the table.
    func prune(now: Instant) {
        prunedEpoch = epoch
        var listed: Set<Key> = []
        for backend in table.backends {
            for endpoint in backend.endpoints {
                listed.insert(Key(backend: backend.name, endpoint: Self.name(endpoint, endpoint.address), zone: Self.zone(endpoint)))
            }
        }
        let isFull = tallies.count >= Self.tallyLimit
        var kept: Set<RouteTable.BackendName> = []
        for (key, tally) in tallies {
            if listed.contains(key) || tally.isInUse || (key.endpoint == Self.others && table.backend(key.backend) != nil) {
                tally.departed = nil
            } else if let since = tally.departed {
                if since + Self.departedLimit <= now || isFull { tallies[key] = nil }
            } else {
                tally.departed = now
            }
            if tallies[key] != nil { kept.insert(key.backend) }
        }
        // A connection that is open counts into what it was given, also when its Service comes back.
        for name in backends.keys.filter({ !kept.contains($0) && table.backend($0) == nil }) {
            if isKnownUniquelyReferenced(&backends[name]!) { backends[name] = nil }
        }
    }
}
