import Measuring
import Timing
import Traffic

/// What was carried for one backend. Plain numbers: counting costs no look-up on the data path.
final class BackendCounts {
    let name: RouteTable.BackendName
    /// By the status' first digit; 0 holds what ended without one.
    var exchangeCounts = [UInt64](repeating: 0, count: 6)
    var flowCount: UInt64 = 0
    var latency = Histogram()

    init(_ name: RouteTable.BackendName) { self.name = name }
}

/// What the dataplane counts for its metrics.
final class TrafficCounts {
    private(set) var backends: [RouteTable.BackendName: BackendCounts] = [:]
    var acceptedCount: UInt64 = 0
    var refusedConnectCount: UInt64 = 0
    var repeatedCount: UInt64 = 0
    var shortageCount: UInt64 = 0
    var strangerCount: UInt64 = 0
    /// Answers that the proxy gave itself, by reason.
    private(set) var failureCounts: [String: UInt64] = [:]

    func backend(_ name: RouteTable.BackendName) -> BackendCounts {
        if let known = backends[name] { return known }
        let new = BackendCounts(name)
        backends[name] = new
        return new
    }

    func failed(_ reason: String) { failureCounts[reason, default: 0] += 1 }

    /// Forgets backends that left the table.
    func keep(_ names: Set<RouteTable.BackendName>) { backends = backends.filter { names.contains($0.key) } }

    /// All of it in Prometheus' text format.
    func prometheusText(openConnectionCount: Int) -> String {
        var exchanges = CounterFamily("steady_proxy_exchanges_total", "HTTP exchanges by service and class of status")
        var flows = CounterFamily("steady_proxy_flows_total", "TCP flows by service")
        for counts in backends.values {
            let service = counts.name.description
            for (digit, count) in counts.exchangeCounts.enumerated() where count > 0 {
                exchanges.add(count, ["service": service, "status": digit == 0 ? "none" : "\(digit)xx"])
            }
            if counts.flowCount > 0 { flows.add(counts.flowCount, ["service": service]) }
        }
        var failures = CounterFamily("steady_proxy_failures_total", "Exchanges and flows that got no answer of an endpoint, by reason")
        for (reason, count) in failureCounts { failures.add(count, ["reason": reason]) }
        var accepted = CounterFamily("steady_proxy_accepted_connections_total", "Connections of clients")
        accepted.add(acceptedCount)
        var refused = CounterFamily("steady_proxy_refused_connects_total", "Connects that an endpoint did not accept")
        refused.add(refusedConnectCount)
        var repeated = CounterFamily("steady_proxy_repeated_exchanges_total", "Exchanges sent again after their connection was lost")
        repeated.add(repeatedCount)
        var shortages = CounterFamily("steady_proxy_shortages_total", "Connects that failed for want of descriptors, ports or memory")
        shortages.add(shortageCount)
        var strangers = CounterFamily(
            "steady_proxy_strangers_total", "Connects not made or given up, since the listener was not the pod's but another user's")
        strangers.add(strangerCount)
        var open = GaugeFamily("steady_proxy_open_connections", "Connections of clients that are open")
        open[Labels()] = Double(openConnectionCount)
        var text = PrometheusText()
        for family in [exchanges, flows, failures, accepted, refused, repeated, shortages, strangers] { text.append(family) }
        text.append(open)
        text.append(latencies)
        return text.text
    }

    private var latencies: HistogramFamily {
        var family = HistogramFamily("steady_proxy_exchange_seconds", "From a request's head to the end of its response")
        for counts in backends.values where counts.latency.count > 0 {
            family.set(counts.latency, ["service": counts.name.description])
        }
        return family
    }
}
