import Measuring

/// What the proxies carried between two scrapes, by port of a Service and by endpoint.
struct TrafficFigures {
    /// One port of a Service, or one endpoint behind it.
    struct Row {
        /// Requests and TCP flows, in a second.
        var rate = 0.0
        /// Of the requests, those that failed: 5xx, or cut off. Nil where there was none.
        var errorShare: Double?
        var p50: Double?
        var p99: Double?
        var openCount = 0
        /// 0 closed, 1 half-open, 2 open.
        var breaker = 0
        /// Times that endpoints were ejected, since the proxies began.
        var ejections = 0
        /// Requests sent again, in a second.
        var retryRate = 0.0
    }

    struct Endpoint {
        var name: String
        var zone: String
        var isUp: Bool
        var row: Row
    }

    struct Service {
        var namespace: String
        var name: String
        var port: String
        var row: Row
        var ejectedCount: Int
        var isPanicking: Bool
        var endpoints: [Endpoint]
        var upCount: Int { endpoints.count { $0.isUp } }
    }

    /// Sorted by namespace, name and port.
    let services: [Service]

    /// What a scrape needs to have.
    static func isWanted(_ name: Substring) -> Bool { names.contains(name) }
    private static let names: Set<Substring> = [
        "up", "http_requests_total", "http_request_duration_seconds_bucket", "http_requests_in_flight", "tcp_connections_total",
        "tcp_connections_in_flight", "retries_total", "ejections_total", "ejected_endpoints", "circuit_breaker_state", "panic_mode",
        "http_local_responses_total",
    ]

    private struct Place: Hashable, Comparable {
        var namespace: String
        var service: String
        var port: String
        /// Both empty: the Service itself.
        var endpoint = ""
        var zone = ""

        private var order: [String] { [namespace, service, port, endpoint, zone] }
        static func < (a: Self, b: Self) -> Bool { a.order.lexicographicallyPrecedes(b.order) }
    }

    /// Sums over the proxies.
    private struct Sums {
        var requests = 0.0
        var errors = 0.0
        var flows = 0.0
        var retries = 0.0
        var buckets: [Double: Double] = [:]
        var open = 0.0
        var breaker = 0.0
        var ejections = 0.0
        var ejected = 0.0
        var panic = 0.0
        var up: Double?

        /// Of several endpoints.
        static func += (all: inout Sums, one: Sums) {
            all.requests += one.requests
            all.errors += one.errors
            all.flows += one.flows
            all.retries += one.retries
            all.buckets.merge(one.buckets, uniquingKeysWith: +)
            all.open += one.open
            all.ejections += one.ejections
        }

        func row(seconds: Double) -> Row {
            let histogram = buckets.sorted { $0.key < $1.key }
            return Row(
                rate: (requests + flows) / seconds, errorShare: requests > 0 ? errors / requests : nil,
                p50: TrafficFigures.quantile(0.5, histogram), p99: TrafficFigures.quantile(0.99, histogram), openCount: Int(open),
                breaker: Int(breaker), ejections: Int(ejections), retryRate: retries / seconds)
        }
    }

    /// - Parameters:
    ///   - earlier: the scrape with which counters are compared; one that is smaller now began anew.
    ///   - seconds: between the two.
    init(_ earlier: Scrape, _ later: Scrape, seconds: Double) {
        var before: [[String: String]: [String: Double]] = [:]
        for sample in earlier.samples { before[sample.labels, default: [:]][sample.name] = sample.value }
        var sums: [Place: Sums] = [:]
        for sample in later.samples {
            guard let service = sample.labels["service"], let namespace = sample.labels["namespace"], let port = sample.labels["port"]
            else {
                continue
            }
            let place = Place(
                namespace: namespace, service: service, port: port, endpoint: sample.labels["endpoint"] ?? "",
                zone: sample.labels["zone"] ?? "")
            let value = sample.value
            let known = before[sample.labels]?[sample.name] ?? 0
            let grown = value >= known ? value - known : value
            var sum = sums[place] ?? Sums()
            switch sample.name {
            case "http_requests_total":
                sum.requests += grown
                if let code = sample.labels["code"], code == "0" || code.hasPrefix("5") { sum.errors += grown }
            case "http_request_duration_seconds_bucket":
                let bound = sample.labels["le"].flatMap { $0 == "+Inf" ? Double.infinity : Double($0) } ?? .infinity
                sum.buckets[bound, default: 0] += grown
            case "http_requests_in_flight", "tcp_connections_in_flight": sum.open += value
            case "tcp_connections_total": sum.flows += grown
            case "retries_total": sum.retries += grown
            case "ejections_total": sum.ejections += value
            case "ejected_endpoints": sum.ejected = max(sum.ejected, value)
            case "circuit_breaker_state": sum.breaker = max(sum.breaker, value)
            case "panic_mode": sum.panic = max(sum.panic, value)
            case "up": sum.up = max(sum.up ?? 0, value)
            default: break
            }
            sums[place] = sum
        }
        services = Self.services(sums, seconds: max(seconds, 0.001))
    }

    private static func services(_ sums: [Place: Sums], seconds: Double) -> [Service] {
        let groups = Dictionary(grouping: sums) { Place(namespace: $0.key.namespace, service: $0.key.service, port: $0.key.port) }
        return groups.sorted { $0.key < $1.key }.map { place, members in
            var whole = sums[place] ?? Sums()
            var endpoints: [Endpoint] = []
            for (key, sum) in members.sorted(by: { $0.key < $1.key }) where !key.endpoint.isEmpty {
                whole += sum
                // Of one that left the Service only what it did counts.
                guard let up = sum.up else { continue }
                endpoints.append(Endpoint(name: key.endpoint, zone: key.zone, isUp: up > 0, row: sum.row(seconds: seconds)))
            }
            return Service(
                namespace: place.namespace, name: place.service, port: place.port, row: whole.row(seconds: seconds),
                ejectedCount: Int(whole.ejected), isPanicking: whole.panic > 0, endpoints: endpoints)
        }
    }

    /// As PromQL's `histogram_quantile`: in the bucket in which it lies it is taken as evenly spread. Nil where nothing was counted.
    ///
    /// - Parameter buckets: cumulative, by upper bound.
    static func quantile(_ share: Double, _ buckets: [(key: Double, value: Double)]) -> Double? {
        guard let total = buckets.last?.value, total > 0 else { return nil }
        let rank = share * total
        var (below, start) = (0.0, 0.0)
        for (bound, count) in buckets {
            if count >= rank, count > below {
                // Beyond the last bound nothing is known but that.
                return bound == .infinity ? start : start + (bound - start) * (rank - below) / (count - below)
            }
            (below, start) = (count, bound)
        }
        return start
    }
}
