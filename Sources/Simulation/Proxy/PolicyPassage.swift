import Resources
import Timing
import Traffic

/// A request's way through the policy of its backend, and out again: what the production proxy asks, in the same order.
extension SimulatedExchange {
    /// What was made to go wrong on purpose comes first.
    func begin() {
        guard let id = proxy.router.backend(request.backend) else { return tryAgain() }
        let (delay, abort) = proxy.router.fault(id)
        guard let delay else { return enter(id, abort) }
        world.schedule(after: delay, for: proxy.life) { [self] in
            guard !isOver else { return }
            // Another table may be in force by now.
            guard let id = proxy.router.backend(request.backend) else { return tryAgain() }
            enter(id, abort)
        }
    }

    /// Asks the policy to let the request in.
    private func enter(_ id: BackendID, _ abort: Int?) {
        if let abort { return refuse("status \(abort), as its policy asks") }
        let admission = proxy.router.admit(id, request.head, client: request.client, now: world.now)
        proxy.tellTurns()
        switch admission {
        case .refused(.rateLimited): refuse(ExchangeFailure.rateLimited.rawValue)
        case .refused(.tooManyParallel): refuse(ExchangeFailure.tooManyParallel.rawValue)
        case .refused(.overloaded): refuse(ExchangeFailure.overloaded.rawValue)
        case .refused(.circuitOpen): refuse(ExchangeFailure.circuitOpen.rawValue)
        case .line(let place, let until, let displaced): proxy.standInLine(self, place, until: until, displacing: displaced)
        case .stay(let stay): comeIn(stay)
        }
    }

    /// The policy has let the request in.
    func comeIn(_ admitted: BackendGate.Stay) {
        guard !isOver else { return proxy.left(admitted) }
        var admitted = admitted
        proxy.router.recall(&admitted, request.head) { world.wallClock(of: RoleName.server) }
        stay = admitted
        admittedAt = world.now
        if let rules = admitted.terms?.rules { comply(with: rules) }
        guard admitted.circuitWait != nil else { return tryAgain() }
        // A Service that is left in peace is as good as none.
        if !degrade(.circuitOpen) { refuse(ExchangeFailure.circuitOpen.rawValue) }
    }

    private func comply(with rules: TrafficRules) {
        attempts.follow(rules, request.head)
        guard let limit = rules.timeouts.request else { return }
        world.schedule(after: limit, for: proxy.life) { [self] in
            guard !isOver else { return }
            world.sometimes(.requestTookTooLong)
            if let endpoint { note(.failed, at: endpoint) }
            noteEnd(isFailure: true)
            if let endpoint = leave() { proxy.router.finished(endpoint, .exchanges) }
            refuse(ExchangeFailure.requestTimeout.rawValue)
        }
    }

    /// Ends it with an answer of the proxy's own.
    func refuse(_ why: String) {
        guard !isOver else { return }
        trace("is refused: \(why)")
        conclude()
        request.failed(why)
    }

    // MARK: Waiting and repeating

    func mayWait() -> Bool {
        guard var admitted = stay else { return true }
        defer { stay = admitted }
        return proxy.router.mayWait(&admitted)
    }

    func stopsWaiting() {
        guard var admitted = stay else { return }
        proxy.router.stopsWaiting(&admitted)
        stay = admitted
    }

    func mayRepeat() -> Bool {
        guard var admitted = stay else { return false }
        defer { stay = admitted }
        return proxy.router.mayRepeat(&admitted, now: world.now)
    }

    /// When a response of this status is dropped for another one; nil: it is the client's.
    func timeToRepeat(_ status: Int, by endpoint: EndpointID) -> Instant? {
        guard status >= 400, let terms = stay?.terms, terms.rules.retries.asksForRepeat(status: status) else { return nil }
        return timeToRepeat(after: endpoint)
    }

    private func timeToRepeat(after endpoint: EndpointID) -> Instant? {
        let jitter = proxy.router.jitter()
        return attempts.repeatTime(after: endpoint, isWholeRequestAtHand: true, now: world.now, jitter: jitter) { _ in mayRepeat() }
    }

    /// The time that one attempt is given.
    func timeAttempt(_ attempt: Int) {
        guard let limit = stay?.terms?.rules.retries.tryTimeout else { return }
        world.schedule(after: limit, for: proxy.life) { [self] in
            guard !isOver, attempt == attemptCount, let endpoint else { return }
            note(.failed, at: endpoint)
            let until = timeToRepeat(after: endpoint)
            _ = leave()
            proxy.router.finished(endpoint, .exchanges)
            proxy.reportIfDue()
            world.sometimes(.requestTookTooLong)
            guard let until else { return fail(.requestTimeout) }
            wait(until: until)
        }
    }

    /// Why nobody waits for an endpoint, where the policy says so.
    func refusal(_ choice: Router.Choice) -> ExchangeFailure? {
        switch choice {
        case .open: return .circuitOpen
        case .full:
            let backend = substitute == nil ? stay.flatMap { proxy.router.backend(of: $0) } : nil
            return backend.map { proxy.router.mayWaitForRoom($0) } ?? false ? nil : .tooManyConnections
        default: return nil
        }
    }

    // MARK: Others who answer

    /// Hands it on to the next of the policy's fallbacks; false where there is none, or another reason to fail.
    func degrade(_ failure: ExchangeFailure) -> Bool {
        guard failure.isForWantOfEndpoint, !isOver, let rules = stay?.terms?.rules, fallbackCount < rules.fallbacks.count else {
            return false
        }
        let fallback = rules.fallbacks[fallbackCount]
        fallbackCount += 1
        world.sometimes(.fallbackAnswered)
        switch fallback {
        case .service(let name, let port):
            substitute = RouteTable.BackendName(.init(request.backend.service.namespace, name), port: port)
            attempts = ExchangeAttempts(isIdempotent: request.isIdempotent)
            attempts.follow(rules, request.head)
            tryAgain()
        case .response(let response):
            conclude()
            if response.status < 500 { request.served() } else { request.failed("status \(response.status), as its policy asks") }
        }
        return true
    }

    // MARK: What came of it

    /// What came of an attempt, for whoever watches the health of the backend that it went to.
    func note(_ outcome: AttemptOutcome, at endpoint: EndpointID) {
        guard proxy.router.watchesHealth, let backend = proxy.router.backend(target) else { return }
        proxy.router.note(outcome, at: endpoint, of: backend, began: attemptBegan, now: world.now)
        proxy.tellTurns()
    }

    /// What became of the request, for the breaker of its Service: BEFORE another one answers in its place.
    func noteEnd(isFailure: Bool) {
        guard proxy.router.watchesHealth, substitute == nil, let stay else { return }
        world.observe(.judged(request, isFailure: isFailure, by: proxy))
        if world.isPlanted(.trialForgotten), proxy.isOnTrial(proxy.router.backend(of: stay)) { return }
        proxy.router.note(isFailure: isFailure, of: stay, now: world.now)
        proxy.tellTurns()
    }

    /// The client is told where it was.
    func keepSession(_ endpoint: EndpointID) {
        guard let stay, let field = proxy.router.sessionField(stay, at: endpoint, time: { world.wallClock(of: RoleName.server) }) else {
            return
        }
        let listing = proxy.router.listing(of: endpoint)
        request.keep(.init(field: field, address: listing.address, pod: listing.pod))
    }
}
