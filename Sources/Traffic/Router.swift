import Resources
import Timing

/// One endpoint as the router counts it. Stays the same while the endpoint is in the table or anything is open to it, then is used again.
package struct EndpointID: Hashable, Sendable {
    package var index: Int
    package init(index: Int) { self.index = index }
}

/// One backend of the table in force; the generation tells a reused place from the backend that was there before.
package struct BackendID: Hashable, Sendable {
    package var index: Int
    package var generation: UInt32
}

/// The route table in force and what is open by it: chooses endpoints and knows when a withdrawn one is drained.
///
/// Every `.endpoint` that `choose` returns is counted as open until `finished` is called for it, exactly once.
///
/// There is one for each dataplane, and it is never copied: else each question to it would begin with a copy of all its parts.
package struct Router: ~Copyable, Sendable {
    /// For how long others are preferred to an endpoint that refused a connection. Short: the process may be back in milliseconds; long
    /// enough that a dead one is not asked again by each request until the table says so.
    package static let suspicion = Duration.milliseconds(500)

    /// What choosing reads: without references, so that reading one costs no count of them.
    struct Slot {
        /// How many backends list it, and how many of them as ready and as terminating.
        var listedCount = 0
        var readyCount = 0
        var terminatingCount = 0
        /// Since when it is ready, for as long as it is.
        var readySince = Instant.zero
        /// It takes nothing, not even as a last resort, before it is ready: it may have been reported as drained.
        var isSealed = true
        var exchangeCount = 0
        var flowCount = 0
        var suspectUntil = Instant.zero
        var isListed: Bool { listedCount > 0 }
        /// Whether any backend calls it so: the best standing counts.
        var isReady: Bool { readyCount > 0 }
        var isFree: Bool { !isListed && exchangeCount == 0 && flowCount == 0 }
    }

    struct Backend {
        var name: RouteTable.BackendName
        var carriage: RouteTable.Carriage
        var isDetected = false
        var generation: UInt32
        var isListed = true
        var ready: [EndpointID] = []
        var terminating: [EndpointID] = []
        var withheld: [EndpointID] = []
        var affinity: AffinityTable?
        /// Where the next scan begins, so that ties rotate.
        var cursor = 0
        /// Its policy, and what that remembers.
        var gate = BackendGate()
        /// Which of the ready endpoints may get traffic; nil where no policy asks: all of them.
        var health: BackendHealth?
        /// Health is not asked for: nobody healthy could be had.
        var isLenient = false
        /// What was told of its breaker.
        var toldBreaker = CircuitBreaker.State.closed
        var distribution = RouteTable.Distribution.anywhere
        /// Whether more is to be weighed than the kind of balancing, see `Policy/Selection.swift`.
        var needsSelection = false
        var memory = SelectionMemory()
        /// Only where the policy has groups.
        var groupOf: [EndpointID: Int] = [:]
        /// Only where the policy lets clients carry a token.
        var sessions: SessionTokens?
    }

    /// Here and below: what is listed is written by `RouterTable.swift`, what is open by this file.
    package var table = RouteTable()
    var slots: [Slot] = []
    /// What the table said last of the endpoint in each slot.
    var listings: [RouteTable.Endpoint] = []
    var freeSlots: [Int] = []
    var slotOf: [EndpointAddress: Int] = [:]
    /// The slots that are in use and not ready: those that a drain is about.
    var unready: Set<Int> = []
    /// `Policy/Admission.swift` writes their gates.
    var backends: [Backend] = []
    /// Places in lines that were given.
    var placeCount: UInt64 = 0
    /// For policies that leave something to chance.
    var random: SeededRandom
    /// Whether any backend's health is watched: where none is, outcomes are not even looked up. `Policy/HealthAsking.swift` writes both.
    package internal(set) var watchesHealth = false
    var healthChanges: [HealthChange] = []
    var freeBackends: [Int] = []
    var backendOf: [RouteTable.BackendName: Int] = [:]
    /// Whether `drainReport` would say something that it did not say the last time.
    package var isReportDue = false

    let sessionKey: SessionKey
    /// Those that `takeFailovers` did not give out yet.
    var failovers: [Failover] = []

    /// - Parameter sessionKey: nil for one that only this router has.
    package init(seed: UInt64 = 0, sessionKey: SessionKey? = nil) {
        var random = SeededRandom(seed: seed)
        // Made whole before it is stored: the optimiser of Swift 6.3 destroys a stored property of a type without copies that is made from another one.
        let key: SessionKey
        if let sessionKey { key = sessionKey } else { key = SessionKey(using: &random) }
        self.random = random
        self.sessionKey = key
    }

    // MARK: - The table

    /// The backend's place in the table in force; nil when it is not there.
    package func backend(_ name: RouteTable.BackendName) -> BackendID? {
        backendOf[name].map { BackendID(index: $0, generation: backends[$0].generation) }
    }

    /// How the backend's traffic is carried; nil when there is none such any more.
    package func carriage(of backend: BackendID) -> RouteTable.Carriage? {
        backends[backend.index].generation == backend.generation ? backends[backend.index].carriage : nil
    }

    /// Whether a connection's first bytes decide, see `RouteTable.Backend.isDetected`.
    package func isDetected(_ backend: BackendID) -> Bool {
        backends[backend.index].generation == backend.generation && backends[backend.index].isDetected
    }

    /// How connections to and from the backend begin.
    package func protocolRules(_ backend: BackendID) -> ProtocolRules {
        backends[backend.index].generation == backend.generation ? backends[backend.index].gate.rules.proxyProtocol : ProtocolRules()
    }

    /// Where the endpoint listens.
    package func address(of endpoint: EndpointID) -> EndpointAddress { listings[endpoint.index].address }

    /// Who may listen there; nil: nothing is required.
    package func users(of endpoint: EndpointID) -> ListenerUsers? { listings[endpoint.index].users }

    /// What the table said last of it: its zone, its node, its pod. Its standing is what one backend says of several.
    package func listing(of endpoint: EndpointID) -> RouteTable.Endpoint { listings[endpoint.index] }

    /// The zone of the endpoint's node; empty where nobody says.
    package func zone(of endpoint: EndpointID) -> String { listings[endpoint.index].zone }

    /// What is counted for this address; nil when nothing is.
    package func endpoint(at address: EndpointAddress) -> EndpointID? { slotOf[address].map { EndpointID(index: $0) } }

    /// Whether idle connections to it are worth keeping.
    package func isReady(_ endpoint: EndpointID) -> Bool { slots[endpoint.index].isReady }

    // MARK: - Choosing

    /// The endpoint that the backend's policy prefers among the ready ones; without one, that with the fewest open exchanges and flows.
    ///
    /// Those that refused a connection lately come after all others. Where no endpoint is ready, one that is terminating but still serves
    /// is taken, unless it was reported as drained: then its process may be gone. One that this router never saw ready may have been reported by
    /// the proxy before it, or was never withdrawn because it was never offered. Cost: linear in the backend's endpoints, less where one
    /// is idle.
    ///
    /// - Parameter kind: what the endpoint is counted for, and `finished` told; nil: what the backend carries. A client's connection from before
    ///   a change of the backend goes on as what it began.
    /// - Parameter stay: the request's, which knows what `consistentHash` goes by; nil: the client's address.
    package mutating func choose(
        _ id: BackendID, client: UInt32, avoiding: [EndpointID], as kind: RouteTable.Carriage? = nil, stay: BackendGate.Stay? = nil,
        now: Instant
    ) -> Choice {
        guard backends.indices.contains(id.index), backends[id.index].generation == id.generation else { return .noBackend }
        if watchesHealth, kind ?? backends[id.index].carriage == .flows, backends[id.index].gate.refusesFlow(now: now) { return .open }
        if backends[id.index].gate.isSelective { refreshHealth(of: id.index, now) }
        if !hasRoom(id.index) { return .full }
        if let remembered = sessionEndpoint(stay?.session, in: id.index) ?? backends[id.index].affinity?.endpoint(for: client, now: now),
            backends[id.index].ready.contains(remembered), slots[remembered.index].suspectUntil <= now,
            isOpen(remembered, in: id.index, avoiding, now)
        {
            return take(remembered, in: id.index, kind, client, now)
        }
        let hasReady = !backends[id.index].ready.isEmpty
        let candidates = weighted(hasReady ? backends[id.index].ready : backends[id.index].terminating, backends[id.index])
        // Another try goes to another zone where it can, whatever the rules.
        if hasReady, backends[id.index].needsSelection || !avoiding.isEmpty {
            if let endpoint = select(in: id.index, for: stay, client, avoiding, now) {
                return take(endpoint, in: id.index, kind, client, now)
            }
        } else if let position = pick(candidates, in: id.index, for: stay, client, avoiding, now) {
            backends[id.index].cursor = position + 1
            return take(candidates[position], in: id.index, kind, client, now)
        }
        if hasReady, hasNoWeight(id.index) { return .noWeight(isFinal: backends[id.index].gate.rules.balance.hasNoWeight) }
        if let position = pickLeftOut(candidates, in: id.index, for: stay, client, avoiding, now) {
            return take(candidates[position], in: id.index, kind, client, now)
        }
        if isFull(candidates, in: id.index) { return .full }
        return hasReady ? .allAvoided : .noneReady
    }

    /// Whether new traffic of this backend may go there at all.
    func isOpen(_ endpoint: EndpointID, in backend: Int, _ avoiding: [EndpointID], _ now: Instant) -> Bool {
        !slots[endpoint.index].isSealed && !avoiding.contains(endpoint)
            && (!backends[backend].gate.isSelective || mayTake(endpoint, in: backend, now))
    }

    func isSuspected(_ endpoint: EndpointID, _ now: Instant) -> Bool { slots[endpoint.index].suspectUntil > now }

    /// What is open there.
    func load(_ endpoint: EndpointID) -> Int { slots[endpoint.index].exchangeCount + slots[endpoint.index].flowCount }

    func fewestOpen(_ candidates: [EndpointID], in backend: Int, _ avoiding: [EndpointID], _ now: Instant) -> Int? {
        var best: (position: Int, load: Int)?
        let cursor = backends[backend].cursor
        let isSelective = backends[backend].gate.isSelective
        var position = cursor < candidates.count ? cursor : 0
        for _ in 0..<candidates.count {
            defer { position = position + 1 == candidates.count ? 0 : position + 1 }
            let slot = slots[candidates[position].index]
            if slot.isSealed || (!avoiding.isEmpty && avoiding.contains(candidates[position])) { continue }
            if isSelective, !mayTake(candidates[position], in: backend, now) { continue }
            var load = slot.exchangeCount + slot.flowCount
            if slot.suspectUntil > now { load += 1 << 32 }
            if load == 0 { return position }
            if load < best?.load ?? .max { best = (position, load) }
        }
        return best?.position
    }

    private mutating func take(
        _ endpoint: EndpointID, in backend: Int, _ kind: RouteTable.Carriage?, _ client: UInt32, _ now: Instant
    ) -> Choice {
        switch kind ?? backends[backend].carriage {
        case .exchanges: slots[endpoint.index].exchangeCount += 1
        case .flows: slots[endpoint.index].flowCount += 1
        }
        backends[backend].affinity?.remember(endpoint, for: client, now: now)
        backends[backend].health?.took(endpoint, now: now)
        return .endpoint(endpoint)
    }

    // MARK: - What is open

    /// An exchange or flow that was counted by `choose` is over, whatever became of it.
    package mutating func finished(_ endpoint: EndpointID, _ kind: RouteTable.Carriage) {
        switch kind {
        case .exchanges:
            precondition(slots[endpoint.index].exchangeCount > 0, "an exchange is finished once")
            slots[endpoint.index].exchangeCount -= 1
            noteDrained(endpoint.index)
        case .flows:
            precondition(slots[endpoint.index].flowCount > 0, "a flow is finished once")
            slots[endpoint.index].flowCount -= 1
        }
        if slots[endpoint.index].isFree { release(endpoint.index) }
    }

    /// An exchange was upgraded: from here it counts as a flow, which a drain does not wait for.
    package mutating func becameFlow(_ endpoint: EndpointID) {
        precondition(slots[endpoint.index].exchangeCount > 0, "only an open exchange can be upgraded")
        slots[endpoint.index].exchangeCount -= 1
        slots[endpoint.index].flowCount += 1
        noteDrained(endpoint.index)
    }

    private mutating func noteDrained(_ index: Int) {
        if slots[index].exchangeCount == 0 && !slots[index].isReady { isReportDue = true }
    }

    /// Nobody accepts connections there: others are preferred for a while.
    package mutating func refused(_ endpoint: EndpointID, now: Instant) {
        slots[endpoint.index].suspectUntil = now + Self.suspicion
    }

    /// Nobody accepts connections at this address, whoever found it; nil when nothing is listed there.
    package mutating func refused(at address: EndpointAddress, now: Instant) -> EndpointID? {
        guard let index = slotOf[address] else { return nil }
        refused(EndpointID(index: index), now: now)
        return EndpointID(index: index)
    }

    /// A process at this address has ended: its endpoints are left alone as if they had refused. Returns those; nothing idle to them is alive.
    ///
    /// It only comes BEFORE the table that says so and decides nothing about readiness: that table replaces it, one that calls the endpoint ready anew
    /// ends it, and otherwise it is over after `suspicion`, since a process that was never withdrawn may be back in milliseconds.
    package mutating func ended(host: UInt32, now: Instant) -> [EndpointID] {
        let found = slots.indices.filter { slots[$0].isListed && listings[$0].address.host == host }.map { EndpointID(index: $0) }
        for endpoint in found { refused(endpoint, now: now) }
        return found
    }

    /// Whether others are preferred to it for what was heard of it, whatever the table says.
    package func isSuspected(_ address: EndpointAddress, now: Instant) -> Bool {
        slotOf[address].map { slots[$0].suspectUntil > now } ?? false
    }

    /// It answers: an earlier refusal is forgotten.
    package mutating func answered(_ endpoint: EndpointID) { slots[endpoint.index].suspectUntil = .zero }

    /// What is under way to the endpoint.
    package func openCount(_ endpoint: EndpointID) -> (exchanges: Int, flows: Int) {
        (slots[endpoint.index].exchangeCount, slots[endpoint.index].flowCount)
    }

    // MARK: - Drain

    /// Endpoints that get nothing new and still have something open, sorted by address.
    ///
    /// What this does not list may be stopped by whoever reads it, so a terminating endpoint without exchanges is sealed: it is not even a
    /// last resort from here on. Cost: linear in the endpoints that are not ready.
    package mutating func drainReport() -> [Draining] {
        isReportDue = false
        var report: [Draining] = []
        for index in unready {
            let slot = slots[index]
            if slot.exchangeCount == 0 { slots[index].isSealed = true }
            if slot.exchangeCount > 0 || slot.flowCount > 0 {
                report.append(Draining(address: listings[index].address, exchangeCount: slot.exchangeCount, flowCount: slot.flowCount))
            }
        }
        return report.sorted { $0.address < $1.address }
    }
}
