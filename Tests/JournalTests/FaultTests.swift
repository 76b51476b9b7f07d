import Glibc
import Journal
import Linux
import Synchronization
import Testing

struct `A journal on a disk that fails` {
    @Test func `works again when there is room again`() throws {
        let disk = FaultyDisk()
        let (_, writer) = try open(disk)
        try writer.append([record(1)])
        disk.fail(errno: 28) { _ in true }
        for _ in 0..<3 { #expect(throws: JournalFailure.self) { try writer.append([record(2)]) } }
        disk.fail { _ in false }
        try writer.append([record(5)])
        #expect(try open(disk).recovered.revisions == [1, 5])
    }
}

struct `The journal's thread` {
    /// What the thread reported, for a test that waits for it.
    final class Reports: Sendable {
        private let outcomes = Mutex<[String]>([])
        private let bell: Doorbell

        init() throws { bell = try Doorbell() }

        func add(_ outcome: JournalOutcome) {
            outcomes.withLock {
                switch outcome {
                case .durable(let revision, _, _): $0.append("durable \(revision)")
                case .failed(let failure): $0.append("failed \(failure.error.errno)")
                case .snapshotDone(let revision, _, _): $0.append("snapshot \(revision)")
                case .snapshotFailed: $0.append("no snapshot")
                }
            }
            bell.ring()
        }

        func wait(for text: String) {
            while !outcomes.withLock({ $0.contains(text) }) { bell.wait() }
        }

        var all: [String] { outcomes.withLock { $0 } }
    }

    @Test(.timeLimit(.minutes(1))) func `reports what is durable, drops what rests on a failure, and goes on when told`() throws {
        let disk = FaultyDisk()
        let reports = try Reports()
        let thread = try JournalThread(try open(disk).writer) { reports.add($0) }
        thread.append([record(1)])
        reports.wait(for: "durable 1")
        disk.fail { _ in true }
        thread.append([record(2)])
        reports.wait(for: "failed 5")
        disk.fail { _ in false }
        // Judged before its writer heard of the failure.
        thread.append([record(3)])
        thread.resume()
        thread.append([record(4)])
        reports.wait(for: "durable 4")
        thread.stop()
        #expect(reports.all == ["durable 1", "failed 5", "durable 4"])
        #expect(try open(disk).recovered.revisions == [1, 4])
    }

    /// Whether the journal, with a bit of its last record flipped, is known to be damaged.
    private func isMarked(_ disk: FaultyDisk, lastRecordAt start: Int) -> Bool {
        var files = disk.writtenFiles
        guard let name = files.keys.first, files[name]!.count > start + 24 else { return false }
        files[name]![start + 24] ^= 1
        return (try? open(FaultyDisk(files: files))) == nil
    }

    @Test(.timeLimit(.minutes(1)), arguments: [false, true]) func `marks the end when it stops, or when nothing has come for a while`(
        isStopped: Bool
    ) throws {
        let disk = FaultyDisk()
        let reports = try Reports()
        var settings = smallSettings
        settings.markDelay = isStopped ? .seconds(3600) : .milliseconds(1)
        let thread = try JournalThread(try open(disk, settings: settings).writer) { reports.add($0) }
        thread.append([record(1)])
        reports.wait(for: "durable 1")
        if isStopped {
            #expect(!isMarked(disk, lastRecordAt: 64))
            thread.stop()
            #expect(isMarked(disk, lastRecordAt: 64))
        } else {
            while !isMarked(disk, lastRecordAt: 64) { sched_yield() }
            thread.stop()
        }
        #expect(reports.all == ["durable 1"])
        #expect(try open(disk).recovered.revisions == [1])
    }

    @Test(.timeLimit(.minutes(1))) func `writes a snapshot beside the commits, and what is queued when it stops`() throws {
        let disk = FaultyDisk()
        let reports = try Reports()
        let thread = try JournalThread(try open(disk).writer) { reports.add($0) }
        for revision in 1...100 { thread.append([record(UInt64(revision))]) }
        reports.wait(for: "durable 100")
        thread.writeSnapshot(JournalSnapshot(revision: 100, count: 50) { record(100, "\($0)") })
        for revision in 101...200 { thread.append([record(UInt64(revision))]) }
        reports.wait(for: "snapshot 100")
        thread.append([record(201)])
        thread.stop()
        let recovered = try open(disk).recovered
        #expect(recovered.records.count == 151)
        #expect(recovered.lastRevision == 201)
    }
}

struct `A checksum` {
    /// RFC 3720, B.4, and the check value of the catalogue of CRCs.
    @Test func `is CRC-32C`() {
        #expect(Journals.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(Journals.checksum([UInt8](repeating: 255, count: 32)) == 0x62A8_AB43)
        #expect(Journals.checksum((0..<32).map { UInt8($0) }) == 0x46DD_794E)
        #expect(Journals.checksum(Array("123456789".utf8)) == 0xE306_9283)
    }
}
