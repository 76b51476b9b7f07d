import Resources
import Testing
import Timing

@testable import Traffic

private func passive(_ change: (inout PassiveHealth) -> Void) -> HealthRules {
    var rules = PassiveHealth()
    change(&rules)
    return HealthRules(passive: rules)
}

@Suite struct `Outlier ejection` {
    @Test(arguments: [
        (1, 50, 0), (2, 50, 1), (3, 50, 1), (4, 50, 2), (5, 50, 2), (10, 50, 5), (1, 100, 0), (2, 100, 1), (3, 100, 2), (5, 100, 4),
        (2, 10, 1),
        (5, 10, 1), (19, 10, 1), (20, 10, 2), (3, 0, 1), (0, 50, 0),
    ])
    func `so many of so many may be out: one always, the last one never`(count: Int, percent: Int, allowance: Int) {
        #expect(BackendHealth.allowance(of: count, percent: percent) == allowance)
    }

    @Test(arguments: [AttemptOutcome.answered(500), .answered(503), .failed])
    func `one that fails five times in a row is out, not after four, and a success in between counts anew`(failure: AttemptOutcome) {
        var ward = Ward(3)
        ward.note(failure, 0, times: 4)
        ward.note(.answered(200), 0)
        ward.note(failure, 0, times: 4)
        #expect(ward.usable == [0, 1, 2])
        ward.note(failure, 0)
        #expect(ward.usable == [1, 2])
    }

    @Test func `answers to what was sent before the ejection are no trials`() {
        var ward = Ward(3)
        ward.pass(.seconds(10))
        ward.note(.failed, 0, times: 5)
        ward.pass(.seconds(31))
        #expect(ward.usable == [0, 1, 2], "a trial is due")
        ward.note(.answered(200), 0, times: 3, began: .zero + .seconds(9))
        #expect(ward.health.standing(of: EndpointID(index: 0)) == .onTrial)
        ward.note(.answered(500), 0, began: .zero + .seconds(9))
        #expect(ward.health.standing(of: EndpointID(index: 0)) == .onTrial)
        ward.note(.answered(200), 0, times: 3)
        #expect(ward.health.standing(of: EndpointID(index: 0)) == .serving)
    }

    @Test func `answers below 500 are no failures`() {
        var ward = Ward(2)
        for status in [200, 204, 302, 400, 404, 429, 499] { ward.note(.answered(status), 0, times: 10) }
        #expect(ward.usable == [0, 1])
    }

    @Test func `gateway errors have a limit of their own, and other errors end their streak`() {
        let rules = passive {
            $0.consecutive5XxErrors = 0
            $0.consecutiveGatewayErrors = 3
        }
        var ward = Ward(2, rules)
        for status in [502, 503, 500, 502, 504] { ward.note(.answered(status), 0) }
        #expect(ward.usable == [0, 1])
        ward.note(.answered(503), 0)
        #expect(ward.usable == [1])
    }

    @Test func `failed connections are told from answers only where the policy says so`() {
        let split = passive {
            $0.splitExternalLocalOriginErrors = true
            $0.consecutiveLocalOriginFailures = 2
        }
        var ward = Ward(3, split)
        ward.note(.failed, 0)
        ward.note(.answered(500), 1, times: 4)
        ward.note(.failed, 1)
        #expect(ward.usable == [0, 1, 2])
        ward.note(.failed, 0)
        #expect(ward.usable == [1, 2])
        #expect(ward.health.takeTurns().map(\.turn) == [.ejected(.consecutiveLocal, for: .seconds(30))])
    }

    @Test func `where all fail nobody is out, whoever is first`() {
        for count in 1...5 {
            var ward = Ward(count)
            for _ in 0..<100 { for endpoint in 0..<count { ward.note(.answered(500), endpoint) } }
            #expect(ward.usable == Array(0..<count), "of \(count)")
            #expect(!ward.health.isPanicking)
        }
    }

    @Test func `when the others work again, the one that still fails is out`() {
        var ward = Ward(3)
        for _ in 0..<20 { for endpoint in 0..<3 { ward.note(.answered(500), endpoint) } }
        ward.note(.answered(200), 1)
        ward.note(.answered(500), 0)
        #expect(ward.usable == [1, 2])
    }

    @Test func `the floor holds, whatever fails`() {
        var ward = Ward(4)
        for endpoint in 0..<4 {
            ward.note(.answered(200), 3)
            ward.note(.answered(500), endpoint, times: 10)
        }
        #expect(ward.usable.count >= 2)
        var pair = Ward(2)
        pair.note(.answered(500), 0, times: 10)
        pair.note(.answered(200), 1)
        #expect(pair.usable == [1])
    }

    @Test func `where the one that stays fails too, all are used, and it says so until one works`() {
        var ward = Ward(2)
        ward.note(.answered(500), 0, times: 5)
        #expect(ward.usable == [1])
        ward.note(.answered(500), 1, times: 5)
        #expect(ward.usable == [0, 1] && ward.health.isPanicking)
        ward.note(.answered(200), 1)
        #expect(ward.usable == [1] && !ward.health.isPanicking)
        #expect(
            ward.health.takeTurns().map(\.turn) == [.ejected(.consecutive5Xx, for: .seconds(30)), .panicBegan, .panicEnded])
    }

    @Test func `in panic, one that was out and works is let in by a trial`() {
        var ward = Ward(2)
        ward.note(.answered(500), 0, times: 5)
        ward.note(.answered(500), 1, times: 5)
        #expect(ward.usable == [0, 1])
        ward.note(.answered(200), 0, times: 3)
        #expect(ward.usable == [0, 1] || ward.usable == [0])
        #expect(ward.health.standing(of: EndpointID(index: 0)) == .serving)
    }

    @Test func `out for thirty seconds, then for a minute, and the time shrinks again with every half a minute of service`() {
        var ward = Ward(3)
        func times(_ ward: inout Ward) -> [Duration] {
            ward.health.takeTurns().compactMap { if case .ejected(_, let time) = $0.turn { time } else { nil } }
        }
        var expected: [Duration] = []
        for count in 1...12 {
            if count == 1 { ward.note(.answered(500), 0, times: 5) } else { ward.note(.answered(500), 0) }
            expected.append(min(.seconds(30 * count), .seconds(300)))
            #expect(ward.usable == [1, 2])
            ward.pass(expected.last! - .milliseconds(1))
            #expect(ward.usable == [1, 2])
            ward.pass(.milliseconds(1))
            #expect(ward.usable == [0, 1, 2], "after \(expected.last!)")
        }
        #expect(times(&ward) == expected)
        // Ten times the base is the most that is remembered: after four such times of service the next one is the seventh.
        ward.note(.answered(200), 0, times: 3)
        ward.pass(.seconds(120))
        ward.note(.answered(500), 0, times: 5)
        #expect(times(&ward) == [.seconds(210)])
        ward.pass(.seconds(210))
        _ = ward.usable
        ward.note(.answered(200), 0, times: 3)
        ward.pass(.seconds(3600))
        ward.note(.answered(500), 0, times: 5)
        #expect(times(&ward) == [.seconds(30)])
    }

    @Test func `after its time one request at a time is a trial; three that succeed end it, one that fails does too`() {
        var ward = Ward(2)
        let first = EndpointID(index: 0)
        ward.note(.answered(500), 0, times: 5)
        ward.pass(.seconds(30))
        #expect(ward.usable == [0, 1])
        #expect(ward.health.standing(of: first) == .onTrial)
        ward.health.took(first, now: ward.now)
        #expect(ward.usable == [1])
        ward.note(.answered(200), 0)
        #expect(ward.usable == [0, 1])
        ward.health.took(first, now: ward.now)
        ward.note(.answered(500), 0)
        #expect(ward.usable == [1])
        ward.pass(.seconds(60))
        for _ in 0..<3 {
            #expect(ward.usable == [0, 1])
            ward.health.took(first, now: ward.now)
            ward.note(.answered(200), 0)
        }
        #expect(ward.health.standing(of: first) == .serving)
        #expect(
            ward.health.takeTurns().map(\.turn) == [
                .ejected(.consecutive5Xx, for: .seconds(30)), .ejected(.trialFailed, for: .seconds(60)), .returned,
            ])
    }

    @Test func `a trial of which nothing is heard makes room for the next`() {
        var ward = Ward(2)
        ward.note(.answered(500), 0, times: 5)
        ward.pass(.seconds(30))
        _ = ward.usable
        ward.health.took(EndpointID(index: 0), now: ward.now)
        #expect(ward.usable == [1])
        ward.pass(EndpointConduct.trialPatience)
        #expect(ward.usable == [0, 1])
    }

    @Test(arguments: [(90, 10, [1, 2]), (84, 0, [0, 1, 2]), (90, 60, [0, 1, 2]), (100, 49, [1, 2])])
    func `by its share of failures one is out where the others fail at most half as often`(own: Int, others: Int, usable: [Int]) {
        var ward = Ward(3, passive { $0.consecutive5XxErrors = 0 })
        ward.note(.answered(200), 0)
        ward.pass(.seconds(4))
        ward.note(.answered(200), 0)
        for index in 0..<100 {
            // A success first and last: no streak says it.
            ward.note(.answered(index < 100 - own ? 200 : 500), 0)
            for other in 1...2 { ward.note(.answered(index >= others ? 200 : 500), other) }
        }
        ward.pass(.seconds(3))
        ward.note(.answered(200), 1)
        #expect(ward.usable == usable)
    }

    @Test func `few requests say nothing by their share`() {
        var ward = Ward(2, passive { $0.consecutive5XxErrors = 0 })
        ward.note(.answered(200), 1, times: 100)
        ward.note(.answered(500), 0, times: 19)
        ward.pass(.seconds(3))
        ward.note(.answered(200), 1)
        #expect(ward.usable == [0, 1])
    }

    @Test func `a table that leaves the endpoint where it is changes nothing; one that is ready anew starts over`() {
        var ward = Ward(3)
        ward.note(.answered(500), 0, times: 5)
        ward.follow([0, 1, 2, 3])
        #expect(ward.usable == [1, 2, 3])
        ward.follow([1, 2, 3])
        ward.follow([0, 1, 2, 3])
        #expect(ward.usable == [0, 1, 2, 3])
    }

    @Test func `when others leave, who is out beyond the floor comes in`() {
        var ward = Ward(4)
        ward.note(.answered(500), 0, times: 5)
        ward.pass(.seconds(1))
        ward.note(.answered(500), 1, times: 5)
        #expect(ward.usable == [2, 3])
        ward.follow([0, 1, 2])
        #expect(ward.usable == [0, 2])
        ward.follow([1])
        #expect(ward.usable == [1])
    }

    @Test func `a policy that no longer asks lets everybody in`() {
        var ward = Ward(2)
        ward.note(.answered(500), 0, times: 5)
        ward.follow([0, 1], HealthRules())
        #expect(ward.usable == [0, 1])
    }

    @Test(arguments: 1...40)
    func `whatever happens, the list is never empty and no more are out than the floor allows`(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var rules = passive {
            $0.maxEjectionPercent = [10, 34, 50, 100].randomElement(using: &random)!
            $0.failurePercentageRequestVolume = 5
        }
        rules.panicThreshold = [0, 0, 50].randomElement(using: &random)!
        rules.checks = [
            HealthCheckRule(name: "s", .tcp(.init())), HealthCheckRule(name: "d", depth: .deep, .tcp(.init())),
        ]
        var present = Array(0..<Int.random(in: 1...6, using: &random))
        var ward = Ward(present.count, rules)
        // Each endpoint has a share of failures of its own, that changes now and then.
        var shares = (0..<8).map { _ in [0, 0, 50, 100].randomElement(using: &random)! }
        for _ in 0..<3000 {
            switch Int.random(in: 0..<100, using: &random) {
            case 0:
                present = (0..<8).filter { _ in Bool.random(using: &random) }
                ward.follow(present)
            case 1: shares[Int.random(in: 0..<8, using: &random)] = [0, 50, 100].randomElement(using: &random)!
            case 2: ward.pass(.seconds(Int.random(in: 0...40, using: &random)))
            case 3...9:
                if let endpoint = present.randomElement(using: &random) {
                    ward.check(Bool.random(using: &random), endpoint, Int.random(in: 0...1, using: &random), times: 3)
                }
            default:
                guard let endpoint = ward.usable.randomElement(using: &random) else { continue }
                ward.health.took(EndpointID(index: endpoint), now: ward.now)
                ward.pass(.milliseconds(5))
                ward.note(Int.random(in: 0..<100, using: &random) < shares[endpoint] ? .answered(500) : .answered(200), endpoint)
            }
            let usable = ward.usable
            #expect(usable.isEmpty == present.isEmpty)
            #expect(Set(usable).isSubset(of: present))
            let outCount = ward.health.members.count { !$0.conduct.isServing }
            #expect(outCount <= BackendHealth.allowance(of: present.count, percent: rules.passive!.maxEjectionPercent))
            if ward.health.isPanicking { #expect(usable == present) }
        }
    }
}
