import Measuring
import Resources

/// What the API counts about itself.
struct ServiceMetrics: Sendable {
    private var requests = CounterFamily("steady_api_requests_total", "Requests answered, by verb, resource and HTTP code.")
    private var durations = HistogramFamily("steady_api_request_seconds", "Time from the whole request to its answer, by verb.")
    private var watches = GaugeFamily("steady_api_watches", "Watch streams that are open, by resource.")
    private var events = CounterFamily("steady_api_watch_events_total", "Events sent to watchers, by resource.")
    private var strangers = CounterFamily("steady_api_refused_connections_total", "TCP connections of other users, which got 403.")

    mutating func answered(verb: String, resource: String, code: Int, seconds: Double) {
        requests.add(1, ["verb": verb, "resource": resource, "code": String(code)])
        durations.record(seconds: seconds, ["verb": verb])
    }

    mutating func watchOpened(_ resource: String) { watches.add(1, ["resource": resource]) }
    mutating func watchClosed(_ resource: String) { watches.add(-1, ["resource": resource]) }
    mutating func sentEvent(_ resource: String) { events.add(1, ["resource": resource]) }
    mutating func refusedConnection() { strangers.add() }

    func append(to text: inout PrometheusText) {
        text.append(requests)
        text.append(durations)
        text.append(watches)
        text.append(events)
        text.append(strangers)
    }
}
