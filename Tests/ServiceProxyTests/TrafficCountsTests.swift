import Testing
import Timing
import Traffic

@testable import ServiceProxy

struct TrafficCountsTests {
    private static let web = RouteTable.BackendName(.init("shop", "web"), port: 80)
    private static let other = RouteTable.BackendName(.init("shop", "other"), port: 80)

    private static func address(_ number: UInt16) -> EndpointAddress { EndpointAddress(host: 0x7F40_0001, port: number) }

    private static func table(_ backends: [RouteTable.BackendName: [UInt16]]) -> RouteTable {
        var table = RouteTable()
        table.backends = backends.sorted { $0.key < $1.key }.map { entry in
            .init(name: entry.key, carriage: .exchanges, endpoints: entry.value.sorted().map { .init(address($0), .ready) })
        }
        return table
    }

    private static func text(_ counts: TrafficCounts, now: Instant = .zero) -> [Substring] {
        TrafficText.text(counts, openConnectionCount: 0, now: now) { _, _ in true }.split(separator: "\n")
    }

    @Test func `an endpoint of two backends is counted for each by itself`() {
        let counts = TrafficCounts()
        counts.follow(Self.table([Self.web: [1, 2], Self.other: [1]]), now: .zero)
        for _ in 0..<3 {
            counts.tally(EndpointID(index: 0), at: Self.address(1), of: counts.backend(Self.web), now: .zero).count(status: 200)
        }
        counts.tally(EndpointID(index: 0), at: Self.address(1), of: counts.backend(Self.other), now: .zero).count(status: 200)
        #expect(counts.sortedTallies().map { $0.requestCount } == [1, 3])
    }

    @Test func `an index that is given out again counts for the endpoint that has it now`() {
        let counts = TrafficCounts()
        counts.follow(Self.table([Self.web: [1]]), now: .zero)
        let before = counts.tally(EndpointID(index: 0), at: Self.address(1), of: counts.backend(Self.web), now: .zero)
        counts.follow(Self.table([Self.web: [2]]), now: .zero)
        let after = counts.tally(EndpointID(index: 0), at: Self.address(2), of: counts.backend(Self.web), now: .zero)
        #expect(before !== after)
        #expect(after.endpoint == "127.64.0.1:2")
    }

    @Test func `a pod's address that goes to another pod begins a series of its own, and a pod that moves goes on with its own`() {
        let counts = TrafficCounts()
        func use(_ pods: [UInt16: String]) -> [String: Tally] {
            var table = Self.table([Self.web: Array(pods.keys)])
            for index in table.backends[0].endpoints.indices {
                table.backends[0].endpoints[index].pod = pods[table.backends[0].endpoints[index].address.port] ?? ""
                table.backends[0].endpoints[index].zone = "a"
            }
            counts.follow(table, now: .zero)
            return Dictionary(
                uniqueKeysWithValues: pods.map { port, pod in
                    (pod, counts.tally(EndpointID(index: Int(port)), at: Self.address(port), of: counts.backend(Self.web), now: .zero))
                })
        }
        let first = use([1: "web-1", 2: "web-2"])
        let second = use([1: "web-2", 2: "web-3"])
        #expect(first["web-2"] === second["web-2"])
        #expect(second["web-3"] !== first["web-2"])
        #expect(second["web-3"]?.labels == #"namespace="shop",service="web",port="80",endpoint="web-3",zone="a""#)
    }

    @Test func `indices that meet in one place are still told apart`() {
        let counts = TrafficCounts()
        counts.follow(Self.table([Self.web: [1, 2]]), now: .zero)
        for _ in 0..<2 {
            for (index, number) in [(0, UInt16(1)), (64, 2)] {
                counts.tally(EndpointID(index: index), at: Self.address(number), of: counts.backend(Self.web), now: .zero).count(
                    status: 204)
            }
        }
        #expect(counts.sortedTallies().map { $0.requestCount } == [2, 2])
    }

    @Test func `what left the table is told for five minutes more, and goes on when it is back`() {
        let counts = TrafficCounts()
        counts.follow(Self.table([Self.web: [1]]), now: .zero)
        counts.tally(EndpointID(index: 0), at: Self.address(1), of: counts.backend(Self.web), now: .zero).count(status: 200)
        counts.follow(Self.table([:]), now: .zero)
        let series = #"http_requests_total{namespace="shop",service="web",port="80",endpoint="127.64.0.1:1",zone="",code="200"} 1"#
        #expect(Self.text(counts).contains(series[...]))
        #expect(Self.text(counts, now: .zero + .seconds(299)).contains(series[...]))
        counts.follow(Self.table([Self.web: [1]]), now: .zero)
        #expect(Self.text(counts, now: .zero + .seconds(400)).contains(series[...]))
        counts.follow(Self.table([:]), now: .zero)
        #expect(Self.text(counts, now: .zero + .seconds(500)).contains(series[...]))
        #expect(!Self.text(counts, now: .zero + .seconds(800)).contains(series[...]))
        #expect(!Self.text(counts, now: .zero + .seconds(800)).contains { $0.contains("service=\"web\"") })
    }

    @Test func `endpoints beyond the limit share a series, and one that left makes room`() {
        let counts = TrafficCounts()
        let numbers = (1...UInt16(TrafficCounts.tallyLimit + 3)).map { $0 }
        counts.follow(Self.table([Self.web: numbers]), now: .zero)
        let backend = counts.backend(Self.web)
        for number in numbers {
            counts.tally(EndpointID(index: Int(number)), at: Self.address(number), of: backend, now: .zero).count(status: 200)
        }
        #expect(counts.sortedTallies().first { $0.endpoint == TrafficCounts.others }?.requestCount == 3)
        #expect(counts.sortedTallies().count == TrafficCounts.tallyLimit + 1)
        counts.follow(Self.table([Self.web: Array(numbers.dropFirst(100))]), now: .zero)
        counts.prune(now: .zero)
        counts.prune(now: .zero)
        #expect(counts.sortedTallies().count == TrafficCounts.tallyLimit - 99)
    }

    @Test func `codes beyond the limit are counted by class, so that a search for 5xx finds them`() {
        let tally = Tally(Self.web)
        for code in 500..<(500 + Tally.codeLimit + 2) { tally.count(status: code) }
        #expect(tally.codes.count == Tally.codeLimit)
        #expect(tally.furtherCodes[5] == 2)
        #expect(tally.requestCount == UInt64(Tally.codeLimit + 2))
    }

    @Test func `Services that come and go leave nothing behind, though nobody reads`() {
        let counts = TrafficCounts()
        for number in 0..<1000 {
            let name = RouteTable.BackendName(.init("shop", "web-\(number)"), port: 80)
            counts.follow(Self.table([name: []]), now: .zero)
            _ = counts.backend(name)
        }
        #expect(counts.sortedBackends().count < 100)
    }

    @Test func `a connection that outlives its Service counts for it again when it is back`() {
        let counts = TrafficCounts()
        let name = RouteTable.BackendName(.init("default", "web"), port: 80)
        counts.follow(Self.table([name: []]), now: .zero)
        let held = counts.backend(name)
        counts.follow(Self.table([:]), now: .zero)
        counts.prune(now: .zero)
        counts.follow(Self.table([name: []]), now: .zero)
        #expect(counts.backend(name) === held)
    }

    @Test func `each series is there once, and every family says what it is`() {
        let counts = TrafficCounts()
        counts.follow(Self.table([Self.web: [1, 2], Self.other: [1]]), now: .zero)
        for name in [Self.web, Self.other] {
            let tally = counts.tally(EndpointID(index: 0), at: Self.address(1), of: counts.backend(name), now: .zero)
            tally.count(status: 200)
            tally.took(.milliseconds(3))
            counts.backend(name).failed("no-ready-endpoint")
        }
        let lines = Self.text(counts)
        let series = lines.filter { !$0.hasPrefix("#") }.map { $0.prefix { $0 != " " } }
        #expect(Set(series).count == series.count)
        let typed = Set(lines.filter { $0.hasPrefix("# TYPE") }.map { $0.split(separator: " ")[2] })
        for name in TrafficCounter.allCases.map(\.family.name) + TrafficGauge.allCases.map(\.family.name) + ["up", "http_requests_total"] {
            #expect(typed.contains(name[...]), "\(name)")
        }
    }

    @Test func `what is open at an endpoint is counted while it is`() throws {
        let harness = try Harness()
        let backend = try harness.backend { _ in }
        let client = try harness.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { harness.plane.counts.sortedTallies().first?[.openExchanges] == 1 }
        backend.kill()
        harness.wait { client.text.hasPrefix("HTTP/1.1 50") }
        #expect(harness.plane.counts.sortedTallies().first?[.openExchanges] == 0)
    }

    @Test func `a request that an endpoint lost is counted there as sent again, and by status where it ended`() throws {
        let harness = try Harness()
        let losing = try harness.backend { peer in peer.onBytes = { $0.reset() } }
        #expect(try harness.get().hasPrefix("HTTP/1.1 502"))
        let tally = try #require(harness.plane.counts.sortedTallies().first)
        #expect(tally.endpoint == losing.address.description)
        #expect(tally[.retries] == 1)
        #expect(tally.codes.map(\.code) == [502])
        #expect(harness.plane.counts.sortedBackends().first?.reasons.map(\.reason) == ["endpoint-reset"])
    }
}
