import Timing
import Traffic
import Wire

/// The attempts of one exchange: an endpoint, the next one where that fails, or a wait.
extension HTTPConnection {
    /// Gets the exchange a connection, or a wait, or an end.
    func seekEndpoint() {
        guard let exchange else { return }
        switch plane.acquire(need(of: exchange), .exchanges, &exchange.attempts) {
        case .connection(let upstream):
            exchange.attach(upstream, user: self, now: plane.loop.now)
            upstream.channel.flushAtTurnEnd()
            timeAttempt()
            // More of the request may wait at the client than is kept. A connection that was there already has no event of its own to fetch it by.
            if !isPumpingRequest, !exchange.isRequestComplete, !upstream.channel.isConnecting {
                plane.loop.later { [weak self] in self?.pumpRequest() }
            }
        case .wait(let until): wait(until: until)
        case .fail(let failure): fail(failure)
        }
    }

    func need(of exchange: Exchange) -> Dataplane.Need {
        let pooled = exchange.isIdempotent ? Dataplane.Need.Pooled.repeatable : .once
        guard let substitute = exchange.substitute else {
            return Dataplane.Need(backend: backend, counts: counts, client: client, origin: origin, stay: exchange.stay, pooled: pooled)
        }
        // Nobody asks for it without a need, so that it may cost a look-up.
        return Dataplane.Need(backend: substitute, counts: plane.counts.backend(substitute), client: client, origin: origin, pooled: pooled)
    }

    /// What came of an attempt, the first or the second of two at a time, for whoever watches the health of the backend that it went to.
    func note(_ outcome: AttemptOutcome, at endpoint: EndpointID, isRival: Bool = false) {
        guard plane.router.watchesHealth, let exchange else { return }
        plane.note(outcome, at: endpoint, of: need(of: exchange), began: isRival ? exchange.rivalBegan : exchange.attemptBegan)
    }

    /// What became of the request, for the breaker of the connection's backend: BEFORE another backend answers in its place.
    func noteEnd(isFailure: Bool) {
        guard plane.router.watchesHealth, let exchange, exchange.substitute == nil else { return }
        plane.noteEnd(isFailure: isFailure, of: exchange.stay)
    }

    /// Seeks an endpoint again at that time, or as soon as the table has a ready one.
    private func wait(until: Instant) {
        guard let exchange, plane.mayWait(exchange), let ticket = plane.wait(self, until: until) else { return fail(.tooManyWaiting) }
        exchange.ticket = ticket
    }

    private func waitToRepeat(until: Instant) {
        exchange?.tally?.count(.retries)
        wait(until: until)
    }

    func connectFailed() {
        guard let exchange, let upstream = exchange.upstream else { return }
        exchange.upstream = nil
        exchange.cancelAttemptTimers()
        plane.refused(upstream, .exchanges, need(of: exchange), &exchange.attempts)
        if !promoteRival() { seekEndpoint() }
    }

    /// The connection to the endpoint broke before anything of a response was passed on.
    func lostUpstream() {
        guard let upstream = takeUpstream() else { return }
        let facts = (isSent: upstream.isAnythingSent, isReused: upstream.isReused)
        // A kept connection that ends is no fault of its endpoint.
        if !facts.isReused { note(.failed, at: upstream.endpoint) }
        plane.finished(upstream, .exchanges, isReusable: false)
        if promoteRival() { return }
        guard let exchange else { return }
        let step = exchange.attempts.lost(
            by: upstream.endpoint, isAnythingSent: facts.isSent, isWholeRequestAtHand: exchange.isKept,
            isConnectionReused: facts.isReused, now: plane.loop.now, jitter: plane.router.jitter(),
            mayRepeat: { _ in plane.mayRepeat(exchange) })
        switch step {
        case .fail(let failure): fail(failure)
        case .wait(let until): waitToRepeat(until: until)
        case .choose:
            exchange.tally?.count(.retries)
            seekEndpoint()
        }
    }

    /// Whether a response is dropped since its status makes the policy want another one; then that is under way.
    func isDropped(_ head: ResponseHead) -> Bool {
        guard head.status >= 400, let terms = exchange?.terms, terms.rules.retries.asksForRepeat(status: head.status) else { return false }
        if exchange?.rival != nil, let upstream = takeUpstream() {
            note(.answered(head.status), at: upstream.endpoint)
            plane.finished(upstream, .exchanges, isReusable: false)
            return promoteRival()
        }
        guard let until = timeToRepeat() else { return false }
        if let upstream = takeUpstream() {
            note(.answered(head.status), at: upstream.endpoint)
            plane.finished(upstream, .exchanges, isReusable: false)
        }
        waitToRepeat(until: until)
        return true
    }

    /// The time that one attempt is given begins when all of the request is on its way.
    func timeAttempt() {
        guard let terms = exchange?.terms, exchange?.isRequestComplete == true, exchange?.upstream != nil,
            exchange?.isResponseBegun == false
        else { return }
        timeAttempt(terms)
        guard terms.rules.retries.hedging != nil, exchange?.attempts.mayRunTwice == true, let stay = exchange?.stay,
            let delay = plane.router.hedgeDelay(stay)
        else { return }
        exchange?.hedgeTimer = plane.loop.schedule(after: delay) { [weak self] in self?.sendRival() }
    }

    /// For an attempt that no other one follows while it is out.
    func timeAttempt(_ terms: PolicyTerms) {
        guard let limit = terms.rules.retries.tryTimeout else { return }
        exchange?.attemptTimer = plane.loop.schedule(after: limit) { [weak self] in self?.attemptTookTooLong() }
    }

    private func attemptTookTooLong() {
        guard let upstream = exchange?.upstream, exchange?.isResponseBegun == false else { return }
        note(.failed, at: upstream.endpoint)
        if exchange?.rival != nil {
            if let upstream = takeUpstream() { plane.finished(upstream, .exchanges, isReusable: false) }
            _ = promoteRival()
            return
        }
        guard let until = timeToRepeat() else { return fail(.requestTimeout) }
        if let upstream = takeUpstream() { plane.finished(upstream, .exchanges, isReusable: false) }
        waitToRepeat(until: until)
    }

    /// When the request may go to another endpoint than that which has it; nil: never.
    private func timeToRepeat() -> Instant? {
        guard let exchange, let upstream = exchange.upstream else { return nil }
        return exchange.attempts.repeatTime(
            after: upstream.endpoint, isWholeRequestAtHand: exchange.isKept, now: plane.loop.now, jitter: plane.router.jitter(),
            mayRepeat: { _ in plane.mayRepeat(exchange) })
    }

    /// The first attempt's connection, which is the caller's to end.
    private func takeUpstream() -> UpstreamConnection? {
        defer {
            exchange?.upstream = nil
            exchange?.cancelAttemptTimers()
        }
        return exchange?.upstream
    }
}
