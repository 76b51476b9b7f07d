import Resources
import Timing

/// May this endpoint of this backend get traffic now? And what came of it.
///
/// Where no policy watches a backend, each of these is one look at a flag.
extension Router {
    /// Brings what `mayTake` answers up to this time: BEFORE an endpoint of the backend is chosen.
    mutating func refreshHealth(of backend: Int, _ now: Instant) {
        backends[backend].health?.refreshIfDue(now: now)
        collectTurns(backend)
    }

    /// Where nobody else can be had: who was left out for its health is better than nobody.
    mutating func pickLeftOut(
        _ candidates: [EndpointID], in backend: Int, for stay: BackendGate.Stay?, _ client: UInt32, _ avoiding: [EndpointID], _ now: Instant
    ) -> Int? {
        guard backends[backend].health?.leavesSomebodyOut == true else { return nil }
        backends[backend].isLenient = true
        defer { backends[backend].isLenient = false }
        return pick(candidates, in: backend, for: stay, client, avoiding, now)
    }

    /// Keeps what is known of endpoints that stay; an endpoint that is ready anew starts over. Who has no weight is none of those that others are
    /// measured by.
    mutating func followHealth(of backend: inout Backend, _ readyBefore: [EndpointID]) {
        let rules = backend.gate.rules.health
        let watched = weighted(backend.ready, backend)
        if rules.isEmpty {
            backend.health?.follow(rules, watched)
            tell(backend.health?.takeTurns() ?? [], of: backend.name)
            backend.health = nil
        } else {
            if backend.health == nil { backend.health = BackendHealth(rules) }
            backend.health?.follow(rules, watched)
        }
        if backend.gate.breaker != nil, backend.ready.contains(where: { !readyBefore.contains($0) }) { backend.gate.giveChance() }
    }

    /// Asks the backend's breaker whether a request may come in.
    mutating func enterCircuit(_ index: Int, _ now: Instant) -> CircuitBreaker.Answer {
        guard let answer = backends[index].gate.enterCircuit(now: now) else { return .pass }
        noteBreaker(index)
        return answer
    }

    /// A trial of the breaker's came to nothing before it began.
    mutating func leaveCircuit(_ index: Int, _ trial: CircuitBreaker.Trial) { backends[index].gate.leaveCircuit(trial) }

    // MARK: - Bulkheads

    /// Whether one more connection may be in use to the backend's endpoints together.
    func hasRoom(_ backend: Int) -> Bool {
        guard let limit = backends[backend].gate.rules.limits.connections else { return true }
        return (backends[backend].ready + backends[backend].terminating).reduce(0) { $0 + load($1) } < limit
    }

    /// Whether to each of these endpoints as many connections are in use as the policy allows.
    func isFull(_ candidates: [EndpointID], in backend: Int) -> Bool {
        guard let limit = backends[backend].gate.rules.limits.endpointConnections, !candidates.isEmpty else { return false }
        return candidates.allSatisfy { load($0) >= limit }
    }

    /// How many connections may be open to one endpoint of the backend, those at rest included; nil: no limit.
    package func endpointConnectionLimit(_ id: BackendID) -> Int? {
        isCurrent(id) ? backends[id.index].gate.rules.limits.endpointConnections : nil
    }

    /// Whether who finds no room waits for it: where the policy says how many may.
    package func mayWaitForRoom(_ id: BackendID) -> Bool {
        isCurrent(id) && backends[id.index].gate.rules.limits.pendingRequests ?? 0 > 0
    }

    // MARK: - What came of it

    /// What came of an attempt at an endpoint.
    ///
    /// - Parameter began: when the attempt did; nil: just now.
    package mutating func note(_ outcome: AttemptOutcome, at endpoint: EndpointID, of id: BackendID, began: Instant? = nil, now: Instant) {
        guard watchesHealth, isCurrent(id) else { return }
        backends[id.index].health?.note(outcome, at: endpoint, began: began ?? now, now: now)
        collectTurns(id.index)
    }

    /// What became of a request, after all attempts.
    package mutating func note(isFailure: Bool, of stay: BackendGate.Stay, now: Instant) {
        guard watchesHealth, isCurrent(stay.backend) else { return }
        backends[stay.backend.index].gate.note(isFailure: isFailure, of: stay.trial, now: now)
        noteBreaker(stay.backend.index)
    }

    /// Whether a flow found an endpoint.
    package mutating func noteFlow(isFailure: Bool, of id: BackendID, now: Instant) {
        guard watchesHealth, isCurrent(id) else { return }
        backends[id.index].gate.noteFlow(isFailure: isFailure, now: now)
        noteBreaker(id.index)
    }

    /// What an active check found, by its place among the rules' checks.
    package mutating func noteCheck(
        _ index: Int, passed: Bool, at address: EndpointAddress, of name: RouteTable.BackendName, now: Instant
    ) {
        guard watchesHealth, let id = backend(name), let endpoint = endpoint(at: address) else { return }
        backends[id.index].health?.noteCheck(index, passed: passed, at: endpoint)
        refreshHealth(of: id.index, now)
    }

    /// Sees which times are over, though nobody asks: BEFORE the state is told to people.
    package mutating func refreshHealth(now: Instant) {
        if !watchesHealth { return }
        for index in backends.indices where backends[index].isListed && backends[index].health != nil { refreshHealth(of: index, now) }
    }

    /// Takes what changed since it was asked last, in order.
    package mutating func takeHealthChanges() -> [HealthChange] {
        if healthChanges.isEmpty { return [] }
        defer { healthChanges = [] }
        return healthChanges
    }

    package var hasHealthChanges: Bool { !healthChanges.isEmpty }

    /// Notes what asking may have changed too: times that are over are seen when somebody asks.
    mutating func collectTurns(_ index: Int) {
        guard backends[index].health?.hasTurns == true, let turns = backends[index].health?.takeTurns() else { return }
        tell(turns, of: backends[index].name)
    }

    private mutating func tell(_ turns: [(endpoint: EndpointID?, turn: HealthTurn)], of name: RouteTable.BackendName) {
        for turn in turns { healthChanges.append(HealthChange(name, turn.endpoint.map { address(of: $0) }, turn.turn)) }
    }

    /// Rules that changed or went begin with a closed circuit: that is told, though no request found it out.
    mutating func noteBreakersEnd(_ index: Int) {
        guard backends[index].toldBreaker != .closed, backends[index].gate.breaker?.state ?? .closed == .closed else { return }
        backends[index].toldBreaker = .closed
        healthChanges.append(HealthChange(backends[index].name, nil, .circuitDropped))
    }

    /// Notes a turn of the breaker since the last time.
    mutating func noteBreaker(_ index: Int) {
        let state = backends[index].gate.breaker?.state ?? .closed
        let told = backends[index].toldBreaker
        guard state != told else { return }
        backends[index].toldBreaker = state
        let name = backends[index].name
        switch (state, told) {
        case (.open(_, let time), _): healthChanges.append(HealthChange(name, nil, .circuitOpened(for: time)))
        case (.halfOpen, .halfOpen): break
        case (.halfOpen, _): healthChanges.append(HealthChange(name, nil, .circuitOnTrial))
        case (.closed, _): healthChanges.append(HealthChange(name, nil, .circuitClosed))
        }
    }

    private func isCurrent(_ id: BackendID) -> Bool {
        backends.indices.contains(id.index) && backends[id.index].generation == id.generation
    }

    // MARK: - For people

    /// How a circuit breaker stands, by the number that metrics give it.
    package enum BreakerState: Int, Sendable { case closed, halfOpen, open }

    /// Whether the endpoint may get new traffic of the backend, as of the last time that it chose.
    package func isUsable(_ address: EndpointAddress, in name: RouteTable.BackendName) -> Bool {
        guard let id = backend(name), let endpoint = endpoint(at: address) else { return true }
        if hasNoWeight(endpoint, in: id.index) { return false }
        return !watchesHealth || backends[id.index].health?.isUsable(endpoint) ?? true
    }

    /// How one backend's health stands.
    package struct HealthReport: Equatable, Sendable {
        package var backend: RouteTable.BackendName
        package var isPanicking: Bool
        /// Nil without one.
        package var breaker: BreakerState?
        /// The ready ones, where they are watched, sorted by address.
        package var endpoints: [(address: EndpointAddress, standing: BackendHealth.Standing)]

        package static func == (a: Self, b: Self) -> Bool {
            a.backend == b.backend && a.isPanicking == b.isPanicking && a.breaker == b.breaker
                && a.endpoints.elementsEqual(b.endpoints, by: ==)
        }
    }

    /// Of each backend that a policy watches, sorted by name.
    package var healthReports: [HealthReport] {
        guard watchesHealth else { return [] }
        var reports: [HealthReport] = []
        for backend in backends where backend.isListed && (backend.health != nil || backend.gate.breaker != nil) {
            let state: BreakerState? =
                switch backend.gate.breaker?.state {
                case nil: nil
                case .closed: .closed
                case .halfOpen: .halfOpen
                case .open: .open
                }
            let endpoints = backend.health.map { health in
                backend.ready.map { (address: address(of: $0), standing: health.standing(of: $0)) }
            }
            reports.append(
                HealthReport(
                    backend: backend.name, isPanicking: backend.health?.isPanicking ?? false, breaker: state,
                    endpoints: (endpoints ?? []).sorted { $0.address < $1.address }))
        }
        return reports.sorted { $0.backend < $1.backend }
    }
}
