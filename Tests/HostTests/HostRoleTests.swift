import APIClient
import Formats
import Foundation
import Linux
import Testing
import Timing

@testable import Host

/// How the roles live: they run, end and run again, and the others hear of it.
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

    @Test func `up answers the beats of those that wait for it`() throws {
        let bench = try HostBench()
        // Who is no role is told nothing unasked.
        let link = try bench.link("verb")
        #expect(link.answersBeats)
        var heardCount = 0
        link.onHeard = { heardCount += 1 }
        var countAtReply: Int?
        link.request(["op": "status"]) { _ in countAtReply = heardCount }
        #expect(bench.until { countAtReply != nil })
        // The first beat was sent before the request.
        #expect(countAtReply ?? 0 >= 2)
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
        #expect(bench.until { heard["server"]?.last == [] && told == AbsentAgents(of: ["a1", "b1"]) })
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
        try HostBench.forgetAddresses(of: first.directory)
        told = nil
        let second = try HostBench(at: scratch.path)
        try second.link("proxy-1").onMessage = { told = AbsentAgents($0) ?? told }
        #expect(second.until { told?.byNode.keys.sorted() == ["b1"] })
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

    @Test func `a fence of a node that has no agent any more kills what an earlier up has left there`() throws {
        let bench = try HostBench()
        #expect(try bench.ask(FenceRequest(node: "x1", askedAt: Clock.monotonic()).message)["ok"].bool == true)
        #expect(bench.state.leftovers == [bench.node("x1")])
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
        try HostBench.forgetAddresses(of: first.directory)
        let second = try HostBench(at: scratch.path)
        #expect(try second.role("agent-a1")["state"].string == "Failed")
        #expect(try second.role("agent-b1")["state"].string == "Running")
    }
}
