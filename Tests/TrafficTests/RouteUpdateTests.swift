import Formats
import Resources
import Testing
import Timing

@testable import Traffic

/// A cluster that changes by chance.
private struct Cluster {
    var random: SeededRandom
    var source = RouteSource()

    mutating func number(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }

    /// One write of some object, whether it says anything new or not.
    mutating func change() {
        let name = "s\(number(4))"
        switch number(10) {
        case 0:
            source.set(service: nil, namespace: "default", name: name)
        case 1, 2:
            let ports: Value =
                number(2) == 0 ? [["name": "http", "port": 80]] : [["name": "http", "port": 80], ["name": "tcp-b", "port": 81]]
            let spec: Value = [
                "type": "LoadBalancer", "clusterIP": .string("127.32.0.\(name.last!)"), "ports": ports,
                "sessionAffinity": number(3) == 0 ? "ClientIP" : "None",
            ]
            source.set(service: service(name, spec), namespace: "default", name: name)
        case 3:
            let policy: Value? =
                number(3) == 0
                ? nil
                : [
                    "metadata": ["name": "p", "namespace": "default"],
                    "spec": [
                        "targetRefs": [["kind": "Service", "name": .string(name)]],
                        "loadBalancer": ["type": number(2) == 0 ? "Random" : "RoundRobin"],
                    ],
                ]
            source.set(policy: policy, namespace: "default", name: "p")
        default:
            let key = "slice-\(number(6))"
            if number(5) == 0 { return source.set(slice: nil, namespace: "default", name: key) }
            // Few addresses, so that several Services and slices have the same one.
            let endpoints = (0..<number(5)).map { _ in
                (
                    "127.64.0.\(2 + number(8))",
                    ["ready": .bool(number(3) > 0), "serving": true, "terminating": .bool(number(4) == 0)] as Value
                )
            }
            let ports: Value = [["name": "http", "port": 8080], ["name": "tcp-b", "port": 8081]]
            source.set(slice: slice(key, of: name, ports: ports, endpoints), namespace: "default", name: key)
        }
    }
}

@Suite struct `Updates of the route table` {
    /// What the router says of every backend and every address.
    private func picture(_ router: borrowing Router) -> [String] {
        let backends = router.table.backends.map { backend -> String in
            let known = router.backends[router.backend(backend.name)!.index]
            func addresses(_ list: [EndpointID]) -> [EndpointAddress] { list.map { router.address(of: $0) } }
            return "\(known.name) \(known.gate.rules.balancing) \(known.affinity != nil) \(addresses(known.ready)) "
                + "\(addresses(known.terminating)) \(addresses(known.withheld))"
        }
        let slots = router.slotOf.sorted { $0.key < $1.key }.map { address, index in
            let slot = router.slots[index]
            return "\(address) \(slot.listedCount) \(slot.readyCount) \(slot.terminatingCount) \(router.unready.contains(index))"
        }
        return backends + slots
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `one after the other lead to the same as the whole table at once`(seed: UInt64) {
        var cluster = Cluster(random: SeededRandom(seed: seed))
        var router = Router()
        for _ in 0..<200 {
            for _ in 0..<(1 + cluster.number(3)) { cluster.change() }
            if let update = cluster.source.update() { _ = router.apply(update, now: .zero) }
            let table = cluster.source.table()
            var fresh = Router()
            _ = fresh.swap(table)
            #expect(router.table == table)
            #expect(picture(router) == picture(fresh))
        }
    }

    @Test func `a slice that says something new changes the backends of its Service alone, and one that does not changes nothing`() {
        let spec: Value = ["clusterIP": "127.32.0.1", "ports": [["name": "http", "port": 80], ["name": "tcp-b", "port": 81]]]
        let ports: Value = [["name": "http", "port": 8080], ["name": "tcp-b", "port": 8081]]
        var source = RouteSource(services: [service("a", spec), service("b", spec)], slices: [])
        guard case .table? = source.update() else {
            Issue.record("the first update is a table")
            return
        }
        #expect(source.update() == nil)
        for expected in [["default/a:80", "default/a:81"], nil] {
            source.set(slice: slice("a-1", of: "a", ports: ports, [("127.64.0.2", .null)]), namespace: "default", name: "a-1")
            var names: [String]?
            if case .endpoints(let backends)? = source.update() { names = backends.map(\.name.description) }
            #expect(names == expected)
        }
        source.set(service: service("a", spec), namespace: "default", name: "a")
        #expect(source.update() == nil, "the Service was written anew with what it said before")
    }

    @Test func `an endpoint that two backends list is withdrawn when the second lets it go`() {
        let name = { RouteTable.BackendName(.init("default", $0), port: 80) }
        let address = EndpointAddress(host: 0x7F40_0002, port: 8080)
        func backend(_ service: String, _ standing: RouteTable.Standing) -> RouteTable.Backend {
            .init(name: name(service), carriage: .exchanges, endpoints: [.init(address, standing)])
        }
        var table = RouteTable()
        table.backends = [backend("a", .ready), backend("b", .ready)]
        var router = Router()
        _ = router.swap(table)
        #expect(router.apply(.endpoints([backend("a", .withheld)]), now: .zero).isEmpty)
        #expect(router.drainReport().isEmpty)
        #expect(router.apply(.endpoints([backend("b", .terminating)]), now: .zero) == [EndpointID(index: 0)])
        #expect(router.apply(.endpoints([backend("nobody", .ready)]), now: .zero).isEmpty, "a backend that the table does not have")
    }
}
