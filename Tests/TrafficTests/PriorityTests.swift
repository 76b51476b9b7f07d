import Resources
import Testing
import Timing
import Wire

@testable import Traffic

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
        #expect(scene.router.failovers(of: scene.router.backend(Scene.backend)!) == (1, false))
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

    @Test func `a loss that no request has seen puts off the way back as well`() {
        let scene = Scene()
        scene.rules.balance.groups = [.init(labels("role", "backup"), priority: 1)]
        scene.rules.balance.failover.failBackDelay = .seconds(5)
        func best(_ standing: RouteTable.Standing, at second: Int64) {
            scene.now = .zero + .seconds(second)
            scene.put([Place(1, group: 1, standing), Place(3, group: 0)])
        }
        best(.withheld, at: 0)
        #expect(scene.counts(1) == [3: 1])
        best(.ready, at: 10)
        best(.withheld, at: 12)
        best(.ready, at: 13)
        scene.now = .zero + .seconds(16)
        #expect(scene.counts(10) == [3: 10], "it would be 6 s")
        scene.now = .zero + .seconds(18)
        #expect(scene.counts(10) == [1: 10])
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
