import APIClient
import Formats
import Linux
import Testing
import Traffic

@testable import ServiceProxy

@Suite(.serialized) struct NodeInquirerTests {
    private static let ready: Value = ["ready": true]

    /// A port of which nobody knows anything.
    private func nobody() throws -> EndpointAddress { EndpointAddress(host: 0x7F00_0001, port: try FreePort.next()) }

    @Test func `a node whose agent is missed and whose endpoints all refuse is told, until its agent is back`() throws {
        let harness = try ProxyHarness()
        harness.service()
        harness.slice([(try nobody(), Self.ready)], node: "b1")
        harness.proxy.start()
        harness.wait { harness.status["routeRevision"].string != nil }
        #expect(harness.status["refusals"] == [])
        harness.proxy.absent(["b1": "7"])
        harness.wait { harness.status["refusals"] == [["node": "b1", "absence": "7"]] }
        #expect(harness.proxy.tableText.contains("others preferred"))
        harness.proxy.absent(["b1": "8"])
        harness.wait { harness.status["refusals"] == [["node": "b1", "absence": "8"]] }
        harness.proxy.absent([:])
        harness.wait { harness.status["refusals"] == [] }
    }

    @Test func `a node where anybody accepts is not told, nor one where nothing is offered`() throws {
        let harness = try ProxyHarness()
        let backend = try Backend(loop: harness.loop) { _ in }
        harness.service()
        harness.slice([(backend.address, Self.ready)], node: "b1")
        harness.proxy.start()
        harness.wait { harness.status["routeRevision"].string != nil }
        harness.proxy.absent(["a1": "3", "b1": "7"])
        harness.wait("three rounds have met it") { backend.peers.count >= 3 }
        #expect(harness.status["refusals"] == [])
    }

    @Test func `what a table offers there anew takes the word back until it was asked as well`() throws {
        let harness = try ProxyHarness()
        let dead = try nobody()
        harness.service()
        harness.slice([(dead, Self.ready)], node: "b1")
        harness.proxy.start()
        harness.proxy.absent(["b1": "7"])
        harness.wait { harness.status["refusals"] != [] && harness.status["refusals"] != .null }
        let other = EndpointAddress(host: 0x7F00_0002, port: dead.port)
        let revision = harness.slice([(dead, Self.ready), (other, Self.ready)], node: "b1")
        harness.wait { harness.status["routeRevision"].string == "\(revision)" && harness.status["refusals"] == [] }
        harness.wait { harness.status["refusals"] == [["node": "b1", "absence": "7"]] }
    }
}
