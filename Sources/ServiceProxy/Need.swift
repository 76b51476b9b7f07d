import Timing
import Traffic

extension Dataplane {
    /// What is asked of `acquire`.
    struct Need {
        var backend: RouteTable.BackendName
        /// What is counted of it.
        var counts: BackendCounts
        /// The client's address, for affinity.
        var client: UInt32
        /// What an endpoint is told in a PROXY header, where that is asked for.
        var origin: ClientOrigin?
        /// The request's, where there is a policy.
        var stay: BackendGate.Stay?
        /// Nil: no pooled connection will do.
        var pooled: Pooled?

        enum Pooled { case repeatable, once }
    }

    enum Acquired {
        /// Counted as open at its endpoint; perhaps still connecting.
        case connection(UpstreamConnection)
        case wait(until: Instant)
        case fail(ExchangeFailure)
    }

    func backend(_ name: RouteTable.BackendName) -> BackendID? { router.backend(name) }
    func carriage(of backend: BackendID) -> RouteTable.Carriage? { router.carriage(of: backend) }

    /// The backend that a request was let in to, as long as it is in the table; else who has its name.
    func backend(of need: Need) -> BackendID? { need.stay.flatMap { router.backend(of: $0) } ?? router.backend(need.backend) }
}
