import Linux
import Resources
import Timing
import Traffic
import Wire

/// A request's way through the policy of its backend, and out again.
extension HTTPConnection {
    /// What was made to go wrong on purpose comes first.
    func meetFaults(_ id: BackendID?) {
        guard let id else { return seekEndpoint() }
        let (delay, abort) = plane.router.fault(id)
        guard let delay else { return enter(id, abort) }
        exchange?.timer = plane.loop.schedule(after: delay) { [weak self] in
            // Another table may be in force by now.
            guard let self, exchange != nil else { return }
            guard let id = plane.backend(backend) else { return seekEndpoint() }
            enter(id, abort)
        }
    }

    /// Asks the policy to let the request in.
    private func enter(_ id: BackendID, _ abort: Int?) {
        guard let exchange else { return }
        if let abort { return fail(LocalResponse(injected: abort)) }
        // Events that came together wait for each other: what was done since the kernel named them is the age of this one at least.
        let age = plane.router.shedsLoad(id) ? Clock.monotonic() - plane.loop.now : .zero
        let admission = plane.router.admit(id, exchange.head, client: client, age: age, now: plane.loop.now)
        plane.tellHealthChanges()
        switch admission {
        case .refused(let refusal): fail(LocalResponse(refused: refusal, backend: backend))
        case .line(let place, let until, let displaced): standInLine(place, until: until, displacing: displaced)
        case .stay(let stay): comeIn(stay)
        }
    }

    /// The policy has let the request in.
    func comeIn(_ stay: BackendGate.Stay) {
        var stay = stay
        if let head = exchange?.head { plane.router.recall(&stay, head, time: Clock.realtime) }
        exchange?.stay = stay
        if let rules = stay.terms?.rules { comply(with: rules) }
        guard let wait = stay.circuitWait else { return seekEndpoint() }
        // A Service that is left in peace is as good as none.
        if !degrade(.circuitOpen) { fail(LocalResponse(refused: .circuitOpen(wait: wait), backend: backend)) }
    }

    /// Takes over what the policy says about this exchange.
    private func comply(with rules: TrafficRules) {
        guard let exchange else { return }
        let now = plane.loop.now
        exchange.attempts.follow(rules, exchange.head)
        if let idle = rules.timeouts.streamIdle { keepMoving(within: idle) }
        let own = rules.timeouts.request.map { now + $0 }
        var end = own
        if rules.timeouts.propagatesDeadline {
            exchange.deadline = .of(exchange.head, arrived: exchange.began, own: rules.timeouts.request, now: now)
            end = exchange.deadline?.at
        }
        guard let end else { return }
        // A caller may give as little time as it likes, and then the Service is not to blame: nobody could close it off for the others.
        let isFault = end == own
        exchange.timer = plane.loop.schedule(at: end) { [weak self] in self?.exceedTime(isFault: isFault) }
    }

    /// - Parameter isFault: whether the Service should have been done by now.
    private func exceedTime(isFault: Bool) {
        if isFault {
            if let upstream = exchange?.upstream { note(.failed, at: upstream.endpoint) }
            noteEnd(isFailure: true)
        }
        fail(LocalResponse(.requestTimeout, backend: backend))
    }

    /// The exchange is over, however it went: BEFORE anything else begins here.
    func conclude() {
        exchange?.timer?.cancel()
        exchange?.cancelAttemptTimers()
        dropRival()
        if let place = exchange?.place { plane.leaveLine(place) }
        guard let over = exchange else { return }
        let stay = over.stay
        exchange = nil
        plane.exchanges.end(over)
        if let stay { plane.left(stay) }
    }
}

/// What the policies are asked about exchanges.
extension Dataplane {
    /// Whether one more may wait for an endpoint.
    func mayWait(_ exchange: Exchange) -> Bool {
        guard var stay = exchange.stay else { return true }
        defer { exchange.stay = stay }
        return router.mayWait(&stay)
    }

    func stopsWaiting(_ exchange: Exchange) {
        guard var stay = exchange.stay else { return }
        router.stopsWaiting(&stay)
        exchange.stay = stay
    }

    /// Whether a request may be sent to a second endpoint while the first has it.
    func mayHedge(_ exchange: Exchange) -> Bool { exchange.stay.map { router.mayHedge($0, now: loop.now) } ?? false }

    /// It was: AFTER `mayHedge`.
    func noteHedge(_ exchange: Exchange) {
        guard var stay = exchange.stay else { return }
        router.noteHedge(&stay, now: loop.now)
        exchange.stay = stay
    }

    /// Whether a request that an endpoint lost may be sent to another.
    func mayRepeat(_ exchange: Exchange) -> Bool {
        guard var stay = exchange.stay else { return false }
        defer { exchange.stay = stay }
        return router.mayRepeat(&stay, now: loop.now)
    }
}
