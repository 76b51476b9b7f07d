import Linux
import Testing
import Timing

#if canImport(Glibc)
    import Glibc
#endif

@testable import APIClient

struct LifeSignTests {
    private func scratch(_ name: String) throws -> DataDirectory {
        let directory = DataDirectory("/tmp/steady-life-\(name)-\(Processes.current)")
        try? Files.removeTree(directory.path)
        for path in [directory.roles, directory.node("a1"), directory.node("b1"), directory.journal] { try Files.makeDirectories(path) }
        return directory
    }

    @Test func `the last sign of life is the newest of what agents touch in memory and of what Steady writes`() throws {
        let directory = try scratch("last")
        defer { try? Files.removeTree(directory.path) }
        #expect(LifeSign.last(in: DataDirectory(directory.path + "/nothing")) == nil)
        try Files.replace(directory.roleLog("server"), with: [1])
        #expect(LifeSign.last(in: directory)?.path == directory.roleLog("server"))
        // As a directory in memory is led to.
        let memory = directory.path + "/memory"
        try Files.makeDirectories(memory)
        try Files.link(DataDirectory.run(ofNode: directory.node("b1")), to: memory)
        let before = Clock.realtime()
        var sign: LifeSign?
        // The kernel's clock of files goes by ticks.
        repeat {
            LifeSign.give(ofNode: "b1", in: directory)
            sign = LifeSign.last(in: directory)
        } while sign.map { $0.at < before } ?? true
        #expect(sign?.path == DataDirectory.run(ofNode: directory.node("b1")))
        // Where it is a directory on disk nothing is written each two seconds.
        try Files.makeDirectories(DataDirectory.run(ofNode: directory.node("a1")))
        let untouched = Files.modified(DataDirectory.run(ofNode: directory.node("a1")))
        LifeSign.give(ofNode: "a1", in: directory)
        #expect(Files.modified(DataDirectory.run(ofNode: directory.node("a1"))) == untouched)
    }

    @Test func `an instance is deserted whose sockets refuse, unless a role lives`() throws {
        let directory = try scratch("deserted")
        defer { try? Files.removeTree(directory.path) }
        let api = try Sockets.listen(unix: directory.apiSocket)
        let host = try Sockets.listen(unix: directory.hostSocket, type: .sequencedPackets)
        #expect(!directory.isDeserted)
        closeDescriptor(api)
        #expect(!directory.isDeserted, "up opens the API again")
        let lock = try #require(try FileLock.take(directory.roleLock("agent-a1")))
        closeDescriptor(host)
        #expect(!directory.isDeserted, "the agent brings up back")
        lock.release()
        // A child that another test is just launching may hold a copy for a moment.
        let end = Clock.monotonic() + .seconds(20)
        while !directory.isDeserted, Clock.monotonic() < end { poll(nil, 0, 2) }
        #expect(directory.isDeserted)
    }

    @Test func `a node is absent that up has no agent for, where up says which it has`() {
        let all = ["a1", "b1", "c1"]
        #expect(AbsentAgents(["b1": "7"]).byNode(of: all) == ["b1": "7"])
        let told = AbsentAgents(["b1": "7"], of: ["a1", "b1"])
        #expect(told.byNode(of: all) == ["b1": "7", "c1": "never"])
        #expect(AbsentAgents(told.message) == told && AbsentAgents(AbsentAgents().message) == AbsentAgents())
    }
}
