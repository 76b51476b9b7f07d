import APIClient
import Formats
import Foundation
import Linux
import Testing
import Timing

@testable import Host

@Suite(.serialized) struct HostRoleTests {
    @Test func `every role runs, and one that dies runs again at once`() throws {
        let bench = try HostBench()
        let names = try bench.ask(["op": "status"])["roles"].elements.compactMap { $0["name"].string }
        #expect(names == ["server", "agent-a1", "agent-b1", "proxy-1"])
        let first = try bench.strike("agent-a1")
        var second: Int32 = 0
        #expect(
            bench.until {
                second = (try? bench.pid("agent-a1")) ?? 0
                return second > 0 && second != first
            })
        #expect(try bench.role("agent-a1")["restarts"].int == 1)
        #expect(try bench.role("server")["restarts"].int == 0)
    }

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

    @Test func `the proxies are told at once of a process that ended, by agents alone`() throws {
        let bench = try HostBench()
        let proxy = try bench.link("proxy-1")
        var heard: [String] = []
        proxy.onMessage = { message in
            if message["op"] == "ended" { heard.append(message["address"].string ?? "") }
        }
        try bench.link("server").hint(["op": "ended", "address": "127.64.0.1"])
        try bench.link("agent-a1").hint(["op": "ended", "address": "127.64.0.2"])
        #expect(bench.until { !heard.isEmpty })
        #expect(heard == ["127.64.0.2"])
    }

    @Test func `an agent that stays away is told to the server and the proxies, and so is its return`() throws {
        let bench = try HostBench()
        var heard: [String: [Set<String>]] = [:]
        for role in ["server", "proxy-1", "agent-b1"] {
            try bench.link(role).onMessage = { message in
                if let absent = AbsentAgents(message) { heard[role, default: []].append(Set(absent.byNode.keys)) }
            }
        }
        let agent = try bench.link("agent-a1")
        // Its process says nothing of its own in this bench: what comes after the death of the first is not back.
        _ = try bench.strike("agent-a1")
        #expect(bench.until { heard["server"]?.last == ["a1"] && heard["proxy-1"]?.last == ["a1"] })
        // Who comes late hears it as well.
        let late = try bench.link("proxy-1")
        var told: AbsentAgents?
        late.onMessage = { told = AbsentAgents($0) ?? told }
        #expect(bench.until { told?.byNode.keys.sorted() == ["a1"] })
        _ = try bench.link("agent-a1")
        #expect(bench.until { heard["server"]?.last == [] && told == AbsentAgents() })
        #expect(heard["agent-b1"] == nil)
        agent.close()
    }

    @Test func `agents and the server are told which proxies live, also one that an earlier up has retired, until it ends`() throws {
        let scratch = try Scratch()
        let directory = DataDirectory(scratch.path + "/data")
        try Files.makeDirectories(directory.roles)
        let null = try Files.openNull()
        defer { closeDescriptor(null) }
        let retired = try Launcher().launch(Launch("/bin/sleep", arguments: ["sleep", "1000"], input: null, output: null, error: null))
        defer { closeDescriptor(retired.pidfd) }
        let lock = try #require(try FileLock.take(directory.roleLock("proxy-7")))
        Files.overwrite(lock.fd, with: "\(retired.pid)\n")
        let bench = try HostBench(at: directory.path)
        var heard: [String: Set<String>] = [:]
        for role in ["server", "agent-a1", "proxy-1"] {
            try bench.link(role).onMessage = { message in if let live = LiveProxies(message) { heard[role] = live.names } }
        }
        #expect(bench.until { heard["agent-a1"] == ["proxy-1", "proxy-7"] && heard["server"] == ["proxy-1", "proxy-7"] })
        lock.release()
        try Processes.signal(retired.pidfd, SIGKILL)
        #expect(bench.until { heard["agent-a1"] == ["proxy-1"] && heard["server"] == ["proxy-1"] })
        #expect(heard["proxy-1"] == nil)
    }

    @Test func `the agent of a failed node is missed, also by an up that found it failed`() throws {
        let scratch = try Scratch()
        let first = try HostBench(at: scratch.path)
        let (agent, proxy) = (try first.link("agent-b1"), try first.link("proxy-1"))
        _ = try first.ask(["op": "fail", "node": "b1"])
        var told: AbsentAgents?
        proxy.onMessage = { told = AbsentAgents($0) ?? told }
        #expect(first.until { told?.byNode.keys.sorted() == ["b1"] })
        // A line holds the claim to the block.
        agent.close()
        proxy.close()
        first.stop()
        told = nil
        let second = try HostBench(at: scratch.path)
        try second.link("proxy-1").onMessage = { told = AbsentAgents($0) ?? told }
        #expect(second.until { told?.byNode.keys.sorted() == ["b1"] })
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
        first.stop()

        // Nobody listens but who holds it.
        let client = try Sockets.connect(to: address)
        #expect(Sockets.pendingError(client) == nil)
        closeDescriptor(client)
        let second = try HostBench(at: scratch.path)
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

    @Test func `a failed zone is killed, stays down, and comes back when it recovers`() throws {
        let bench = try HostBench()
        let before = try bench.pid("agent-b1")
        try #require(before > 1)
        #expect(try bench.ask(["op": "fail", "zone": "b"])["nodes"] == ["b1"])
        #expect(bench.state.leftovers == [bench.node("b1")])
        #expect(bench.until { kill(before, 0) != 0 })
        #expect(try bench.role("agent-b1")["state"].string == "Failed")
        #expect(try bench.role("agent-a1")["state"].string == "Running")
        #expect(try bench.ask(["op": "recover", "zone": "b"])["nodes"] == ["b1"])
        #expect(bench.until { ((try? bench.pid("agent-b1")) ?? 0) > 0 })
    }

    @Test func `an unknown zone or node is answered with those that there are`() throws {
        let bench = try HostBench()
        #expect(try bench.ask(["op": "fail", "zone": "x"])["error"].string == "zone \"x\" not found; zones are: a, b")
        #expect(try bench.ask(["op": "fail", "node": "x"])["error"].string == "nodes \"x\" not found; nodes are: a1, b1")
    }

    @Test func `a fence that was asked too long ago is refused, and kills nobody`() throws {
        let bench = try HostBench()
        let pid = try bench.pid("agent-a1")
        let late = FenceRequest(node: "a1", askedAt: Clock.monotonic() - FenceRequest.ageLimit - .seconds(1))
        #expect(try bench.ask(late.message)["error"].string?.contains("too long ago") == true)
        #expect(try bench.pid("agent-a1") == pid)
        #expect(!bench.state.leftovers.contains(bench.node("a1")))
        #expect(try bench.ask(FenceRequest(node: "a1", askedAt: Clock.monotonic()).message)["ok"].bool == true)
        #expect(bench.state.leftovers.contains(bench.node("a1")))
    }

    @Test func `a zone whose failure cannot be written down is not failed, and says so`() throws {
        let bench = try HostBench()
        let pids = try ["agent-a1", "agent-b1"].map { try bench.pid($0) }
        let obstacle = "\(bench.directory.roles)/agent-b1.failed.tmp\(ProcessInfo.processInfo.processIdentifier)"
        try FileManager.default.createDirectory(atPath: obstacle, withIntermediateDirectories: false)
        #expect(try bench.ask(["op": "fail", "zone": "b"])["error"].string?.hasPrefix("nothing was changed: ") == true)
        #expect(try ["agent-a1", "agent-b1"].map { try bench.pid($0) } == pids)
        try FileManager.default.removeItem(atPath: obstacle)
        #expect(try bench.ask(["op": "fail", "zone": "b"])["ok"].bool == true)
        #expect(try bench.role("agent-b1")["state"].string == "Failed")
    }

    @Test func `a node that failed is still down after a restart of the instance`() throws {
        let scratch = try Scratch()
        let first = try HostBench(at: scratch.path)
        _ = try first.ask(["op": "fail", "node": "a1"])
        first.stop()
        let second = try HostBench(at: scratch.path)
        #expect(try second.role("agent-a1")["state"].string == "Failed")
        #expect(try second.role("agent-b1")["state"].string == "Running")
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

    @Test func `the API's port and the block are the same at the next start`() throws {
        let scratch = try Scratch()
        let first = try HostBench(at: scratch.path)
        let (address, block) = (first.state.address, try first.ask(["op": "status"])["block"])
        first.stop()
        let second = try HostBench(at: scratch.path)
        #expect(second.state.address == address)
        #expect(try second.ask(["op": "status"])["block"] == block)
    }

    @Test func `a role that an earlier up left running is taken over, not doubled`() throws {
        let scratch = try Scratch()
        let directory = DataDirectory(scratch.path + "/data")
        try Files.makeDirectories(directory.roles)
        let null = try Files.openNull()
        defer { closeDescriptor(null) }
        let holder = try Launcher().launch(Launch("/bin/sleep", arguments: ["sleep", "1000"], input: null, output: null, error: null))
        defer { closeDescriptor(holder.pidfd) }
        let lock = try #require(try FileLock.take(directory.roleLock("agent-a1")))
        Files.overwrite(lock.fd, with: "\(holder.pid)\n")
        let bench = try HostBench(at: directory.path)
        #expect(try bench.pid("agent-a1") == holder.pid)
        #expect(try bench.role("agent-a1")["restarts"].int == 0)
        lock.release()
        try Processes.signal(holder.pidfd, SIGKILL)
        #expect(
            bench.until {
                let pid = (try? bench.pid("agent-a1")) ?? 0
                return pid > 0 && pid != holder.pid
            })
    }

    @Test func `everything stops in order, and only purging forgets`() throws {
        let bench = try HostBench()
        bench.stop()
        #expect(
            bench.state.progress == ["proxy: finishing open requests", "nodes: stopping all pods", "server: closing the journal"])
        #expect(Set(bench.state.leftovers) == [bench.node("a1"), bench.node("b1")])
        #expect(!Files.exists(bench.directory.hostSocket))
        #expect(Files.exists(bench.directory.hostRecord))
        let again = try HostBench(at: bench.directory.path)
        again.stop(purging: true)
        #expect(!Files.exists(again.directory.path))
    }

    @Test func `an agent on the line is asked to stop its pods`() throws {
        let bench = try HostBench()
        let agent = try bench.link("agent-a1")
        var asked: [String] = []
        agent.onMessage = { message in
            guard LiveProxies(message) == nil else { return }
            asked.append(message["op"].string ?? "")
            _ = try? bench.strike("agent-a1")
        }
        bench.stop()
        #expect(asked == ["shutdown"])
        #expect(bench.state.hasStopped)
    }

    @Test func `a server that cannot start ends the start, with its reason, and nothing is asked to stop its pods`() throws {
        let bench = try HostBench()
        let agent = try bench.link("agent-a1")
        var asked: [String] = []
        agent.onMessage = { if LiveProxies($0) == nil { asked.append($0["op"].string ?? "") } }
        try bench.link("server").tell(["op": "cannot", "reason": "the journal is damaged"])
        #expect(bench.until { bench.state.hasStopped })
        #expect(bench.failure == "the server cannot start: the journal is damaged")
        #expect(asked.isEmpty && bench.state.leftovers.isEmpty)
        #expect(!Files.exists(bench.directory.hostSocket))
    }

    @Test(arguments: [false, true])
    func `a role that always ends by itself ends the start, with its last words`(isServing: Bool) throws {
        let script = #"case "$*" in agent*--node*b1*) echo "no such device"; exit 3;; esac; exec sleep 1000"#
        let bench = try HostBench(script: script)
        if isServing { try bench.link("server").tell(["op": "serving"]) }
        #expect(bench.until { bench.state.hasStopped })
        #expect(bench.failure.hasPrefix("agent-b1 cannot be started: it failed \(StartTrials.attemptLimit) times\n"))
        #expect(bench.failure.contains("the last lines of \(bench.directory.roleLog("agent-b1")):\n  no such device"))
        #expect(!Files.exists(bench.directory.hostSocket))
    }

    @Test func `what a first start has made is taken back, and nothing of an instance`() throws {
        let scratch = try Scratch()
        let directory = DataDirectory(scratch.path + "/data")
        let first = FirstStart(directory)
        let lock = try HostRole.lock(directory)
        FirstStart(directory).undo(holdsLock: false)
        #expect(Files.exists(directory.hostLock))
        first.undo(holdsLock: true)
        #expect(!Files.exists(directory.path))
        lock.release()

        try Files.makeDirectories(directory.node("a1"))
        try HostRole.lock(directory).release()
        FirstStart(directory).undo(holdsLock: false)
        #expect(Files.exists(directory.node("a1")) && Files.exists(directory.hostLock))
    }

    @Test func `a server that fails after it has served is tried again, and status tells why`() throws {
        let bench = try HostBench()
        let server = try bench.link("server")
        server.tell(["op": "serving"])
        #expect(bench.until { bench.state.isServing })
        server.tell(["op": "cannot", "reason": "the disk is gone"])
        #expect(bench.until { (try? bench.role("server")["failure"].string) == "the disk is gone" })
        #expect(!bench.state.hasStopped)
    }

    @Test func `what cannot start says why and what to do`() throws {
        let bench = try HostBench()
        let second = try HostBench(at: bench.directory.path)
        #expect(second.failure.hasPrefix("another steady up (pid \(getpid())) runs on \(bench.directory.path); stop it with: steady down"))

        let long = try HostBench(at: bench.scratch.path + "/" + String(repeating: "x", count: 100))
        #expect(long.failure.contains("is too long: its sockets need a path of") && long.failure.contains("STEADY_DATA_DIR"))

        let port = try #require(bench.state.address.flatMap { SocketAddress($0) })
        let taken = try HostBench(configuration: HostConfiguration(zones: ["a"], apiAddress: port))
        #expect(taken.failure.hasPrefix("the API cannot listen on \(port): ") && taken.failure.contains("--api 127.0.0.1:PORT"))

        let block = Int(try bench.ask(["op": "status"])["block"].int ?? 0)
        let doubled = try HostBench(configuration: HostConfiguration(zones: ["a"], block: block))
        #expect(doubled.failure.hasPrefix("block \(block) of the loopback addresses is used by another instance"))

        let crowd = try HostBench(configuration: HostConfiguration(zones: ["a", "b"], nodesPerZone: 100))
        #expect(crowd.failure == "200 nodes were asked for; one instance has room for 128")

        var record = HostConfiguration().value
        record["format"] = 2
        let newer = DataDirectory(bench.scratch.path + "/newer")
        try Files.makeDirectories(newer.path)
        try Files.replace(newer.hostRecord, with: JSON.serialize(record))
        let older = try HostBench(at: newer.path)
        #expect(older.failure.hasPrefix("\(newer.hostRecord) was written by a newer Steady (format 2; this one reads up to 1)"))

        let file = bench.scratch.path + "/file"
        try Data().write(to: URL(fileURLWithPath: file))
        let blocked = try HostBench(at: file)
        #expect(blocked.failure.hasPrefix("the data directory cannot be used: ") && blocked.failure.contains("--data-dir"))
    }
}
