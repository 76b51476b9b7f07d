import APIClient
import Formats
import Foundation
import Linux
import Testing
import Timing

@testable import Host

/// An `up` that finds an upgrade on its way.
@Suite(.serialized) struct UpgradingTests {
    private let other = UpgradeRecord.Program(version: "0.0.9", identity: "0.0.9-1-1", path: "/nonexistent/steady")
    private let own = UpgradeRecord.Program(version: Release.version, identity: Release.program, path: "/nonexistent/steady")

    private func directory(_ scratch: Scratch) throws -> DataDirectory {
        let directory = DataDirectory(scratch.path + "/data")
        try Files.makeDirectories(directory.path)
        return directory
    }

    @Test func `a way back that could not be written is the way back all the same`() throws {
        let scratch = try Scratch()
        let directory = try directory(scratch)
        try UpgradeRecord(from: own, to: other, startedAt: Clock.realtime()).save(directory)
        // What stands there keeps the record from being written again, as a full disk does.
        try Files.makeDirectories("\(directory.upgradeRecord).tmp\(getpid())")
        let bench = try HostBench(at: directory.path, isPlanned: true)
        let status = try bench.ask(["op": "upgrade-status"])
        #expect(status["phase"] == "back")
        #expect(status["reason"].string?.contains("gave the upgrade up, and could not write why") == true)
        #expect(UpgradeRecord.read(directory)?.phase == .forward)
    }
}
