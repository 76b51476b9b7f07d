import Resources
import Traffic

/// What a policy has in store for an exchange that no endpoint can answer.
extension HTTPConnection {
    /// Hands the exchange on to the next of the policy's fallbacks; false where there is none, or another reason to fail.
    func degrade(_ failure: ExchangeFailure) -> Bool {
        guard failure.isForWantOfEndpoint, let exchange, !exchange.isResponseBegun, exchange.isKept,
            let rules = exchange.terms?.rules,
            exchange.fallbackCount < rules.fallbacks.count
        else { return false }
        let fallback = rules.fallbacks[exchange.fallbackCount]
        exchange.fallbackCount += 1
        counts.whole.count(.failovers)
        switch fallback {
        case .service(let name, let port):
            let substitute = RouteTable.BackendName(.init(backend.service.namespace, name), port: port)
            // A policy that names a port may lead back to it by its number: nobody answers there.
            if substitute == backend { return degrade(failure) }
            exchange.substitute = substitute
            var attempts = ExchangeAttempts(isIdempotent: exchange.isIdempotent)
            attempts.follow(rules, exchange.head)
            exchange.attempts = attempts
            seekEndpoint()
        case .response(let response):
            announce("a fixed response with status \(response.status)")
            fail(LocalResponse(response, instead: failure))
        }
        return true
    }

    /// Once it is known who answers: one that is asked may have nobody either.
    ///
    /// - Parameter other: who answers; nil: an endpoint of the Service.
    func announce(_ other: String?) {
        guard let stay = exchange?.stay, plane.router.noteAnswer(stay, byFallback: other != nil, now: plane.loop.now) else { return }
        plane.onFallback?(backend, other)
    }
}
