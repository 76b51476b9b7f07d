import Resources
import Testing
import Timing

@testable import Traffic

@Suite struct `Active checks of a backend` {
    private func rules(_ depth: HealthCheckRule.Depth..., panicThreshold: Int = 0) -> HealthRules {
        var rules = HealthRules(panicThreshold: panicThreshold)
        rules.checks = depth.enumerated().map { index, depth in
            HealthCheckRule(name: "check-\(index)", depth: depth, .http(.init(path: "/")))
        }
        return rules
    }

    @Test func `an endpoint falls after as many failures as the rule says, and rises after as many passes`() {
        var some = rules(.shallow)
        some.checks[0].unhealthyThreshold = 3
        some.checks[0].healthyThreshold = 2
        var ward = Ward(2, some)
        ward.check(false, 0, times: 2)
        ward.check(true, 0)
        ward.check(false, 0, times: 2)
        #expect(ward.usable == [0, 1])
        ward.check(false, 0)
        #expect(ward.usable == [1])
        #expect(ward.health.standing(of: EndpointID(index: 0)) == .unhealthy)
        ward.check(true, 0)
        ward.check(false, 0)
        ward.check(true, 0)
        #expect(ward.usable == [1])
        ward.check(true, 0)
        #expect(ward.usable == [0, 1])
        #expect(ward.health.takeTurns().map(\.turn) == [.checkFailed("check-0", .shallow), .checkPassed("check-0")])
    }

    @Test func `a shallow check decides alone: all but one may be out, and when none is left all are used`() {
        var ward = Ward(3, rules(.shallow))
        ward.check(false, 0, times: 3)
        ward.check(false, 1, times: 3)
        #expect(ward.usable == [2])
        ward.check(false, 2, times: 3)
        #expect(ward.usable == [0, 1, 2] && ward.health.isPanicking)
        ward.check(true, 1)
        #expect(ward.usable == [1] && !ward.health.isPanicking)
    }

    @Test func `a deep check puts out only as many as the floor allows, and nobody where all fail it`() {
        var ward = Ward(4, rules(.deep))
        ward.check(false, 3, times: 3)
        #expect(ward.usable == [0, 1, 2])
        ward.check(false, 0, times: 3)
        ward.check(false, 1, times: 3)
        #expect(ward.usable == [2, 3])
        ward.check(false, 2, times: 3)
        #expect(ward.usable == [0, 1, 2, 3])
        #expect(!ward.health.isPanicking, "it is nobody's fault")
    }

    @Test func `of several checks each counts by itself`() {
        var ward = Ward(3, rules(.shallow, .shallow, .deep))
        ward.check(false, 0, 1, times: 3)
        ward.check(true, 0, 0, times: 9)
        ward.check(false, 1, 2, times: 3)
        #expect(ward.usable == [1, 2], "one out by a shallow check leaves nothing of the floor to a deep one")
        ward.check(true, 0, 1)
        #expect(ward.usable == [0, 2])
    }

    @Test(arguments: [(3, 50, 1, [1, 2]), (3, 50, 2, [0, 1, 2]), (2, 50, 1, [1]), (4, 51, 2, [0, 1, 2, 3]), (4, 0, 3, [3])])
    func `below the threshold of panic all are used`(count: Int, percent: Int, failing: Int, usable: [Int]) {
        var ward = Ward(count, rules(.shallow, panicThreshold: percent))
        for endpoint in 0..<failing { ward.check(false, endpoint, times: 3) }
        #expect(ward.usable == usable)
        #expect(ward.health.isPanicking == (usable.count == count))
    }

    @Test func `what was found stays through a table, and is forgotten with the checks`() {
        var ward = Ward(2, rules(.shallow))
        ward.check(false, 0, times: 3)
        ward.follow([0, 1, 2])
        #expect(ward.usable == [1, 2])
        ward.follow([0, 1, 2], rules(.shallow, .deep))
        #expect(ward.usable == [0, 1, 2])
    }
}
