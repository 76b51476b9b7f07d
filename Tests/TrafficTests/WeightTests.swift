import Resources
import Testing
import Timing
import Wire

@testable import Traffic

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

    @Test func `weight 0 for all who are ready is a reason of its own, at once where no pod could have one`() {
        let scene = Scene()
        func choose() -> Router.Choice {
            scene.router.choose(scene.router.backend(Scene.backend)!, client: 1, avoiding: [], now: scene.now)
        }
        func isUsable(_ last: UInt32) -> Bool {
            scene.router.isUsable(EndpointAddress(host: 0x7F40_0000 + last, port: 8080), in: Scene.backend)
        }
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
        let backend = scene.router.backend(Scene.backend)!
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
