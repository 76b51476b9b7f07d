import Measuring
import Resources

/// What the API counts about itself.
struct ServiceMetrics: Sendable {
    private var requests = CounterFamily("steady_api_requests_total", "Requests answered, by verb, resource and HTTP code.")
    private var durations = HistogramFamily("steady_api_request_seconds", "Time from the whole request to its answer, by verb.")
    private var watches = GaugeFamily("steady_api_watches", "Watch streams that are open, by resource.")
    private var events = CounterFamily("steady_api_watch_events_total", "Events sent to watchers, by resource.")
    private var strangers = CounterFamily("steady_api_refused_connections_total", "TCP connections of other users, which got 403.")

    /// What was answered since the families were last brought up to date: to find one of a few series here costs a tenth of making its labels.
    private var answers: [Answers] = []

    private struct Answers: Sendable {
        var verb: String
        var resource: String
        var code: Int
        var count: UInt64 = 0
    }

    /// A search through more would cost what it spares.
    private static let answersLimit = 32

    mutating func answered(verb: String, resource: String, code: Int, seconds: Double) {
        durations.record(seconds: seconds, labels(of: verb))
        if let at = answers.firstIndex(where: { $0.code == code && $0.resource == resource && $0.verb == verb }) {
            answers[at].count += 1
            return
        }
        if answers.count >= Self.answersLimit { settle() }
        answers.append(Answers(verb: verb, resource: resource, code: code, count: 1))
    }

    private var verbs: [(verb: String, labels: Labels)] = []

    private mutating func labels(of verb: String) -> Labels {
        if let known = verbs.first(where: { $0.verb == verb }) { return known.labels }
        let labels: Labels = ["verb": verb]
        // A client may invent any number of methods.
        if verbs.count < Self.answersLimit { verbs.append((verb, labels)) }
        return labels
    }

    private mutating func settle() {
        for answer in answers {
            requests.add(answer.count, ["verb": answer.verb, "resource": answer.resource, "code": String(answer.code)])
        }
        answers.removeAll(keepingCapacity: true)
    }

    mutating func watchOpened(_ resource: String) { watches.add(1, ["resource": resource]) }
    mutating func watchClosed(_ resource: String) { watches.add(-1, ["resource": resource]) }
    mutating func sentEvent(_ resource: String) { events.add(1, ["resource": resource]) }
    mutating func refusedConnection() { strangers.add() }

    mutating func append(to text: inout PrometheusText) {
        settle()
        text.append(requests)
        text.append(durations)
        text.append(watches)
        text.append(events)
        text.append(strangers)
    }
}
