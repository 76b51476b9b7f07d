import Resources
import Timing
import Traffic

/// A request that may be run once only is had by one program.
final class OnceOnly: Check {
    let name = "what may be run once is run once"
    private var reached: Set<Int> = []

    func observe(_ observation: Observation, in world: World) {
        guard case .reached(let request, let process) = observation, !request.isIdempotent, !reached.insert(request.number).inserted,
            (request.carrier?.proxy.rules(of: request.backend) ?? TrafficRules()).retries.notIdempotent == .never
        else { return }
        world.violate(name, "request \(request.number), a \(request.head.method), comes to \(process.name) after another program had it")
    }
}

/// Of a Service's ready endpoints no more are ejected than its policy allows, and the last one never is.
final class EjectionFloor: Check {
    let name = "ejections leave enough"

    func observe(_ observation: Observation, in world: World) {
        guard case .healthTurned(let change, let proxy) = observation, case .ejected = change.turn,
            let report = proxy.router.healthReports.first(where: { $0.backend == change.backend })
        else { return }
        let percent = proxy.rules(of: change.backend).health.passive?.maxEjectionPercent ?? 50
        let count = report.endpoints.count
        let out = report.endpoints.count { $0.standing == .ejected || $0.standing == .onTrial }
        let allowed = count < 2 ? 0 : min(count - 1, max(1, count * percent / 100))
        if out > allowed { world.violate(name, "\(proxy.name) has ejected \(out) of \(count) of \(change.backend), \(allowed) may be") }
    }
}

/// A backend as one proxy knows it.
private struct Seen: Hashable {
    var proxy: ObjectIdentifier
    var backend: RouteTable.BackendName

    init(_ proxy: SimulatedProxy, _ backend: RouteTable.BackendName) {
        self.proxy = ObjectIdentifier(proxy)
        self.backend = backend
    }
}

/// A breaker opens because requests failed, and while it is open nobody comes through who was let in after that.
final class BreakerTurns: Check {
    let name = "a breaker opens for failures, and then lets nobody through"
    /// Ends of requests that are remembered; no rule asks about more.
    private static let memory = 1000

    private struct Known {
        var ends: [(at: Instant, isFailure: Bool)] = []
        var openedAt = Instant.zero
        var openUntil = Instant.zero
        var isFindingOut = false
        var ready: Set<EndpointAddress> = []
    }
    private var known: [Seen: Known] = [:]

    func observe(_ observation: Observation, in world: World) {
        switch observation {
        case .judged(let request, let isFailure, let proxy):
            let seen = Seen(proxy, request.backend)
            known[seen, default: Known()].ends.append((world.now, isFailure))
            if known[seen]?.ends.count ?? 0 > Self.memory * 2 { known[seen]?.ends.removeFirst(Self.memory) }
        case .healthTurned(let change, let proxy):
            let seen = Seen(proxy, change.backend)
            switch change.turn {
            case .circuitOpened(let time): opened(seen, for: time, proxy, world)
            case .circuitOnTrial: findsOut(seen)
            case .circuitClosed:
                known[seen]?.openUntil = .zero
                known[seen]?.isFindingOut = false
            default: break
            }
        case .routesChanged(let proxy):
            for backend in proxy.router.table.backends where backend.rules.breaker != nil {
                let seen = Seen(proxy, backend.name)
                let ready = Set(backend.endpoints.lazy.filter { $0.standing == .ready }.map(\.address))
                // Whoever is new has his chance.
                if !ready.isSubset(of: known[seen]?.ready ?? []), known[seen]?.openUntil ?? .zero > world.now { findsOut(seen) }
                known[seen, default: Known()].ready = ready
            }
        case .routed(let request, let address, let proxy):
            guard let known = known[Seen(proxy, request.backend)], known.openUntil > world.now, let exchange = request.carrier,
                exchange.substitute == nil, exchange.admittedAt > known.openedAt
            else { return }
            world.violate(name, "request \(request.number) goes to \(address) while \(proxy.name)'s breaker of \(request.backend) is open")
        default: break
        }
    }

    private func findsOut(_ seen: Seen) {
        known[seen]?.openUntil = .zero
        known[seen]?.isFindingOut = true
    }

    private func opened(_ seen: Seen, for time: Duration, _ proxy: SimulatedProxy, _ world: World) {
        let rules = proxy.rules(of: seen.backend).breaker ?? BreakerRules()
        let ends = known[seen]?.ends ?? []
        if !isDue(rules, ends, wasFindingOut: known[seen]?.isFindingOut ?? false, world.now) {
            world.violate(
                name, "\(proxy.name)'s breaker of \(seen.backend) opens after \(ends.suffix(20).count { $0.isFailure }) failures of 20")
        }
        known[seen, default: Known()].openedAt = world.now
        known[seen]?.openUntil = world.now + time
        known[seen]?.isFindingOut = false
    }

    private func isDue(_ rules: BreakerRules, _ ends: [(at: Instant, isFailure: Bool)], wasFindingOut: Bool, _ now: Instant) -> Bool {
        if wasFindingOut { return ends.last?.isFailure ?? false }
        let streak = ends.suffix(rules.consecutiveErrors)
        if rules.consecutiveErrors > 0, streak.count == rules.consecutiveErrors, streak.allSatisfy(\.isFailure) { return true }
        var requests = 0
        var failures = 0
        for end in ends.reversed() where now - end.at <= rules.interval {
            requests += 1
            failures += end.isFailure ? 1 : 0
            if rules.failurePercentage > 0, requests >= rules.requestVolume, failures * 100 >= requests * rules.failurePercentage {
                return true
            }
        }
        return false
    }
}

/// Traffic goes back to the best priority no sooner than its policy says, unless nobody else could carry it.
final class FailBackDelay: Check {
    let name = "traffic goes back after its delay"

    /// What the table says of the best priority.
    private struct Known {
        /// The least that it could carry since traffic was led away, or all.
        var least = 1.0
        /// Since when it can carry more than that.
        var betterSince: Instant?
    }
    private var known: [Seen: Known] = [:]
    /// When an endpoint was doubted last, in a way of which the table knows nothing.
    private var doubtedAt: [Seen: Instant] = [:]
    /// When the last ejection of each endpoint is over.
    private var ejectedUntil: [Seen: [EndpointAddress: Instant]] = [:]

    func observe(_ observation: Observation, in world: World) {
        switch observation {
        case .routesChanged(let proxy):
            for backend in proxy.router.table.backends where !backend.rules.balance.groups.isEmpty {
                let seen = Seen(proxy, backend.name)
                let able = capacity(of: backend, best: true)
                if able <= known[seen]?.least ?? 1 {
                    known[seen] = Known(least: able)
                } else if known[seen]?.betterSince == nil {
                    known[seen]?.betterSince = world.now
                }
                if capacity(of: backend, best: false) < 1 { doubtedAt[seen] = world.now }
                // Whoever leaves while he is ejected was missed until now.
                let listed = Set(backend.endpoints.map(\.address))
                for (address, until) in ejectedUntil[seen] ?? [:] where !listed.contains(address) {
                    ejectedUntil[seen]?[address] = nil
                    if until > world.now { doubtedAt[seen] = world.now }
                }
            }
        case .healthTurned(let change, let proxy):
            let seen = Seen(proxy, change.backend)
            doubtedAt[seen] = world.now
            if case .ejected(_, let time) = change.turn, let address = change.endpoint {
                ejectedUntil[seen, default: [:]][address] = world.now + time
            }
        case .refused(let request, let proxy): doubtedAt[Seen(proxy, request.backend)] = world.now
        case .failedOver(let failover, let proxy) where !failover.isFailedOver:
            let seen = Seen(proxy, failover.backend)
            let delay = proxy.rules(of: failover.backend).balance.failover.failBackDelay
            defer { known[seen] = nil }
            // The change of the table by which it went back may not have been seen yet.
            guard let backend = proxy.router.table.backend(failover.backend), let known = known[seen],
                let since = known.betterSince ?? (capacity(of: backend, best: true) > known.least ? world.now : nil),
                world.now - since < delay,
                !lastDoubts(seen, backend, world.now).contains(where: { world.now - $0 <= delay + Router.suspicion + .seconds(1) })
            else { return }
            world.violate(
                name, "\(proxy.name) leads \(failover.backend) back after \((world.now - since).inSeconds) s, \(delay.inSeconds) s are due")
        default: break
        }
    }

    /// Whose ejection is over counts as healthy from then on, said or not; where it stands by, the delay is its own as well.
    private func lastDoubts(_ seen: Seen, _ backend: RouteTable.Backend, _ now: Instant) -> [Instant] {
        let ends = backend.endpoints.compactMap { ejectedUntil[seen]?[$0.address] }.filter { $0 <= now }
        return ends + [doubtedAt[seen] ?? .zero]
    }

    /// How much of all traffic the best priority, or the others, can carry.
    private func capacity(of backend: RouteTable.Backend, best: Bool) -> Double {
        let groups = backend.rules.balance.groups
        func priority(_ endpoint: RouteTable.Endpoint) -> Int { endpoint.group < groups.count ? groups[endpoint.group].priority : 0 }
        let first = groups.map(\.priority).min() ?? 0
        let asked = backend.endpoints.filter { $0.standing != .terminating && (priority($0) == first) == best }
        let ready = asked.count { $0.standing == .ready }
        guard ready > 0 else { return 0 }
        return min(1, Double(ready * 100) / Double(asked.count * (best ? backend.rules.balance.failover.minHealthyPercent : 100)))
    }
}

/// A client that was led to an endpoint is led there again while that serves.
final class KeptSessions: Check {
    let name = "sessions stay where they are"

    func observe(_ observation: Observation, in world: World) {
        guard case .ledAway(let exchange, let token, let proxy) = observation, exchange.attemptCount == 1,
            exchange.attempts.avoided.isEmpty,
            let rules = proxy.router.table.backend(exchange.request.backend)?.rules, let session = rules.balance.session,
            session.absoluteTimeout == nil, session.idleTimeout == nil, rules.limits.endpointConnections == nil,
            proxy.readyAddresses.contains(token.address), let endpoint = proxy.router.endpoint(at: token.address),
            proxy.router.listing(of: endpoint).pod == token.pod, !proxy.router.isSuspected(token.address, now: world.now),
            proxy.router.isUsable(token.address, in: exchange.request.backend)
        else { return }
        world.violate(name, "request \(exchange.request.number) leaves \(token.pod) at \(token.address), which serves")
    }
}
