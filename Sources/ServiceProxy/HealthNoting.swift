import Timing
import Traffic

/// What the router is told of what endpoints did, and what follows from it.
extension Dataplane {
    /// What came of an attempt of a request or of a flow.
    ///
    /// - Parameter began: when the attempt did, which tells a trial from what was under way when the endpoint was ejected.
    func note(_ outcome: AttemptOutcome, at endpoint: EndpointID, of need: Need, began: Instant) {
        guard router.watchesHealth, let backend = backend(of: need) else { return }
        router.note(outcome, at: endpoint, of: backend, began: began, now: loop.now)
        tellHealthChanges()
    }

    /// What became of a request in the end.
    func noteEnd(isFailure: Bool, of stay: BackendGate.Stay?) {
        guard router.watchesHealth, let stay else { return }
        router.note(isFailure: isFailure, of: stay, now: loop.now)
        tellHealthChanges()
    }

    /// Whether a flow found an endpoint.
    func noteFlow(isFailure: Bool, of name: RouteTable.BackendName) {
        guard router.watchesHealth, let backend = router.backend(name) else { return }
        router.noteFlow(isFailure: isFailure, of: backend, now: loop.now)
        tellHealthChanges()
    }

    /// What an active check found.
    func noteCheck(_ index: Int, passed: Bool, at address: EndpointAddress, of name: RouteTable.BackendName) {
        router.noteCheck(index, passed: passed, at: address, of: name, now: loop.now)
        tellHealthChanges()
    }

    /// Counts and announces what changed; one look at an empty list mostly.
    func tellHealthChanges() {
        guard router.hasHealthChanges else { return }
        for change in router.takeHealthChanges() {
            if case .ejected = change.turn, let address = change.endpoint { tally(address, of: change.backend)?.count(.ejections) }
            onHealthChange?(change)
        }
    }

    /// Counts and announces who fails over, and who is back.
    func tellFailovers() {
        for failover in router.takeFailovers() {
            if failover.isFailedOver { counts.backend(failover.backend).whole.count(.failovers) }
            onFailover(failover)
        }
    }

    func tally(_ address: EndpointAddress, of backend: RouteTable.BackendName) -> Tally? {
        router.endpoint(at: address).map { counts.tally($0, at: address, of: counts.backend(backend), now: loop.now) }
    }

    /// Puts the state of the moment where it is read: BEFORE the metrics are written.
    func showHealth() {
        for tally in shownHealth { for gauge in [TrafficGauge.ejected, .unhealthy, .breakerState, .panic] { tally[gauge] = 0 } }
        shownHealth = []
        router.refreshHealth(now: loop.now)
        tellHealthChanges()
        for report in router.healthReports {
            let whole = counts.backend(report.backend).whole
            whole[.ejected] = report.endpoints.count { $0.standing == .ejected || $0.standing == .onTrial }
            whole[.unhealthy] = report.endpoints.count { $0.standing == .unhealthy }
            whole[.panic] = report.isPanicking ? 1 : 0
            whole[.breakerState] = (report.breaker ?? .closed).rawValue
            shownHealth.append(whole)
            for (address, standing) in report.endpoints {
                guard let tally = tally(address, of: report.backend) else { continue }
                tally[.breakerState] = Self.breakerState(standing).rawValue
                shownHealth.append(tally)
            }
        }
        counts.checks = checker.counts
    }

    private static func breakerState(_ standing: BackendHealth.Standing) -> Router.BreakerState {
        switch standing {
        case .serving, .unhealthy: .closed
        case .onTrial: .halfOpen
        case .ejected: .open
        }
    }

    /// Why nobody waits for an endpoint, where the policy says so.
    func refusal(_ choice: Router.Choice, _ need: Need) -> ExchangeFailure? {
        switch choice {
        case .open: return .circuitOpen
        case .full:
            let backend = need.stay.flatMap { router.backend(of: $0) }
            return backend.map { router.mayWaitForRoom($0) } ?? false ? nil : .tooManyConnections
        default: return nil
        }
    }

    /// A new connection takes the place of one at rest, where the policy limits those that are open to one endpoint.
    func keepConnectionLimit(_ endpoint: EndpointID, _ need: Need) {
        guard pools.indices.contains(endpoint.index), let pool = pools[endpoint.index], !pool.resting.isEmpty,
            let backend = backend(of: need),
            let limit = router.endpointConnectionLimit(backend)
        else { return }
        let (exchanges, flows) = router.openCount(endpoint)
        while exchanges + flows + pool.resting.count > limit, let oldest = pool.resting.first { pool.discard(oldest) }
    }
}
