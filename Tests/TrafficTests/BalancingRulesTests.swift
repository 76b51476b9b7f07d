import Resources
import Testing
import Timing
import Wire

@testable import Traffic

private let name = RouteTable.BackendName(.init("default", "web"), port: 80)

/// An endpoint, told by the last octet of its address.
private struct Place {
    var last: UInt32
    var zone = ""
    var node = ""
    var group = 0
    var standing = RouteTable.Standing.ready

    init(_ last: UInt32, zone: String = "", node: String = "", group: Int = 0, _ standing: RouteTable.Standing = .ready) {
        self.last = last
        self.zone = zone
        self.node = node
        self.group = group
        self.standing = standing
    }
}

/// A router with one backend, and clients of zones a (10.0.0.*), b (10.0.1.*) and c, each with one node of the same name.
private final class Scene {
    var router = Router(seed: 7)
    var rules = TrafficRules()
    var distribution = RouteTable.Distribution.anywhere
    var now = Instant.zero

    func put(_ places: [Place]) {
        var table = RouteTable()
        let endpoints = places.map {
            RouteTable.Endpoint(
                EndpointAddress(host: 0x7F40_0000 + $0.last, port: 8080), $0.standing, node: $0.node, zone: $0.zone, pod: "web-\($0.last)",
                group: $0.group)
        }
        table.backends = [
            .init(name: name, carriage: .exchanges, endpoints: endpoints, distribution: distribution, rules: rules)
        ]
        table.clients = zip(0..., ["a", "b", "c"]).map { index, zone in
            ClientRange(AddressRange(10 << 24 | UInt32(index) << 8, prefixLength: 24), node: "node-\(zone)", zone: zone)
        }
        _ = router.swap(table, now: now)
    }

    static func client(_ zone: String, _ last: UInt32 = 9) -> UInt32 {
        10 << 24 | UInt32(["a", "b", "c"].firstIndex(of: zone)!) << 8 | last
    }

    func id(client: UInt32, _ head: RequestHead = RequestHead(method: "GET", target: "/"), avoiding: [EndpointID] = [])
        -> EndpointID?
    {
        guard case .stay(var stay)? = router.backend(name).map({ router.admit($0, head, client: client, now: now) }) else { return nil }
        let time = Timestamp(nanosecondsSince1970: 1_000_000_000_000) + (now - .zero)
        router.recall(&stay, head, time: { time })
        defer { router.left(stay) }
        guard case .endpoint(let id) = router.choose(router.backend(name)!, client: client, avoiding: avoiding, stay: stay, now: now) else {
            return nil
        }
        return id
    }

    func last(_ id: EndpointID) -> UInt32 { router.address(of: id).host & 255 }

    /// How many of so many requests, one after the other, each endpoint got.
    func counts(_ count: Int, client: UInt32 = 1) -> [UInt32: Int] {
        var counts: [UInt32: Int] = [:]
        for _ in 0..<count {
            guard let id = id(client: client) else { continue }
            counts[last(id), default: 0] += 1
            router.finished(id, .exchanges)
        }
        return counts
    }
}

extension TrafficRules {
    fileprivate static func with(_ change: (inout TrafficRules) -> Void) -> TrafficRules {
        var rules = TrafficRules()
        change(&rules)
        return rules
    }
}

private func labels(_ key: String, _ value: String) -> LabelSelector { LabelSelector([.init(key, .in, [value])]) }

@Suite struct `Turns by weight` {
    @Test func `are exact over time, and as even as they can be`() {
        var turns = WeightedTurns<String>()
        let picks = (0..<7).map { _ in ["a", "b", "c"][turns.next([("a", 5), ("b", 1), ("c", 1)])!] }
        #expect(picks.joined() == "aabacaa")
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `are never as far from what is due as there are groups, and exact after each whole round`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let weights = (0..<Int.random(in: 1...6, using: &random)).map { (key: $0, weight: Double(Int.random(in: 0...9, using: &random))) }
        let total = weights.reduce(0) { $0 + $1.weight }
        var turns = WeightedTurns<Int>()
        var counts = [Double](repeating: 0, count: weights.count)
        for round in 1...300 {
            guard let turn = turns.next(weights) else {
                #expect(total == 0)
                return
            }
            counts[turn] += 1
            for (key, weight) in weights { #expect(abs(counts[key] - weight / total * Double(round)) < Double(weights.count)) }
            if round % Int(total) == 0 { #expect(weights.allSatisfy { counts[$0.key] == $0.weight * Double(round) / total }) }
        }
        for (key, weight) in weights where weight == 0 { #expect(counts[key] == 0) }
    }

    @Test func `forget who has left`() {
        var turns = WeightedTurns<Int>()
        for round in 0..<1000 { _ = turns.next([(round, 1), (round + 1, 1)]) }
        #expect(turns.next([(5000, 1)]) == 0)
    }
}

@Suite struct `Weights` {
    @Test func `give each group its share, however many pods it has`() {
        let scene = Scene()
        scene.rules.balance.groups = [.init(labels("track", "canary"), weight: 10), .init(.everything, weight: 90)]
        scene.put([Place(1, group: 0), Place(2, group: 1), Place(3, group: 1), Place(4, group: 1)])
        let counts = scene.counts(1000)
        #expect(counts[1] == 100)
        #expect((2...4).allSatisfy { (250...350).contains(counts[$0] ?? 0) })
        scene.put([Place(1, group: 0), Place(5, group: 0), Place(2, group: 1)])
        let moved = scene.counts(1000)
        #expect(moved[2] == 900 && moved[1]! + moved[5]! == 100)
    }

    @Test func `of a group that has nobody go to the others, and nothing goes to a group of weight 0`() {
        let scene = Scene()
        scene.rules.balance.groups = [.init(labels("track", "canary"), weight: 10), .init(labels("track", "off"), weight: 0)]
        scene.put([Place(1, group: 0, .withheld), Place(2, group: 1), Place(3, group: 2)])
        #expect(scene.counts(100) == [3: 100])
        scene.put([Place(2, group: 1)])
        #expect(scene.counts(10) == [:])
    }

    @Test func `keep a key of a hash in its group while endpoints come and go`() {
        let scene = Scene()
        scene.rules.balancing = .consistentHash(.header("X-User"))
        scene.rules.balance.groups = [.init(labels("track", "canary"), weight: 20), .init(.everything, weight: 80)]
        func picks() -> [UInt32] {
            (0..<1000).map { user in
                let id = scene.id(client: 1, RequestHead(method: "GET", target: "/", headers: HTTPHeaders([("X-User", "\(user)")])))!
                scene.router.finished(id, .exchanges)
                return scene.last(id)
            }
        }
        scene.put([Place(1, group: 0), Place(2, group: 0), Place(3, group: 1), Place(4, group: 1), Place(5, group: 1)])
        let before = picks()
        #expect((150...250).contains(before.count { $0 <= 2 }))
        scene.put([Place(1, group: 0), Place(2, group: 0), Place(3, group: 1), Place(4, group: 1)])
        let after = picks()
        #expect(zip(before, after).allSatisfy { $0 == $1 || $0 == 5 && $1 > 2 })
    }
}

@Suite struct `A hash that stays` {
    /// The share of keys that move when the number of endpoints goes from one to the other: what no balancing can avoid, and hardly more.
    @Test(arguments: [(10, 11), (11, 10), (5, 6), (50, 51), (3, 2)])
    func `moves hardly more keys than it must`(before: Int, after: Int) {
        let scene = Scene()
        scene.rules.balancing = .consistentHash(.header("X-Key"))
        func picks(_ count: Int) -> [UInt32] {
            scene.put((1...UInt32(count)).map { Place($0) })
            return (0..<2000).map { key in
                let id = scene.id(client: 1, RequestHead(method: "GET", target: "/", headers: HTTPHeaders([("X-Key", "key \(key)")])))!
                scene.router.finished(id, .exchanges)
                return scene.last(id)
            }
        }
        let first = picks(before)
        let second = picks(after)
        let moved = zip(first, second).count { $0 != $1 }
        let least = 2000 * abs(before - after) / max(before, after)
        #expect(moved <= least * 5 / 4 + 20)
        #expect(moved >= least / 2)
    }
}

@Suite struct `Priorities and fail-back` {
    /// Healthy ones and all of two priorities, and how much of the traffic, in percent, goes to each.
    @Test(arguments: [
        ((4, 4), (2, 2), [100, 0]), ((3, 4), (2, 2), [100, 0]), ((2, 4), (2, 2), [71, 29]), ((1, 4), (2, 2), [36, 64]),
        ((0, 4), (2, 2), [0, 100]), ((0, 4), (0, 2), [0, 0]), ((1, 4), (0, 2), [100, 0]), ((0, 0), (1, 2), [0, 100]),
        ((1, 10), (1, 10), [50, 50]),
    ])
    func `a worse priority gets what the better one cannot carry`(best: (Int, Int), backup: (Int, Int), expected: [Int]) {
        var priorities = Priorities()
        let standings = [best, backup].map { Priorities.Standing(healthy: $0.0, total: $0.1) }
        let shares = priorities.shares(standings, FailoverRules(), now: .zero)
        #expect(shares.map { Int(($0 * 100).rounded()) } == expected)
    }

    @Test func `loss counts at once, recovery after the delay, and from the beginning when it breaks off`() {
        var priorities = Priorities()
        let rules = FailoverRules(failBackDelay: .seconds(30))
        func best(_ healthy: Int, at second: Int64, backup: Int = 1) -> Double {
            let standings = [(healthy, 1), (backup, 1)].map { Priorities.Standing(healthy: $0.0, total: $0.1) }
            return priorities.shares(standings, rules, now: .zero + .seconds(second))[0]
        }
        #expect(best(1, at: 0) == 1)
        #expect(best(0, at: 10) == 0)
        #expect(best(1, at: 20) == 0)
        #expect(best(1, at: 49) == 0)
        #expect(best(0, at: 49) == 0)
        #expect(best(1, at: 50) == 0)
        #expect(best(1, at: 79) == 0)
        #expect(best(1, at: 79, backup: 0) == 1, "nobody else can carry it")
        #expect(best(1, at: 80) == 1)
        #expect(priorities.failoverCount == 1 && !priorities.isFailedOver)
    }

    @Test func `backup endpoints get nothing until the others are gone, and who fails over is told once`() {
        let scene = Scene()
        scene.rules.balance.groups = [.init(labels("role", "backup"), priority: 1)]
        scene.put([Place(1, group: 1), Place(2, group: 1), Place(3, group: 0)])
        #expect(Set(scene.counts(100).keys) == [1, 2])
        scene.put([Place(1, group: 1, .withheld), Place(2, group: 1, .withheld), Place(3, group: 0)])
        #expect(scene.counts(100) == [3: 100])
        #expect(scene.router.takeFailovers().map(\.text) == ["0 of 2 endpoints of the best priority are healthy"])
        scene.put([Place(1, group: 1), Place(2, group: 1), Place(3, group: 0)])
        #expect(scene.counts(10)[3] == nil)
        #expect(scene.router.takeFailovers().map(\.isFailedOver) == [false])
        #expect(scene.router.failovers(of: scene.router.backend(name)!) == (1, false))
    }

    @Test func `a failover ends with its policy, and the same policy later begins afresh`() {
        let scene = Scene()
        var rules = TrafficRules()
        rules.balance.groups = [.init(labels("role", "backup"), priority: 1)]
        rules.balance.failover.failBackDelay = .seconds(60)
        scene.rules = rules
        scene.put([Place(1, group: 1, .withheld), Place(3, group: 0)])
        #expect(scene.counts(10) == [3: 10])
        #expect(scene.router.takeFailovers().map(\.isFailedOver) == [true])
        scene.rules = TrafficRules()
        scene.put([Place(1), Place(3)])
        #expect(scene.router.takeFailovers().map(\.isDropped) == [true])
        scene.rules = rules
        scene.put([Place(1, group: 1), Place(3, group: 0)])
        #expect(scene.counts(10) == [1: 10])
        #expect(scene.router.takeFailovers().isEmpty)
        // Other weights leave it as it is, other priorities do not.
        scene.put([Place(1, group: 1, .withheld), Place(3, group: 0)])
        #expect(scene.counts(10) == [3: 10])
        scene.rules.balance.groups[0].weight = 5
        scene.put([Place(1, group: 1), Place(3, group: 0)])
        #expect(scene.counts(10) == [3: 10], "who is back waits out the delay")
        scene.rules.balance.groups[0].priority = 2
        scene.put([Place(1, group: 1), Place(3, group: 0)])
        #expect(scene.counts(10) == [1: 10])
    }

    @Test func `weight 0 for all who are ready is a reason of its own, at once where no pod could have one`() {
        let scene = Scene()
        func choose() -> Router.Choice { scene.router.choose(scene.router.backend(name)!, client: 1, avoiding: [], now: scene.now) }
        func isUsable(_ last: UInt32) -> Bool { scene.router.isUsable(EndpointAddress(host: 0x7F40_0000 + last, port: 8080), in: name) }
        scene.rules.balance.groups = [.init(.everything, weight: 0)]
        scene.put([Place(1)])
        #expect(choose() == .noWeight(isFinal: true))
        #expect(!isUsable(1))
        scene.rules.balance.groups = [.init(labels("role", "canary"), weight: 0)]
        scene.put([Place(1), Place(2, group: 1, .withheld)])
        #expect(choose() == .noWeight(isFinal: false))
        scene.put([Place(1), Place(2, group: 1)])
        #expect(scene.counts(4) == [2: 4])
        #expect(!isUsable(1) && isUsable(2))
        var attempts = ExchangeAttempts(isIdempotent: true)
        #expect(attempts.foundNone(.noWeight(isFinal: true), now: .zero) == .fail(.noWeight))
        #expect(attempts.foundNone(.noWeight(isFinal: false), now: .zero) == .wait(until: .zero + ExchangeAttempts.firstPause))
        #expect(attempts.foundNone(.noWeight(isFinal: false), now: .zero + ExchangeAttempts.waitLimit) == .fail(.noWeight))
    }

    @Test func `who has no weight is no reason to take out who has, and gets nothing in its place`() {
        let scene = Scene()
        scene.rules.balance.groups = [.init(labels("track", "canary"), weight: 0), .init(.everything, weight: 100)]
        scene.rules.health = HealthRules(passive: PassiveHealth())
        scene.put([Place(1, group: 0), Place(2, group: 1)])
        let backend = scene.router.backend(name)!
        let weighted = scene.router.endpoint(at: EndpointAddress(host: 0x7F40_0000 + 2, port: 8080))!
        for _ in 0..<10 { scene.router.note(.failed, at: weighted, of: backend, began: scene.now, now: scene.now) }
        #expect(scene.counts(4) == [2: 4])
        // Another one with weight does better.
        scene.put([Place(1, group: 0), Place(2, group: 1), Place(3, group: 1)])
        for _ in 0..<10 { scene.router.note(.failed, at: weighted, of: backend, began: scene.now, now: scene.now) }
        #expect(scene.counts(4) == [3: 4])
        scene.put([Place(1, group: 0, .terminating)])
        #expect(scene.router.choose(backend, client: 1, avoiding: [], now: scene.now) == .noneReady)
    }

    @Test func `where no group has priority 0, nothing has failed over until the best that there is fails`() {
        let scene = Scene()
        scene.rules.balance.groups = [.init(labels("role", "main"), priority: 1), .init(labels("role", "backup"), priority: 2)]
        scene.put([Place(1, group: 0), Place(2, group: 1)])
        #expect(scene.counts(10) == [1: 10])
        #expect(scene.router.takeFailovers().isEmpty)
        scene.put([Place(1, group: 0, .withheld), Place(2, group: 1)])
        #expect(scene.counts(10) == [2: 10])
        #expect(scene.router.takeFailovers().map(\.text) == ["0 of 1 endpoints of the best priority are healthy"])
        // Pods that no group selects are of priority 0, and missed when they are gone.
        scene.put([Place(1, group: 0), Place(2, group: 1), Place(3, group: 2)])
        #expect(scene.counts(10) == [3: 10])
        scene.put([Place(1, group: 0), Place(2, group: 1)])
        #expect(scene.counts(10) == [1: 10])
        #expect(scene.router.takeFailovers().map(\.isFailedOver) == [false, true])
        // Nobody is without a group where the last one takes everybody.
        scene.rules.balance.groups[1] = .init(.everything, priority: 2)
        scene.put([Place(1, group: 0), Place(2, group: 1)])
        #expect(scene.counts(10) == [1: 10])
        #expect(scene.router.takeFailovers().map(\.isFailedOver) == [false])
    }

    @Test func `a request that avoids the best endpoint goes to the backup alone, without failing all others over`() {
        let scene = Scene()
        scene.rules.balance.groups = [.init(labels("role", "backup"), priority: 1)]
        scene.rules.balance.failover.failBackDelay = .seconds(60)
        scene.put([Place(1, group: 1), Place(3, group: 0)])
        let id = scene.id(client: 1, avoiding: [EndpointID(index: 0)])
        #expect(id.map(scene.last) == 3)
        #expect(scene.counts(20) == [1: 20])
    }

    @Test func `the only best endpoint that refused a connection leaves its traffic to the backup`() {
        let scene = Scene()
        scene.rules.balance.groups = [.init(labels("role", "backup"), priority: 1)]
        scene.put([Place(1, group: 1), Place(3, group: 0)])
        scene.router.refused(EndpointID(index: 0), now: .zero)
        #expect(scene.counts(20) == [3: 20])
        scene.now = .zero + Router.suspicion
        #expect(scene.counts(20) == [1: 20])
    }
}

@Suite struct `Zones` {
    private let two = [Place(1, zone: "a", node: "node-a"), Place(2, zone: "a", node: "node-a"), Place(3, zone: "b"), Place(4, zone: "b")]

    @Test func `clients keep to their zone, and who is no pod goes anywhere`() {
        let scene = Scene()
        scene.distribution = .sameZone
        scene.put(two)
        #expect(Set(scene.counts(100, client: Scene.client("a")).keys) == [1, 2])
        #expect(Set(scene.counts(100, client: Scene.client("b")).keys) == [3, 4])
        #expect(Set(scene.counts(100, client: Scene.client("c")).keys) == [1, 2, 3, 4])
        #expect(Set(scene.counts(100, client: 0x7F00_0001).keys) == [1, 2, 3, 4])
    }

    @Test func `as much overflows to other zones as is missing in the own`() {
        let scene = Scene()
        scene.distribution = .sameZone
        scene.put([
            Place(1, zone: "a"), Place(2, zone: "a"), Place(3, zone: "a", .withheld), Place(4, zone: "a", .terminating),
            Place(5, zone: "b"),
            Place(6, zone: "c"),
        ])
        let counts = scene.counts(600, client: Scene.client("a"))
        #expect(counts[1]! + counts[2]! == 400)
        #expect(counts[3] == nil && counts[4] == nil)
        #expect((60...140).contains(counts[5]!) && (60...140).contains(counts[6]!))
        #expect(scene.counts(100, client: Scene.client("b")) == [5: 100])
    }

    @Test func `all goes elsewhere when nothing is left in the zone, and nothing when there is nothing elsewhere`() {
        let scene = Scene()
        scene.distribution = .sameZone
        scene.put([Place(1, zone: "a", .withheld), Place(2, zone: "b")])
        #expect(scene.counts(20, client: Scene.client("a")) == [2: 20])
        scene.put([Place(1, zone: "a"), Place(2, zone: "a", .withheld), Place(3, zone: "b", .withheld)])
        #expect(scene.counts(20, client: Scene.client("a")) == [1: 20])
    }

    @Test func `the own node comes before the own zone, and that before all others`() {
        let scene = Scene()
        scene.distribution = .sameNode
        scene.put([Place(1, zone: "a", node: "node-a"), Place(2, zone: "a", node: "other"), Place(3, zone: "b", node: "node-b")])
        #expect(scene.counts(20, client: Scene.client("a")) == [1: 20])
        scene.put([Place(1, zone: "a", node: "node-a", .withheld), Place(2, zone: "a", node: "other"), Place(3, zone: "b", node: "node-b")])
        #expect(scene.counts(20, client: Scene.client("a")) == [2: 20])
        scene.put([Place(2, zone: "a", node: "other", .withheld), Place(3, zone: "b", node: "node-b")])
        #expect(scene.counts(20, client: Scene.client("a")) == [3: 20])
    }

    @Test func `another try goes to another zone where there is one, without any rules`() {
        let scene = Scene()
        scene.put(two)
        for _ in 0..<10 { #expect(scene.id(client: 1, avoiding: [EndpointID(index: 0)]).map(scene.last).map { $0 > 2 } == true) }
        scene.put([Place(1, zone: "a"), Place(2, zone: "a")])
        #expect(scene.id(client: 1, avoiding: [EndpointID(index: 0)]).map(scene.last) == 2)
    }
}

@Suite struct `Slow start` {
    @Test(arguments: [TrafficRules.Balancing.roundRobin, .leastRequest])
    func `gives a new endpoint a tenth of its share at first, then more and more`(balancing: TrafficRules.Balancing) {
        let scene = Scene()
        scene.rules.balancing = balancing
        scene.rules.balance.slowStart = .seconds(100)
        scene.put([Place(1), Place(2)])
        scene.now = .zero + .seconds(200)
        #expect(scene.counts(10) == [1: 5, 2: 5] || balancing == .leastRequest)
        scene.put([Place(1), Place(2), Place(3)])
        func share() -> Double { Double(scene.counts(2100)[3] ?? 0) / 700 }
        #expect((0.1...0.16).contains(share()), "0.1 of 2.1")
        scene.now = .zero + .seconds(250)
        #expect((0.5...0.65).contains(share()), "0.5 of 2.5")
        scene.now = .zero + .seconds(300)
        #expect((0.9...1.1).contains(share()))
    }

    @Test func `favours nobody where all are as new`() {
        let scene = Scene()
        scene.rules.balance.slowStart = .seconds(100)
        scene.put([Place(1), Place(2), Place(3)])
        #expect(scene.counts(300) == [1: 100, 2: 100, 3: 100])
    }
}
