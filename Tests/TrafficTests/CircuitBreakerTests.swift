import Resources
import Testing
import Timing
import Wire

@testable import Traffic

private let name = RouteTable.BackendName(.init("default", "web"), port: 80)

private func table(_ endpoints: ClosedRange<UInt32>, _ rules: TrafficRules, _ carriage: RouteTable.Carriage = .exchanges) -> RouteTable {
    var table = RouteTable()
    let addresses = endpoints.map { EndpointAddress(host: 0x7F40_0000 + $0, port: 8080) }
    table.backends = [.init(name: name, carriage: carriage, endpoints: addresses.map { .init($0, .ready) }, rules: rules)]
    return table
}

extension CircuitBreaker.Answer {
    fileprivate var isTrial: Bool { if case .trial = self { true } else { false } }
}

@Suite struct `A circuit breaker` {
    private func breaker(_ change: (inout BreakerRules) -> Void = { _ in }) -> CircuitBreaker {
        var rules = BreakerRules()
        change(&rules)
        return CircuitBreaker(rules)
    }

    private func fail(_ breaker: inout CircuitBreaker, times: Int, now: Instant = .zero) {
        for _ in 0..<times { breaker.note(isFailure: true, of: nil, now: now) }
    }

    @Test func `opens after ten failures in a row, and refuses until its time is over`() {
        var breaker = breaker()
        fail(&breaker, times: 9)
        breaker.note(isFailure: false, of: nil, now: .zero)
        fail(&breaker, times: 9)
        #expect(breaker.admit(now: .zero) == .pass)
        fail(&breaker, times: 1)
        #expect(breaker.admit(now: .zero) == .refused(.seconds(5)))
        #expect(breaker.admit(now: .zero + .seconds(4)) == .refused(.seconds(1)))
        #expect(breaker.admit(now: .zero + .seconds(5)).isTrial)
    }

    @Test func `opens by a share of failures once there are enough requests, and forgets with the interval`() {
        var breaker = breaker { $0.consecutiveErrors = 0 }
        for index in 0..<19 { breaker.note(isFailure: index > 0, of: nil, now: .zero) }
        #expect(breaker.admit(now: .zero) == .pass)
        breaker.note(isFailure: true, of: nil, now: .zero)
        #expect(breaker.admit(now: .zero) == .refused(.seconds(5)))

        breaker = self.breaker { $0.consecutiveErrors = 0 }
        fail(&breaker, times: 19)
        fail(&breaker, times: 19, now: .zero + .seconds(10))
        #expect(breaker.admit(now: .zero + .seconds(10)) == .pass)
    }

    @Test func `while it finds out, only as many as the rule says go through, and all of them have to succeed`() {
        var breaker = breaker { $0.trialRequests = 2 }
        fail(&breaker, times: 10)
        let later = Instant.zero + .seconds(5)
        #expect(breaker.admit(now: later).isTrial && breaker.admit(now: later).isTrial)
        #expect(breaker.admit(now: later) == .refused(.seconds(1)))
        breaker.note(isFailure: false, of: breaker.trial, now: later)
        breaker.ended(breaker.trial)
        #expect(breaker.admit(now: later) == .refused(.seconds(1)))
        breaker.note(isFailure: false, of: breaker.trial, now: later)
        breaker.ended(breaker.trial)
        #expect(breaker.state == .closed && breaker.admit(now: later) == .pass)
    }

    @Test func `a trial that fails opens it for longer, up to a limit, and good times shorten that again`() {
        var breaker = breaker()
        fail(&breaker, times: 10)
        var now = Instant.zero
        for count in 1...15 {
            guard case .open(let until, let time) = breaker.state else {
                Issue.record("not open")
                return
            }
            #expect(time == min(.seconds(5 * count), .seconds(60)))
            now = until
            #expect(breaker.admit(now: now).isTrial)
            breaker.note(isFailure: true, of: breaker.trial, now: now)
            breaker.ended(breaker.trial)
        }
        now += .seconds(60)
        #expect(breaker.admit(now: now).isTrial)
        breaker.note(isFailure: false, of: breaker.trial, now: now)
        breaker.ended(breaker.trial)
        now += .seconds(3600)
        fail(&breaker, times: 10, now: now)
        #expect(breaker.admit(now: now) == .refused(.seconds(5)))
    }

    @Test func `a trial whose client went away makes room for another, and who was let in before decides nothing`() {
        var breaker = breaker()
        fail(&breaker, times: 10)
        let later = Instant.zero + .seconds(5)
        #expect(breaker.admit(now: later).isTrial)
        breaker.note(isFailure: true, of: nil, now: later)
        breaker.note(isFailure: false, of: nil, now: later)
        breaker.ended(breaker.trial)
        #expect(breaker.admit(now: later).isTrial)
    }

    @Test func `a trial of an earlier half-open time neither makes room nor decides`() {
        var breaker = breaker()
        fail(&breaker, times: 10)
        #expect(breaker.admit(now: .zero + .seconds(5)).isTrial)
        let late = breaker.trial
        // An endpoint became ready while the trial was out, and failed.
        breaker.note(isFailure: true, of: late, now: .zero + .seconds(5))
        breaker.giveChance()
        #expect(breaker.admit(now: .zero + .seconds(6)).isTrial)
        breaker.ended(late)
        #expect(breaker.admit(now: .zero + .seconds(6)) == .refused(.seconds(1)))
        breaker.note(isFailure: false, of: late, now: .zero + .seconds(6))
        #expect(breaker.state != .closed)
        breaker.note(isFailure: false, of: breaker.trial, now: .zero + .seconds(6))
        #expect(breaker.state == .closed)
    }

    @Test func `zero switches a rule off`() {
        var breaker = breaker {
            $0.consecutiveErrors = 0
            $0.failurePercentage = 0
        }
        fail(&breaker, times: 1000)
        #expect(breaker.state == .closed)
    }
}

extension Router {
    fileprivate mutating func admit(now: Instant = .zero) -> Admission {
        admit(backend(name)!, RequestHead(method: "GET", target: "/", headers: HTTPHeaders([])), client: 1, now: now)
    }

    fileprivate mutating func fail(times: Int, now: Instant = .zero) {
        for _ in 0..<times {
            guard case .stay(let stay) = admit(now: now) else { return }
            note(isFailure: true, of: stay, now: now)
            left(stay)
        }
    }

    fileprivate mutating func choose(_ kind: RouteTable.Carriage? = nil, now: Instant = .zero) -> Choice {
        choose(backend(name)!, client: 1, avoiding: [], as: kind, now: now)
    }
}

@Suite struct `A breaker and bulkheads in the router` {
    private func rules(_ change: (inout TrafficRules) -> Void) -> TrafficRules {
        var rules = TrafficRules()
        change(&rules)
        return rules
    }

    @Test func `with its policy a breaker, an ejection and a panic end, and that is told`() {
        var router = Router()
        let rules = rules {
            $0.breaker = BreakerRules()
            $0.health = HealthRules(passive: PassiveHealth())
            $0.health.checks = [HealthCheckRule(name: "live", .tcp(.init()))]
            $0.health.panicThreshold = 100
        }
        _ = router.swap(table(1...2, rules))
        router.fail(times: 10)
        let address = router.address(of: EndpointID(index: 0))
        for _ in 0..<5 { router.note(.failed, at: EndpointID(index: 0), of: router.backend(name)!, now: .zero) }
        for _ in 0..<3 { router.noteCheck(0, passed: false, at: address, of: name, now: .zero) }
        #expect(router.takeHealthChanges().count == 4)
        _ = router.swap(table(1...2, TrafficRules()))
        #expect(
            router.takeHealthChanges() == [
                HealthChange(name, address, .checkDropped("live")), HealthChange(name, address, .returnedUnwatched),
                HealthChange(name, nil, .panicDropped), HealthChange(name, nil, .circuitDropped),
            ])
        _ = router.swap(table(1...2, rules))
        #expect(router.takeHealthChanges().isEmpty)
    }

    @Test func `an open breaker refuses requests and flows, says each turn once, and stays open through a table`() {
        var router = Router()
        let rules = rules { $0.breaker = BreakerRules() }
        _ = router.swap(table(1...2, rules))
        router.fail(times: 10)
        #expect(router.takeHealthChanges() == [HealthChange(name, nil, .circuitOpened(for: .seconds(5)))])
        _ = router.swap(table(1...1, rules))
        guard case .refused(.circuitOpen(let wait)) = router.admit(now: .zero + .seconds(1)) else {
            Issue.record("let in")
            return
        }
        #expect(wait == .seconds(4))
        #expect(router.choose(.flows, now: .zero + .seconds(1)) == .open)
        guard case .stay(let trial) = router.admit(now: .zero + .seconds(5)) else {
            Issue.record("no trial")
            return
        }
        #expect(router.healthReports.map(\.breaker) == [.halfOpen])
        router.note(isFailure: false, of: trial, now: .zero + .seconds(5))
        router.left(trial)
        #expect(router.takeHealthChanges().map(\.turn) == [.circuitOnTrial, .circuitClosed])
    }

    @Test func `who stood in line when the circuit opened gets no endpoint, and is a trial when it is asked for one`() {
        var router = Router()
        let rules = rules {
            $0.breaker = BreakerRules()
            $0.breaker?.consecutiveErrors = 1
            $0.loadShedding = LoadSheddingRules()
            $0.loadShedding?.parallelRequests = 1
        }
        _ = router.swap(table(1...2, rules))
        guard case .stay(let first) = router.admit(), case .line = router.admit(), case .line = router.admit() else {
            Issue.record("one goes, two wait")
            return
        }
        router.note(isFailure: true, of: first, now: .zero)
        router.left(first)
        let second = router.admitNext(after: first, now: .zero)?.stay
        #expect(second?.circuitWait == .seconds(5))
        guard let second else { return _ = Issue.record("nobody goes next") }
        router.left(second)
        let third = router.admitNext(after: second, now: .zero + .seconds(5))?.stay
        #expect(third?.trial != nil && third?.circuitWait == nil)
    }

    @Test func `an endpoint that becomes ready is given a chance at once`() {
        var router = Router()
        let rules = rules { $0.breaker = BreakerRules() }
        _ = router.swap(table(1...1, rules))
        router.fail(times: 10)
        _ = router.swap(table(1...2, rules))
        guard case .stay = router.admit() else {
            Issue.record("refused")
            return
        }
    }

    @Test func `a request that another rule refuses is no trial`() {
        var router = Router()
        let rules = rules {
            $0.breaker = BreakerRules()
            $0.limits.parallelRequests = 0
        }
        _ = router.swap(table(1...1, rules))
        guard case .refused(.tooManyParallel) = router.admit() else {
            Issue.record("let in")
            return
        }
    }

    @Test func `connections are limited over all endpoints, and to each one`() {
        var router = Router()
        _ = router.swap(table(1...3, rules { $0.limits.connections = 2 }))
        let first = router.choose()
        _ = router.choose()
        #expect(router.choose() == .full)
        if case .endpoint(let id) = first { router.finished(id, .exchanges) }
        guard case .endpoint = router.choose() else {
            Issue.record("no room")
            return
        }

        router = Router()
        _ = router.swap(table(1...2, rules { $0.limits.endpointConnections = 2 }))
        for _ in 0..<4 { if case .endpoint = router.choose() {} else { Issue.record("no room") } }
        #expect(router.choose() == .full)
        #expect(router.choose(.flows) == .full)
    }

    @Test func `who fails gets nothing, and where everybody else refuses it is asked all the same`() {
        var router = Router()
        let rules = rules { $0.health = HealthRules(passive: PassiveHealth()) }
        _ = router.swap(table(1...2, rules))
        let backend = router.backend(name)!
        guard case .endpoint(let bad) = router.choose() else { return _ = Issue.record("no endpoint") }
        router.finished(bad, .exchanges)
        for _ in 0..<5 { router.note(.failed, at: bad, of: backend, now: .zero) }
        var chosen: Set<EndpointID> = []
        for _ in 0..<5 {
            guard case .endpoint(let id) = router.choose() else { continue }
            chosen.insert(id)
        }
        #expect(chosen.count == 1 && !chosen.contains(bad))
        #expect(router.choose(backend, client: 1, avoiding: Array(chosen), now: .zero) == .endpoint(bad))
        #expect(Set(router.healthReports[0].endpoints.map(\.standing)) == [.serving, .ejected])
        #expect(router.takeHealthChanges().map(\.turn) == [.ejected(.consecutive5Xx, for: .seconds(30))])
    }

    @Test func `without such a policy nothing is watched`() {
        var router = Router()
        _ = router.swap(table(1...2, TrafficRules()))
        guard case .endpoint(let id) = router.choose() else { return _ = Issue.record("no endpoint") }
        for _ in 0..<50 { router.note(.failed, at: id, of: router.backend(name)!, now: .zero) }
        #expect(!router.watchesHealth && router.healthReports.isEmpty && !router.hasHealthChanges)
    }
}
