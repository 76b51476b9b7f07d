import APIClient
import Formats
import Foundation
import Linux
import Testing

@testable import Host

/// Whether the server is told that nothing of the instance can have lived on until this start.
@Suite struct SurvivalTests {
    /// What the servers of an instance were started with, by this `up`.
    private func servers(_ bench: HostBench) -> [String] {
        let text = (try? Files.text(bench.scratch.path + "/starts")) ?? ""
        return text.split(separator: "\n").map(String.init).filter { $0.hasPrefix("server ") }
    }

    private func bench(at path: String) throws -> HostBench {
        try HostBench(script: "echo \"$*\" >> ${0%/*}/starts; exec sleep 1000", at: path)
    }

    private func isTold(_ line: String?) -> Bool { line?.hasSuffix(" --nothing-runs") == true }

    @Test func `it is told at the first start and after a stop, until it has served`() throws {
        let scratch = try Scratch()
        for _ in ["never started", "stopped"] {
            let bench = try bench(at: scratch.path)
            #expect(bench.until { servers(bench).count == 1 }, "\(bench.failure)")
            // One that dies before it has served has taken nothing back for certain.
            _ = try bench.strike("server")
            #expect(bench.until { servers(bench).count == 2 })
            #expect(HostRole.recorded(bench.directory)?.isStopped == true)
            let server = try bench.link("server")
            // The listeners are not for this process: the next `up` wants their address.
            for kept in server.fetchAll() { closeDescriptor(kept.descriptor) }
            server.tell(["op": "serving"])
            #expect(bench.wait { $0.isServing })
            #expect(HostRole.recorded(bench.directory)?.isStopped == false)
            _ = try bench.strike("server")
            #expect(bench.until { servers(bench).count == 3 })
            #expect(servers(bench).map(isTold) == [true, true, false])
            bench.stop()
            // Another instance on this machine may have taken its addresses by the next start.
            var record = try #require(HostRole.recorded(bench.directory))
            record.block = nil
            try Files.replace(bench.directory.hostRecord, with: JSON.serialize(record.value))
        }
    }

    /// An instance whose journal is gone must not begin with an empty one.
    @Test func `it is told that there was a state once a server has stored one, also by the next up`() throws {
        let scratch = try Scratch()
        do {
            let first = try bench(at: scratch.path)
            #expect(first.until { servers(first).count == 1 }, "\(first.failure)")
            let server = try first.link("server")
            for kept in server.fetchAll() { closeDescriptor(kept.descriptor) }
            try Files.makeDirectories(first.directory.journal)
            try Files.replace(first.directory.journal + "/segment", with: [])
            server.tell(["op": "serving", "notices": ["something was cut off"]])
            #expect(first.wait { $0.isServing })
            #expect(HostRole.recorded(first.directory)?.hasState == true)
            #expect(try first.ask(["op": "status"])["store"].elements.compactMap(\.string) == ["something was cut off"])
            _ = try first.strike("server")
            #expect(first.until { servers(first).count == 2 })
            #expect(servers(first).map { $0.contains(" --has-state") } == [false, true])
            first.stop()
        }
        let directory = DataDirectory(scratch.path)
        try Files.removeTree(directory.journal)
        // Others on this machine may have its addresses by now.
        var record = try #require(HostRole.recorded(directory))
        (record.block, record.apiAddress) = (nil, .ipv4(.loopback, port: 0))
        try Files.replace(directory.hostRecord, with: JSON.serialize(record.value))
        let second = try bench(at: scratch.path)
        #expect(second.until { servers(second).count == 1 }, "\(second.failure)")
        #expect(servers(second).map { $0.contains(" --has-state") } == [true])
        second.stop()
    }

    @Test func `that there was a state is recorded for the version before as well, and read where only that one said so`() throws {
        var configuration = HostConfiguration(block: 3)
        #expect(configuration.value["state"].isNull)
        configuration.hasState = true
        var value = configuration.value
        #expect(value["hasState"].bool == true && value["state"].bool == true)
        value["hasState"] = nil
        #expect(HostConfiguration(value) == configuration)
    }

    @Test func `of a record it follows from how the instance ended and in which boot`() throws {
        let scratch = try Scratch()
        let directory = DataDirectory(scratch.path)
        #expect(HostRole.nothingCanRun(directory), "it was never started")
        let here = Processes.bootIdentity()
        let table: [(boot: String?, isStopped: Bool, nothingRuns: Bool)] = [
            (here, true, true), (here, false, false), ("another", false, true), ("another", true, true), (nil, false, false),
            (nil, true, true),
        ]
        for row in table {
            var configuration = HostConfiguration(block: 3)
            (configuration.boot, configuration.isStopped) = (row.boot, row.isStopped)
            try Files.replace(directory.hostRecord, with: JSON.serialize(configuration.value))
            #expect(HostRole.recorded(directory) == configuration)
            #expect(HostRole.nothingCanRun(directory) == row.nothingRuns, "\(row)")
        }
        try Files.replace(directory.hostRecord, with: Array("{".utf8))
        #expect(!HostRole.nothingCanRun(directory), "of a damaged record nothing is known")
    }
}
