import Foundation
import Formats
import Journal
import Linux
import Registry
import Resources
import Storage
import Synchronization
import Testing

/// This machine's disk, until it is full.
private final class FillableDisk: JournalDisk {
    let disk: SystemDisk
    let isFull = Mutex(false)
    /// Every fsync of a file fails.
    let losesWrites = Mutex(false)

    init(_ path: String) throws { disk = try SystemDisk(path) }

    var path: String { disk.path }
    func names() throws(LinuxError) -> [String] { try disk.names() }
    func read(_ name: String) throws(LinuxError) -> [UInt8] { try disk.read(name) }
    func open(_ name: String, truncating: Bool) throws(LinuxError) -> any JournalFile {
        FillableFile(disk: self, file: try disk.open(name, truncating: truncating))
    }
    func rename(_ name: String, to newName: String) throws(LinuxError) { try disk.rename(name, to: newName) }
    func remove(_ name: String) throws(LinuxError) { try disk.remove(name) }
    func synchronize() throws(LinuxError) { try disk.synchronize() }
}

private struct FillableFile: JournalFile {
    let disk: FillableDisk
    let file: any JournalFile

    func write(_ bytes: [UInt8], at offset: Int) throws(LinuxError) {
        if disk.isFull.withLock({ $0 }) { throw LinuxError(errno: ENOSPC, operation: "write") }
        try file.write(bytes, at: offset)
    }
    func synchronize() throws(LinuxError) {
        if disk.losesWrites.withLock({ $0 }) { throw LinuxError(errno: EIO, operation: "fdatasync") }
        try file.synchronize()
    }
    func truncate(to size: Int) throws(LinuxError) { try file.truncate(to: size) }
    func reserve(_ count: Int, from offset: Int) throws(LinuxError) { try file.reserve(count, from: offset) }
    func close() { file.close() }
}

struct `A storage whose disk is full` {
    @Test func `refuses writes with the reason, goes on reading, forgets what it refused, and writes again when there is room`() throws {
        let directory = NSTemporaryDirectory() + "steady-full-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let disk = try FillableDisk(directory)
        let fixture = try StorageFixture(disk: disk)
        _ = try fixture.perform(fixture.configMap("one"))
        var seen: [String] = []
        _ = fixture.storage.watch(ListRequest(.configMaps), from: nil) { seen.append(text($0)) }

        disk.isFull.withLock { $0 = true }
        for name in ["two", "three"] {
            let error = try #require(throws: StatusError.self) { try fixture.perform(fixture.configMap(name)) }
            #expect(error.code == 507 && error.reason == "InsufficientStorage")
            #expect(error.message.contains("the journal cannot be written: No space left on device"))
        }
        #expect(try fixture.perform(.list(ListRequest(.configMaps))).items.count == 1)
        // What needs no disk goes on.
        _ = try? fixture.perform(.create(["metadata": ["name": "a1"]], type: .leases, namespace: "kube-node-lease"))

        disk.isFull.withLock { $0 = false }
        #expect(try fixture.perform(fixture.configMap("two")).isCreated)
        #expect(seen == ["ADDED one", "synced", "ADDED two"])
        #expect(fixture.storage.metrics.failedBatchCount >= 2)

        fixture.storage.close()
        let again = try Storage(loop: fixture.loop, directory: directory)
        defer { again.close() }
        #expect(again.object(key("two")) != nil)
        #expect(again.object(key("three")) == nil)
    }

    @Test func `acknowledges nothing after an fsync that failed before the whole state stands in a new file, and says both`() throws {
        let directory = NSTemporaryDirectory() + "steady-full-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let disk = try FillableDisk(directory)
        let fixture = try StorageFixture(disk: disk, settings: StorageSettings(snapshotRetryInterval: .milliseconds(5)))
        var notices: [String] = []
        fixture.storage.onNotice = { notices.append($0) }
        _ = try fixture.perform(fixture.configMap("one"))
        disk.losesWrites.withLock { $0 = true }
        for name in ["two", "three"] {
            let error = try #require(throws: StatusError.self) { try fixture.perform(fixture.configMap(name)) }
            #expect(error.code == 500)
            #expect(error.message.contains("the disk did not keep what was written (fdatasync: Input/output error)"))
            #expect(error.message.contains("reads and supervision go on"))
        }
        #expect(try fixture.perform(.list(ListRequest(.configMaps))).items.count == 1)
        // No write of it comes to anything before its snapshot is tried again and works.
        #expect(fixture.loop.runUntil(within: .seconds(60)) { fixture.storage.metrics.failedSnapshotCount > 1 })
        #expect(fixture.storage.metrics.snapshotCount == 0)
        disk.losesWrites.withLock { $0 = false }
        #expect(fixture.loop.runUntil(within: .seconds(60)) { fixture.storage.metrics.snapshotCount == 1 })
        #expect(try fixture.perform(fixture.configMap("four")).isCreated)
        #expect(notices.first?.contains("the disk did not keep what was written") == true)
        #expect(notices.last == "the journal is written again: writes are accepted")
        fixture.storage.close()
        let again = try Storage(loop: fixture.loop, directory: directory)
        defer { again.close() }
        #expect(["one", "two", "three", "four"].map { again.object(key($0)) != nil } == [true, false, false, true])
    }

    @Test func `answers everybody who waits, also those whose answer only rested on what was lost`() throws {
        let directory = NSTemporaryDirectory() + "steady-full-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let disk = try FillableDisk(directory)
        let fixture = try StorageFixture(disk: disk)
        disk.isFull.withLock { $0 = true }
        var reasons: [String] = []
        for _ in 0..<3 {
            // The second and third would be refused because of the first.
            fixture.storage.perform(fixture.configMap("same")) { result in
                if case .failure(let error) = result { reasons.append(error.reason) }
            }
        }
        #expect(fixture.loop.runUntil(within: .seconds(60)) { reasons.count == 3 })
        #expect(reasons == ["InsufficientStorage", "InsufficientStorage", "InsufficientStorage"])
    }

    @Test func `refuses what closing could not write`() throws {
        let directory = NSTemporaryDirectory() + "steady-full-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let disk = try FillableDisk(directory)
        let fixture = try StorageFixture(disk: disk)
        disk.isFull.withLock { $0 = true }
        var codes: [Int] = []
        fixture.storage.perform(fixture.configMap("one")) { if case .failure(let error) = $0 { codes.append(error.code) } }
        fixture.storage.close()
        #expect(codes == [507])
    }
}

struct `Many commits` {
    @Test func `are told in order and survive snapshots and a restart`() throws {
        let fixture = try StorageFixture(
            settings: StorageSettings(
                journal: JournalSettings(segmentLimit: 20_000, allocationStep: 8192, snapshotStep: 2048), snapshotThreshold: 30_000))
        var revisions: [Revision] = []
        var isSynced = false
        _ = fixture.storage.watch(ListRequest(.configMaps), from: nil) { signal in
            switch signal {
            case .event(let event): revisions.append(event.revision)
            case .synced: isSynced = true
            case .ended: break
            }
        }
        #expect(fixture.loop.runUntil(within: .seconds(60)) { isSynced })
        var answered = 0
        for round in 0..<10 {
            for index in 0..<50 {
                let request: Request =
                    round == 0
                    ? fixture.configMap("m\(index)") : .patch(key("m\(index)"), .merge(["data": ["a": .string("r\(round)")]]))
                fixture.storage.perform(request) { result in if case .success = result { answered += 1 } }
            }
            #expect(fixture.loop.runUntil(within: .seconds(60)) { answered == (round + 1) * 50 })
        }
        #expect(revisions.count == 500 && revisions == revisions.sorted())
        #expect(fixture.loop.runUntil(within: .seconds(60)) { fixture.storage.metrics.snapshotCount > 0 })
        let before = try fixture.perform(.list(ListRequest(.configMaps))).items
        try fixture.reopen()
        #expect(try fixture.perform(.list(ListRequest(.configMaps))).items == before)
        #expect(before.allSatisfy { $0["data"]["a"].string == "r9" })
    }
}

struct `Opening a storage` {
    @Test func `cuts a torn journal and says so, and refuses a damaged one with the file, the offset and the remedy`() throws {
        let fixture = try StorageFixture()
        for index in 0..<5 { _ = try fixture.perform(fixture.configMap("m\(index)")) }
        fixture.storage.close()
        let path = fixture.directory + "/segment-00000000000000000000"
        let whole = try Files.read(path)
        let end = try #require(whole.lastIndex { $0 != 0 })

        // Behind the header of the mark that closing leaves stands one byte.
        let mark = end - 24
        var lost = whole
        lost[mark - 12] ^= 1
        try Files.replace(path, with: lost)
        let loss = try #require(throws: StorageError.self) { try Storage(loop: fixture.loop, directory: fixture.directory) }
        #expect(loss.description.contains("a later one at \(mark) was written after it"))
        #expect(try Files.read(path) == lost)

        // Without the mark, as after a crash, it may be a write that was cut off.
        try Files.replace(path, with: lost[..<mark])
        let storage = try Storage(loop: fixture.loop, directory: fixture.directory)
        #expect(storage.notices.count == 1 && storage.notices[0].contains("a write that was cut off"))
        #expect(storage.object(key("m3")) != nil && storage.object(key("m4")) == nil)
        storage.close()

        var damaged = whole
        damaged[200] ^= 1
        try Files.replace(path, with: damaged)
        let error = try #require(throws: StorageError.self) { try Storage(loop: fixture.loop, directory: fixture.directory) }
        #expect(error.description.contains("\(path), offset 64"))
        #expect(error.description.contains("nothing was changed. Go back to a snapshot: steady snapshot restore --replace FILE; or, "))
        #expect(try Files.read(path) == damaged)
    }

    @Test func `does not begin empty where a state is known to have been, and names the newest snapshot`() throws {
        let fixture = try StorageFixture()
        fixture.storage.close()
        let snapshots = fixture.directory + "/../\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: snapshots) }
        try Files.makeDirectories(snapshots)
        for name in ["snapshot-2026-01-31T12-00-00Z-r99.steady", "before-upgrade-2026-02-01T12-00-00Z.steady"] {
            _ = try SnapshotFiles.save(journal: fixture.directory, as: "\(snapshots)/\(name)")
        }
        // Newer, and broken: a remedy that names one is none.
        let whole = try Files.read("\(snapshots)/before-upgrade-2026-02-01T12-00-00Z.steady")
        try Files.replace("\(snapshots)/snapshot-2026-02-02T12-00-00Z-r99.steady", with: whole.dropLast(20))
        for name in ["before-upgrade-2026-02-03T12-00-00Z.steady", "other"] { try Files.replace("\(snapshots)/\(name)", with: []) }
        var settings = StorageSettings()
        settings.hasStateBy = "/data/up.json"
        settings.snapshots = snapshots
        func opens() throws { try Storage(loop: fixture.loop, directory: fixture.directory, settings: settings).close() }
        try opens()
        for name in try Files.list(fixture.directory) { try Files.removeTree("\(fixture.directory)/\(name)") }
        let error = try #require(throws: StorageError.self) { try opens() }
        #expect(error.description.hasPrefix("\(fixture.directory): no state is stored here, but /data/up.json says that there was one"))
        #expect(error.description.contains("restore --replace \(snapshots)/before-upgrade-2026-02-01T12-00-00Z.steady;"))
        #expect(try Files.list(fixture.directory).isEmpty)
        settings.hasStateBy = nil
        try opens()
    }

    @Test func `refuses a journal that was put back as it was earlier, names the newest whole snapshot, and takes one that is restored`()
        throws
    {
        let loop = try EventLoop()
        let place = NSTemporaryDirectory() + "steady-reached-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: place) }
        try Files.makeDirectories("\(place)/snapshots")
        let (journal, snapshot) = ("\(place)/journal", "\(place)/snapshots/snapshot-2026-01-31T12-00-00Z-r9.steady")
        var settings = StorageSettings()
        settings.reached = "\(place)/journal.reached"
        settings.snapshots = "\(place)/snapshots"
        settings.hasStateBy = "/data/up.json"
        func open() throws -> Storage { try Storage(loop: loop, directory: journal, settings: settings) }
        func begin() throws {
            settings.hasStateBy = nil
            try open().close()
            settings.hasStateBy = "/data/up.json"
        }
        try begin()
        #expect(Files.exists(settings.reached ?? ""))
        try FileManager.default.copyItem(atPath: journal, toPath: journal + ".earlier")
        _ = try SnapshotFiles.save(journal: journal, reached: settings.reached, as: snapshot)
        let storage = try open()
        var isDone = false
        storage.perform(.create(["metadata": ["name": "later"]], type: .configMaps, namespace: "default")) {
            isDone = (try? $0.get()) != nil
        }
        #expect(loop.runUntil(within: .seconds(60)) { isDone })
        storage.close()

        try FileManager.default.removeItem(atPath: journal)
        try FileManager.default.moveItem(atPath: journal + ".earlier", toPath: journal)
        let error = try #require(throws: StorageError.self) { try open() }
        for part in [
            "\(journal): it ends at revision ", "\(place)/journal.reached says that it has reached ", "Nothing was changed",
            "To go on with what is left, remove \(place)/journal.reached. ",
            "Go back to a snapshot: steady snapshot restore --replace \(snapshot); or, ", "move the directory away, and /data/up.json",
        ] { #expect(error.description.contains(part), "\(error)") }
        #expect(throws: StorageError.self) {
            try SnapshotFiles.save(journal: journal, reached: settings.reached, as: "\(place)/other.steady")
        }

        // A snapshot goes less far than what was lost, which is what somebody asked for.
        try FileManager.default.removeItem(atPath: journal)
        _ = try SnapshotFiles.restore(snapshot, journal: journal, reached: settings.reached)
        #expect(!Files.exists(settings.reached ?? ""))
        try open().close()
        // Begun empty, as the message says: what was noted was of another journal.
        try FileManager.default.removeItem(atPath: journal)
        try begin()
        try open().close()
    }

    @Test func `names a directory that it may not use`() throws {
        let error = try #require(throws: StorageError.self) { try Storage(loop: try EventLoop(), directory: "/proc/nowhere/journal") }
        #expect(error.description.contains("/proc/nowhere"))
        #expect(error.description.contains("Make the directory readable and writable"))
    }
}
