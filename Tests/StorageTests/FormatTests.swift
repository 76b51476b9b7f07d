import Formats
import Foundation
import Journal
import Linux
import Registry
import Resources
import Storage
import Testing

/// Files as versions of Steady wrote them, kept in `Tests/Fixtures/formats`: one directory for each format, `LAYOUT.CONTENT`.
private enum KeptFormats {
    static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/formats").path
    static let names = (try? Files.list(directory)) ?? []
    static let today = "\(Journals.layoutVersion).\(RegistryRecord.formatVersion)"
    /// Set it to make the fixture of a new format: `STEADY_WRITE_FORMAT=1 swift test --filter FormatTests`.
    static let isWriting = ProcessInfo.processInfo.environment["STEADY_WRITE_FORMAT"] != nil

    /// A copy that a test may open: opening writes.
    static func copy(_ name: String) throws -> String {
        let path = NSTemporaryDirectory() + "steady-format-\(UUID().uuidString)"
        try FileManager.default.copyItem(atPath: "\(directory)/\(name)", toPath: path)
        return path
    }
}

struct `The format on disk` {
    /// What every fixture holds: a journal with a snapshot and a segment behind it, and the snapshot alone.
    @Test(.enabled(if: KeptFormats.isWriting)) func `of today is kept for those who come later`() throws {
        let place = "\(KeptFormats.directory)/\(KeptFormats.today)"
        try Files.makeDirectories(place, mode: 0o755)
        let fixture = try StorageFixture(settings: StorageSettings(snapshotThreshold: 1))
        for index in 0..<4 { _ = try fixture.perform(fixture.configMap("m\(index)", ["a": "ä \(index)"])) }
        #expect(fixture.loop.runUntil(within: .seconds(10)) { fixture.storage.metrics.snapshotCount > 0 })
        _ = try fixture.perform(.delete(key("m1")))
        _ = try fixture.perform(.create(["metadata": ["name": "a1"]], type: .leases, namespace: "kube-node-lease"))
        _ = try fixture.perform(.patch(key("m2"), .merge(["data": ["a": "changed"]])))
        fixture.storage.close()
        _ = try SnapshotFiles.save(journal: fixture.directory, as: "\(place)/snapshot.steady")
        try Files.makeDirectories("\(place)/journal", mode: 0o755)
        for name in try Files.list(fixture.directory) {
            let bytes = try Files.read("\(fixture.directory)/\(name)")
            // Without the zeros that were laid out.
            let end = (bytes.lastIndex { $0 != 0 } ?? -1) + 1
            try Files.replace("\(place)/journal/\(name)", with: bytes[..<min(bytes.count, (end + 7) / 8 * 8)], mode: 0o644)
        }
    }

    @Test func `of today has its fixture`() {
        #expect(KeptFormats.names.contains(KeptFormats.today), "make it: see KeptFormats.isWriting")
    }

    @Test(arguments: KeptFormats.names) func `of every version up to today's is read`(name: String) throws {
        let place = try KeptFormats.copy(name)
        defer { try? FileManager.default.removeItem(atPath: place) }
        let contents = try SnapshotFiles.inspect("\(place)/snapshot.steady")
        #expect(contents.format == name && contents.objectCount == 7 && contents.time != nil)
        _ = try SnapshotFiles.restore("\(place)/snapshot.steady", journal: "\(place)/restored")
        for journal in ["journal", "restored"] {
            let loop = try EventLoop()
            let storage = try Storage(loop: loop, directory: "\(place)/\(journal)")
            #expect(storage.notices.isEmpty)
            let found = storage.registry.list(ListRequest(.configMaps)).items
            #expect(found.map { $0["metadata"]["name"].string } == ["m0", "m2", "m3"], "\(journal)")
            #expect(found.map { $0["data"]["a"].string } == ["ä 0", "changed", "ä 3"], "\(journal)")
            storage.close()
        }
    }

    /// Layout and content have a version each, in every file.
    @Test(arguments: [8, 12]) func `of a newer version is refused by name, and left as it is`(offset: Int) throws {
        let place = try KeptFormats.copy(KeptFormats.today)
        defer { try? FileManager.default.removeItem(atPath: place) }
        func makeNewer(_ path: String) throws -> [UInt8] {
            var bytes = try Files.read(path)
            bytes[offset] += 1
            let checksum = Journals.checksum(Array(bytes[..<60]))
            for byte in 0..<4 { bytes[60 + byte] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * byte)) }
            try Files.replace(path, with: bytes)
            return bytes
        }
        let newer = offset == 8 ? "format \(Journals.layoutVersion + 1).1" : "format 1.\(RegistryRecord.formatVersion + 1)"
        for name in try Files.list("\(place)/journal") {
            let copy = try KeptFormats.copy(KeptFormats.today)
            defer { try? FileManager.default.removeItem(atPath: copy) }
            let bytes = try makeNewer("\(copy)/journal/\(name)")
            // A segment that the snapshot covers is not looked into.
            let loop = try EventLoop()
            do {
                try Storage(loop: loop, directory: "\(copy)/journal").close()
                #expect(name == "segment-00000000000000000000")
            } catch {
                #expect(
                    error.description.contains(
                        "\(name): it was written by a newer Steady (\(newer); this one reads up to \(KeptFormats.today))"))
                #expect(try Files.read("\(copy)/journal/\(name)") == bytes)
            }
        }
        let snapshot = "\(place)/snapshot.steady"
        _ = try makeNewer(snapshot)
        for refused in [{ try SnapshotFiles.inspect(snapshot) }, { try SnapshotFiles.restore(snapshot, journal: "\(place)/restored") }] {
            let error = try #require(throws: StorageError.self) { try refused() }
            #expect(error.description.contains("\(snapshot): it was written by a newer Steady (\(newer)"))
        }
        #expect(!Files.exists("\(place)/restored"))
    }
}
