import Testing
import Traffic

@Suite struct NodeInquiryTests {
    private let first = EndpointAddress(host: 0x7F40_0001, port: 8080)
    private let second = EndpointAddress(host: 0x7F40_0002, port: 8080)

    private func table(_ endpoints: [(EndpointAddress, RouteTable.Standing, String)]) -> RouteTable {
        var table = RouteTable()
        table.backends = [
            .init(
                name: .init(.init("default", "web"), port: 80), carriage: .exchanges,
                endpoints: endpoints.map { RouteTable.Endpoint($0.0, $0.1, node: $0.2) })
        ]
        return table
    }

    private var both: RouteTable { table([(first, .ready, "b1"), (second, .ready, "b1")]) }

    private func refusing(_ rounds: NodeInquiry.Outcome...) -> NodeInquiry {
        var inquiry = NodeInquiry()
        _ = inquiry.heard(["b1": "7"])
        for outcome in rounds { _ = inquiry.ended("b1", "7", outcome) }
        return inquiry
    }

    @Test func `a node refuses when two rounds in a row found nobody`() {
        let all: NodeInquiry.Outcome = .refusedByAll([first, second])
        #expect(refusing(all).refusals(by: both) == [])
        #expect(refusing(all, all).refusals(by: both) == [.init(node: "b1", absence: "7")])
        #expect(refusing(all, .notRefused, all).refusals(by: both) == [])
        #expect(refusing(all, all, .notRefused).refusals(by: both) == [])
        #expect(refusing(all, all, .nobodyToAsk).refusals(by: both) == [])
    }

    @Test func `an endpoint that was not asked twice may be one that answers`() {
        #expect(refusing(.refusedByAll([first]), .refusedByAll([first])).refusals(by: both) == [])
        #expect(refusing(.refusedByAll([first]), .refusedByAll([first, second])).refusals(by: both) == [])
        #expect(
            refusing(.refusedByAll([first]), .refusedByAll([first, second]), .refusedByAll([first, second])).refusals(by: both)
                == [.init(node: "b1", absence: "7")])
    }

    @Test func `what a table does not offer any more needs no asking, and where it offers nothing nobody refuses`() {
        let inquiry = refusing(.refusedByAll([first, second]), .refusedByAll([first, second]))
        #expect(inquiry.refusals(by: table([(first, .ready, "b1"), (second, .terminating, "b1")])) == [.init(node: "b1", absence: "7")])
        #expect(inquiry.refusals(by: table([(first, .withheld, "b1"), (second, .ready, "c1")])) == [])
    }

    @Test func `an absence that is over, or another one, begins anew`() {
        var inquiry = refusing(.refusedByAll([first, second]), .refusedByAll([first, second]))
        #expect(inquiry.heard(["b1": "7", "a1": "3"]) == ["a1"])
        #expect(inquiry.refusals(by: both).map(\.absence) == ["7"])
        #expect(inquiry.heard(["b1": "8"]) == ["b1"])
        #expect(inquiry.refusals(by: both) == [])
        #expect(inquiry.ended("b1", "7", .refusedByAll([first, second])) == nil, "a round of the absence before")
        #expect(inquiry.heard([:]) == [])
        #expect(inquiry.ended("b1", "8", .refusedByAll([first, second])) == nil)
    }

    @Test func `it asks again soon where nobody accepts, and ever more seldom where somebody does`() {
        var inquiry = refusing()
        let pauses = { (outcome: NodeInquiry.Outcome, count: Int) in
            (0..<count).map { _ in inquiry.ended("b1", "7", outcome)?.milliseconds ?? 0 }
        }
        #expect(pauses(.refusedByAll([first]), 3) == [20, 100, 100])
        #expect(pauses(.notRefused, 5) == [100, 200, 400, 800, 1_000])
        #expect(pauses(.refusedByAll([first]), 2) == [20, 100])
    }

    @Test func `more nodes than an instance has are left to their leases`() {
        var inquiry = NodeInquiry()
        let nodes = Dictionary(uniqueKeysWithValues: (0..<200).map { (String(1_000 + $0), "1") })
        #expect(inquiry.heard(nodes).count == NodeInquiry.nodeLimit)
    }
}

extension Duration {
    fileprivate var milliseconds: Int64 { components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000 }
}
