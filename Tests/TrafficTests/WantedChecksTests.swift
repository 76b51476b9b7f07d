import Resources
import Testing

@testable import Traffic

@Suite struct `The checks that a proxy makes` {
    private let web = RouteTable.BackendName(.init("default", "web"), port: 80)
    private let db = RouteTable.BackendName(.init("default", "db"), port: 80)

    private func table(_ backends: (RouteTable.BackendName, checks: Int, [RouteTable.Standing])...) -> RouteTable {
        var table = RouteTable()
        table.backends = backends.sorted { $0.0 < $1.0 }.map { name, checks, standings in
            var rules = TrafficRules()
            rules.health.checks = (0..<checks).map { HealthCheckRule(name: "check-\($0)", depth: .shallow, .http(.init(path: "/"))) }
            let endpoints = standings.enumerated().map { RouteTable.Endpoint(address($0.offset), $0.element) }
            return RouteTable.Backend(name: name, carriage: .exchanges, endpoints: endpoints, rules: rules)
        }
        return table
    }

    private func address(_ index: Int) -> EndpointAddress { EndpointAddress(host: 0x7F40_0001 + UInt32(index), port: 8080) }

    @Test func `are those of each policy at each endpoint that is ready`() {
        let table = table((web, 2, [.ready, .terminating, .ready, .withheld]), (db, 0, [.ready]))
        let wanted = table.wantedChecks { _ in false }
        #expect(
            wanted.map(\.place) == [
                CheckPlace(web, address(0), check: 0), CheckPlace(web, address(0), check: 1), CheckPlace(web, address(2), check: 0),
                CheckPlace(web, address(2), check: 1),
            ])
        #expect(wanted.map(\.rule.name) == ["check-0", "check-1", "check-0", "check-1"])
        #expect(wanted.map(\.place) == wanted.map(\.place).sorted())
    }

    @Test func `say who may listen at an endpoint`() {
        var table = table((web, 1, [.ready]))
        #expect(table.wantedChecks { _ in false }.map(\.users) == [nil])
        table.backends[0].endpoints[0].users = ListenerUsers([1000])
        #expect(table.wantedChecks { _ in false }.map(\.users) == [ListenerUsers([1000])])
    }

    @Test func `are at most so many, and whom it asks already it asks on`() {
        let table = table((web, 1, Array(repeating: .ready, count: 5)))
        func asked(_ limit: Int, watched: Set<Int>) -> [EndpointAddress] {
            let places = Set(watched.map { CheckPlace(web, address($0), check: 0) })
            return table.wantedChecks(atMost: limit) { places.contains($0) }.map(\.place.address)
        }
        // (limit, who is asked already, who is asked)
        let rows: [(Int, Set<Int>, [Int])] = [
            (5, [], [0, 1, 2, 3, 4]), (3, [], [0, 1, 2]), (3, [4], [0, 1, 4]), (3, [1, 3, 4], [1, 3, 4]), (3, [0, 9], [0, 1, 2]),
            (2, [1, 2, 4], [1, 2]), (0, [1], []),
        ]
        for (limit, watched, expected) in rows {
            #expect(asked(limit, watched: watched) == expected.map { address($0) }, "\(limit) \(watched)")
        }
    }
}
