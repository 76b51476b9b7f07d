import APIClient
import Formats
import Foundation
import Linux
import Testing
import Timing

@testable import Host

extension HostRoleTests {
    /// What `up` keeps while the role that it belongs to is away: descriptors, listeners, and the programs' output.
    @Suite(.serialized) struct CustodyTests {
        @Test func `what a role stored is there for the next process of the role, and for no other`() throws {
            let bench = try HostBench()
            var ends: [Int32] = [-1, -1]
            pipe(&ends)
            let first = try bench.link("proxy-1")
            let before = try bench.ask(["op": "status"])["descriptors"].int ?? 0
            first.store("listener:x", ends[0])
            #expect(bench.until { (try? bench.ask(["op": "status"])["descriptors"].int) == before + 1 })
            first.close()
            close(ends[0])
            let next = try bench.link("proxy-1").fetchAll()
            #expect(next.map(\.name) == ["listener:x"])
            #expect(try bench.link("agent-a1").fetchAll().isEmpty)
            write(ends[1], "y", 1)
            var byte: UInt8 = 0
            #expect(next.first.map { read($0.descriptor, &byte, 1) } == 1)
            #expect(byte == UInt8(ascii: "y"))
            close(ends[1])
        }

        @Test func `what a dead process of a role had under way reaches the one that came after`() throws {
            let bench = try HostBench()
            // A child of the dead one still has its line.
            let first = try bench.link("agent-a1")
            let second = try bench.link("agent-a1")
            var received: (name: String, descriptor: Int32)?
            second.onDescriptor = { received = ($0, $1) }
            guard case .line(let line, let message) = first.custody(of: "bind:x") else {
                Issue.record("no custody")
                return
            }
            var ends: [Int32] = [-1, -1]
            pipe(&ends)
            try DescriptorPassing.send(Array(message.utf8), descriptors: [ends[0]], over: line)
            close(ends[0])
            #expect(bench.until { received != nil })
            #expect(received?.name == "bind:x")
            write(ends[1], "y", 1)
            var byte: UInt8 = 0
            #expect(received.map { read($0.descriptor, &byte, 1) } == 1)
            received.map { closeDescriptor($0.descriptor) }
            close(ends[1])
            #expect(try bench.link("agent-a1").fetchAll().map(\.name) == ["bind:x"])
        }

        @Test func `a proxy's listener is held by every other role, and comes back to a new proxy when up and proxy die together`() throws {
            let scratch = try Scratch()
            let first = try HostBench(at: scratch.path)
            let (proxy, agent) = (try first.link("proxy-1"), try first.link("agent-a1"))
            let listener = try Sockets.listen(tcp: .ipv4(.loopback, port: 0))
            let address = try Sockets.localAddress(listener)
            proxy.store("listener:x", listener)
            #expect(first.until { agent.holds("held:listener:x") })
            let server = try first.link("server")
            #expect(server.holds("held:listener:x"))
            closeDescriptor(listener)
            proxy.close()
            server.close()
            // The next `up` would know by the agent's lock that the block of addresses is its own; a line of a test has no lock.
            agent.remove(HostRole.heldClaim)
            try first.die()

            // Nobody listens but who holds it.
            let client = try Sockets.connect(to: address)
            #expect(Sockets.pendingError(client) == nil)
            closeDescriptor(client)
            let second = try HostBench(at: scratch.path)
            #expect(second.failure == "")
            var came: String?
            let next = try second.link("proxy-1")
            next.onDescriptor = { name, descriptor in
                came = name
                next.store(name, descriptor)
                closeDescriptor(descriptor)
            }
            // The agent finds the new `up` by itself.
            #expect(second.until(beside: first) { came == "listener:x" || next.fetchAll().contains { $0.name == "listener:x" } })

            // What the proxy gives up is held no more.
            next.remove("listener:x")
            #expect(second.until(beside: first) { !agent.holds("held:listener:x") })
            // It ends when it is told to, as the script in its place does not.
            agent.close()
            _ = try second.strike("agent-a1")
        }

        @Test func `a listener that was ended while there was no up is not brought back`() throws {
            let bench = try HostBench()
            let listener = try Sockets.listen(tcp: .ipv4(.loopback, port: 0))
            defer { closeDescriptor(listener) }
            Sockets.endListening(listener)
            let agent = try bench.link("agent-a1")
            agent.store("held:listener:x", listener)
            #expect(bench.until { !agent.holds("held:listener:x") })
            #expect(try bench.link("proxy-1").fetchAll().isEmpty)
        }

        @Test func `the API's listeners wait for the server`() throws {
            let bench = try HostBench()
            #expect(try bench.link("server").fetchAll().map(\.name) == ["listener:tcp", "listener:unix"])
            let address = try #require(bench.state.address.flatMap { SocketAddress($0) })
            // Nobody accepts, and nobody is refused.
            let client = try Sockets.connect(to: address)
            var peer = sockaddr()
            var length = socklen_t(MemoryLayout<sockaddr>.size)
            #expect(bench.until { getpeername(client, &peer, &length) == 0 })
            closeDescriptor(client)
        }

        @Test func `output is stored here until the agent says that it reads`() throws {
            let bench = try HostBench()
            #expect(bench.wait { $0.drains[bench.node("a1")] == 1 && $0.drains[bench.node("b1")] == 1 })
            let agent = try bench.link("agent-a1")
            var isDone = false
            agent.request(["op": "read"]) { _ in isDone = true }
            #expect(bench.until { isDone })
            #expect(bench.state.drains[bench.node("a1")] == 0)
            #expect(bench.state.drains[bench.node("b1")] == 1)
            _ = try bench.strike("agent-a1")
            #expect(bench.wait { $0.drains[bench.node("a1")] == 1 })
        }

        @Test func `an agent takes the output over pod by pod, also of a drain that begins in between`() throws {
            let bench = try HostBench()
            #expect(bench.wait { $0.drains[bench.node("a1")] == 1 })
            let agent = try bench.link("agent-a1")
            var answers = 0
            for pod in ["one", "two"] { agent.request(["op": "read", "pod": .string(pod)]) { _ in answers += 1 } }
            #expect(bench.until { answers == 2 })
            #expect(bench.state.drains[bench.node("a1")] == 1)
            #expect(bench.state.leftPods == ["one", "two"])
        }

        @Test func `an agent that comes back to up without having begun to read is read for`() throws {
            let bench = try HostBench()
            let agent = try bench.link("agent-a1")
            var isDone = false
            agent.request(["op": "read"]) { _ in isDone = true }
            #expect(bench.until { isDone })
            #expect(bench.state.drains[bench.node("a1")] == 0)
            agent.close()
            let next = try bench.link("agent-a1")
            #expect(bench.wait { $0.drains[bench.node("a1")] == 1 })
            withExtendedLifetime(next) {}
        }
    }
}
