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
        let (warmUp, batch, batchCount) = (200, 100, 10)
        allocations_begin(listener, try #require(harness.address.port), Int32(warmUp + batch * batchCount))
        #expect(harness.loop.runUntil(within: Harness.patience) { allocations_answered() >= warmUp })
        // On a busy machine a request takes more turns of the loop, and sweeps come between: the least of several counts is the requests' own.
        var least = Double.infinity
        for number in 1...batchCount {
            let before = (count: allocations_count(), answered: allocations_answered())
            #expect(harness.loop.runUntil(within: Harness.patience) { allocations_answered() >= warmUp + number * batch })
            least = min(least, Double(allocations_count() - before.count) / Double(Int(allocations_answered() - before.answered)))
        }
        return least
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
        #expect(count <= Self.exchange, "\(count) a request")
    }
}
