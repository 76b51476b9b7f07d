import Testing
import Timing
import Traffic

private let name = RouteTable.BackendName(.init("default", "web"), port: 80)

private func address(_ last: UInt32) -> EndpointAddress { EndpointAddress(host: 0x7F40_0000 + last, port: 8080) }

private func table(_ endpoints: [(UInt32, RouteTable.Standing)], carriage: RouteTable.Carriage = .exchanges, affinity: Duration? = nil)
    -> RouteTable
{
    var table = RouteTable()
    table.backends = [.init(name: name, carriage: carriage, endpoints: endpoints.map { .init(address($0.0), $0.1) }, affinity: affinity)]
    return table
}

extension Router {
    /// The last octet of the endpoint that was chosen, nil for none.
    fileprivate mutating func pick(client: UInt32 = 1, avoiding: [EndpointID] = [], now: Instant = .zero) -> (last: UInt32, id: EndpointID)?
    {
        guard let backend = backend(name), case .endpoint(let id) = choose(backend, client: client, avoiding: avoiding, now: now) else {
            return nil
        }
        return (address(of: id).host & 255, id)
    }
}

@Suite struct RouterTests {
    @Test func `ties rotate`() {
        var router = Router()
        _ = router.swap(table([(1, .ready), (2, .ready), (3, .ready)]))
        var picks: [UInt32] = []
        for _ in 0..<6 {
            let pick = router.pick()!
            picks.append(pick.last)
            router.finished(pick.id, .exchanges)
        }
        #expect(picks == [1, 2, 3, 1, 2, 3])
    }

    @Test func `the endpoint with the fewest open exchanges is chosen`() {
        var router = Router()
        _ = router.swap(table([(1, .ready), (2, .ready), (3, .ready)]))
        var picks: [(last: UInt32, id: EndpointID)] = []
        for _ in 0..<6 { picks.append(router.pick()!) }
        #expect(Set(picks.map(\.last)) == [1, 2, 3])
        for pick in picks where pick.last == 2 { router.finished(pick.id, .exchanges) }
        #expect([router.pick()!.last, router.pick()!.last] == [2, 2])
    }

    @Test func `a connection goes on as what it began when its backend comes to carry something else`() {
        var router = Router()
        _ = router.swap(table([(1, .ready)]))
        _ = router.swap(table([(1, .ready)], carriage: .flows))
        let backend = router.backend(name)!
        guard case .endpoint(let id) = router.choose(backend, client: 1, avoiding: [], as: .exchanges, now: .zero) else {
            Issue.record("no endpoint")
            return
        }
        #expect(router.openCount(id) == (exchanges: 1, flows: 0))
        router.finished(id, .exchanges)
        #expect(router.openCount(id) == (exchanges: 0, flows: 0))
    }

    @Test func `an endpoint that refused is left alone for a while, and taken when there is no other`() {
        var router = Router()
        _ = router.swap(table([(1, .ready), (2, .ready)]))
        let first = router.pick()!
        router.finished(first.id, .exchanges)
        router.refused(first.id, now: .zero)
        var picks: [UInt32] = []
        for _ in 0..<4 { picks.append(router.pick()!.last) }
        #expect(picks == [2, 2, 2, 2])
        #expect(router.pick(avoiding: [EndpointID(index: 1)])?.last == 1)
        #expect(router.pick(now: .zero + Router.suspicion)?.last == 1)
    }

    @Test func `an endpoint that answers again is no longer suspected`() {
        var router = Router()
        _ = router.swap(table([(1, .ready), (2, .ready)]))
        router.refused(EndpointID(index: 0), now: .zero)
        router.answered(EndpointID(index: 0))
        #expect(router.pick()?.last == 1)
    }

    @Test func `an endpoint that became ready again is no longer suspected`() {
        var router = Router()
        _ = router.swap(table([(1, .ready), (2, .ready)]))
        router.refused(EndpointID(index: 0), now: .zero)
        _ = router.swap(table([(1, .withheld), (2, .ready)]))
        _ = router.swap(table([(1, .ready), (2, .ready)]))
        #expect(router.pick()?.last == 1)
    }

    /// What comes after the news that a process at an endpoint's address has ended, and whether others are still preferred to it then.
    @Test(
        arguments: [
            ("nothing", [], Duration.zero, true),
            ("nothing, for too long", [], Router.suspicion, false),
            ("a table that calls it ready as before", [.ready], .zero, true),
            ("a table that calls it not ready, then ready", [.withheld, .ready], .zero, false),
            ("a table without it, then with it", [nil, .ready], .zero, false),
        ] as [(String, [RouteTable.Standing?], Duration, Bool)])
    func `an endpoint whose process ended is left alone until the table calls it ready anew`(
        then: String, standings: [RouteTable.Standing?], later: Duration, isLeftAlone: Bool
    ) {
        var router = Router()
        _ = router.swap(table([(1, .ready), (2, .ready)]))
        #expect(router.ended(host: address(1).host, now: .zero) == [EndpointID(index: 0)])
        for standing in standings { _ = router.swap(table((standing.map { [(UInt32(1), $0)] } ?? []) + [(2, .ready)])) }
        let now = Instant.zero + later
        #expect(router.isSuspected(address(1), now: now) == isLeftAlone)
        let picks = [router.pick(now: now)?.last, router.pick(now: now)?.last]
        #expect(Set(picks) == (isLeftAlone ? [2] : [1, 2]))
    }

    @Test func `an endpoint whose process ended is taken when there is no other, and a stranger's address is nobody's`() {
        var router = Router()
        _ = router.swap(table([(1, .ready)]))
        #expect(router.ended(host: address(9).host, now: .zero) == [])
        #expect(router.ended(host: address(1).host, now: .zero).count == 1)
        #expect(router.pick()?.last == 1)
    }

    @Test func `nothing new goes to a withdrawn endpoint`() {
        var router = Router()
        _ = router.swap(table([(1, .ready), (2, .ready)]))
        #expect(router.swap(table([(1, .terminating), (2, .ready)])) == [EndpointID(index: 0)])
        var picks: [UInt32] = []
        for _ in 0..<4 { picks.append(router.pick()!.last) }
        #expect(picks == [2, 2, 2, 2])
    }

    @Test func `a terminating endpoint is the last resort until it was reported as drained`() {
        var router = Router()
        _ = router.swap(table([(1, .ready)]))
        let open = router.pick()!
        _ = router.swap(table([(1, .terminating)]))
        #expect(router.drainReport() == [.init(address: address(1), exchangeCount: 1, flowCount: 0)])
        let second = router.pick()!
        router.finished(open.id, .exchanges)
        router.finished(second.id, .exchanges)
        #expect(router.isReportDue == true)
        #expect(router.drainReport().isEmpty)
        #expect(router.pick() == nil)
        _ = router.swap(table([(1, .ready)]))
        #expect(router.pick()?.last == 1)
    }

    @Test func `what was terminating when the router first heard of it is no last resort: it may have been reported as drained before`() {
        var router = Router()
        _ = router.swap(table([(1, .terminating), (2, .withheld)]))
        #expect(router.pick() == nil)
        _ = router.swap(table([(1, .terminating), (2, .terminating)]))
        #expect(router.pick() == nil)
        _ = router.swap(table([(2, .ready)]))
        _ = router.swap(table([(2, .terminating)]))
        #expect(router.pick()?.last == 2)
    }

    @Test func `a drain waits for exchanges, not for flows and upgraded exchanges`() {
        var router = Router()
        _ = router.swap(table([(1, .ready)]))
        let open = router.pick()!
        _ = router.swap(table([(1, .terminating)]))
        _ = router.drainReport()
        router.becameFlow(open.id)
        #expect(router.isReportDue == true)
        #expect(router.drainReport() == [.init(address: address(1), exchangeCount: 0, flowCount: 1)])
        router.finished(open.id, .flows)
        #expect(router.drainReport().isEmpty)
    }

    @Test func `an endpoint that vanished is counted until its last exchange is over, then its place is free`() {
        var router = Router()
        _ = router.swap(table([(1, .ready)]))
        let open = router.pick()!
        _ = router.swap(table([]))
        #expect(router.drainReport().map(\.exchangeCount) == [1])
        _ = router.swap(table([(2, .ready)]))
        #expect(router.pick()!.id != open.id)
        router.finished(open.id, .exchanges)
        #expect(router.drainReport().isEmpty)
        _ = router.swap(table([(2, .ready), (3, .ready)]))
        #expect(router.address(of: open.id) == address(3))
    }

    @Test func `what is not listed, not ready or wholly avoided is told apart`() {
        var router = Router()
        #expect(router.backend(name) == nil)
        _ = router.swap(table([(1, .ready)]))
        let backend = router.backend(name)!
        #expect(router.choose(backend, client: 1, avoiding: [EndpointID(index: 0)], now: .zero) == .allAvoided)
        _ = router.swap(table([(1, .withheld)]))
        #expect(router.choose(backend, client: 1, avoiding: [], now: .zero) == .noneReady)
        _ = router.swap(RouteTable())
        #expect(router.choose(backend, client: 1, avoiding: [], now: .zero) == .noBackend)
        _ = router.swap(table([(1, .ready)]))
        #expect(router.choose(backend, client: 1, avoiding: [], now: .zero) == .noBackend)
        #expect(router.pick()?.last == 1)
    }

    @Test func `a client keeps its endpoint by affinity until the timeout or the endpoint's end`() {
        var router = Router()
        let endpoints: [(UInt32, RouteTable.Standing)] = [(1, .ready), (2, .ready), (3, .ready)]
        _ = router.swap(table(endpoints, affinity: .seconds(10)))
        for _ in 0..<3 { #expect(router.pick(client: 7)!.last == 1) }
        #expect(router.pick(client: 8)!.last == 2)
        #expect(router.pick(client: 7, now: .zero + .seconds(9))!.last == 1)
        #expect(router.pick(client: 7, now: .zero + .seconds(19))!.last == 3)
        _ = router.swap(table([(1, .ready), (2, .ready)], affinity: .seconds(10)))
        #expect(router.pick(client: 7, now: .zero + .seconds(20))!.last == 2)
    }

    @Test func `affinity forgets the longer unused half when it is full`() {
        var affinity = AffinityTable(timeout: .seconds(1000))
        for client in 0...UInt32(AffinityTable.clientLimit) {
            affinity.remember(EndpointID(index: 0), for: client, now: Instant(nanoseconds: Int64(client)))
        }
        #expect(affinity.count <= AffinityTable.clientLimit / 2 + 1)
        #expect(affinity.endpoint(for: 0, now: .zero) == nil)
        #expect(affinity.endpoint(for: UInt32(AffinityTable.clientLimit), now: .zero) != nil)
    }
}
