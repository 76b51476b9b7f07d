import Timing
import Traffic

/// One request on its way through a proxy, with the real decisions about where it goes and whether it is tried again.
final class SimulatedExchange {
    private let proxy: SimulatedProxy
    let request: ClientRequest
    private var attempts: ExchangeAttempts
    private var endpoint: EndpointID?
    private(set) var endpointHost: UInt32?
    private var isOver = false
    /// The planted bug: when it first found no endpoint, or was refused.
    private var troubleSince: Instant?
    /// The planted bug: who refused it before somebody took it.
    private var refusedOnce: [EndpointID] = []

    private var world: World { proxy.world }

    init(_ proxy: SimulatedProxy, _ request: ClientRequest) {
        self.proxy = proxy
        self.request = request
        attempts = ExchangeAttempts(isIdempotent: request.isIdempotent)
    }

    func tryAgain() {
        guard !isOver else { return }
        while true {
            var choice = Router.Choice.noBackend
            if let backend = proxy.router.backend(request.backend) {
                choice = proxy.router.choose(
                    backend, client: request.client, avoiding: attempts.avoided + refusedOnce, as: .exchanges, now: world.now)
            }
            if case .endpoint(let chosen) = choice, world.isPlanted(.lastEndpointEjected),
                proxy.ejected[proxy.router.address(of: chosen)].map({ $0 > world.now }) ?? false
            {
                proxy.router.finished(chosen, .exchanges)
                choice = .noneReady
            }
            if case .endpoint(let chosen) = choice { return send(to: chosen) }
            trace("finds no endpoint: \(choice)")
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
                return proxy.wait(self, until: until)
            case .fail(let failure): return fail(failure)
            }
        }
    }

    private func send(to chosen: EndpointID) {
        endpoint = chosen
        let address = proxy.router.address(of: chosen)
        endpointHost = address.host
        trace("goes to \(address)")
        world.observe(.routed(request, address, by: proxy))
        let delay = world.length(.microseconds(20)...(.microseconds(150)))
        world.schedule(after: delay, for: nil) { [self] in
            guard !proxy.life.isOver else { return }
            guard let process = world.host.listener(at: address.host, port: address.port),
                process.accept(
                    request.number, answered: { [self] in arrive { [self] in answered() } },
                    broken: { [self] in arrive { [self] in lost() } })
            else { return arrive { [self] in refused() } }
            world.observe(.reached(request, process))
        }
    }

    private func arrive(_ body: @escaping () -> Void) {
        world.schedule(after: world.length(.microseconds(20)...(.microseconds(150))), for: proxy.life, body)
    }

    private func trace(_ what: @autoclosure () -> String) {
        if world.scenario.tracesRequests { world.note(proxy.name, "request \(request.number) \(what())") }
    }

    private func leave() -> EndpointID? {
        defer {
            endpoint = nil
            endpointHost = nil
        }
        guard !isOver, let endpoint else { return nil }
        return endpoint
    }

    private func answered() {
        guard let endpoint = leave() else { return }
        proxy.router.answered(endpoint)
        proxy.router.finished(endpoint, .exchanges)
        isOver = true
        proxy.over(self)
        request.served()
    }

    private func refused() {
        guard let endpoint = leave() else { return }
        world.sometimes(.endpointRefused)
        proxy.router.refused(endpoint, now: world.now)
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
        let step = attempts.lost(
            by: endpoint, isAnythingSent: true, isWholeRequestAtHand: true, isConnectionReused: false, now: world.now)
        proxy.router.finished(endpoint, .exchanges)
        proxy.reportIfDue()
        switch step {
        case .choose: tryAgain()
        case .wait(let until):
            world.sometimes(.requestRepeated)
            proxy.wait(self, until: until)
        case .fail(let failure): fail(failure)
        }
    }

    private func fail(_ failure: ExchangeFailure) {
        isOver = true
        proxy.over(self)
        world.observe(.refusedByProxy(request, failure, by: proxy))
        request.failed(failure.rawValue)
    }

    /// The client has gone: what is under way at an endpoint ends there by itself.
    func abandoned() {
        if let endpoint = leave() {
            proxy.router.finished(endpoint, .exchanges)
        }
        isOver = true
        proxy.over(self)
    }
}
