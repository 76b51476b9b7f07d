import APIClient
import Linux
import Measuring
import Resources
import Timing
import Traffic

/// The service proxy on a loop: follows routes, carries traffic, reports what it routes by. The role adds the process around it.
package final class ServiceProxyLoop {
    /// How long the proxy's lease is believed, and how often it is renewed. While a dead proxy's lease lasts, drains wait for it.
    static let leaseDuration = Duration.seconds(10)
    static let leasePeriod = Duration.seconds(3)
    static let leaseNamespace = "steady-system"

    /// How long nothing is accepted for want of an answer to the first status: a drain that does not know of this proxy is better than no proxy.
    static let firstStatusLimit = Duration.seconds(1)

    private let loop: EventLoop
    private let configuration: ProxyConfiguration
    let plane: Dataplane
    private let entrances: Entrances
    private let nameServer: NameServer
    private let follower: RouteFollower
    private let reporter: StatusReporter
    private let notices: ServiceNotices
    private let inquirer: NodeInquirer
    private let lease: LeaseRenewal
    /// Nil before the first.
    private var table: RouteTable? { hasTable ? plane.router.table : nil }
    private var hasTable = false
    /// What the last status says.
    private var toldRefusals: [NodeInquiry.Refusal] = []
    /// Called once it routes: the first table is in force, and its entrances are open.
    package var onReady: () -> Void = {}
    private var isReady = false
    private var firstStatusTimer: EventLoop.Timer?
    private let api: any ResourceAPI

    package init(
        loop: EventLoop, configuration: ProxyConfiguration, api: any ResourceAPI, store: any DescriptorStore, sessionKey: SessionKey? = nil
    ) {
        self.loop = loop
        self.configuration = configuration
        self.api = api
        let files = Int(clamping: Limits.raiseOpenFiles())
        let plane = Dataplane(
            loop: loop, sources: configuration.sources,
            // Each client's connection may need one to an endpoint.
            connectionLimit: min(Dataplane.mostConnections, files / 2),
            accessLog: configuration.directory.accessLog(configuration.name), sessionKey: sessionKey)
        plane.pipes.limit = min(PipePool.limit, files / PipePool.shareOfDescriptors / 2)
        self.plane = plane
        entrances = Entrances(plane: plane, exposed: configuration.exposed, store: store)
        let addresses = InstanceAddresses(block: configuration.block)
        let follower = RouteFollower(api: api, addresses: addresses)
        self.follower = follower
        let own = SocketAddress.ipv4(IPv4Address(bits: addresses.nameServer), port: InstanceAddresses.nameServerPort)
        nameServer = NameServer(
            loop: loop, address: own, store: store, forwarding: NameForwarding(loop: loop, own: own),
            resolve: { follower.answer($0, turn: $1) })
        for name in [NameServer.datagramName, NameServer.streamName] {
            if let kept = entrances.release(name) { nameServer.take(kept, named: name) }
        }
        inquirer = NodeInquirer(plane: plane)
        reporter = StatusReporter(api: api, name: configuration.name) { plane.drainReport() }
        notices = ServiceNotices(api: api, host: configuration.name) { follower.service($0) }
        lease = LeaseRenewal(
            api: api, namespace: Self.leaseNamespace, name: configuration.name, holder: "\(configuration.name)-\(Processes.current)",
            duration: Self.leaseDuration, period: Self.leasePeriod)
    }

    /// Begins to follow routes and to carry traffic.
    package func start() {
        plane.onReportDue = { [unowned self] in reporter.report() }
        plane.onFallback = { [unowned self] in notices.fellBack($0, to: $1) }
        reporter.refusals = { [unowned self] in
            toldRefusals = inquirer.refusals
            return toldRefusals
        }
        reporter.onWritten = { [unowned self] in accept() }
        inquirer.onChange = { [unowned self] in tellRefusals() }
        entrances.onRefusal = { [unowned self] in notices.refused($0, $1, $2, standIn: entrances.standIn($0.entrance)) }
        entrances.onRecovery = { [unowned self] route, address, wasTold in
            if wasTold { notices.recovered(route, address) }
            announceBalancers()
        }
        plane.onHealthChange = { [unowned self] in notices.turned($0) }
        plane.onFailover = { [unowned self] in notices.failedOver($0) }
        plane.guardian.onStranger = { [unowned self] address, user, users in
            guard let backend = table?.backends.first(where: { $0.endpoints.contains { $0.address == address } }) else { return }
            notices.met(user, at: address, of: backend.name.service, instead: users)
        }
        follower.onUpdate = { [unowned self] in take($0, $1) }
        follower.onDisconnect = { [unowned self] in reporter.serverWasLost() }
        follower.start()
        lease.start()
    }

    /// Puts an update in force, then says so: the order that a drain relies on.
    private func take(_ update: RouteUpdate?, _ revision: Revision) {
        if let update {
            hasTable = true
            plane.apply(update)
            plane.guardian.keep(plane.router.table)
            // Where only endpoints are other, entrances and names are as they were.
            if case .table(let table) = update {
                if isReady { entrances.apply(table.routes) }
                notices.refused(table.refusals)
            }
        }
        reporter.routes(by: revision)
        if isReady { return announceBalancers() }
        if firstStatusTimer == nil {
            firstStatusTimer = loop.schedule(after: Self.firstStatusLimit) { [weak self] in self?.accept() }
        }
    }

    /// Opens the entrances of the first table, AFTER the server knows that this proxy routes by it: a drain waits for whom it knows.
    private func accept() {
        guard !isReady, let table else { return }
        isReady = true
        firstStatusTimer?.cancel()
        entrances.apply(table.routes)
        nameServer.open()
        announceBalancers()
        onReady()
    }

    /// What another proxy beside this one has opened.
    package func take(shared descriptor: Int32, named name: String) {
        if NameServer.isName(name) { nameServer.take(descriptor, named: name) } else { entrances.take(shared: descriptor, named: name) }
    }

    /// An agent saw a process of the pod at this address end: others are preferred from now on, until the table says more.
    package func ended(address: String) { if let host = EndpointAddress.host(address) { plane.ended(host: host) } }

    /// `up` misses the agents of these nodes; by node, all of them each time, none while there is no `up`.
    package func absent(_ nodes: [String: String]) { inquirer.absent(nodes) }

    private func tellRefusals() {
        if inquirer.refusals != toldRefusals { reporter.report() }
    }

    private func announceBalancers() {
        // Who accepts says where.
        guard entrances.isAccepting, let table, !table.loadBalanced.isEmpty else { return }
        notices.balance(table.loadBalanced, at: configuration.announced) { service in
            table.routes.contains {
                $0.backend.service == service && $0.entrance.place == .exposed && $0.entrance.port == $0.backend.port
                    && entrances.isOpen($0.entrance)
            }
        }
    }

    /// Where it listens, for tests.
    package var openAddresses: [String] { entrances.openAddresses }
    package var openConnectionCount: Int { plane.openConnectionCount }

    /// Counters and histograms in Prometheus' text format.
    package var metrics: String {
        plane.showHealth()
        return TrafficText.text(
            plane.counts, openConnectionCount: plane.openConnectionCount, accessLog: plane.accessLog.counts, now: loop.now
        ) { [plane, loop] backend, address in
            !plane.router.isSuspected(address, now: loop.now) && plane.router.isUsable(address, in: backend)
        } + nameServer.metrics
    }

    /// The table in force: first the revisions that it knows, then one line a route.
    package var tableText: String {
        guard let table else { return "no table yet\n" }
        var text = follower.known.map { "\($0.kind) \($0.revision)" }.joined(separator: ", ") + "\n"
        for route in table.routes {
            text += "\(entrances.address(route.entrance)) -> \(route.backend)\(openness(of: route.entrance))\n"
            for endpoint in table.backends.first(where: { $0.name == route.backend })?.endpoints ?? [] {
                let isSuspected = plane.router.isSuspected(endpoint.address, now: loop.now)
                text += "    \(endpoint.address) \(endpoint.standing)\(isSuspected ? ", others preferred" : "")\n"
            }
        }
        return text
    }

    private func openness(of entrance: RouteTable.Entrance) -> String {
        if entrances.isOpen(entrance) { return "" }
        return entrances.standIn(entrance).map { " (for pods alone, which are led to \($0))" } ?? " (not open)"
    }

    /// Accepts nothing more and serves what is open until it is over, with every table that comes meanwhile; then takes its status and its lease
    /// away, so that no drain waits for it, and calls `done`. Others accept on the same listeners.
    package func retire(within limit: Duration, _ done: @escaping () -> Void) {
        entrances.stopAccepting()
        nameServer.stop()
        plane.retire(within: limit) { [self] in
            follower.stop()
            inquirer.stop()
            reporter.stop()
            lease.stop()
            let lease = ObjectKey(.leases, namespace: Self.leaseNamespace, name: configuration.name)
            api.perform(.delete(ObjectKey(.proxyStatuses, name: configuration.name), DeleteOptions())) { [self] _ in
                api.perform(.delete(lease, DeleteOptions())) { [self] _ in
                    // Last: a disk that hangs keeps this process, and no drain.
                    plane.accessLog.close()
                    done()
                }
            }
        }
    }

    /// Accepts nothing more, lets open exchanges finish, then calls `done`; what takes longer than `limit` is cut off. Listeners stay in
    /// the descriptor store: what waits in their backlogs is served by the next process.
    package func finish(within limit: Duration, _ done: @escaping () -> Void) {
        entrances.stopAccepting()
        nameServer.stop()
        plane.finish(within: limit) { [self] in
            plane.accessLog.close()
            follower.stop()
            inquirer.stop()
            reporter.stop()
            lease.stop()
            done()
        }
    }

    /// Ends everything at once.
    package func close() {
        follower.stop()
        inquirer.stop()
        reporter.stop()
        lease.stop()
        plane.closeAll()
        plane.accessLog.close()
        entrances.closeAll()
        nameServer.close()
    }
}
