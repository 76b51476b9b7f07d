import Resources
import Timing
import Traffic

/// One request on its way through a proxy, with the real decisions about whether it is let in, where it goes and whether it is tried again.
///
/// What its policy makes of it stands in `PolicyPassage.swift`.
final class SimulatedExchange {
    let proxy: SimulatedProxy
    let request: ClientRequest
    var attempts: ExchangeAttempts
    /// What the policy let it in with; nil before that, and where the Service is unknown.
    var stay: BackendGate.Stay?
    /// When it was let in.
    var admittedAt = Instant.zero
    /// Who answers in place of the Service.
    var substitute: RouteTable.BackendName?
    var fallbackCount = 0
    private(set) var endpoint: EndpointID?
    private(set) var endpointHost: UInt32?
    /// How often it was sent: what comes of an attempt that was given up is nobody's any more.
    private(set) var attemptCount = 0
    private(set) var attemptBegan = Instant.zero
    private(set) var isOver = false
    /// The planted bug: when it first found no endpoint, or was refused.
    private var troubleSince: Instant?
    /// The planted bug: who refused it before somebody took it.
    private var refusedOnce: [EndpointID] = []

    var world: World { proxy.world }

    init(_ proxy: SimulatedProxy, _ request: ClientRequest) {
        self.proxy = proxy
        self.request = request
        attempts = ExchangeAttempts(isIdempotent: request.isIdempotent || proxy.world.isPlanted(.postRepeated))
    }

    /// Who is to answer.
    var target: RouteTable.BackendName { substitute ?? request.backend }

    func tryAgain() {
        guard !isOver else { return }
        stopsWaiting()
        while true {
            let choice = choose()
            proxy.tellTurns()
            if case .endpoint(let chosen) = choice { return send(to: chosen) }
            trace("finds no endpoint: \(choice)")
            if let failure = refusal(choice) { return fail(failure) }
            if world.isPlanted(.searchCountsService), choice == .allAvoided, let troubleSince,
                world.now - troubleSince >= ExchangeAttempts.waitLimit
            {
                return fail(.connectFailed)
            }
            troubleSince = troubleSince ?? world.now
            refusedOnce = []
            switch attempts.foundNone(choice, now: world.now) {
            case .choose: continue
            case .wait(let until):
                world.sometimes(.requestWaited)
                return wait(until: until)
            case .fail(let failure): return fail(choice == .full ? .tooManyConnections : failure)
            }
        }
    }

    private func choose() -> Router.Choice {
        guard let backend = proxy.router.backend(target) else { return .noBackend }
        let choice = proxy.router.choose(
            backend, client: request.client, avoiding: attempts.avoided + refusedOnce, as: .exchanges, stay: substitute == nil ? stay : nil,
            now: world.now)
        guard case .endpoint(let chosen) = choice, world.isPlanted(.lastEndpointEjected),
            proxy.ejected[proxy.router.address(of: chosen)].map({ $0 > world.now }) ?? false
        else { return choice }
        proxy.router.finished(chosen, .exchanges)
        return .noneReady
    }

    func wait(until: Instant) {
        guard mayWait() else { return fail(.tooManyWaiting) }
        proxy.wait(self, until: until)
    }

    private func send(to chosen: EndpointID) {
        endpoint = chosen
        attemptCount += 1
        attemptBegan = world.now
        let attempt = attemptCount
        var address = proxy.router.address(of: chosen)
        if world.isPlanted(.stickyToDrained), let kept = request.token?.address { address = kept }
        endpointHost = address.host
        trace("goes to \(address)")
        world.observe(.routed(request, address, by: proxy))
        proxy.noteRouted(self, chosen)
        let delay = world.length(.microseconds(20)...(.microseconds(150)))
        world.schedule(after: delay, for: nil) { [self] in
            guard !proxy.life.isOver else { return }
            guard let process = world.host.listener(at: address.host, port: address.port),
                process.accept(
                    request.number << 6 | attempt & 63,
                    answered: { [self] status in arrive(attempt) { [self] in answered(status) } },
                    broken: { [self] in arrive(attempt) { [self] in lost() } })
            else { return arrive(attempt) { [self] in refused() } }
            world.observe(.reached(request, process))
        }
        timeAttempt(attempt)
    }

    private func arrive(_ attempt: Int, _ body: @escaping () -> Void) {
        world.schedule(after: world.length(.microseconds(20)...(.microseconds(150))), for: proxy.life) { [self] in
            if attempt == attemptCount { body() }
        }
    }

    func trace(_ what: @autoclosure () -> String) {
        if world.scenario.tracesRequests { world.note(proxy.name, "request \(request.number) \(what())") }
    }

    /// Takes the endpoint that has it; nil: none has.
    func leave() -> EndpointID? {
        defer {
            endpoint = nil
            endpointHost = nil
        }
        guard !isOver, let endpoint else { return nil }
        return endpoint
    }

    private func answered(_ status: Int) {
        guard let endpoint = leave() else { return }
        proxy.router.answered(endpoint)
        if let until = timeToRepeat(status, by: endpoint) {
            trace("is answered with \(status), and repeated")
            world.sometimes(.answerRepeated)
            note(.answered(status), at: endpoint)
            proxy.router.finished(endpoint, .exchanges)
            return wait(until: until)
        }
        keepSession(endpoint)
        note(.answered(status), at: endpoint)
        noteEnd(isFailure: status >= 500)
        proxy.router.finished(endpoint, .exchanges)
        conclude()
        if status < 500 { request.served() } else { request.failed("status \(status)") }
    }

    private func refused() {
        guard let endpoint = leave() else { return }
        world.sometimes(.endpointRefused)
        world.observe(.refused(request, by: proxy))
        proxy.router.refused(endpoint, now: world.now)
        note(.failed, at: endpoint)
        let address = proxy.router.address(of: endpoint)
        trace("is refused by \(address)")
        _ = attempts.refused(by: endpoint, now: world.now)
        if world.isPlanted(.searchCountsService) { refusedOnce.append(endpoint) }
        troubleSince = troubleSince ?? world.now
        proxy.router.finished(endpoint, .exchanges)
        if world.isPlanted(.lastEndpointEjected) { proxy.ejected[address] = world.now + .seconds(30) }
        proxy.reportIfDue()
        tryAgain()
    }

    private func lost() {
        guard let endpoint = leave() else { return }
        trace("is dropped by \(proxy.router.address(of: endpoint))")
        note(.failed, at: endpoint)
        let jitter = proxy.router.jitter()
        let step = attempts.lost(
            by: endpoint, isAnythingSent: true, isWholeRequestAtHand: true, isConnectionReused: false, now: world.now, jitter: jitter,
            mayRepeat: { _ in mayRepeat() })
        proxy.router.finished(endpoint, .exchanges)
        proxy.reportIfDue()
        switch step {
        case .choose: tryAgain()
        case .wait(let until):
            world.sometimes(.requestRepeated)
            wait(until: until)
        case .fail(let failure): fail(failure)
        }
    }

    // MARK: Ends

    func fail(_ failure: ExchangeFailure) {
        if failure.isFault { noteEnd(isFailure: true) }
        if degrade(failure) { return }
        conclude()
        world.observe(.refusedByProxy(request, failure, by: proxy))
        request.failed(failure.rawValue)
    }

    /// The client has gone: what is under way at an endpoint ends there by itself.
    func abandoned() {
        if let endpoint = leave() { proxy.router.finished(endpoint, .exchanges) }
        conclude()
    }

    /// It is over, however it went.
    func conclude() {
        guard !isOver else { return }
        isOver = true
        proxy.over(self)
        if let stay { proxy.left(stay) }
        stay = nil
    }
}
