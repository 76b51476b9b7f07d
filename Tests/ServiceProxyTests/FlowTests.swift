import Linux
import Testing
import Timing
import Traffic

@testable import ServiceProxy

@Suite(.serialized) struct FlowTests {
    @Test func `bytes are copied both ways`() throws {
        let harness = try Harness(.flows)
        let backend = try harness.backend { peer in peer.onBytes = { $0.send("<" + $0.text + ">") } }
        let client = try harness.client()
        client.send("hello")
        harness.wait { client.text == "<hello>" }
        client.close()
        harness.wait { backend.peers[0].isEnded }
    }

    @Test func `who ends its half still gets the answer`() throws {
        let harness = try Harness(.flows)
        try harness.backend { peer in
            peer.onBytes = { peer in
                guard peer.isEnded else { return }
                peer.send("\(peer.received.count) bytes")
                peer.close()
            }
        }
        let client = try harness.client()
        harness.settle()
        client.send(String(repeating: "x", count: 1000))
        client.shutdown()
        harness.wait { client.isEnded }
        #expect(client.text == "1000 bytes")
        #expect(harness.plane.openConnectionCount == 0)
    }

    @Test func `a reset is passed on as a reset`() throws {
        let harness = try Harness(.flows)
        let backend = try harness.backend { $0.send("hi") }
        let client = try harness.client()
        harness.wait { client.text == "hi" }
        // Looks only when all of it is there: an end before the reset would be all that it sees.
        client.pause(true)
        backend.peers[0].reset()
        harness.wait { harness.plane.openConnectionCount == 0 }
        client.pause(false)
        harness.wait { client.failure != nil }
        #expect(!client.hasSeenEnd)
    }

    @Test func `a flow whose endpoint refuses goes to another`() throws {
        let harness = try Harness(.flows)
        try harness.backend { $0.send("alive") }
        let dead = try harness.backend { _ in }
        dead.kill()
        for _ in 0..<3 {
            let client = try harness.client()
            harness.wait { client.text == "alive" }
        }
    }

    @Test func `a flow waits for the first endpoint and then brings what was sent meanwhile`() throws {
        let harness = try Harness(.flows)
        let client = try harness.client()
        client.send("early")
        harness.settle()
        let backend = try harness.backend { _ in }
        harness.wait { backend.peers.first?.text == "early" }
    }

    @Test func `a slow reader holds the other side back, in bounded memory`() throws {
        let harness = try Harness(.flows)
        let total = 32 << 20
        try harness.backend { peer in for _ in 0..<32 { peer.send([UInt8](repeating: 1, count: 1 << 20)) } }
        let client = try harness.client()
        client.pause(true)
        harness.settle()
        #expect(harness.plane.bufferedByteCount < 2 * Flow.bufferLimit + ByteChannel.receiveLimit)
        client.pause(false)
        harness.wait { client.received.count == total }
    }

    @Test func `flows do not hold a drain up`() throws {
        let harness = try Harness(.flows)
        let backend = try harness.backend { $0.send("hi") }
        let client = try harness.client()
        harness.wait { client.text == "hi" }
        harness.set(backend.address, .terminating)
        #expect(harness.plane.drainReport() == [.init(address: backend.address, exchangeCount: 0, flowCount: 1)])
        #expect(client.isEnded == false)
    }
}
