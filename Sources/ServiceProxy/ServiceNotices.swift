import APIClient
import Formats
import Linux
import Resources
import Timing
import Traffic

/// What the proxy tells the owners of Services: events about ports that cannot be opened, and where a load balancer listens.
final class ServiceNotices {
    static let component = "steady-proxy"

    private let api: any ResourceAPI
    private let host: String
    private let service: (RouteTable.ServiceName) -> Value?
    private var told: Set<RouteTable.Refusal> = []
    private var pacing: [RouteTable.ServiceName: TurnPacing] = [:]
    private var pacingTimer: EventLoop.Timer?
    private var balanced: [RouteTable.ServiceName: Value] = [:]

    /// - Parameters:
    ///   - host: the proxy's name.
    ///   - service: the Service as it was seen last.
    init(api: any ResourceAPI, host: String, service: @escaping (RouteTable.ServiceName) -> Value?) {
        self.api = api
        self.host = host
        self.service = service
    }

    /// A port could not be opened: says why and what helps.
    ///
    /// - Parameter standIn: where pods' connections are led meanwhile.
    func refused(_ route: RouteTable.Route, _ address: SocketAddress, _ error: LinuxError, standIn: String?) {
        let rest = standIn.map { ". Programs in pods reach it all the same (they are led to \($0))" } ?? ""
        tell(route.backend.service, .warning, "PortNotOpened", Self.text(address, error) + rest)
    }

    func recovered(_ route: RouteTable.Route, _ address: SocketAddress) {
        tell(route.backend.service, .normal, "PortOpened", "\(address) is open now")
    }

    /// Ports that the table itself refuses; each is told once, as long as it lasts.
    func refused(_ refusals: [RouteTable.Refusal]) {
        for refusal in refusals where !told.contains(refusal) {
            let text =
                switch refusal.reason {
                case .takenBy(let owner):
                    "port \(refusal.port) is taken by Service \(owner.service): change one of the two ports; the other ports work"
                case .unsupportedProtocol(let name): "port \(refusal.port) is \(name): only TCP is carried; the other ports work"
                }
            tell(refusal.backend.service, .warning, "PortNotRouted", text)
        }
        told = Set(refusals)
        pacing = pacing.filter { service($0.key) != nil }
    }

    /// Another user's program listens where a pod of the Service should.
    func met(_ user: UInt32, at address: EndpointAddress, of service: RouteTable.ServiceName, instead users: ListenerUsers) {
        tell(
            service, .warning, "StrangerAtEndpoint",
            "\(address) is held by a program of user \(user), not of the pod's (\(users.text)): it gets no connection (see: ss -ltnp 'sport = :\(address.port)')"
        )
    }

    /// The health of an endpoint, or of a backend, took a turn.
    func turned(_ change: HealthChange) { pace(HealthNotice(change), of: change.backend.service) }

    /// Traffic of a Service began to go to endpoints of a worse priority, or went back.
    func failedOver(_ failover: Router.Failover) {
        let words =
            if failover.isFailedOver {
                "traffic goes to a worse priority, since \(failover.text)"
            } else if failover.isDropped {
                "the TrafficPolicy that let others answer is gone, or another one now"
            } else {
                "\(failover.text), and have all traffic again"
            }
        let text = "port \(failover.backend.port): \(words)"
        pace(HealthNotice(.failover, of: failover.backend.port, isOver: !failover.isFailedOver, text), of: failover.backend.service)
    }

    /// Others answer for a Service of which no endpoint can; nil: its own endpoints do again.
    func fellBack(_ backend: RouteTable.BackendName, to other: String?) {
        let text =
            other.map { "no endpoint can answer on port \(backend.port): \($0) does, as the TrafficPolicy says" }
            ?? "endpoints answer on port \(backend.port) again"
        pace(HealthNotice(.fallback, of: backend.port, isOver: other == nil, text), of: backend.service)
    }

    private func pace(_ notice: HealthNotice, of name: RouteTable.ServiceName) {
        if pacing[name, default: TurnPacing()].note(notice, now: api.loop.now) { tell(name, notice) } else { planNotices() }
    }

    private func planNotices() {
        pacingTimer?.cancel()
        guard let next = pacing.values.compactMap(\.nextDue).min() else { return }
        pacingTimer = api.loop.schedule(at: next) { [weak self] in self?.tellDue() }
    }

    private func tellDue() {
        for name in pacing.keys.sorted() {
            for notice in pacing[name]?.takeDue(now: api.loop.now) ?? [] { tell(name, notice) }
        }
        planNotices()
    }

    /// Each proxy goes by what it sees itself: it is named, since others may tell the same, or not yet.
    private func tell(_ name: RouteTable.ServiceName, _ notice: HealthNotice) {
        tell(name, notice.severity, notice.reason, "\(notice.text) (as \(host) sees it)")
    }

    /// Writes where a load balancer's ports are reached, where that is not written yet. Only once one of them is open: until then the
    /// address shows as pending.
    func balance(_ services: [RouteTable.ServiceName], at address: IPv4Address, isOpen: (RouteTable.ServiceName) -> Bool) {
        balanced = balanced.filter { services.contains($0.key) }
        for name in services {
            guard let service = service(name), isOpen(name) else { continue }
            let wanted: Value = ["ingress": [["ip": .string("\(address)"), "ipMode": "VIP"]]]
            if service["status"]["loadBalancer"]["ingress"][0]["ip"].string == "\(address)" || balanced[name] == wanted { continue }
            balanced[name] = wanted
            let key = ObjectKey(.services, namespace: name.namespace, name: name.name)
            api.perform(.patch(key, .merge(["status": ["loadBalancer": wanted]]), .status)) { [weak self] result in
                // The next table tries again.
                if case .failure = result { self?.balanced[name] = nil }
            }
        }
    }

    private func tell(_ name: RouteTable.ServiceName, _ severity: Event.Severity, _ reason: String, _ message: String) {
        guard let service = service(name) else { return }
        let event = Event.make(
            about: service, severity, reason: reason, message: message, component: Self.component, host: host, at: Clock.realtime())
        // An event that gets lost harms nobody.
        api.perform(.create(event, type: .events, namespace: name.namespace)) { _ in }
    }

    /// What happened to an address, and the remedies.
    static func text(_ address: SocketAddress, _ error: LinuxError) -> String {
        let port = address.port ?? 0
        switch error.errno {
        case 13:
            return "\(address) cannot be opened: ports below 1024 need a right that this user does not have. Any of these gives it: "
                + "sudo setcap cap_net_bind_service=+ep on the steady program; sudo sysctl net.ipv4.ip_unprivileged_port_start=\(port); "
                + "steady install --system. All other ports work; this one is tried again"
        case 98:
            return "\(address) cannot be opened: another program listens there (see: ss -ltnp 'sport = :\(port)'). "
                + "End it or choose another port; all other ports work, and this one is tried again"
        default:
            return "\(address) cannot be opened: \(error.reason). All other ports work; this one is tried again"
        }
    }
}
