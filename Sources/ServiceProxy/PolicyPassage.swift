import Timing
import Traffic

/// A request's way through the policy of its backend, and out again.
extension HTTPConnection {
    /// What was made to go wrong on purpose comes first.
    func meetFaults() {
        guard let id = plane.backend(backend) else { return seekEndpoint() }
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
        guard let head = exchange?.head else { return }
        if let abort { return fail(LocalResponse(injected: abort)) }
        switch plane.router.admit(id, head, client: client, now: plane.loop.now) {
        case .refused(let refusal): return fail(LocalResponse(refused: refusal, backend: backend))
        case .stay(let stay):
            exchange?.stay = stay
            if let limit = plane.router.requestTimeout(stay) {
                exchange?.timer = plane.loop.schedule(after: limit) { [weak self] in self?.exceedTime() }
            }
        }
        seekEndpoint()
    }

    private func exceedTime() {
        if exchange?.isResponseBegun == true { abort() } else { fail(.requestTimeout) }
    }

    /// The exchange is over, however it went: BEFORE anything else begins here.
    func conclude() {
        exchange?.timer?.cancel()
        if let stay = exchange?.stay { plane.router.left(stay) }
        exchange = nil
    }
}

/// What the policies are asked about exchanges.
extension Dataplane {
    /// Whether one more may wait for an endpoint.
    func mayWait(_ exchange: inout Exchange?) -> Bool {
        guard var stay = exchange?.stay else { return true }
        defer { exchange?.stay = stay }
        return router.mayWait(&stay)
    }

    func stopsWaiting(_ exchange: inout Exchange?) {
        guard var stay = exchange?.stay else { return }
        router.stopsWaiting(&stay)
        exchange?.stay = stay
    }

    /// Whether a request that an endpoint lost may be sent to another.
    func mayRepeat(_ exchange: inout Exchange) -> Bool {
        guard var stay = exchange.stay else { return false }
        defer { exchange.stay = stay }
        return router.mayRepeat(&stay, now: loop.now)
    }
}
