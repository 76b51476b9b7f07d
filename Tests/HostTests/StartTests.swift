import APIClient
import Formats
import Foundation
import Linux
import Testing
import Timing

@testable import Host

extension HostRoleTests {
    /// How an instance starts, or says why not, and how it stops.
    @Suite(.serialized) struct StartTests {
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

        @Test func `a lock in which only a dead up is named is waited for, and one of a live up is refused`() throws {
            let scratch = try Scratch()
            let directory = DataDirectory(scratch.path + "/data")
            let held = try HostRole.lock(directory)
            try Files.writeAll("2147483000\n".utf8, to: held.fd)
            var looks = 0
            let taken = try HostRole.lock(directory) { _ in
                looks += 1
                if looks == 20 { held.release() }
            }
            // A child that another test is just launching may hold a copy for a moment.
            #expect(looks >= 20)

            try Files.writeAll("\(Processes.current)\n".utf8, to: taken.fd)
            var refusal = ""
            looks = 0
            do throws(HostError) { try HostRole.lock(directory) { _ in looks += 1 }.release() } catch { refusal = "\(error)" }
            #expect(refusal.hasPrefix("another steady up (pid \(Processes.current)) runs on "))
            #expect(looks == 9)
            taken.release()
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
            #expect(
                second.failure.hasPrefix("another steady up (pid \(getpid())) runs on \(bench.directory.path); stop it with: steady down"))

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
}
