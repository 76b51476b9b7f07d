import Foundation
import Formats
import Journal
import Linux
import Registry
import Resources
import Storage
import Testing
import Timing

/// A directory for one test.
private final class Place {
    let path = NSTemporaryDirectory() + "steady-snapshots-\(UUID().uuidString)"
    init() throws { try Files.makeDirectories(path) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
}

struct `A snapshot in a file` {
    /// Objects of a few kinds, in a journal that is closed.
    private func fill(_ fixture: StorageFixture) throws {
        for index in 0..<20 { _ = try fixture.perform(fixture.configMap("m\(index)", ["a": String(repeating: "x", count: index)])) }
        _ = try fixture.perform(.delete(key("m3")))
        let service: Value = [
            "metadata": ["name": "s"], "spec": ["type": "ClusterIP", "clusterIP": "127.32.0.5", "ports": [["port": 80]]],
        ]
        _ = try fixture.perform(.create(service, type: .services, namespace: "default"))
        fixture.storage.close()
    }

    @Test func `of a stopped instance brings everything back on an empty machine`() throws {
        let place = try Place()
        let fixture = try StorageFixture()
        try fill(fixture)
        let before = fixture.storage.registry
        let saved = try SnapshotFiles.save(journal: fixture.directory, as: "\(place.path)/s")
        #expect(saved.counts.map { "\($0.type.plural) \($0.count)" } == ["services 1", "configmaps 19", "namespaces 4"])
        #expect(Files.size("\(place.path)/s") == Int64(saved.byteCount))

        let restored = try SnapshotFiles.restore("\(place.path)/s", journal: "\(place.path)/journal")
        #expect(restored.revision == saved.revision && restored.objectCount == 24)
        let again = try Storage(loop: fixture.loop, directory: "\(place.path)/journal")
        defer { again.close() }
        #expect(again.notices.isEmpty)
        for type in [ResourceType.configMaps, .services, .namespaces] {
            #expect(again.registry.list(ListRequest(type)).items == before.list(ListRequest(type)).items)
        }
        // No revision is given out twice, and no address.
        #expect(again.revision > before.revision)
        var refused: StatusError?
        let other: Value = ["metadata": ["name": "t"], "spec": ["clusterIP": "127.32.0.5", "ports": [["port": 80]]]]
        again.perform(.create(other, type: .services, namespace: "default")) { if case .failure(let error) = $0 { refused = error } }
        #expect(fixture.loop.runUntil(within: .seconds(10)) { refused != nil })
        #expect(refused?.code == 422)
    }

    @Test func `is the state of one moment, also while commits go on`() throws {
        let place = try Place()
        let fixture = try StorageFixture()
        _ = try fixture.perform(fixture.configMap("one"))
        let snapshot = fixture.storage.snapshot()
        _ = try fixture.perform(.patch(key("one"), .merge(["data": ["a": "2"]])))
        _ = try fixture.perform(fixture.configMap("two"))
        var encoder = SnapshotFiles.encoder(snapshot)
        var bytes: [UInt8] = []
        while !encoder.isDone { bytes += encoder.bytes(100) }
        try Files.replace("\(place.path)/s.tmp", with: bytes)
        _ = try SnapshotFiles.keep("\(place.path)/s.tmp", as: "\(place.path)/s")
        _ = try SnapshotFiles.restore("\(place.path)/s", journal: "\(place.path)/journal")
        let again = try Storage(loop: fixture.loop, directory: "\(place.path)/journal")
        defer { again.close() }
        #expect(again.object(key("one"))?["data"]["a"].string == "1")
        #expect(again.object(key("two")) == nil)
    }

    @Test func `that is cut off, longer, or damaged in any byte is refused by name, and leaves nothing behind`() throws {
        let place = try Place()
        let fixture = try StorageFixture()
        try fill(fixture)
        let path = "\(place.path)/s"
        _ = try SnapshotFiles.save(journal: fixture.directory, as: path)
        let whole = try Files.read(path)
        var damaged: [[UInt8]] = [Array(whole.dropLast(9)), whole + [0], Array("not a snapshot".utf8), []]
        for byte in stride(from: 0, to: whole.count, by: 97) {
            var bytes = whole
            bytes[byte] ^= 4
            damaged.append(bytes)
        }
        var refusedCount = 0
        for bytes in damaged {
            try Files.replace(path, with: bytes)
            do throws(StorageError) {
                // A bit of the padding between two records says nothing.
                #expect(try SnapshotFiles.inspect(path).objectCount == 24)
            } catch {
                refusedCount += 1
                #expect(error.description.contains("\(path), offset ") && error.description.contains("nothing was changed"))
                #expect(throws: StorageError.self) { try SnapshotFiles.restore(path, journal: "\(place.path)/journal") }
                #expect(!Files.exists("\(place.path)/journal") && !Files.exists("\(place.path)/journal.tmp"))
            }
        }
        #expect(refusedCount > damaged.count * 9 / 10)
        try Files.replace("\(place.path)/t.tmp", with: whole.dropLast(9))
        #expect(throws: StorageError.self) { try SnapshotFiles.keep("\(place.path)/t.tmp", as: "\(place.path)/t") }
        #expect(!Files.exists("\(place.path)/t") && !Files.exists("\(place.path)/t.tmp"))
    }
}

struct `Scheduled snapshots` {
    @Test func `are made when they are due and when there is something new, and the oldest go`() throws {
        let place = try Place()
        let copies = CopySettings(directory: "\(place.path)/snapshots", interval: .milliseconds(20), keep: 3)
        let fixture = try StorageFixture(settings: StorageSettings(copies: copies))
        // One that is due while a commit is under way comes before it, so they are told by what is in the newest.
        func newestCount() -> Int? {
            guard let disk = try? SystemDisk(copies.directory), let newest = try? SnapshotCopies.names(disk).last else { return nil }
            return try? SnapshotFiles.inspect("\(copies.directory)/\(newest)").counts.first?.count
        }
        for round in 1...6 {
            _ = try fixture.perform(fixture.configMap("m\(round)"))
            #expect(fixture.loop.runUntil(within: .seconds(60)) { newestCount() == round })
        }
        // The newest has its name before the oldest goes.
        var names: [String] = []
        #expect(
            fixture.loop.runUntil(within: .seconds(60)) {
                names = (try? SnapshotCopies.names(SystemDisk(copies.directory))) ?? []
                return names.count <= 3 && !names.isEmpty
            })
        for name in names { #expect(SnapshotCopies.time(of: name).flatMap { Timestamp(rfc3339: $0) } != nil, "\(name)") }
    }

    @Test func `that cannot be written are said and harm nothing`() throws {
        let place = try Place()
        // A file stands where the directory would be made.
        try Files.replace("\(place.path)/snapshots", with: [1])
        let fixture = try StorageFixture(
            settings: StorageSettings(copies: CopySettings(directory: "\(place.path)/snapshots", interval: .milliseconds(5))))
        var notices: [String] = []
        fixture.storage.onNotice = { notices.append($0) }
        #expect(fixture.loop.runUntil(within: .seconds(10)) { !notices.isEmpty })
        #expect(notices.first?.contains("the scheduled snapshot cannot be written") == true)
        #expect(try fixture.perform(fixture.configMap("one")).isCreated)
    }
}
