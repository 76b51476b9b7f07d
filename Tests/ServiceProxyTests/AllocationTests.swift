import Allocations
import Linux
import Testing
import Timing
import Traffic

@testable import ServiceProxy

/// Both sides run on threads of their own, so that what is counted is the dataplane's and its loop's.
@Suite(.serialized) struct AllocationTests {
    /// Allocations a request once everything that grows has grown.
    private func steadyCount(_ carriage: RouteTable.Carriage) throws -> Double {
        let harness = try Harness(carriage)
        let listener = try Sockets.listen(tcp: .ipv4(Harness.host, port: 0))
        harness.set(EndpointAddress(host: Harness.host.bits, port: try #require(try Sockets.localAddress(listener).port)), .ready)
        let (warmUp, counted) = (200, 1000)
        allocations_begin(listener, try #require(harness.address.port), Int32(warmUp + counted))
        #expect(harness.loop.runUntil(within: Harness.patience) { allocations_answered() >= warmUp })
        let before = (count: allocations_count(), answered: allocations_answered())
        #expect(harness.loop.runUntil(within: Harness.patience) { allocations_answered() >= warmUp + counted })
        return Double(allocations_count() - before.count) / Double(Int(allocations_answered() - before.answered))
    }

    // Optimised nothing is allocated: `Tests/Benchmarks/proxy/allocations` counts that in the program as it runs. Debug builds, for which these bounds are,
    // also keep closures and other temporaries on the heap.
    private static let (flow, exchange) = (8.5, 50.0)

    @Test func `a request over a flow costs no more allocations than before`() throws {
        let count = try steadyCount(.flows)
        #expect(count <= Self.flow, "\(count) a request")
    }

    @Test func `an exchange costs no more allocations than before`() throws {
        let count = try steadyCount(.exchanges)
        // In debug builds 46 to 48: on a busy machine a request takes more turns of the loop, and more sweeps come between.
        #expect(count <= Self.exchange, "\(count) a request")
    }
}
