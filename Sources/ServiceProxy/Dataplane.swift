import Linux
import Resources
import Timing
import Traffic
import Wire

/// An exchange or flow without an endpoint, waiting for a better moment.
protocol Waiter: AnyObject {
    func tryAgain()
}

/// Who uses a connection to an endpoint.
protocol UpstreamUser: AnyObject {
    func upstreamIsReady(_ upstream: UpstreamConnection)
}

/// Everything that carries traffic, on one loop: the router, the pools, what is open, who waits.
///
/// The table is swapped whole between two events, so that every decision of a turn is made by one table.
final class Dataplane {
    /// Exchanges and flows that may wait for an endpoint at a time; one more is refused at once.
    static let waiterLimit = 4096
    /// How often what took too long is looked for, while anything is open. Limits are met this much late at most.
    static let sweepPeriod = Duration.milliseconds(500)

    /// How many times in a row one connection may receive before others get their turn.
    static let turnLimit = 16

    /// Clients' connections at a time, however many descriptors there are: at about 3 KB each they take 200 MB.
    static let mostConnections = 65_536
    /// At the limit the one that rests longest, of so many that were looked at, makes room.
    private static let sampleSize = 32
    /// Not sooner: who has just connected is about to ask.
    private static let leastRest = Duration.milliseconds(100)

    let loop: EventLoop
    private let connectionLimit: Int
    /// Where the next search for a connection at rest begins.
    private var restCursor = 0
    let connector: UpstreamConnector
    let guardian: StrangerGuard
    /// Written here and in `PolicyPassage.swift`.
    var router: Router
    /// The one buffer that everything received goes through.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: ByteChannel.receiveLimit, alignment: 64)
    let pipes = PipePool()
    /// The memory of what is over, for what comes.
    let spares = SpareBuffers()
    let exchanges = SpareExchanges()
    /// By the endpoint's index.
    private(set) var pools: [UpstreamPool?] = []
    private(set) var open: [any Swept] = []
    /// Who waits, and until when; the timer goes with the entry.
    private var waiters: [UInt64: (waiter: any Waiter, timer: EventLoop.Timer)] = [:]
    private var nextTicket: UInt64 = 0
    /// Who is in line for a backend. Written in `WaitingLine.swift`.
    var inLine: [Router.LinePlace: HTTPConnection] = [:]
    private var sweepTimer: EventLoop.Timer?
    let counts: TrafficCounts
    /// For what requests are marked with.
    var random = SeededRandom(seed: UInt64.random(in: 0 ... .max))
    let accessLog: AccessLog
    /// Called when a drain report has become due; at most once until the report is taken.
    var onReportDue: (() -> Void)?
    /// Called when an endpoint or a backend's breaker changes what it is thought of.
    var onHealthChange: ((HealthChange) -> Void)?
    /// Tallies whose gauges tell of health.
    var shownHealth: [Tally] = []
    private(set) lazy var checker = ActiveChecker(plane: self)
    /// Told when another than a backend's own endpoints begins to answer for it; nil: they do again.
    var onFallback: ((RouteTable.BackendName, String?) -> Void)?
    private var isReportAnnounced = false
    /// Called when a backend's traffic began to go to a worse priority, or went back.
    var onFailover: (Router.Failover) -> Void = { _ in }

    /// - Parameters:
    ///   - connectionLimit: clients' connections at a time.
    ///   - accessLog: the file that policies have requests told in; nil: nothing is told.
    ///   - sessionKey: nil for one that only this process has.
    init(
        loop: EventLoop, sources: [IPv4Address] = [], connectionLimit: Int = Dataplane.mostConnections, accessLog: String? = nil,
        sessionKey: SessionKey? = nil
    ) {
        self.accessLog = AccessLog(loop: loop, path: accessLog)
        self.connectionLimit = connectionLimit
        self.loop = loop
        connector = UpstreamConnector(loop: loop, spares: spares, sources: sources)
        router = Router(seed: UInt64.random(in: 0 ... .max), sessionKey: sessionKey)
        counts = TrafficCounts()
        guardian = StrangerGuard(counts: counts)
    }

    deinit {
        sweepTimer?.cancel()
        for pool in pools { pool?.closeAll() }
        scratch.deallocate()
    }

    var openConnectionCount: Int { open.count }
    /// Bytes that wait in memory, in both directions of everything open.
    var bufferedByteCount: Int { open.reduce(0) { $0 + $1.bufferedByteCount } }

    // MARK: - The table

    /// Puts an update in force; idle connections to withdrawn endpoints are closed, who waits tries again.
    func apply(_ update: RouteUpdate) {
        closePools(of: router.apply(update, now: loop.now))
        counts.follow(update, now: loop.now)
        announceReport()
        tellHealthChanges()
        tellFailovers()
        // It looks at every backend: not where nobody is checked.
        if router.watchesHealth || checker.isWatching { checker.follow(router.table) }
        for ticket in waiters.keys.sorted() { stopWaiting(ticket)?.tryAgain() }
    }

    /// An agent saw a process at this address end, see `Router.ended`.
    func ended(host: UInt32) { closePools(of: router.ended(host: host, now: loop.now)) }

    /// Nobody accepts there: others are preferred for a while, nothing idle to it is alive.
    func avoid(_ address: EndpointAddress) {
        if let endpoint = router.refused(at: address, now: loop.now) { closePools(of: [endpoint]) }
    }

    private func closePools(of endpoints: [EndpointID]) {
        for endpoint in endpoints where pools.indices.contains(endpoint.index) {
            pools[endpoint.index]?.closeAll()
            pools[endpoint.index] = nil
        }
    }

    /// What a status tells, see `Router.drainReport`: AFTER this nothing it leaves out is used.
    func drainReport() -> [Router.Draining] {
        isReportAnnounced = false
        return router.drainReport()
    }

    private func announceReport() {
        guard router.isReportDue, !isReportAnnounced, let onReportDue else { return }
        isReportAnnounced = true
        onReportDue()
    }

    // MARK: - Endpoints for exchanges and flows

    /// Chooses an endpoint and gets a connection to it, from the pool or a new one.
    func acquire(_ need: Need, _ kind: RouteTable.Carriage, _ attempts: inout ExchangeAttempts) -> Acquired {
        while true {
            let choice: Router.Choice
            var announced: ClientOrigin?
            let backend = backend(of: need)
            if let backend {
                choice = router.choose(
                    backend, client: need.client, avoiding: attempts.avoided, as: kind, stay: need.stay, now: loop.now)
                if router.protocolRules(backend).sendsProxyHeader { announced = need.origin }
                if router.hasFailovers { tellFailovers() }
            } else {
                choice = .noBackend
            }
            tellHealthChanges()
            if let failure = refusal(choice, need) { return .fail(failure) }
            guard case .endpoint(let endpoint) = choice else {
                switch attempts.foundNone(choice, now: loop.now) {
                case .choose: continue
                case .wait(let until): return .wait(until: until)
                case .fail(let failure): return .fail(choice == .full ? .tooManyConnections : failure)
                }
            }
            let address = router.address(of: endpoint)
            let tally = counts.tally(endpoint, at: address, of: need.counts, now: loop.now)
            if let pooled = need.pooled, !attempts.wantsFreshConnection, pools.indices.contains(endpoint.index),
                let connection = pools[endpoint.index]?.take(now: loop.now, isRepeatable: pooled == .repeatable, announced: announced)
            {
                connection.serve(kind, tally)
                return .connection(connection)
            }
            keepConnectionLimit(endpoint, need)
            if guardian.isStranger(at: address, for: router.users(of: endpoint)) {
                router.finished(endpoint, kind)
                router.refused(endpoint, now: loop.now)
                _ = attempts.refused(by: endpoint, now: loop.now)
                continue
            }
            do throws(LinuxError) {
                let channel = try connector.connect(to: address)
                let connection = UpstreamConnection(channel: channel, endpoint: endpoint)
                connection.serve(kind, tally)
                connection.begin(backend.map { router.timeouts($0) } ?? TimeoutRules(), loop)
                connection.announced = announced
                if let announced { ProxyHeader(announced.ends).serialize(into: &channel.output) }
                return .connection(connection)
            } catch {
                router.finished(endpoint, kind)
                if Sockets.isShortage(error) || Sockets.isSourceExhausted(error) {
                    // Our own want, not the endpoint's fault: wait for something to be closed.
                    counts.shortageCount += 1
                    switch attempts.foundNone(.allAvoided, now: loop.now) {
                    case .choose: continue
                    case .wait(let until): return .wait(until: until)
                    case .fail(let failure): return .fail(failure)
                    }
                }
                tally.count(.connectFailures)
                router.refused(endpoint, now: loop.now)
                note(.failed, at: endpoint, of: need, began: loop.now)
                _ = attempts.refused(by: endpoint, now: loop.now)
            }
        }
    }

    /// What came of a connect that `acquire` began: nil when it is established.
    func connectResult(_ upstream: UpstreamConnection) -> LinuxError? {
        let address = router.address(of: upstream.endpoint)
        if let failure = upstream.channel.failure { return failure }
        if UpstreamConnector.isConnectedToItself(upstream.channel, address) {
            return LinuxError(errno: 111, operation: "connect to \(address): nobody listens, the connection met itself")
        }
        guard guardian.leadsHome(upstream.channel.fd, to: address, for: router.users(of: upstream.endpoint)) else {
            return LinuxError(errno: 111, operation: "connect to \(address): who listens there is not the pod")
        }
        upstream.connectDeadline = .never
        router.answered(upstream.endpoint)
        return nil
    }

    /// Nobody accepted: the connection is closed and given back, others are preferred for a while.
    func refused(_ upstream: UpstreamConnection, _ kind: RouteTable.Carriage, _ need: Need, _ attempts: inout ExchangeAttempts) {
        upstream.tally?.count(.connectFailures)
        router.refused(upstream.endpoint, now: loop.now)
        note(.failed, at: upstream.endpoint, of: need, began: upstream.connectBegan)
        _ = attempts.refused(by: upstream.endpoint, now: loop.now)
        finished(upstream, kind, isReusable: false)
    }

    /// Gives a connection back that `acquire` gave: its exchange or flow is over.
    func finished(_ upstream: UpstreamConnection, _ kind: RouteTable.Carriage, isReusable: Bool) {
        let endpoint = upstream.endpoint
        upstream.serve(kind, nil)
        if isReusable && router.isReady(endpoint) && upstream.retiresAt > loop.now {
            while pools.count <= endpoint.index { pools.append(nil) }
            let pool = pools[endpoint.index] ?? UpstreamPool()
            pools[endpoint.index] = pool
            upstream.channel.giveRoomBack()
            pool.rest(upstream, now: loop.now)
        } else {
            upstream.close()
        }
        router.finished(endpoint, kind)
        announceReport()
    }

    /// An exchange went over to another protocol: from here it is a flow.
    func becameFlow(_ upstream: UpstreamConnection) {
        upstream.serve(.flows, upstream.tally)
        router.becameFlow(upstream.endpoint)
        announceReport()
    }

    // MARK: - Waiting

    /// Calls `tryAgain` at the time, or earlier when a table comes; nil when too many wait already.
    func wait(_ waiter: any Waiter, until: Instant) -> UInt64? {
        guard waiters.count < Self.waiterLimit else { return nil }
        nextTicket += 1
        let ticket = nextTicket
        waiters[ticket] = (waiter, loop.schedule(at: until) { [weak self] in self?.stopWaiting(ticket)?.tryAgain() })
        return ticket
    }

    /// Who waited, if it still did.
    @discardableResult
    func stopWaiting(_ ticket: UInt64) -> (any Waiter)? {
        guard let entry = waiters.removeValue(forKey: ticket) else { return nil }
        entry.timer.cancel()
        return entry.waiter
    }

    // MARK: - What is open

    func opened(_ connection: any Swept) {
        connection.place = open.count
        open.append(connection)
        planSweep()
    }

    /// AFTER this nothing here keeps it alive.
    func closed(_ connection: any Swept) {
        let place = connection.place
        guard place >= 0, open[place] === connection else { return }
        connection.place = -1
        let last = open.removeLast()
        if last !== connection {
            open[place] = last
            last.place = place
        }
        finishIfEmpty()
    }

    /// Whether one more connection of a client may be taken. At the limit one that rests is closed for it, so that who only holds connections keeps
    /// nobody out; false when none of those that were looked at rests.
    func makeRoom() -> Bool {
        if open.count < connectionLimit { return true }
        var oldest: (connection: any Closable, since: Instant)?
        for _ in 0..<Self.sampleSize {
            restCursor = restCursor + 1 < open.count ? restCursor + 1 : 0
            guard let connection = open[restCursor] as? any Closable, let since = connection.restsSince,
                since + Self.leastRest <= loop.now
            else { continue }
            if since < oldest?.since ?? .never { oldest = (connection, since) }
        }
        oldest?.connection.closeNow()
        return oldest != nil
    }

    private func planSweep() {
        guard sweepTimer == nil else { return }
        // Not weak: what was ever referred to weakly costs more to hold ever after. The timer goes with the dataplane.
        sweepTimer = loop.schedule(after: Self.sweepPeriod) { [unowned self] in sweep(now: loop.now) }
    }

    /// Ends what took too long by this time.
    func sweep(now: Instant) {
        sweepTimer?.cancel()
        sweepTimer = nil
        // A copy: what is swept may close itself.
        for connection in open { connection.sweep(now: now) }
        var restingCount = 0
        for pool in pools {
            pool?.closeOld(now: now)
            restingCount += pool?.resting.count ?? 0
        }
        // With nothing open the loop sleeps until somebody comes.
        if !open.isEmpty || restingCount > 0 { planSweep() }
    }

    // MARK: - The end

    /// Whether connections of clients end with the response under way.
    private(set) var isFinishing = false
    /// Whether responses tell their clients to come back on another connection.
    private(set) var isRetiring = false
    private var onFinished: (() -> Void)?
    private var cutOff: EventLoop.Timer?

    /// For how long connections at rest stay open while the proxy ends: a request that is on its way is still answered, and its client told
    /// to connect anew.
    static let restGrace = Duration.seconds(1)

    /// Lets clients go as their responses tell them to, and connections at rest when their time is over; then calls `done`. Nothing is cut off
    /// before the limit.
    func retire(within limit: Duration, _ done: @escaping () -> Void) {
        isRetiring = true
        onFinished = done
        cutOff = planCutOff(after: limit)
        finishIfEmpty()
    }

    /// Lets exchanges finish, ends connections at rest, then calls `done`. What takes longer than `limit`, flows above all, is cut off.
    func finish(within limit: Duration, _ done: @escaping () -> Void) {
        isFinishing = true
        onFinished = done
        cutOff?.cancel()
        loop.schedule(after: min(Self.restGrace, limit)) { [weak self] in
            for connection in self?.open ?? [] { (connection as? any Closable)?.closeIfResting() }
        }
        cutOff = planCutOff(after: limit)
        finishIfEmpty()
    }

    private func planCutOff(after limit: Duration) -> EventLoop.Timer {
        loop.schedule(after: limit) { [weak self] in
            guard let self, onFinished != nil else { return }
            closeAll()
            finishIfEmpty()
        }
    }

    private func finishIfEmpty() {
        guard open.isEmpty, let onFinished else { return }
        self.onFinished = nil
        loop.later(onFinished)
    }

    /// Closes everything at once.
    func closeAll() {
        checker.stop()
        for connection in open { (connection as? any Closable)?.closeNow() }
        for pool in pools { pool?.closeAll() }
        pools = []
        for ticket in waiters.keys.sorted() { stopWaiting(ticket) }
    }
}
