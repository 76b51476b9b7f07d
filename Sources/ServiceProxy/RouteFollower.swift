import APIClient
import Formats
import Resources
import Timing
import Traffic
import Wire

/// Keeps the table in force equal to what the API says about Services, EndpointSlices and TrafficPolicies.
///
/// All changes that come in one turn of the loop make one update. While the server is away the last table stays.
final class RouteFollower {
    private let api: any ResourceAPI
    private let services: ObjectCache
    private let slices: ObjectCache
    private let policies: ObjectCache
    /// For the zones of clients; no table waits for them.
    private let nodes: ObjectCache
    /// No table waits for it: until it is there the body is empty.
    private let bodies: BodyFollower
    private var isPolicyOther = false
    private var source = RouteSource()
    private var names: ClusterNames
    private var isPlanned = false
    private var isStopped = false
    /// How long the first table waits for policies: a server of an older version does not know the kind.
    private static let policyPatience = Duration.seconds(1)
    private var goesWithoutPolicies = false
    /// A revision is to be reported when it is reached: of a change, for in a listing changes come first and the revision last; and of a listing
    /// after a loss, for a server that was restarted counts withdrawals from what it found stored, even if no slice has changed.
    private var isRevisionDue = false
    private var lastReport = Instant.zero
    private let idleReportPeriod: Duration
    /// An update is to be put in force, nil where only the revision moved; the revision of EndpointSlices that it knows.
    var onUpdate: (RouteUpdate?, Revision) -> Void = { _, _ in }
    /// The server was lost: what is kept only in its memory may be gone when it is back.
    var onDisconnect: () -> Void = {}

    /// - Parameter idleReportPeriod: how often a revision is told that only time moved. Nodes give an address out again once every proxy has told of
    ///   a revision behind its withdrawal: where no slice changes any more, this is what lets them.
    init(api: any ResourceAPI, addresses: InstanceAddresses = InstanceAddresses(block: 0), idleReportPeriod: Duration = .seconds(60)) {
        self.api = api
        names = ClusterNames(addresses)
        self.idleReportPeriod = idleReportPeriod
        services = ObjectCache(api: api, list: ListRequest(.services))
        slices = ObjectCache(api: api, list: ListRequest(.endpointSlices))
        policies = ObjectCache(api: api, list: ListRequest(.trafficPolicies))
        nodes = ObjectCache(api: api, list: ListRequest(.nodes))
        bodies = BodyFollower(api: api)
    }

    func start() {
        services.start(
            onChange: { [unowned self] key, _, new in
                source.set(service: new, namespace: key.namespace, name: key.name)
                names.set(service: new, namespace: key.namespace, name: key.name)
                plan()
            }, onSynced: { [unowned self] in plan() })
        api.loop.schedule(after: Self.policyPatience) { [weak self] in
            guard let self, !policies.isSynced else { return }
            goesWithoutPolicies = true
            plan()
        }
        policies.start(
            onChange: { [unowned self] key, _, new in
                source.set(policy: new, namespace: key.namespace, name: key.name)
                isPolicyOther = true
                plan()
            }, onSynced: { [unowned self] in plan() })
        bodies.onChange = { [unowned self] name, new in
            source.set(configMap: new, namespace: name.namespace, name: name.name)
            plan()
        }
        nodes.start(
            onChange: { [unowned self] key, _, new in
                if source.set(node: new, name: key.name) { plan() }
            }, onSynced: {})
        slices.start(
            onChange: { [unowned self] key, _, new in
                source.set(slice: new, namespace: key.namespace, name: key.name)
                names.set(slice: new, namespace: key.namespace, name: key.name)
                isRevisionDue = true
                plan()
            }, onSynced: { [unowned self] in plan() })
        slices.onRevision = { [unowned self] _ in
            // A revision that only time moved (bookmarks) is told rarely: each report is a write that moves it again.
            guard isRevisionDue || api.loop.now - lastReport >= idleReportPeriod else { return }
            isRevisionDue = false
            lastReport = api.loop.now
            plan()
        }
        slices.onDisconnect = { [unowned self] _ in
            isRevisionDue = true
            onDisconnect()
        }
    }

    func stop() {
        isStopped = true
        services.stop()
        policies.stop()
        bodies.stop()
        nodes.stop()
        slices.stop()
    }

    var isSynced: Bool { services.isSynced && slices.isSynced && (policies.isSynced || goesWithoutPolicies) }

    /// Up to which revision each kind is known; what came in this turn of the loop is in force at its end.
    var known: [(kind: String, revision: Revision)] {
        [("services", services.revision), ("endpointslices", slices.revision), ("trafficpolicies", policies.revision)]
    }

    /// The Service as it was seen last; nil when it is gone.
    func service(_ name: RouteTable.ServiceName) -> Value? { services[name.namespace, name.name] }

    /// What is to be done about a question, by what was seen last.
    func answer(_ query: DNSMessage, turn: Int) -> NameAnswer { names.answer(query, turn: turn) }

    private func plan() {
        // Half a view would close listeners that are wanted: the first table waits for all lists.
        guard !isPlanned, isSynced else { return }
        isPlanned = true
        api.loop.later { [weak self] in
            // What was planned before the end would follow further objects after it.
            guard let self, !isStopped else { return }
            if isPolicyOther { bodies.follow(source.bodySources) }
            isPolicyOther = false
            isPlanned = false
            onUpdate(source.update(), slices.revision)
        }
    }
}
