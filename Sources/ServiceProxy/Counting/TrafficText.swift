import Measuring
import Timing
import Traffic

/// Everything that a proxy counted, in Prometheus' text format.
struct TrafficText {
    /// Endpoints that are listed with their state, at most.
    static let listedLimit = TrafficCounts.tallyLimit

    private var text = PrometheusText()
    private let tallies: [Tally]
    private let backends: [BackendCounts]

    /// - Parameters:
    ///   - openConnectionCount: connections of clients.
    ///   - isOpen: whether an endpoint that the table calls ready gets new traffic.
    static func text(
        _ counts: TrafficCounts, openConnectionCount: Int, accessLog: (written: UInt64, dropped: UInt64) = (0, 0), now: Instant,
        isOpen: (RouteTable.BackendName, EndpointAddress) -> Bool
    ) -> String {
        counts.prune(now: now)
        for backend in counts.table.backends { _ = counts.backend(backend.name) }
        var writer = TrafficText(counts)
        writer.requests()
        writer.durations()
        for counter in TrafficCounter.allCases { writer.append(counter) }
        for gauge in TrafficGauge.allCases { writer.append(gauge) }
        writer.reasons()
        writer.checks(counts.checks)
        writer.states(counts.table, isOpen)
        writer.process(counts, openConnectionCount, accessLog)
        return writer.text.text
    }

    private init(_ counts: TrafficCounts) {
        tallies = counts.sortedTallies()
        backends = counts.sortedBackends()
    }

    private mutating func requests() {
        let name = "http_requests_total"
        text.head(name, "Requests that ended, by status; without endpoint: answered by the proxy.", "counter")
        for tally in backends.map(\.whole) + tallies {
            for (code, count) in tally.codes.sorted(by: { $0.code < $1.code }) {
                text.sample(name, tally.labels, PrometheusText.labels([("code", String(code))]), count)
            }
            for (digit, count) in tally.furtherCodes.enumerated() where count > 0 {
                text.sample(name, tally.labels, PrometheusText.labels([("code", "\(digit)xx")]), count)
            }
        }
    }

    private mutating func durations() {
        let name = "http_request_duration_seconds"
        text.head(name, "From a request's head to the end of its response.", "histogram")
        for tally in tallies where tally.latency.count > 0 { text.histogram(name, tally.labels, tally.latency) }
    }

    private mutating func append(_ counter: TrafficCounter) {
        let family = counter.family
        text.head(family.name, family.help, "counter")
        for tally in about(family.scope) { text.sample(family.name, tally.labels, "", tally[counter]) }
    }

    private mutating func append(_ gauge: TrafficGauge) {
        let family = gauge.family
        text.head(family.name, family.help, "gauge")
        for tally in about(family.scope) { text.sample(family.name, tally.labels, "", Int64(tally[gauge])) }
    }

    private func about(_ scope: TrafficScope) -> [Tally] {
        switch scope {
        case .service: backends.map(\.whole)
        case .endpoint: tallies
        case .either: backends.map(\.whole) + tallies
        }
    }

    private mutating func reasons() {
        let name = "http_local_responses_total"
        text.head(name, "Exchanges and flows that got no answer of an endpoint, by reason.", "counter")
        for backend in backends {
            for (reason, count) in backend.reasons.sorted(by: { $0.reason < $1.reason }) {
                text.sample(name, backend.whole.labels, PrometheusText.labels([("reason", reason)]), count)
            }
        }
    }

    private mutating func checks(_ counts: [CheckCount]) {
        let name = "health_check_total"
        text.head(name, "Active checks, by result.", "counter")
        for count in counts {
            for (result, number) in [("fail", count.failed), ("pass", count.passed)] {
                text.sample(name, count.labels, PrometheusText.labels([("check", count.check), ("result", result)]), number)
            }
        }
    }

    private mutating func states(_ table: RouteTable, _ isOpen: (RouteTable.BackendName, EndpointAddress) -> Bool) {
        text.head("up", "1 while the endpoint gets new traffic.", "gauge")
        var listedCount = 0
        for backend in table.backends {
            var states: [String: Bool] = [:]
            for endpoint in backend.endpoints where listedCount < Self.listedLimit {
                listedCount += 1
                let labels = Tally.labels(
                    backend.name, endpoint: TrafficCounts.name(endpoint, endpoint.address), zone: endpoint.zone)
                // A pod with several addresses is up where one of them is.
                states[labels, default: false] =
                    states[labels] ?? false || endpoint.standing == .ready && isOpen(backend.name, endpoint.address)
            }
            for (labels, isUp) in states.sorted(by: { $0.key < $1.key }) { text.sample("up", labels, "", Int64(isUp ? 1 : 0)) }
        }
    }

    private mutating func process(_ counts: TrafficCounts, _ openConnectionCount: Int, _ accessLog: (written: UInt64, dropped: UInt64)) {
        for (name, help, count) in [
            ("steady_proxy_accepted_connections_total", "Connections of clients.", counts.acceptedCount),
            ("steady_proxy_shortages_total", "Connects that failed for want of descriptors, ports or memory.", counts.shortageCount),
            (
                "steady_proxy_strangers_total", "Connects not made or given up, since the listener was not the pod's but another user's.",
                counts.strangerCount
            ),
        ] {
            text.head(name, help, "counter")
            text.sample(name, "", "", count)
        }
        for (name, help, count) in [
            ("steady_proxy_access_log_lines_total", "Lines of the access log that were written.", accessLog.written),
            ("steady_proxy_access_log_dropped_total", "Lines of the access log that the disk did not take in time.", accessLog.dropped),
        ] {
            text.head(name, help, "counter")
            text.sample(name, "", "", count)
        }
        text.head("steady_proxy_open_connections", "Connections of clients that are open.", "gauge")
        text.sample("steady_proxy_open_connections", "", "", Int64(openConnectionCount))
    }
}
