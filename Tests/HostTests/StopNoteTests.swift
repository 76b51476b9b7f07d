import APIClient
import Formats
import Foundation
import Linux
import Testing

@testable import Host

/// A stop that was asked for stays asked for.
@Suite(.serialized) struct StopNoteTests {
    /// A process that holds the lock of a role, as one that outlived an `up`.
    private final class Survivor {
        let process: (pid: Int32, pidfd: Int32)
        private let lock: FileLock

        init(_ role: String, in directory: DataDirectory) throws {
            try Files.makeDirectories(directory.roles)
            let null = try Files.openNull()
            defer { closeDescriptor(null) }
            let started = try Launcher().launch(
                Launch("/bin/sleep", arguments: ["sleep", "1000"], input: null, output: null, error: null))
            process = (started.pid, started.pidfd)
            lock = try #require(try FileLock.take(directory.roleLock(role)))
            Files.overwrite(lock.fd, with: "\(started.pid)\n")
        }

        func end() throws {
            lock.release()
            try Processes.signal(process.pidfd, SIGKILL)
        }

        deinit { closeDescriptor(process.pidfd) }
    }

    private func record(_ directory: DataDirectory) throws {
        try Files.makeDirectories(directory.roles)
        try Files.replace(directory.hostRecord, with: JSON.serialize(HostConfiguration(zones: ["a"]).value))
    }

    @Test(arguments: ["stop", "purge"])
    func `an up that comes back in the midst of a stop goes on with it, and agents stop their pods when they come`(note: String) throws {
        let scratch = try Scratch()
        let directory = DataDirectory(scratch.path + "/data")
        try record(directory)
        let agent = try Survivor("agent-a1", in: directory)
        try Files.replace(directory.stopNote, with: note.utf8)
        let bench = try HostBench(at: directory.path, isResuming: true)
        #expect(bench.wait { $0.progress == ["nodes: stopping all pods"] }, "\(bench.failure)")
        #expect(
            try bench.ask(["op": "status"])["roles"].elements.compactMap { $0["pid"].int }.filter { $0 > 0 } == [Int64(agent.process.pid)])
        let line = try bench.link("agent-a1")
        var told: [String] = []
        line.onMessage = { told.append($0["op"].string ?? "") }
        #expect(bench.until { told.contains("shutdown") })
        // It ends when its pods have, and not before it was asked.
        #expect(Processes.state(of: agent.process.pid).map { $0 != "Z" } == true)
        line.close()
        try agent.end()
        #expect(bench.wait { $0.hasStopped })
        #expect(!Files.exists(directory.stopNote) && !Files.exists(directory.hostSocket))
        #expect(HostRole.recorded(directory)?.isStopped == (note == "stop" ? true : nil))
    }

    @Test func `a stop is noted from its begin to its end, and one that is started anew begins without it`() throws {
        let scratch = try Scratch()
        let directory = DataDirectory(scratch.path + "/data")
        try record(directory)
        try Files.replace(directory.stopNote, with: "stop".utf8)
        let bench = try HostBench(
            configuration: HostConfiguration(zones: ["a"]), script: "trap '' TERM; exec sleep 1000", at: directory.path)
        #expect(try bench.role("server")["state"].string != "Stopping", "\(bench.failure)")
        #expect(!Files.exists(directory.stopNote))
        let line = try bench.link("verb")
        line.request(["op": "down"]) { _ in }
        #expect(bench.until { Files.exists(directory.stopNote) })
        #expect(StopNote.read(directory) == .stop)
        for role in ["proxy-1", "agent-a1", "server"] where try bench.pid(role) > 1 { _ = try? bench.strike(role) }
        #expect(bench.wait { $0.hasStopped })
        #expect(!Files.exists(directory.stopNote))
    }

    @Test func `a stop that is under way deletes everything as soon as one asks for that`() throws {
        let scratch = try Scratch()
        let directory = DataDirectory(scratch.path + "/data")
        let bench = try HostBench(
            configuration: HostConfiguration(zones: ["a"]), script: "trap '' TERM; exec sleep 1000", at: directory.path)
        let line = try bench.link("verb")
        line.request(["op": "down"]) { _ in }
        #expect(bench.until { StopNote.read(directory) == .stop }, "\(bench.failure)")
        line.request(["op": "down", "purge": true]) { _ in }
        #expect(bench.until { StopNote.read(directory) == .purge })
        line.request(["op": "down"]) { _ in }
        for role in ["proxy-1", "agent-a1", "server"] where try bench.pid(role) > 1 { _ = try? bench.strike(role) }
        #expect(bench.wait { $0.hasStopped })
        #expect(!Files.exists(directory.hostRecord) && !Files.exists(directory.roles))
    }

    /// A version that knows no note leaves it to the next one.
    @Test func `an up that became another program in an upgrade takes no note of a stop for its own`() throws {
        let scratch = try Scratch()
        let directory = DataDirectory(scratch.path + "/data")
        try record(directory)
        try Files.replace(directory.stopNote, with: "purge".utf8)
        let bench = try HostBench(at: directory.path, isPlanned: true, isResuming: true)
        #expect(try bench.pid("server") > 1, "\(bench.failure)")
        #expect(try bench.role("server")["state"].string != "Stopping")
        #expect(!Files.exists(directory.stopNote))
    }

    @Test func `a role is started whose lock names a dead process, and a retired proxy is not waited for that is dead`() throws {
        let scratch = try Scratch()
        let directory = DataDirectory(scratch.path + "/data")
        try record(directory)
        let children = try [Survivor("server", in: directory), Survivor("proxy-1", in: directory), Survivor("proxy-9", in: directory)]
        // The locks stay held, as by what a killed process has started and what has not let go of it yet.
        for child in children {
            try Processes.signal(child.process.pidfd, SIGKILL)
            #expect(eventually { if case .ended = Processes.reap(child.process.pidfd) { true } else { false } })
        }
        let bench = try HostBench(at: directory.path, isResuming: true)
        #expect(try bench.pid("server") > 1, "\(bench.failure)")
        #expect(try bench.pid("proxy-1") > 1)
        #expect(try bench.role("proxy-9").isNull)
        withExtendedLifetime(children) {}
    }

    @Test func `a role is missed whose process is gone or unburied, unless it is to be gone`() throws {
        let scratch = try Scratch()
        let directory = DataDirectory(scratch.path + "/data")
        try record(directory)
        #expect(!MissedRoles.areThere(in: directory), "none was ever started")
        let agent = try Survivor("agent-a1", in: directory)
        let other = try Survivor("agent-z9", in: directory)
        #expect(!MissedRoles.areThere(in: directory))
        try other.end()
        try agent.end()
        #expect(eventually { MissedRoles.areThere(in: directory) }, "this process has not buried it")
        _ = Processes.reap(agent.process.pidfd)
        _ = Processes.reap(other.process.pidfd)
        #expect(MissedRoles.areThere(in: directory))
        let failed = HostRole.failedMark("agent-a1", in: directory)
        try Files.replace(failed, with: [])
        #expect(!MissedRoles.areThere(in: directory))
        try Files.removeTree(failed)
        #expect(MissedRoles.areThere(in: directory))
        StopNote.stop.write(directory)
        #expect(!MissedRoles.areThere(in: directory), "in a stop they end on purpose")
    }
}
