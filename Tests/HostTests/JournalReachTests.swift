import APIClient
import Formats
import Foundation
import Linux
import Testing

@testable import Host

/// What is believed of a note that may have outlived its journal.
@Suite struct JournalReachTests {
    /// A directory with a note, as versions and people leave it.
    private func directory(_ scratch: Scratch, record: String?, nodes: [String]) throws -> DataDirectory {
        let directory = DataDirectory(scratch.path)
        try Files.makeDirectories(directory.nodes)
        for node in nodes { try Files.makeDirectories(directory.node(node)) }
        if let record { try Files.replace(directory.hostRecord, with: Array(record.utf8)) }
        try Files.replace(directory.journalReached, with: Array("journal reached 5000 00000000\n".utf8))
        return directory
    }

    @Test func `a note of how far the journal went is gone when a version that does not know it restored, purged or ran since`() throws {
        let words = String(decoding: JSON.serialize(HostConfiguration(block: 3).value), as: UTF8.self)
        let known = "\"hasState\":false"
        try #require(words.contains(known))
        let table: [(what: String, record: String?, nodes: [String], isKept: Bool)] = [
            ("this version, first start", words, [], true),
            ("this version", words.replacing(known, with: "\"hasState\":true"), ["a1"], true),
            ("this version, for older ones", words.replacing(known, with: "\"hasState\":true,\"state\":true"), ["a1"], true),
            ("an older up, after its restore or purge", words.replacing(known, with: "\"state\":true"), ["a1"], false),
            ("one that is older still", words.replacing(known, with: "\"stopped\":true"), ["a1"], false),
            ("an older purge, perhaps with a restore", nil, [], false),
            ("somebody removed the record", nil, ["a1"], true),
            ("damage", "{", ["a1"], true),
            ("damage that is JSON", "{}", ["a1"], true),
        ]
        for row in table {
            let scratch = try Scratch()
            let directory = try directory(scratch, record: row.record, nodes: row.nodes)
            #expect(HostRole.knowsReach(directory) == row.isKept, "\(row.what)")
            for _ in 0..<2 {
                try HostRole.forgetForeignReach(directory)
                #expect(Files.exists(directory.journalReached) == row.isKept, "\(row.what)")
            }
        }
    }

    @Test func `up removes a note that is not of this journal, and keeps one that a later journal writes`() throws {
        let scratch = try Scratch()
        var record = HostConfiguration(zones: ["a"]).value
        record["hasState"] = .null
        record["state"] = true
        let directory = try directory(scratch, record: String(decoding: JSON.serialize(record), as: UTF8.self), nodes: ["a1"])
        for isForeign in [true, false] {
            let bench = try HostBench(at: scratch.path)
            #expect(bench.wait { $0.address != nil }, "\(bench.failure)")
            #expect(Files.exists(directory.journalReached) == !isForeign)
            #expect(HostRole.knowsReach(directory) && HostRole.recorded(directory)?.hasState == true)
            bench.stop()
            try Files.replace(directory.journalReached, with: [])
            try HostBench.forgetAddresses(of: directory)
        }
    }
}
