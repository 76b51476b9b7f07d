import Measuring
import Resources
import Timing
import Traffic

/// What is counted of one endpoint behind one backend, or of a backend as a whole: plain numbers in places that are known beforehand.
///
/// Who serves a request holds its tallies, so counting looks nothing up, takes no lock and allocates nothing.
final class Tally {
    /// Codes that are told apart; further ones are counted by class, as `5xx`, which `code=~"5.."` finds as well.
    static let codeLimit = 16

    let backend: RouteTable.BackendName
    /// The pod, else the address; empty for the backend as a whole.
    let endpoint: String
    let zone: String
    /// All labels as they print, without braces.
    let labels: String
    private(set) var codes: [(code: Int, count: UInt64)] = []
    /// By the first digit.
    private(set) var furtherCodes = [UInt64](repeating: 0, count: 10)
    private var counters = [UInt64](repeating: 0, count: TrafficCounter.allCases.count)
    private var gauges = [Int](repeating: 0, count: TrafficGauge.allCases.count)
    private(set) var latency = Histogram(bounds: Histogram.trafficBounds)

    /// Since when it has been in no table; nil while it is. Written by `TrafficCounts`.
    var departed: Instant?

    init(_ backend: RouteTable.BackendName, endpoint: String = "", zone: String = "") {
        self.backend = backend
        self.endpoint = endpoint
        self.zone = zone
        labels = Self.labels(backend, endpoint: endpoint, zone: zone)
        codes.reserveCapacity(Self.codeLimit)
    }

    static func labels(_ backend: RouteTable.BackendName, endpoint: String, zone: String) -> String {
        PrometheusText.labels([
            ("namespace", backend.service.namespace), ("service", backend.service.name), ("port", String(backend.port)),
            ("endpoint", endpoint), ("zone", zone),
        ])
    }

    /// Counts an exchange that ended with this status; 0: with none.
    func count(status: Int) {
        for place in codes.indices where codes[place].code == status {
            codes[place].count &+= 1
            return
        }
        if codes.count < Self.codeLimit {
            codes.append((status, 1))
        } else {
            furtherCodes[min(max(status / 100, 0), 9)] &+= 1
        }
    }

    /// Counts how long an exchange took, from its head to the end of its response.
    func took(_ duration: Duration) { latency.record(seconds: duration.inSeconds) }

    func count(_ counter: TrafficCounter) { counters[counter.rawValue] &+= 1 }
    subscript(counter: TrafficCounter) -> UInt64 { counters[counter.rawValue] }
    subscript(gauge: TrafficGauge) -> Int {
        get { gauges[gauge.rawValue] }
        set { gauges[gauge.rawValue] = newValue }
    }

    /// Whether anything is under way that will be counted here.
    var isInUse: Bool { self[.openExchanges] > 0 || self[.openFlows] > 0 }
    var requestCount: UInt64 { codes.reduce(0) { $0 + $1.count } + furtherCodes.reduce(0, +) }
}

/// What is counted of one backend.
final class BackendCounts {
    /// Reasons that are told apart; there are fewer words than that.
    static let reasonLimit = 64

    let name: RouteTable.BackendName
    /// What is the backend's and no endpoint's: answers of the proxy itself, the state of the whole.
    let whole: Tally
    /// Which exchanges are told in the access log; nil: none. Written by `TrafficCounts`.
    var accessLog: TelemetryRules.AccessLog?
    /// The tallies of endpoints that were used since the table changed, by the lowest bits of their index. Written by `TrafficCounts`.
    var recent: [(index: Int, tally: Tally)?] = []
    /// Of the table for which they are right.
    var epoch = -1
    /// Answers that the proxy gave itself, by the word in the response's field.
    private(set) var reasons: [(reason: String, count: UInt64)] = []

    init(_ name: RouteTable.BackendName) {
        self.name = name
        whole = Tally(name)
    }

    /// Counts an exchange or a flow that got no answer of an endpoint.
    func failed(_ reason: String) {
        for place in reasons.indices where reasons[place].reason == reason {
            reasons[place].count &+= 1
            return
        }
        if reasons.count < Self.reasonLimit { reasons.append((reason, 1)) }
    }
}
