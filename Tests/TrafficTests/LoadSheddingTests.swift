import Resources
import Testing
import Timing
import Wire

@testable import Traffic

@Suite struct `Shedding load` {
    private func rules(_ limit: Int?, _ age: Duration = .milliseconds(20), _ priorities: [Int] = [1, 9]) -> LoadSheddingRules {
        var rules = LoadSheddingRules()
        rules.parallelRequests = limit
        rules.queueAge = age
        rules.priorities = priorities.map { priority in
            var selector = RateLimitRule.Selector()
            selector.path = .exact("/\(priority)")
            return .init(selectors: [selector], priority: priority)
        }
        return rules
    }

    private func place(_ number: UInt64, _ priority: Int = 5, at milliseconds: Int = 0) -> LoadShedder.Place {
        .init(number: number, priority: priority, since: .zero + .milliseconds(milliseconds), hash: 0)
    }

    @Test func `the first rule that selects a request gives its priority, and 5 is the usual one`() {
        let shedder = LoadShedder(rules(nil))
        for (path, priority) in [("/1", 1), ("/9", 9), ("/", 5)] {
            #expect(shedder.priority(RequestHead(method: "GET", target: path), client: 1) == priority)
        }
    }

    @Test func `beyond the limit requests wait in line, the highest priority in front and the oldest before the others`() {
        var shedder = LoadShedder(rules(1))
        #expect(shedder.meet(place(1), age: .zero, openCount: 0) == .goes)
        for (number, priority) in [(2, 5), (3, 1), (4, 9), (5, 5)] as [(UInt64, Int)] {
            guard case .waits = shedder.meet(place(number, priority), age: .zero, openCount: 1) else {
                Issue.record("\(number) waits")
                continue
            }
        }
        #expect(shedder.next(openCount: 1, now: .zero) == nil)
        var order: [UInt64] = []
        while let place = shedder.next(openCount: 0, now: .zero) { order.append(place.number) }
        #expect(order == [4, 2, 5, 3])
    }

    @Test func `nobody overtakes the line`() {
        var shedder = LoadShedder(rules(1))
        _ = shedder.meet(place(1), age: .zero, openCount: 1)
        guard case .waits = shedder.meet(place(2), age: .zero, openCount: 0) else {
            Issue.record("there is room, but 1 was first")
            return
        }
    }

    @Test func `a line that is full gives the last place to a higher priority`() {
        var shedder = LoadShedder(rules(1))
        for number in 1...UInt64(LoadShedder.lineLimit) { _ = shedder.meet(place(number), age: .zero, openCount: 1) }
        #expect(shedder.meet(place(5000), age: .zero, openCount: 1) == .refused)
        guard case .waits(_, let displaced) = shedder.meet(place(5001, 9), age: .zero, openCount: 1) else {
            Issue.record("it is let in")
            return
        }
        #expect(displaced == UInt64(LoadShedder.lineLimit))
        #expect(shedder.lineCount == LoadShedder.lineLimit)
    }

    @Test func `a burst may wait longer than a queue that stands`() {
        var shedder = LoadShedder(rules(1))
        func until(_ number: UInt64, at: Int) -> Instant? {
            if case .waits(let until, _) = shedder.meet(place(number, at: at), age: .zero, openCount: 1) { until } else { nil }
        }
        #expect(until(1, at: 0) == .zero + .milliseconds(100))
        #expect(until(2, at: 150) == .zero + .milliseconds(170))
    }

    /// Requests that each waited so long, one every ten milliseconds; the priorities that were let in in each tenth of a second.
    private func admitted(_ shedder: inout LoadShedder, from start: Int, tenths: Int, age: Duration) -> [Set<Int>] {
        (0..<tenths).map { tenth in
            var passed: Set<Int> = []
            for step in 0..<10 {
                for priority in [1, 5, 9] {
                    let at = start + tenth * 100 + step * 10
                    if shedder.meet(place(0, priority, at: at), age: age, openCount: 0) == .goes { passed.insert(priority) }
                }
            }
            return passed
        }
    }

    @Test func `while requests stay old one class more is refused in each interval, lowest first`() {
        var shedder = LoadShedder(rules(nil))
        let passed = admitted(&shedder, from: 0, tenths: 5, age: .milliseconds(30))
        #expect(passed == [[1, 5, 9], [5, 9], [9], [], []])
    }

    @Test func `a moment without a queue ends an interval's count, and one class after the other comes back`() {
        var shedder = LoadShedder(rules(nil))
        _ = admitted(&shedder, from: 0, tenths: 4, age: .milliseconds(30))
        #expect(shedder.level == 3)
        // Nobody is too old any more, so that the class on the brink gets in at once.
        let passed = admitted(&shedder, from: 400, tenths: 4, age: .zero)
        #expect(passed.last == [1, 5, 9] && shedder.level == 0)
        for (earlier, later) in zip(passed, passed.dropFirst()) { #expect(earlier.isSubset(of: later)) }
    }

    @Test func `a burst is no queue that stands`() {
        var shedder = LoadShedder(rules(nil))
        for interval in 0..<10 {
            for step in 0..<10 {
                let age = Duration.milliseconds(step == 0 ? 0 : 50)
                #expect(shedder.meet(place(0, 1, at: interval * 100 + step * 10), age: age, openCount: 0) == .goes)
            }
        }
    }

    @Test func `after a time in which nobody came nobody is refused`() {
        var shedder = LoadShedder(rules(nil))
        _ = admitted(&shedder, from: 0, tenths: 5, age: .milliseconds(30))
        _ = shedder.meet(place(0, 9, at: 5000), age: .zero, openCount: 0)
        #expect(shedder.meet(place(0, 1, at: 5001), age: .milliseconds(30), openCount: 0) == .goes)
    }
}

@Suite struct `A line before the gate` {
    private let name = RouteTable.BackendName(.init("default", "web"), port: 80)

    private func table(_ shedding: LoadSheddingRules?) -> RouteTable {
        var rules = TrafficRules()
        rules.loadShedding = shedding
        var table = RouteTable()
        table.backends = [.init(name: name, carriage: .exchanges, endpoints: [], rules: rules)]
        return table
    }

    private var shedding: LoadSheddingRules {
        var shedding = LoadSheddingRules()
        shedding.parallelRequests = 1
        return shedding
    }

    private func admit(_ router: inout Router, age: Duration = .zero, at milliseconds: Int = 0) -> Router.Admission {
        let now = Instant.zero + .milliseconds(milliseconds)
        return router.admit(router.backend(name)!, RequestHead(method: "GET", target: "/"), client: 1, age: age, now: now)
    }

    @Test func `lets one in for each that leaves`() {
        var router = Router()
        _ = router.swap(table(shedding))
        guard case .stay(let first) = admit(&router), case .line(let second, _, _) = admit(&router),
            case .line(let third, _, _) = admit(&router)
        else {
            Issue.record("one goes, two wait")
            return
        }
        router.left(first)
        let next = router.admitNext(after: first, now: .zero)
        #expect(next?.place == second)
        #expect(router.admitNext(after: first, now: .zero) == nil)
        router.leaveLine(third)
        router.left(next!.stay)
        #expect(router.admitNext(after: first, now: .zero) == nil)
        guard case .stay = admit(&router) else {
            Issue.record("nobody is left")
            return
        }
    }

    @Test func `keeps nobody out whose policy is gone, though some still stand in it`() {
        var router = Router()
        _ = router.swap(table(shedding))
        for time in [0, 0, 150] { _ = admit(&router, age: .seconds(time / 150), at: time) }
        guard case .refused(.overloaded) = admit(&router, age: .seconds(1), at: 300) else {
            Issue.record("what is old is refused while the line stands")
            return
        }
        _ = router.swap(table(nil))
        guard case .stay = admit(&router, age: .seconds(1), at: 310) else {
            Issue.record("nobody asks for that any more")
            return
        }
    }

    @Test func `empties itself where its policy is gone`() {
        var router = Router()
        _ = router.swap(table(shedding))
        guard case .stay(let first) = admit(&router) else { return _ = Issue.record("the first has to stand in line") }
        for _ in 0..<3 { _ = admit(&router) }
        _ = router.swap(table(nil))
        router.left(first)
        var letInCount = 0
        while router.admitNext(after: first, now: .zero) != nil { letInCount += 1 }
        #expect(letInCount == 3)
    }
}

@Suite struct `Another zone first` {
    private let name = RouteTable.BackendName(.init("default", "web"), port: 80)

    private func router(_ zones: [String]) -> Router {
        var table = RouteTable()
        let endpoints = zones.enumerated().map {
            RouteTable.Endpoint(EndpointAddress(host: 0x7F40_0001 + UInt32($0.offset), port: 80), .ready, zone: $0.element)
        }
        table.backends = [.init(name: name, carriage: .exchanges, endpoints: endpoints)]
        var router = Router()
        _ = router.swap(table)
        return router
    }

    private func choose(_ router: inout Router, avoiding: [Int]) -> Int? {
        let backend = router.backend(name)!
        let choice = router.choose(backend, client: 1, avoiding: avoiding.map { EndpointID(index: $0) }, now: .zero)
        if case .endpoint(let id) = choice { return id.index } else { return nil }
    }

    @Test(arguments: [
        (["a", "a", "b"], [0], [2]), (["a", "a", "b", "b"], [0], [2, 3]), (["a", "a", "b"], [0, 2], [1]), (["a", "a"], [0], [1]),
        (["", "", ""], [0], [1, 2]), (["a", "b"], [0, 1], []), (["a", "a", "b"], [], [0, 1, 2]),
    ])
    func `a request that failed goes to another zone, and only then to a neighbour`(zones: [String], avoided: [Int], expected: [Int]) {
        var router = router(zones)
        let met = Set((0..<20).compactMap { _ in choose(&router, avoiding: avoided) })
        #expect(met == Set(expected))
    }
}
