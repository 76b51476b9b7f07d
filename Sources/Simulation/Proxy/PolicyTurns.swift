import Resources
import Timing
import Traffic

/// What a proxy's policies did, told to the history and to the checks.
extension SimulatedProxy {
    /// Takes what changed: AFTER everything that may have changed it.
    func tellTurns() {
        if router.hasFailovers {
            for failover in router.takeFailovers() {
                world.sometimes(failover.isFailedOver ? .failedOver : .failedBack)
                world.note(
                    name, "\(failover.backend) \(failover.isFailedOver ? "fails over" : "goes back"): \(failover.text)",
                    isTurningPoint: true)
                world.observe(.failedOver(failover, by: self))
            }
        }
        guard router.hasHealthChanges else { return }
        for change in router.takeHealthChanges() {
            if let mark = change.turn.mark { world.sometimes(mark) }
            let place = change.endpoint.map { " at \($0)" } ?? ""
            world.note(name, "\(change.backend)\(place): \(change.turn.text)", isTurningPoint: true)
            world.observe(.healthTurned(change, by: self))
        }
    }

    /// An endpoint was chosen for a client that was given a token.
    func noteRouted(_ exchange: SimulatedExchange, _ chosen: EndpointID) {
        guard let token = exchange.request.token, exchange.substitute == nil else { return }
        let listing = router.listing(of: chosen)
        let isKept = listing.address == token.address && listing.pod == token.pod
        world.sometimes(isKept ? .sessionKept : .sessionMoved)
        if !isKept { world.observe(.ledAway(exchange, from: token, by: self)) }
    }

    /// Whether the backend's breaker finds out whether the Service works again.
    func isOnTrial(_ backend: BackendID?) -> Bool {
        guard let backend else { return false }
        return router.healthReports.contains { $0.breaker == .halfOpen && router.backend($0.backend) == backend }
    }

    /// What keeps traffic from where it is to go when nothing is wrong; nil: nothing.
    func lastingHarm() -> String? {
        router.refreshHealth(now: world.now)
        tellTurns()
        for report in router.healthReports {
            if let breaker = report.breaker, breaker != .closed { return "\(name)'s breaker of \(report.backend) is \(breaker)" }
            if let out = report.endpoints.first(where: { $0.standing == .ejected || $0.standing == .unhealthy }) {
                return "\(name) keeps \(out.address) of \(report.backend) from traffic (\(out.standing))"
            }
        }
        for backend in router.table.backends {
            if let id = router.backend(backend.name), router.failovers(of: id).isFailedOver {
                return "\(name) leads \(backend.name) to a worse priority"
            }
        }
        return nil
    }
}

extension HealthTurn {
    fileprivate var mark: Mark? {
        switch self {
        case .ejected: .endpointEjected
        case .returned: .endpointReturned
        case .panicBegan: .panicBegan
        case .circuitOpened: .breakerOpened
        case .circuitClosed: .breakerClosed
        case .checkFailed: .checkFailed
        case .checkPassed, .panicEnded, .circuitOnTrial, .returnedUnwatched, .checkDropped, .panicDropped, .circuitDropped: nil
        }
    }

    fileprivate var text: String {
        switch self {
        case .ejected(let reason, let time): "is ejected for \(time.inSeconds) s (\(reason.rawValue))"
        case .returned: "is let in again"
        case .checkFailed(let check, _): "fails \(check)"
        case .checkPassed(let check): "passes \(check)"
        case .panicBegan: "too few are healthy, so all are used"
        case .panicEnded: "enough are healthy"
        case .circuitOpened(let time): "the breaker opens for \(time.inSeconds) s"
        case .circuitOnTrial: "the breaker finds out"
        case .circuitClosed: "the breaker closes"
        case .returnedUnwatched, .checkDropped, .panicDropped, .circuitDropped: "no policy asks for this any more"
        }
    }
}
