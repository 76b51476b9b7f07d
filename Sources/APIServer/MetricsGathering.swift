import Linux
import Measuring
import Timing
import Transport

/// Gathers what the proxies count into the server's own `/metrics`: one address to scrape for the whole instance.
///
/// One gathering is under way at a time, and who asks meanwhile gets what it finds: many scrapers cost no more than one.
final class MetricsGathering {
    /// How long a proxy may take. Scrapers give up after ten seconds; what did not come is left out, and said so.
    static let patience = Duration.seconds(2)
    /// Who waits for one gathering; one more gets the server's own figures.
    static let waiterLimit = 64

    private let http: HTTPClient
    /// Where a role serves, by its name.
    private let socket: (_ role: String) -> SocketAddress
    /// The proxies that there are, as `up` names them.
    var proxies: Set<String> = []
    private var waiters: [(ScrapeMerging, PrometheusText) -> Void] = []

    init(http: HTTPClient, socket: @escaping (_ role: String) -> SocketAddress) {
        self.http = http
        self.socket = socket
    }

    /// Calls `done` once with all that answered, and with what to say of them behind the server's own families.
    func gather(_ done: @escaping (ScrapeMerging, PrometheusText) -> Void) {
        if waiters.count >= Self.waiterLimit { return done(ScrapeMerging(), PrometheusText()) }
        waiters.append(done)
        guard waiters.count == 1 else { return }
        let names = proxies.sorted()
        var texts: [String: [UInt8]] = [:]
        var openCount = names.count
        if names.isEmpty { return finish(names, texts) }
        for name in names {
            http.send(ClientRequest("GET", "/metrics"), to: socket(name), timeout: Self.patience) { [self] result in
                if case .success(let response) = result, response.status == 200 { texts[name] = response.body }
                openCount -= 1
                if openCount == 0 { finish(names, texts) }
            }
        }
    }

    private func finish(_ names: [String], _ texts: [String: [UInt8]]) {
        var merging = ScrapeMerging()
        var answered = GaugeFamily("steady_proxy_up", "1: the proxy told its figures; 0: it did not, and they are missing here.")
        for name in names {
            answered[["proxy": name]] = texts[name] == nil ? 0 : 1
            if let text = texts[name] { merging.add(text, label: ("proxy", name)) }
        }
        var said = PrometheusText()
        said.append(answered)
        let waiting = waiters
        waiters = []
        for waiter in waiting { waiter(merging, said) }
    }
}
