import Formats
import Resources
import Timing
import Traffic

/// One proxy: the real route table, router and attempts, and drivers for what the production proxy does around them.
final class SimulatedProxy {
    unowned let world: World
    let life: Life
    let link: Link
    var router = Router()
    private let services: FollowedObjects
    private let slices: FollowedObjects
    private let policies: FollowedObjects
    /// For the zones of clients; no table waits for them.
    private let nodes: FollowedObjects
    private let lease: Renewal
    private var source = RouteSource()
    private var table: RouteTable? { hasTable ? router.table : nil }
    private var hasTable = false
    private var isTablePlanned = false
    private var isRevisionDue = false
    private var idleReportAt = Instant.zero
    private static let idleReportPeriod: Duration = .seconds(60)
    private var reporter: SimulatedStatusReporter
    private lazy var checker = SimulatedChecker(self)
    /// Requests before the gate of a policy that sheds load.
    private var inLine: [Router.LinePlace: SimulatedExchange] = [:]
    private(set) lazy var inquirer = SimulatedInquirer(self) { [unowned self] in reporter.report() }
    private var exchanges: [Int: SimulatedExchange] = [:]
    private var waiting: Set<Int> = []
    private var readySince: [EndpointAddress: Instant] = [:]
    /// The planted bug: endpoints that failed once too often, until when.
    var ejected: [EndpointAddress: Instant] = [:]

    var name: String { life.name }
    /// Whether it has ever had a table.
    var isRouting: Bool { table != nil }

    init(world: World, life: Life) {
        self.world = world
        self.life = life
        link = Link(world: world, life: life, client: life.name)
        services = FollowedObjects(link, ListRequest(.services))
        slices = FollowedObjects(link, ListRequest(.endpointSlices))
        policies = FollowedObjects(link, ListRequest(.trafficPolicies))
        nodes = FollowedObjects(link, ListRequest(.nodes))
        reporter = SimulatedStatusReporter(link, name: life.name)
        lease = Renewal(
            link, namespace: "steady-system", name: life.name, holder: "\(life.name)-\(world.now.nanoseconds)", period: .seconds(3),
            writer: .proxy)
    }

    func start() {
        reporter.takeReport = { [unowned self] in router.drainReport() }
        reporter.refusals = { [unowned self] in inquirer.refusals }
        services.start(
            onChange: { [unowned self] key, _, new in
                source.set(service: new, namespace: key.namespace, name: key.name)
                planTable()
            }, onSynced: { [unowned self] in planTable() })
        policies.start(
            onChange: { [unowned self] key, _, new in
                source.set(policy: new.map { asPlanted($0) }, namespace: key.namespace, name: key.name)
                planTable()
            }, onSynced: { [unowned self] in planTable() })
        nodes.start(onChange: { [unowned self] key, _, new in
            if source.set(node: new, name: key.name) { planTable() }
        })
        slices.start(
            onChange: { [unowned self] key, _, new in
                source.set(slice: new, namespace: key.namespace, name: key.name)
                isRevisionDue = true
                planTable()
            }, onSynced: { [unowned self] in planTable() })
        slices.onRevision = { [unowned self] _ in
            // What only bookmarks moved is told rarely.
            if !isRevisionDue, world.now < idleReportAt { return }
            isRevisionDue = false
            idleReportAt = world.now + Self.idleReportPeriod
            planTable()
        }
        slices.onDisconnect = { [unowned self] in reporter.serverWasLost() }
        lease.start()
    }

    /// The planted bug: traffic goes back at once, whatever the policy says.
    private func asPlanted(_ policy: Value) -> Value {
        guard world.isPlanted(.failBackAtOnce) else { return policy }
        var policy = policy
        policy["spec"]["failover"]["failBackDelay"] = "0s"
        return policy
    }

    private func planTable() {
        guard !isTablePlanned, services.isSynced, slices.isSynced, policies.isSynced else { return }
        isTablePlanned = true
        world.later(for: life) { [self] in
            isTablePlanned = false
            if let update = source.update() {
                _ = router.apply(update, now: world.now)
                hasTable = true
                checker.follow(router.table)
                tellTurns()
                let ready = readyAddresses
                readySince = Dictionary(uniqueKeysWithValues: ready.map { ($0, readySince[$0] ?? world.now) })
                world.observe(.routesChanged(self))
                for number in waiting.sorted() { exchanges[number]?.tryAgain() }
                waiting = []
            }
            reporter.routes(by: slices.revision)
        }
    }

    /// The proxy's process is gone, and every exchange that it had accepted with it.
    func died() {
        let lost = exchanges.sorted { $0.key < $1.key }.map(\.value)
        exchanges = [:]
        for exchange in lost { exchange.request.failed("proxy died") }
    }

    // MARK: Exchanges

    func carry(_ request: ClientRequest) {
        let exchange = SimulatedExchange(self, request)
        exchanges[request.number] = exchange
        request.carrier = exchange
        exchange.begin()
    }

    func standInLine(_ exchange: SimulatedExchange, _ place: Router.LinePlace, until: Instant, displacing displaced: Router.LinePlace?) {
        inLine[place] = exchange
        world.schedule(at: until, for: life) { [self] in waitedTooLong(at: place) }
        if let displaced { world.later(for: life) { [self] in waitedTooLong(at: displaced) } }
    }

    private func waitedTooLong(at place: Router.LinePlace) {
        guard let exchange = inLine.removeValue(forKey: place) else { return }
        router.leaveLine(place)
        exchange.refuse(ExchangeFailure.overloaded.rawValue)
    }

    /// A request is over: the next in line have their turn.
    func left(_ stay: BackendGate.Stay) {
        if world.isPlanted(.trialForgotten), isOnTrial(router.backend(of: stay)) { return }
        router.left(stay)
        while let next = router.admitNext(after: stay, now: world.now) {
            guard let exchange = inLine.removeValue(forKey: next.place) else {
                router.left(next.stay)
                continue
            }
            world.later(for: life) { exchange.comeIn(next.stay) }
        }
        tellTurns()
    }

    func wait(_ exchange: SimulatedExchange, until: Instant) {
        let number = exchange.request.number
        waiting.insert(number)
        world.schedule(at: until, for: life) { [self] in
            if waiting.remove(number) != nil { exchanges[number]?.tryAgain() }
        }
    }

    func over(_ exchange: SimulatedExchange) {
        exchanges[exchange.request.number] = nil
        if router.isReportDue { reporter.report() }
    }

    func reportIfDue() { if router.isReportDue { reporter.report() } }

    // MARK: For checks

    /// What the policies that it has heard of ask for a port of a Service, whatever a planted bug makes of them. Cost: linear in Services and policies.
    func rules(of backend: RouteTable.BackendName) -> TrafficRules {
        RouteSource(services: services.all, slices: [], policies: policies.all).table().backend(backend)?.rules ?? TrafficRules()
    }

    /// Whether a new request could be sent to the pod's address.
    func routes(to host: UInt32) -> Bool {
        table?.backends.contains { $0.endpoints.contains { $0.address.host == host && $0.standing == .ready } } ?? false
    }

    /// Exchanges that are open at the pod's address.
    func openCount(at host: UInt32) -> Int { exchanges.values.count { $0.endpointHost == host } }

    var openCount: Int { exchanges.count }

    /// Whether its table has called the endpoint ready since then.
    func hasRouted(to address: EndpointAddress, since: Instant) -> Bool { readySince[address].map { $0 <= since } ?? false }

    /// The addresses that take new requests, sorted.
    var readyAddresses: [EndpointAddress] {
        Set(table?.backends.flatMap { $0.endpoints.filter { $0.standing == .ready }.map(\.address) } ?? []).sorted()
    }
}
