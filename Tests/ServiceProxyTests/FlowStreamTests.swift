import Glibc
import Linux
import Testing
import Timing
import Traffic

@testable import ServiceProxy

/// What is long enough to pass through a pipe.
@Suite(.serialized) struct FlowStreamTests {
    private static func random(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = SeededRandom(seed: seed)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count { withUnsafeBytes(of: random.next()) { bytes.append(contentsOf: $0) } }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// A message about two arrays of megabytes helps nobody, and `==` takes seconds in a debug build.
    private static func isSame(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        one.count == other.count && memcmp(one, other, one.count) == 0
    }

    /// Nobody has a pipe when everything is over.
    private static func expectNoPipeLent(_ harness: Harness) {
        harness.wait("a flow is open still") { harness.plane.openConnectionCount == 0 }
        #expect(harness.plane.pipes.lentCount == 0)
        #expect(harness.plane.pipes.restingCount <= PipePool.restingLimit)
    }

    @Test(arguments: [PipePool.limit, 1, 0]) func `long streams arrive whole, both ways at a time`(pipeLimit: Int) throws {
        let harness = try Harness(.flows)
        harness.plane.pipes.limit = pipeLimit
        let there = Self.random(9_000_001, seed: 1)
        let back = Self.random(7_654_321, seed: 2)
        let backend = try harness.backend { $0.send(back) }
        let client = try harness.client()
        client.send(there)
        client.shutdownWhenSent()
        harness.wait { client.received.count == back.count && backend.peers.first?.isEnded == true }
        let peer = try #require(backend.peers.first)
        #expect(peer.failure == nil && client.failure == nil)
        #expect(Self.isSame(peer.received, there))
        #expect(Self.isSame(client.received, back))
        #expect((harness.plane.pipes.restingCount > 0) == (pipeLimit > 0))
        peer.close()
        harness.wait { client.isEnded }
        Self.expectNoPipeLent(harness)
    }

    @Test func `messages between streams arrive in their order`() throws {
        let harness = try Harness(.flows)
        let long = Self.random(1_000_000, seed: 3)
        let backend = try harness.backend { _ in }
        let client = try harness.client()
        harness.wait { backend.peers.count == 1 }
        let peer = try #require(backend.peers.first)
        var sent: [UInt8] = []
        for turn in 0..<6 {
            for part in [Array("<\(turn)".utf8), long, Array("\(turn)>".utf8)] {
                peer.send(part)
                sent += part
                // The stream is over here, or it goes on with the next part.
                if turn % 2 == 0 { harness.wait { client.received.count == sent.count } }
            }
        }
        harness.wait { client.received.count == sent.count }
        #expect(Self.isSame(client.received, sent))
        client.close()
        peer.close()
        Self.expectNoPipeLent(harness)
    }

    @Test(arguments: [true, false]) func `an end of one half in the middle leaves the other half its stream`(clientEnds: Bool) throws {
        let harness = try Harness(.flows)
        let long = Self.random(6_000_000, seed: 4)
        let backend = try harness.backend { _ in }
        let client = try harness.client()
        harness.wait { backend.peers.count == 1 }
        let peer = try #require(backend.peers.first)
        let (ending, going) = clientEnds ? (client, peer) : (peer, client)
        ending.pause(true)
        going.send(long)
        ending.send(long)
        ending.shutdownWhenSent()
        harness.wait { going.isEnded }
        #expect(Self.isSame(going.received, long))
        #expect(!ending.isEnded && ending.received.count < long.count)
        ending.pause(false)
        going.send(Array("the last".utf8))
        going.shutdownWhenSent()
        harness.wait { ending.isEnded }
        #expect(ending.failure == nil)
        #expect(Self.isSame(ending.received, long + Array("the last".utf8)))
        Self.expectNoPipeLent(harness)
    }

    enum Break: CaseIterable { case readerResets, writerResets, proxyEnds, endpointDies }

    @Test(arguments: Break.allCases) func `a break in the middle is passed on, and its pipe serves nobody else`(way: Break) throws {
        let harness = try Harness(.flows)
        let backend = try harness.backend { _ in }
        let client = try harness.client()
        harness.wait { backend.peers.count == 1 }
        let peer = try #require(backend.peers.first)
        peer.pause(true)
        client.send([UInt8](repeating: 5, count: 24 << 20))
        harness.wait("nothing waits in a pipe") { harness.plane.pipes.lentCount == 1 && harness.plane.bufferedByteCount > 0 }
        #expect(harness.plane.pipes.restingCount == 0)
        switch way {
        case .readerResets: peer.reset()
        case .writerResets: client.reset()
        case .proxyEnds: harness.plane.finish(within: .milliseconds(1)) {}
        case .endpointDies: backend.kill()
        }
        Self.expectNoPipeLent(harness)
        // What was in it is lost with it: it is not there for the next one.
        #expect(harness.plane.pipes.restingCount == 0)
        if way != .readerResets, way != .endpointDies {
            peer.pause(false)
            harness.wait { peer.failure != nil }
        } else {
            harness.wait { client.failure != nil }
        }
    }

    @Test func `readers that are slow hold back no others, in bounded memory`() throws {
        let harness = try Harness(.flows)
        harness.plane.pipes.limit = 3
        let long = Self.random(8_000_000, seed: 6)
        let backend = try harness.backend { $0.send(long) }
        let slow = try (0..<5).map { _ in try harness.client() }
        for client in slow { client.pause(true) }
        harness.wait { harness.plane.pipes.lentCount == 3 }
        let quick = try harness.client()
        harness.wait { quick.received.count == long.count }
        let limit = max(Flow.bufferLimit + ByteChannel.receiveLimit, SplicePipe.fillLimit)
        #expect(harness.plane.bufferedByteCount <= slow.count * limit)
        for client in slow { client.pause(false) }
        harness.wait { slow.allSatisfy { $0.received.count == long.count } }
        for client in slow + [quick] {
            #expect(Self.isSame(client.received, long))
            client.close()
        }
        for peer in backend.peers { peer.close() }
        Self.expectNoPipeLent(harness)
    }

    @Test func `an urgent byte stops no stream, and nothing behind it is lost`() throws {
        let harness = try Harness(.flows)
        let long = Self.random(2_000_000, seed: 8)
        let backend = try harness.backend { _ in }
        let socket = try Sockets.connect(to: harness.address)
        let client = try Peer(loop: harness.loop, accepted: socket)
        harness.wait { backend.peers.count == 1 }
        let peer = try #require(backend.peers.first)
        for turn in 1...3 {
            client.send(long)
            harness.wait { peer.received.count >= turn * long.count - long.count / 2 }
            // Read by nobody: who does not ask for them does not see such bytes.
            harness.wait { send(socket, "!", 1, Int32(MSG_OOB)) == 1 }
            harness.wait { peer.received.count == turn * long.count }
        }
        client.shutdownWhenSent()
        harness.wait { peer.isEnded }
        #expect(peer.failure == nil && Self.isSame(peer.received, long + long + long))
        peer.close()
        Self.expectNoPipeLent(harness)
    }

    @Test func `what a client said at first goes before its stream`() throws {
        let harness = try Harness(.flows, isDetected: true)
        let long = Self.random(3_000_000, seed: 7)
        let backend = try harness.backend { _ in }
        let client = try harness.client()
        client.send([0x16, 0x03, 0x01] + long)
        client.shutdownWhenSent()
        harness.wait { backend.peers.first?.isEnded == true }
        #expect(Self.isSame(backend.peers.first?.received ?? [], [0x16, 0x03, 0x01] + long))
        client.close()
    }
}
