import Timing

/// Which endpoints a policy keeps from getting traffic.
extension Router {
    /// Whether the backend's policy lets the endpoint have new traffic now, by what is known of its health and of what is open there.
    ///
    /// Asked for each endpoint that is looked at, and only where `BackendGate.isSelective`: a backend without such a policy pays nothing.
    /// AFTER `refreshHealth` of this time.
    func mayTake(_ endpoint: EndpointID, in backend: Int, _ now: Instant) -> Bool {
        if let limit = backends[backend].gate.rules.limits.endpointConnections, load(endpoint) >= limit { return false }
        return backends[backend].isLenient || backends[backend].health?.isUsable(endpoint) ?? true
    }
}
