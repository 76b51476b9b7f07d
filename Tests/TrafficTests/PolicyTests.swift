import Formats
import Resources
import Testing
import Timing
import Wire

@testable import Traffic

private let name = RouteTable.BackendName(.init("default", "web"), port: 80)

private func address(_ last: UInt32) -> EndpointAddress { EndpointAddress(host: 0x7F40_0000 + last, port: 8080) }

private func table(_ endpoints: ClosedRange<UInt32>, _ rules: TrafficRules) -> RouteTable {
    var table = RouteTable()
    table.backends = [.init(name: name, carriage: .exchanges, endpoints: endpoints.map { .init(address($0), .ready) }, rules: rules)]
    return table
}

private func request(_ target: String = "/", _ fields: [(String, String)] = []) -> RequestHead {
    RequestHead(method: "GET", target: target, headers: HTTPHeaders(fields))
}

extension Router {
    fileprivate mutating func stay(_ head: RequestHead = request(), client: UInt32 = 1, now: Instant = .zero) -> BackendGate.Stay? {
        if case .stay(let stay)? = backend(name).map({ admit($0, head, client: client, now: now) }) { stay } else { nil }
    }

    fileprivate mutating func refusal(_ head: RequestHead = request(), client: UInt32 = 1, now: Instant = .zero) -> BackendGate.Refusal? {
        if case .refused(let refusal)? = backend(name).map({ admit($0, head, client: client, now: now) }) { refusal } else { nil }
    }

    /// The last octet of the endpoint that was chosen; it stays open when `isKept`.
    fileprivate mutating func pick(_ head: RequestHead = request(), client: UInt32 = 1, isKept: Bool = false, now: Instant = .zero)
        -> UInt32?
    {
        guard let stay = stay(head, client: client, now: now), let backend = backend(name),
            case .endpoint(let id) = choose(backend, client: client, avoiding: [], stay: stay, now: now)
        else { return nil }
        if !isKept {
            finished(id, .exchanges)
            left(stay)
        }
        return address(of: id).host & 255
    }
}

@Suite struct `A policy's balancing` {
    private func rules(_ balancing: TrafficRules.Balancing) -> TrafficRules {
        var rules = TrafficRules()
        rules.balancing = balancing
        return rules
    }

    @Test func `roundRobin goes round, whatever is open where`() {
        var router = Router()
        _ = router.swap(table(1...3, rules(.roundRobin)))
        #expect((0..<2).map { _ in router.pick() } == [1, 2])
        #expect((0..<4).map { _ in router.pick(isKept: true) } == [3, 1, 2, 3])
    }

    @Test func `roundRobin passes over who refused a connection lately, unless there is nobody else`() {
        var router = Router()
        _ = router.swap(table(1...2, rules(.roundRobin)))
        router.refused(EndpointID(index: 0), now: .zero)
        #expect((0..<3).map { _ in router.pick() } == [2, 2, 2])
        router.refused(EndpointID(index: 1), now: .zero)
        #expect(router.pick() != nil)
    }

    @Test func `random spreads, and the same seed draws the same`() {
        func picks(seed: UInt64) -> [UInt32?] {
            var router = Router(seed: seed)
            _ = router.swap(table(1...4, rules(.random)))
            return (0..<400).map { _ in router.pick() }
        }
        let counts = Dictionary(grouping: picks(seed: 7).compactMap { $0 }) { $0 }.mapValues(\.count)
        #expect(counts.count == 4 && counts.values.allSatisfy { $0 > 60 })
        #expect(picks(seed: 7) == picks(seed: 7))
        #expect(picks(seed: 7) != picks(seed: 8))
    }

    @Test(arguments: [TrafficRules.HashKey.header("X-User"), .cookie("id")])
    func `consistentHash sends the same key to the same endpoint, and moves only the share of one that goes`(key: TrafficRules.HashKey) {
        func head(_ user: Int) -> RequestHead { request("/", [("X-User", "\(user)"), ("Cookie", "a=1; id=\(user); idx=9")]) }
        var router = Router()
        _ = router.swap(table(1...5, rules(.consistentHash(key))))
        let before = (0..<500).map { router.pick(head($0)) }
        #expect((0..<500).map { router.pick(head($0)) } == before)
        #expect(Set(before) == [1, 2, 3, 4, 5])
        _ = router.swap(table(1...4, rules(.consistentHash(key))))
        let after = (0..<500).map { router.pick(head($0)) }
        #expect(zip(before, after).allSatisfy { $0 == $1 || $0 == 5 })
    }

    @Test func `consistentHash by source address tells clients apart, also where a header is missing`() {
        for key in [TrafficRules.HashKey.sourceIP, .header("X-User"), .cookie("id")] {
            var router = Router()
            _ = router.swap(table(1...5, rules(.consistentHash(key))))
            let picks = (0..<100).map { router.pick(client: $0) }
            #expect(Set(picks).count == 5)
            #expect((0..<100).map { router.pick(client: $0) } == picks)
        }
    }

    @Test func `consistentHash loads nobody with more than a quarter above the average`() {
        var router = Router()
        _ = router.swap(table(1...4, rules(.consistentHash(.sourceIP))))
        let picks = (0..<100).compactMap { _ in router.pick(client: 7, isKept: true) }
        let counts = Dictionary(grouping: picks) { $0 }.mapValues(\.count)
        #expect(picks.count == 100)
        #expect(counts.values.max()! <= 32 && counts.count == 4)
    }
}

@Suite struct `A policy's limits` {
    private func limited(_ rateLimits: [RateLimitRule]) -> Router {
        var rules = TrafficRules()
        rules.rateLimits = rateLimits
        var router = Router()
        _ = router.swap(table(1...1, rules))
        return router
    }

    @Test func `a rate is held: a burst, then as many as the time brings back`() {
        var router = limited([RateLimitRule(requests: 3, period: .seconds(3))])
        #expect((0..<3).allSatisfy { _ in router.stay() != nil })
        #expect(
            router.refusal() == .rateLimited(RateQuota(limit: 3, period: .seconds(3), remaining: 0, reset: .seconds(1))))
        #expect(router.refusal(now: .zero + .milliseconds(999)) != nil)
        #expect(router.stay(now: .zero + .seconds(1)) != nil)
        #expect(router.refusal(now: .zero + .seconds(1)) != nil)
    }

    @Test func `a table that changes nothing of the limits leaves what is left of them`() {
        let rule = RateLimitRule(requests: 1, period: .seconds(60))
        var router = limited([rule])
        #expect(router.stay() != nil)
        var rules = TrafficRules()
        rules.rateLimits = [rule]
        rules.balancing = .roundRobin
        _ = router.swap(table(1...3, rules))
        #expect(router.refusal() != nil)
        rules.rateLimits = []
        _ = router.swap(table(1...3, rules))
        #expect(router.stay() != nil)
    }

    @Test func `each client, or value of a header, has a limit of its own where the rule says Distinct`() {
        var source = RateLimitRule.Selector()
        source.source = .init(AddressRange("0.0.0.0/0")!, isDistinct: true)
        var router = limited([RateLimitRule(selectors: [source], requests: 1, period: .seconds(60))])
        #expect(router.stay(client: 1) != nil && router.stay(client: 2) != nil)
        #expect(router.refusal(client: 1) != nil)

        var header = RateLimitRule.Selector()
        header.headers = [.init("X-Key", value: nil)]
        router = limited([RateLimitRule(selectors: [header], requests: 1, period: .seconds(60))])
        #expect(router.stay(request("/", [("x-key", "a")])) != nil && router.stay(request("/", [("X-Key", "b")])) != nil)
        #expect(router.refusal(request("/", [("X-Key", "a")])) != nil)
        #expect(router.stay() != nil, "without the header the rule selects nothing")
    }

    @Test(arguments: [("/api", true), ("/api/x", true), ("/api?y", true), ("/apis", false), ("/", false)])
    func `a path prefix selects whole elements`(target: String, isSelected: Bool) {
        var path = RateLimitRule.Selector()
        path.path = .prefix("/api")
        var router = limited([RateLimitRule(selectors: [path], requests: 1, period: .seconds(60))])
        _ = router.stay(request(target))
        #expect((router.refusal(request(target)) != nil) == isSelected)
    }

    @Test func `who is refused by one rule takes nothing from the others`() {
        var path = RateLimitRule.Selector()
        path.path = .exact("/rare")
        var router = limited([
            RateLimitRule(requests: 2, period: .seconds(60)), RateLimitRule(selectors: [path], requests: 1, period: .seconds(60)),
        ])
        #expect(router.stay(request("/rare")) != nil)
        #expect((0..<5).allSatisfy { _ in router.refusal(request("/rare")) != nil })
        #expect(router.stay(request("/other")) != nil)
    }

    @Test func `a client that calls himself something else each time uses up no memory, and harms nobody who is known`() {
        var header = RateLimitRule.Selector()
        header.headers = [.init("X-Key", value: nil)]
        var limiter = RateLimiter([RateLimitRule(selectors: [header], requests: 5, period: .seconds(60))])
        for index in 0..<(RateLimiter.bucketLimit + 1000) {
            _ = limiter.admit(request("/", [("X-Key", "\(index)")]), client: 1, now: .zero)
        }
        #expect(limiter.bucketCount <= RateLimiter.bucketLimit + 1)
        func isLetIn(_ key: String, now: Instant = .zero) -> Bool {
            if case .passes = limiter.admit(request("/", [("X-Key", key)]), client: 1, now: now) { true } else { false }
        }
        #expect(isLetIn("7"))
        #expect(!isLetIn("new"))
        #expect(isLetIn("new", now: .zero + .seconds(61)))
    }

    @Test func `whom to forget is looked for now and then, not for each client that finds no room`() {
        var header = RateLimitRule.Selector()
        header.headers = [.init("X-Key", value: nil)]
        var limiter = RateLimiter([RateLimitRule(selectors: [header], requests: 10, period: .seconds(1))])
        func ask(_ key: String, at now: Instant) { _ = limiter.admit(request("/", [("X-Key", key)]), client: 1, now: now) }
        for index in 0...RateLimiter.bucketLimit { ask("\(index)", at: .zero) }
        ask("soon", at: .zero + .milliseconds(500))
        #expect(limiter.bucketCount == RateLimiter.bucketLimit + 1, "all could be forgotten, but nobody looked")
        ask("later", at: .zero + RateLimiter.prunePeriod)
        #expect(limiter.bucketCount == 1)
    }

    @Test func `as many requests are under way as the policy allows, and each that ends makes room`() {
        var rules = TrafficRules()
        rules.limits.parallelRequests = 2
        var router = Router()
        _ = router.swap(table(1...1, rules))
        let first = router.stay()
        #expect(router.stay() != nil)
        #expect(router.refusal() == .tooManyParallel)
        router.left(first!)
        #expect(router.stay() != nil)
        #expect(router.refusal() == .tooManyParallel)
    }

    @Test func `as many wait for an endpoint as the policy allows`() {
        var rules = TrafficRules()
        rules.limits.pendingRequests = 1
        var router = Router()
        _ = router.swap(table(1...1, rules))
        var (first, second) = (router.stay()!, router.stay()!)
        #expect(router.mayWait(&first) == true)
        #expect(router.mayWait(&first) == true, "who waits already is counted once")
        #expect(router.mayWait(&second) == false)
        router.stopsWaiting(&first)
        #expect(router.mayWait(&second) == true)
        router.left(second)
        #expect(router.mayWait(&first) == true)
    }

    @Test func `a stay whose service was deleted and made anew counts nowhere`() {
        var rules = TrafficRules()
        rules.limits.parallelRequests = 1
        var router = Router()
        _ = router.swap(table(1...1, rules))
        let stale = router.stay()!
        _ = router.swap(RouteTable())
        _ = router.swap(table(1...1, rules))
        let fresh = router.stay()!
        router.left(stale)
        #expect(router.refusal() == .tooManyParallel)
        router.left(fresh)
        #expect(router.stay() != nil)
    }
}

@Suite struct `A budget of repeats` {
    @Test func `a request's repeats are those of the policy under which it was let in`() {
        var rules = TrafficRules()
        rules.retries.limit = 2
        rules.retries.hedging = .init(delay: .milliseconds(5), percentile: nil)
        var router = Router()
        _ = router.swap(table(1...2, rules))
        guard var stay = router.stay() else { return _ = Issue.record("it is not let in") }
        rules.retries.limit = 0
        rules.retries.hedging = nil
        _ = router.swap(table(1...2, rules))
        #expect(router.hedgeDelay(stay) == .milliseconds(5))
        #expect((0..<5).filter { _ in router.mayRepeat(&stay, now: .zero) }.count == 2)
        guard var next = router.stay() else { return _ = Issue.record("it is not let in") }
        #expect(router.hedgeDelay(next) == nil && !router.mayRepeat(&next, now: .zero))
    }

    @Test func `one request is repeated as often as the policy says`() {
        for limit in [0, 1, 3] {
            var rules = TrafficRules()
            rules.retries.limit = limit
            var router = Router()
            _ = router.swap(table(1...1, rules))
            var stay = router.stay()!
            #expect((0..<5).filter { _ in router.mayRepeat(&stay, now: .zero) }.count == limit)
        }
    }

    @Test func `where everything fails, repeats stay a fifth of the requests`() {
        var rules = TrafficRules()
        rules.retries.minPerSecond = 0
        var router = Router()
        _ = router.swap(table(1...1, rules))
        var repeatCount = 0
        for index in 0..<1000 {
            let now = Instant.zero + .milliseconds(index * 5)
            var stay = router.stay(now: now)!
            if router.mayRepeat(&stay, now: now) { repeatCount += 1 }
            router.left(stay)
        }
        #expect((190...200).contains(repeatCount))
    }

    /// Requests a second, all of which fail, and repeats in ten seconds by what a policy allows if it says nothing.
    @Test(arguments: [(5, 50), (10, 100), (20, 100), (50, 100), (100, 200), (1000, 2000)])
    func `as many repeats as a policy allows in any case, below the rate at which the share is more`(rate: Int, expected: Int) {
        var router = Router()
        _ = router.swap(table(1...1, TrafficRules()))
        var repeatCount = 0
        for index in 0..<rate * 10 {
            let now = Instant.zero + .microseconds(index * 1_000_000 / rate)
            var stay = router.stay(now: now)!
            if router.mayRepeat(&stay, now: now) { repeatCount += 1 }
            router.left(stay)
        }
        #expect((expected - expected / 50...expected).contains(repeatCount))
    }

    @Test func `few requests may all be repeated, and after ten seconds what was spent is forgotten`() {
        var budget = RetryBudget()
        let granted = (0..<200).filter { _ in
            guard budget.mayRepeat(percent: 20, minPerSecond: 10, now: .zero) else { return false }
            budget.noteRepeat(now: .zero)
            return true
        }
        #expect(granted.count == 100)
        #expect(budget.mayRepeat(percent: 20, minPerSecond: 10, now: .zero + .seconds(9)) == false)
        #expect(budget.mayRepeat(percent: 20, minPerSecond: 10, now: .zero + .seconds(10)) == true)
    }

    @Test func `as many repeats are under way as the policy allows`() {
        var rules = TrafficRules()
        rules.limits.parallelRetries = 1
        var router = Router()
        _ = router.swap(table(1...1, rules))
        var (first, second) = (router.stay()!, router.stay()!)
        #expect(router.mayRepeat(&first, now: .zero) == true)
        #expect(router.mayRepeat(&second, now: .zero) == false)
        router.left(first)
        #expect(router.mayRepeat(&second, now: .zero) == true)
    }
}

@Suite struct `Faults on purpose` {
    @Test(arguments: [(0.0, 0...0), (25.0, 200...300), (100.0, 1000...1000)])
    func `strike the share of the requests that the policy names`(percentage: Double, expected: ClosedRange<Int>) {
        var rules = TrafficRules()
        rules.faults.abort = .init(status: 418, percentage: percentage)
        rules.faults.delay = .init(duration: .seconds(1), percentage: percentage)
        var router = Router(seed: 1)
        _ = router.swap(table(1...1, rules))
        let backend = router.backend(name)!
        let faults = (0..<1000).map { _ in router.fault(backend) }
        #expect(expected.contains(faults.filter { $0.abort == 418 }.count))
        #expect(expected.contains(faults.filter { $0.delay == .seconds(1) }.count))
    }
}

@Suite struct `Policies in the route table` {
    private func policy(_ name: String, _ targets: [Value], made: String, type: String) -> Value {
        [
            "metadata": ["name": .string(name), "namespace": "default", "creationTimestamp": .string(made)],
            "spec": ["targetRefs": .array(targets), "loadBalancer": ["type": .string(type)]],
        ]
    }

    private func balancing(_ policies: [Value]) -> [UInt16: TrafficRules.Balancing] {
        let service: Value = [
            "metadata": ["name": "web", "namespace": "default"],
            "spec": ["clusterIP": "127.32.0.1", "ports": [["name": "http", "port": 80], ["name": "http-admin", "port": 81]]],
        ]
        let table = RouteSource(services: [service], slices: [], policies: policies).table()
        return Dictionary(uniqueKeysWithValues: table.backends.map { ($0.name.port, $0.rules.balancing) })
    }

    @Test func `what names a port goes before what names the whole Service, and the oldest before the others`() {
        let all: Value = ["kind": "Service", "name": "web"]
        let admin: Value = ["kind": "Service", "name": "web", "sectionName": "http-admin"]
        let old = policy("z", [all], made: "2026-01-01T00:00:00Z", type: "Random")
        let new = policy("a", [all], made: "2026-01-02T00:00:00Z", type: "RoundRobin")
        let port = policy("b", [admin], made: "2026-01-03T00:00:00Z", type: "RoundRobin")
        let other = policy("c", [["kind": "Service", "name": "elsewhere"]], made: "2026-01-01T00:00:00Z", type: "RoundRobin")
        #expect(balancing([]) == [80: .leastRequest, 81: .leastRequest])
        #expect(balancing([new, old, other]) == [80: .random, 81: .random])
        #expect(balancing([new, port, old]) == [80: .random, 81: .roundRobin])
    }
}
