import Resources
import Testing
import Timing
import Wire

@testable import Traffic

@Suite struct `Conditions of a repeat` {
    @Test(
        arguments: [
            ([], [503: false, 500: false, 409: false]),
            ([.reset, .connectFailure], [503: false, 500: false]),
            ([.serverError], [499: false, 500: true, 503: true, 409: false, 200: false]),
            ([.gatewayError], [500: false, 501: false, 502: true, 503: true, 504: true, 505: false]),
            ([.retriable4xx], [409: true, 408: false, 500: false]),
            ([.statusCodes], [429: true, 430: false, 503: false]),
            ([.gatewayError, .statusCodes], [429: true, 502: true, 500: false]),
        ] as [(RetryRules.Triggers, [Int: Bool])])
    func `a status asks for another attempt where the policy names it`(triggers: RetryRules.Triggers, statuses: [Int: Bool]) {
        var rules = RetryRules()
        rules.triggers = triggers
        rules.statusCodes = [429]
        for (status, expected) in statuses { #expect(rules.asksForRepeat(status: status) == expected, "\(status)") }
    }

    @Test(arguments: [
        (RetryRules.NotIdempotent.never, false, false, false), (.never, false, true, false), (.never, true, false, true),
        (.withKey, false, true, true), (.withKey, false, false, false), (.always, false, false, true),
    ])
    func `what is not idempotent is repeated only where the policy says so`(
        rule: RetryRules.NotIdempotent, isIdempotent: Bool, hasKey: Bool, expected: Bool
    ) {
        var rules = TrafficRules()
        rules.retries.notIdempotent = rule
        #expect(rules.retries.mayRunTwice(isIdempotent: isIdempotent, hasKey: hasKey) == expected)
        let head = RequestHead(
            method: isIdempotent ? "GET" : "POST", target: "/", headers: HTTPHeaders(hasKey ? [("idempotency-key", "7")] : []))
        var attempts = ExchangeAttempts(isIdempotent: isIdempotent)
        attempts.follow(rules, head)
        #expect(attempts.mayRunTwice == expected)
    }

    @Test func `a pause is between half of its interval and all of it, which doubles up to the longest`() {
        let backOff = RetryRules.BackOff(base: .milliseconds(10), longest: .milliseconds(50))
        #expect((1...5).map { backOff.pause(before: $0, jitter: 0) } == [5, 10, 20, 25, 25].map { .milliseconds($0) })
        #expect((1...5).map { backOff.pause(before: $0, jitter: 1) } == [10, 20, 40, 50, 50].map { .milliseconds($0) })
        #expect(backOff.pause(before: 1, jitter: 0.5) == .microseconds(7500))
        #expect(backOff.pause(before: .max, jitter: 0) == .milliseconds(25))
    }

    @Test func `all who lost the request are avoided by the next attempt, and asked again where there is nobody else`() {
        var attempts = ExchangeAttempts(isIdempotent: true)
        let all = (0..<3).map { EndpointID(index: $0) }
        for endpoint in all {
            _ = attempts.repeatTime(after: endpoint, isWholeRequestAtHand: true, now: .zero, jitter: 0) { _ in true }
        }
        #expect(attempts.avoided == all)
        _ = attempts.foundNone(.allAvoided, now: .zero)
        #expect(attempts.avoided.isEmpty)
    }

    @Test func `a policy without the trigger reset does not repeat what broke`() {
        var rules = TrafficRules()
        rules.retries.triggers = [.gatewayError]
        var attempts = ExchangeAttempts(isIdempotent: true)
        attempts.follow(rules, RequestHead(method: "GET", target: "/"))
        let step = attempts.lost(
            by: EndpointID(index: 0), isAnythingSent: true, isWholeRequestAtHand: true, isConnectionReused: false, now: .zero)
        #expect(step == .fail(.endpointReset))
    }

    @Test func `who has a fallback waits shorter for an endpoint`() {
        var rules = TrafficRules()
        rules.fallbacks = [.service(name: "spare", port: 80)]
        var attempts = ExchangeAttempts(isIdempotent: true)
        attempts.follow(rules, RequestHead(method: "GET", target: "/"))
        var now = Instant.zero
        while case .wait(let until) = attempts.foundNone(.noneReady, now: now) { now = until }
        #expect(now.nanoseconds == ExchangeAttempts.shortWaitLimit.nanoseconds)
    }
}

@Suite struct `A request's deadline` {
    private func deadline(_ fields: [(String, String)], own: Duration? = nil) -> RequestDeadline? {
        .of(
            RequestHead(method: "GET", target: "/", headers: HTTPHeaders(fields)), arrived: .zero, own: own, now: .zero + .milliseconds(100)
        )
    }

    @Test(
        arguments: [
            ([], nil, nil), ([], 500, 600),
            ([("X-Envoy-Expected-Rq-Timeout-Ms", "250")], nil, 250),
            ([("x-envoy-expected-rq-timeout-ms", "250")], 500, 250),
            ([("X-Envoy-Expected-Rq-Timeout-Ms", "900")], 500, 600),
            ([("grpc-timeout", "2S")], nil, 2000), ([("grpc-timeout", "300m")], 9000, 300), ([("grpc-timeout", "5000u")], nil, 5),
            ([("X-Envoy-Expected-Rq-Timeout-Ms", "400"), ("grpc-timeout", "300m")], nil, 300),
        ] as [([(String, String)], Int?, Int?)])
    func `is the earliest of what the caller and the policy say`(fields: [(String, String)], own: Int?, expected: Int?) {
        #expect(deadline(fields, own: own.map { .milliseconds($0) })?.at == expected.map { .zero + .milliseconds($0) })
    }

    @Test(arguments: ["", "0", "-1", "x", "1.5", "99999999999999999999"])
    func `is not read from what is no time`(text: String) {
        #expect(deadline([("X-Envoy-Expected-Rq-Timeout-Ms", text)]) == nil)
        #expect(deadline([("grpc-timeout", text)]) == nil)
    }

    @Test(arguments: ["123456789S", "S", "+1S", "1s", "1 S"])
    func `of gRPC has at most eight digits and a unit`(text: String) { #expect(deadline([("grpc-timeout", text)]) == nil) }

    @Test func `tells the endpoint what is left, in the caller's own words`() throws {
        let own = try #require(deadline([], own: .milliseconds(500)))
        #expect(own.field.rawValue == "X-Envoy-Expected-Rq-Timeout-Ms" && own.value(now: .zero + .milliseconds(350)) == "250")
        #expect(own.value(now: .zero + .seconds(9)) == "1", "who is asked is never told that there is no end")
        let called = try #require(deadline([("grpc-timeout", "3S")]))
        #expect(called.field.rawValue == "Grpc-Timeout" && called.value(now: .zero + .seconds(1)) == "2000m")
        let far = try #require(deadline([("grpc-timeout", "99999999H")]))
        #expect(far.value(now: .zero).utf8.count <= 9)
    }
}

@Suite struct `A running quantile` {
    @Test(arguments: [50, 90, 95, 99]) func `is near the true one of what it saw, and follows a change`(percent: Int) throws {
        var random = SeededRandom(seed: 5)
        var quantile = RunningQuantile(percent: percent)
        #expect(quantile.value == nil)
        for scale in [1.0, 20.0] {
            for _ in 0..<5000 { quantile.note(.nanoseconds(Int64(Double.random(in: 0..<1, using: &random) * scale * 1e9))) }
            let value = try #require(quantile.value).inSeconds / scale
            #expect(abs(value - Double(percent) / 100) < 0.2, "\(value)")
        }
    }

    @Test func `says nothing before it has seen enough`() {
        var quantile = RunningQuantile(percent: 90)
        for index in 1...RunningQuantile.leastSampleCount {
            #expect(quantile.value == nil, "\(index)")
            quantile.note(.milliseconds(10))
        }
        #expect(quantile.value == .milliseconds(10))
    }
}

@Suite struct `News of a failover` {
    @Test(arguments: [
        // Moments in seconds, who answers then (away), and whether that is told.
        [(0, false, false), (1, true, true), (2, true, false), (3, false, false), (11, false, true), (12, true, false), (21, true, true)],
        [(0, true, true), (1, false, false), (2, true, false), (11, true, false), (12, false, true)],
    ])
    func `is told once for each change that lasts`(moments: [(Int, Bool, Bool)]) {
        var state = FailoverState()
        for (second, isAway, isNews) in moments {
            #expect(state.note(isAway: isAway, now: .zero + .seconds(second)) == isNews, "at \(second)")
        }
    }
}

@Suite struct `A second attempt's leave` {
    private let name = RouteTable.BackendName(.init("default", "web"), port: 80)

    private func router(_ change: (inout TrafficRules) -> Void) -> Router {
        var rules = TrafficRules()
        change(&rules)
        var table = RouteTable()
        table.backends = [.init(name: name, carriage: .exchanges, endpoints: [], rules: rules)]
        var router = Router()
        _ = router.swap(table)
        return router
    }

    private func stay(_ router: inout Router) -> BackendGate.Stay {
        guard let id = router.backend(name),
            case .stay(let stay) = router.admit(id, RequestHead(method: "GET", target: "/"), client: 1, now: .zero)
        else { preconditionFailure("it is let in") }
        return stay
    }

    @Test func `is asked for by the policy, and counts against the budget of repeats`() {
        var plain = router { _ in }
        let refused = stay(&plain)
        #expect(!plain.mayHedge(refused, now: .zero) && plain.hedgeDelay(refused) == nil)
        var router = router {
            $0.retries.hedging = .init(delay: .milliseconds(5))
            $0.retries.minPerSecond = 1
            $0.retries.percent = 0
        }
        #expect(router.hedgeDelay(stay(&router)) == .milliseconds(5))
        let granted = (0..<20).filter { _ in
            var stay = stay(&router)
            defer { router.left(stay) }
            guard router.mayHedge(stay, now: .zero) else { return false }
            router.noteHedge(&stay, now: .zero)
            return true
        }
        #expect(granted.count == 10)
        var late = stay(&router)
        #expect(!router.mayRepeat(&late, now: .zero), "what is spent on second attempts is not there for repeats")
    }

    @Test func `comes later where answers take longer`() {
        var router = router { $0.retries.hedging = .init(delay: .milliseconds(5), percentile: 90) }
        let stay = stay(&router)
        for _ in 0..<RunningQuantile.leastSampleCount { router.noteAnswer(stay, after: .milliseconds(80)) }
        #expect(router.hedgeDelay(stay) == .milliseconds(80))
    }
}
