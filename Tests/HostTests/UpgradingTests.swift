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

    @Test func `the way back is what ran before the last upgrade that was done, also after attempts that failed`() throws {
        let third = UpgradeRecord.Program(version: "0.2.0", identity: "0.2.0-1-1", path: "/nonexistent/third")
        var done = UpgradeRecord(from: other, to: own, startedAt: Clock.realtime())
        #expect(done.back == nil)
        done.phase = .done
        #expect(done.back == other)
        let scratch = try Scratch()
        let directory = try directory(scratch)
        var last = done
        for _ in 0..<2 {
            var attempt = UpgradeRecord(from: own, to: third, startedAt: Clock.realtime())
            attempt.previous = last.back
            attempt.phase = .reverted
            try attempt.save(directory)
            last = try #require(UpgradeRecord.read(directory))
            #expect(last.back == other && last.answer["back"] == other.value)
        }
    }

    @Test func `what an upgrade came to can be told without an up`() throws {
        let scratch = try Scratch()
        let directory = try directory(scratch)
        let path = directory.upgradeRecord
        #expect(UpgradeRecord.lastWord(in: directory) == "there is no \(path)")
        try Files.replace(path, with: "{".utf8)
        #expect(UpgradeRecord.lastWord(in: directory) == "\(path) cannot be read")
        var record = UpgradeRecord(from: own, to: other, startedAt: Clock.realtime())
        record.lines = ["first", "second"]
        for (phase, words) in [
            (UpgradeRecord.Phase.forward, "is on its way from steady \(own.version) to steady 0.0.9"),
            (.back, "is on its way back from steady 0.0.9 to steady \(own.version)"), (.done, "reached steady 0.0.9"),
            (.reverted, "went back to steady \(own.version)"),
        ] {
            record.phase = phase
            try record.save(directory)
            #expect(UpgradeRecord.lastWord(in: directory) == "by \(path) it \(words); the last it noted: second")
        }
    }

    @Test(arguments: ["{", #"{"format": 99, "phase": "forward", "startedAt": "2026-01-01T00:00:00Z"}"#])
    func `a record that cannot be read ends no up`(text: String) throws {
        let scratch = try Scratch()
        let directory = try directory(scratch)
        try Files.replace(directory.upgradeRecord, with: text.utf8)
        // What the program before this one has set.
        alarm(3600)
        defer { alarm(0) }
        let bench = try HostBench(at: directory.path, isPlanned: true)
        #expect(try bench.ask(["op": "upgrade-status"])["phase"] == .null)
        #expect(alarm(0) == 0)
        #expect(try bench.role("server")["state"].string != nil)
    }
}
