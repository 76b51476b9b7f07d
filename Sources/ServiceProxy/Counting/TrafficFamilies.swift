/// Whom a number is about.
enum TrafficScope {
    /// A port of a Service.
    case service
    /// One endpoint behind it.
    case endpoint
    /// Both have one.
    case either
}

/// A number that only grows. To count something new takes a case here, its line in `family`, and one `tally.count(.name)` where it happens.
enum TrafficCounter: Int, CaseIterable {
    case flows, retries, hedges, hedgeWins, connectFailures, failovers, ejections

    /// Name, for whom it is, and what it counts.
    var family: (name: String, scope: TrafficScope, help: String) {
        switch self {
        case .flows: ("tcp_connections_total", .endpoint, "TCP flows that an endpoint accepted, upgraded requests among them.")
        case .retries: ("retries_total", .endpoint, "Requests sent again, by the endpoint that lost them.")
        case .hedges: ("hedged_requests_total", .endpoint, "Second attempts that the endpoint got while another had the request.")
        case .hedgeWins: ("hedges_won_total", .endpoint, "Second attempts that the endpoint answered first.")
        case .connectFailures: ("connect_failures_total", .endpoint, "Connects that the endpoint did not accept.")
        case .failovers:
            (
                "failover_events_total", .service,
                "Changes of the group of endpoints that takes the traffic, and requests that a fallback took."
            )
        case .ejections: ("ejections_total", .endpoint, "Times that the endpoint was ejected.")
        }
    }
}

/// A number that goes up and down: `tally[.name] = 1`, or `tally[.name] += 1`.
enum TrafficGauge: Int, CaseIterable {
    case openExchanges, openFlows, ejected, unhealthy, breakerState, panic

    /// Name, for whom it is, and what it tells.
    var family: (name: String, scope: TrafficScope, help: String) {
        switch self {
        case .openExchanges: ("http_requests_in_flight", .endpoint, "Requests that the endpoint is answering.")
        case .openFlows: ("tcp_connections_in_flight", .endpoint, "TCP flows that are open.")
        case .ejected: ("ejected_endpoints", .service, "Endpoints that are ejected.")
        case .unhealthy: ("unhealthy_endpoints", .service, "Endpoints that get nothing since a shallow check fails.")
        case .breakerState: ("circuit_breaker_state", .either, "0 closed, 1 half-open, 2 open; without endpoint: of the Service.")
        case .panic: ("panic_mode", .service, "1 while so few endpoints are healthy that all get traffic.")
        }
    }
}
