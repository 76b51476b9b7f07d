import Resources
import Timing

/// What a backend's rules remember of how they divided traffic; nothing for a backend without such rules.
struct SelectionMemory: Sendable {
    /// Between groups of one priority.
    var groups = WeightedTurns<Int>()
    /// Between priorities.
    var levels = WeightedTurns<Int>()
    /// Between what is near a client and what is not, by the client's node or zone.
    var nearness: [String: WeightedTurns<Bool>] = [:]
    /// Nodes and zones whose turns are remembered; with one more all begin anew, which nobody notices.
    static let nearnessLimit = 1024
    /// Between endpoints.
    var endpoints = WeightedTurns<EndpointID>()
    var priorities = Priorities()
    /// Whether there ever was a pod that no group selects. It outlives those pods: when the last one goes, their priority is missed.
    var hasUngrouped = false
}

/// Choosing where more is to be weighed than the kind of balancing: priorities, then weights, then zones, and among those that are left the
/// balancing.
extension Router {
    /// Failovers that wait to be told; of more the oldest are forgotten.
    private static let failoverLimit = 256

    private struct Candidate {
        var id: EndpointID
        var group: Int
        /// Ready, trusted, and not kept from traffic by the policy.
        var isHealthy: Bool
        /// Healthy, and not avoided by this request.
        var isUsable: Bool
    }

    /// The endpoint to take; nil when each is avoided or kept from traffic. Cost: linear in the backend's endpoints.
    mutating func select(
        in backend: Int, for stay: BackendGate.Stay?, _ client: UInt32, _ avoiding: [EndpointID], _ now: Instant
    ) -> EndpointID? {
        var pool = candidates(of: backend, avoiding, now)
        guard pool.contains(where: \.isUsable) else { return nil }
        let rules = backends[backend].gate.rules
        // Keys of a hash keep their place: what falls to chance otherwise is decided by the key.
        var hash: UInt64?
        if case .consistentHash = rules.balancing { hash = stay?.hash ?? HashKeyReading.hash(client: client) }
        if !rules.balance.groups.isEmpty {
            narrowToPriority(&pool, backend, rules.balance, hash, now)
            narrowToGroup(&pool, backend, rules.balance, hash)
        }
        if !avoiding.isEmpty { narrowToOtherZones(&pool, avoiding) }
        if backends[backend].distribution != .anywhere, let place = table.range(of: client) {
            if backends[backend].distribution == .sameNode { narrow(&pool, backend, near: \.node, place.node, "node ", hash) }
            narrow(&pool, backend, near: \.zone, place.zone, "zone ", hash)
        }
        return balance(pool.filter(\.isUsable).map(\.id), in: backend, rules, stay, client, avoiding, now)
    }

    /// Whether the weights keep traffic from all who are ready.
    func hasNoWeight(_ backend: Int) -> Bool {
        backends[backend].ready.allSatisfy { hasNoWeight($0, in: backend) }
    }

    func hasNoWeight(_ endpoint: EndpointID, in backend: Int) -> Bool {
        backends[backend].groupOf[endpoint].map { backends[backend].gate.rules.balance.weight(of: $0) == 0 } ?? false
    }

    /// Those that the weights let have traffic.
    func weighted(_ endpoints: [EndpointID], _ backend: Backend) -> [EndpointID] {
        if backend.groupOf.isEmpty { return endpoints }
        return endpoints.filter { backend.groupOf[$0].map { backend.gate.rules.balance.weight(of: $0) > 0 } ?? true }
    }

    /// All that could take traffic, with those that are not ready: how many there are tells how much is missing.
    private func candidates(of backend: Int, _ avoiding: [EndpointID], _ now: Instant) -> [Candidate] {
        let known = backends[backend]
        let rules = known.gate.rules.balance
        func candidate(_ id: EndpointID, isReady: Bool, trusts: Bool) -> Candidate? {
            let group = known.groupOf[id] ?? 0
            if !known.groupOf.isEmpty, rules.weight(of: group) == 0 { return nil }
            let isHealthy = isReady && isOpen(id, in: backend, [], now) && (trusts || !isSuspected(id, now))
            return Candidate(
                id: id, group: group, isHealthy: isHealthy, isUsable: isHealthy && !avoiding.contains(id))
        }
        func all(trusts: Bool) -> [Candidate] {
            known.ready.compactMap { candidate($0, isReady: true, trusts: trusts) }
                + known.withheld.compactMap { candidate($0, isReady: false, trusts: trusts) }
        }
        let pool = all(trusts: false)
        // Where each has refused a connection lately, they are all there is.
        return pool.contains(where: \.isUsable) ? pool : all(trusts: true)
    }

    /// Leaves the candidates of which it holds, unless none of those can be used.
    private func keep(_ pool: inout [Candidate], where isWanted: (Candidate) -> Bool) {
        if pool.contains(where: { $0.isUsable && isWanted($0) }) { pool.removeAll { !isWanted($0) } }
    }

    private mutating func narrowToPriority(
        _ pool: inout [Candidate], _ backend: Int, _ rules: BalancingRules, _ hash: UInt64?, _ now: Instant
    ) {
        let divided = divide(pool, backend, rules, now)
        guard divided.count > 1, let turn = Self.turn(divided, hash, salt: 1, &backends[backend].memory.levels) else { return }
        keep(&pool) { rules.priority(of: $0.group) == divided[turn].key }
    }

    /// How much goes to each priority, best first; told where that is another one than before. Empty: there is but one.
    private mutating func divide(_ pool: [Candidate], _ backend: Int, _ rules: BalancingRules, _ now: Instant) -> [(
        key: Int, weight: Double
    )] {
        if pool.contains(where: { $0.group >= rules.groups.count }) { backends[backend].memory.hasUngrouped = true }
        let levels = rules.levels(hasUngrouped: backends[backend].memory.hasUngrouped)
        guard levels.count > 1 else { return [] }
        var standings = [Priorities.Standing](repeating: .init(healthy: 0, total: 0), count: levels.count)
        for candidate in pool {
            guard let level = levels.firstIndex(of: rules.priority(of: candidate.group)) else { continue }
            standings[level].total += 1
            if candidate.isHealthy { standings[level].healthy += 1 }
        }
        let wasFailedOver = backends[backend].memory.priorities.isFailedOver
        let shares = backends[backend].memory.priorities.shares(standings, rules.failover, now: now)
        if backends[backend].memory.priorities.isFailedOver != wasFailedOver {
            noteFailover(Failover(backend: backends[backend].name, isFailedOver: !wasFailedOver, standings: standings))
        }
        return zip(levels, shares).map { (key: $0, weight: $1) }
    }

    /// Judges the priorities of a backend whose endpoints have changed, while its traffic is led away: a loss that no request happens to see puts off
    /// the way back as well.
    mutating func divideAgain(_ backend: Int, _ now: Instant) {
        guard backends[backend].memory.priorities.isFailedOver else { return }
        _ = divide(candidates(of: backend, [], now), backend, backends[backend].gate.rules.balance, now)
    }

    private mutating func narrowToGroup(_ pool: inout [Candidate], _ backend: Int, _ rules: BalancingRules, _ hash: UInt64?) {
        // A group of which nobody can be used has no turn: the others share its traffic.
        let groups = Set(pool.filter(\.isUsable).map(\.group)).sorted()
        guard groups.count > 1 else { return }
        let weights = groups.map { (key: $0, weight: Double(rules.weight(of: $0))) }
        guard let turn = Self.turn(weights, hash, salt: 2, &backends[backend].memory.groups) else { return }
        keep(&pool) { $0.group == groups[turn] }
    }

    /// Another try goes to another zone first: what failed the first may be the zone's.
    private func narrowToOtherZones(_ pool: inout [Candidate], _ avoiding: [EndpointID]) {
        let zones = Set(avoiding.map { zone(of: $0) }).subtracting([""])
        keep(&pool) { !zones.contains(zone(of: $0.id)) }
    }

    private mutating func narrow(
        _ pool: inout [Candidate], _ backend: Int, near place: KeyPath<RouteTable.Endpoint, String>, _ own: String, _ kind: String,
        _ hash: UInt64?
    ) {
        guard !own.isEmpty else { return }
        func isNear(_ candidate: Candidate) -> Bool { listings[candidate.id.index][keyPath: place] == own }
        let near = pool.filter(isNear)
        let healthy = near.count(where: \.isHealthy)
        let share = ZonePreference.share(healthy: healthy, of: near.count, elsewhere: pool.count(where: \.isHealthy) - healthy)
        var isNearsTurn = share >= 1
        if share > 0, share < 1 {
            if backends[backend].memory.nearness.count >= SelectionMemory.nearnessLimit { backends[backend].memory.nearness = [:] }
            let turn = Self.turn(
                [(true, share), (false, 1 - share)], hash, salt: 3, &backends[backend].memory.nearness[kind + own, default: .init()])
            isNearsTurn = turn == 0
        }
        keep(&pool) { isNear($0) == isNearsTurn }
    }

    /// Whose turn it is; with a hash always the same one's, for as long as the shares are the same.
    private static func turn<Key>(
        _ shares: [(key: Key, weight: Double)], _ hash: UInt64?, salt: UInt64, _ turns: inout WeightedTurns<Key>
    ) -> Int? {
        guard let hash else { return turns.next(shares) }
        let total = shares.reduce(0) { $0 + $1.weight }
        guard total > 0 else { return nil }
        var random = SeededRandom(seed: hash &+ salt &* 0x9E37_79B9_7F4A_7C15)
        var left = Double(random.next() >> 11) / Double(UInt64(1) << 53) * total
        for (position, share) in shares.enumerated() where share.weight > 0 {
            if left < share.weight { return position }
            left -= share.weight
        }
        return shares.lastIndex { $0.weight > 0 }
    }

    private mutating func balance(
        _ candidates: [EndpointID], in backend: Int, _ rules: TrafficRules, _ stay: BackendGate.Stay?, _ client: UInt32,
        _ avoiding: [EndpointID], _ now: Instant
    ) -> EndpointID? {
        var isWarming = false
        var weights: [(key: EndpointID, weight: Double)] = []
        switch rules.balancing {
        case .random, .consistentHash:
            return pick(candidates, in: backend, for: stay, client, avoiding, now).map { candidates[$0] }
        case .roundRobin, .leastRequest:
            weights = candidates.map { id in
                guard let window = rules.balance.slowStart else { return (id, 1) }
                let factor = SlowStart.factor(readySince: slots[id.index].readySince, window: window, now: now)
                if factor < 1 { isWarming = true }
                return (id, factor)
            }
        }
        if rules.balancing == .leastRequest {
            guard isWarming else {
                // From anywhere: the candidates differ from one request to the next, so a cursor would favour some of them.
                backends[backend].cursor = Int(random.next() % UInt64(candidates.count))
                return fewestOpen(candidates, in: backend, avoiding, now).map { candidates[$0] }
            }
            for index in weights.indices { weights[index].weight /= Double(load(candidates[index]) + 1) }
        }
        return backends[backend].memory.endpoints.next(weights).map { candidates[$0] }
    }
}

extension BalancingRules {
    /// The priorities there are, best first. One that nobody can be of is none: traffic would seem to fail over from it for good.
    func levels(hasUngrouped: Bool) -> [Int] {
        let isCaughtAll = groups.contains { $0.selector.requirements.isEmpty }
        return Set(groups.map(\.priority) + (hasUngrouped && !isCaughtAll ? [0] : [])).sorted()
    }
    /// Whether no pod gets anything, whichever comes.
    var hasNoWeight: Bool { groups.allSatisfy { $0.weight == 0 } && groups.contains { $0.selector.requirements.isEmpty } }
    func priority(of group: Int) -> Int { group < groups.count ? groups[group].priority : 0 }
    func weight(of group: Int) -> Int { group < groups.count ? groups[group].weight : 1 }
}

extension Router {
    /// Traffic of a backend began to go to a worse priority, or went back.
    package struct Failover: Equatable, Sendable {
        package var backend: RouteTable.BackendName
        package var isFailedOver: Bool
        /// Healthy ones and all, best priority first; none where the policy asks for it no more.
        var standings: [Priorities.Standing] = []

        /// The policy asks for it no more, so that it is over.
        package var isDropped: Bool { standings.isEmpty }

        /// `0 of 2 endpoints of the best priority are healthy`, as a part of a sentence.
        package var text: String {
            guard let best = standings.first, best.total > 0 else { return "no endpoint of the best priority is there" }
            return "\(best.healthy) of \(best.total) endpoints of the best priority are healthy"
        }
    }

    /// What is remembered of traffic that was divided lasts for as long as a policy asks for it: the same one again begins afresh. Weights may change
    /// without it.
    mutating func forgetSelection(of index: Int, before old: BalancingRules, hadFallback: Bool) {
        let rules = backends[index].gate.rules
        var isOver = hadFallback && rules.fallbacks.isEmpty
        let isSame = old.groups.elementsEqual(rules.balance.groups) { $0.selector == $1.selector && $0.priority == $1.priority }
        if !isSame {
            isOver = isOver || backends[index].memory.priorities.isFailedOver
            backends[index].memory.groups = WeightedTurns()
            backends[index].memory.levels = WeightedTurns()
            backends[index].memory.hasUngrouped = false
            backends[index].memory.priorities = backends[index].memory.priorities.afresh
        }
        if isOver { noteFailover(Failover(backend: backends[index].name, isFailedOver: false)) }
    }

    mutating func noteFailover(_ failover: Failover) {
        if failovers.count >= Self.failoverLimit { failovers.removeFirst() }
        failovers.append(failover)
    }

    package var hasFailovers: Bool { !failovers.isEmpty }

    /// What happened since the last call, oldest first.
    package mutating func takeFailovers() -> [Failover] {
        defer { failovers = [] }
        return failovers
    }

    /// How often traffic of a backend began to go to a worse priority since the backend is there, and whether it goes there.
    package func failovers(of id: BackendID) -> (count: UInt64, isFailedOver: Bool) {
        guard backends[id.index].generation == id.generation else { return (0, false) }
        return (backends[id.index].memory.priorities.failoverCount, backends[id.index].memory.priorities.isFailedOver)
    }
}
