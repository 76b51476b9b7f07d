import Journal
import Linux
import Testing

/// A history of commits, snapshots and a restart on a disk that fails somewhere, with what was promised on the way.
private struct History {
    let disk: FaultyDisk
    var writer: JournalWriter
    /// Key to the revision that was acknowledged last.
    var acknowledged: [String: UInt64] = [:]
    /// Revisions of which it was said that they may be found, and of nothing else that was refused.
    var uncertain: Set<UInt64> = []
    var refusedCount = 0
    private var revision: UInt64 = 0
    private(set) var isDistrusted = false

    init(on disk: FaultyDisk) throws {
        self.disk = disk
        writer = try open(disk, reached: ReachedNote(beside: disk)).writer
    }

    static let stepCount = 24

    /// - Parameter isOver: whether the process is dead; asked after every step.
    mutating func play(steps: Range<Int> = 0..<stepCount, isOver: () -> Bool = { false }) {
        for step in steps {
            if [7, 8, 15, 20].contains(step) || isDistrusted {
                takeSnapshot(committing: step == 8)
                // A later snapshot would hide what this one has lost.
                checkAll("after the snapshot of step \(step)")
            }
            if isOver() { return }
            commit(count: step % 3 + 1)
            if isOver() { return }
            if step % 3 == 1 { mark() }
            if isOver() { return }
        }
    }

    mutating func commit(count: Int) {
        let records = (1...count).map { offset in
            let next = revision + UInt64(offset)
            return record(next, "key\(next * 7 % 5) \(String(repeating: "x", count: Int(next) % 40))")
        }
        revision += UInt64(count)
        do throws(JournalFailure) {
            try writer.append(records)
            for record in records { acknowledged[Self.key(record)] = record.revision }
        } catch {
            // While the state is written anew everything is refused; that is counted once.
            if !isDistrusted { refusedCount += 1 }
            isDistrusted = error.isDistrust
            if error.fate == .unknown { uncertain.formUnion(records.map(\.revision)) }
        }
    }

    /// As the thread does it when nothing comes for a while.
    private mutating func mark() {
        do throws(JournalFailure) { try writer.prove() } catch { isDistrusted = error.isDistrust }
    }

    /// As the storage does it: of what is acknowledged, and of nothing else.
    private mutating func takeSnapshot(committing: Bool) {
        let state = acknowledged.sorted { $0.key < $1.key }
        let snapshot = JournalSnapshot(revision: revision, count: state.count) { record(state[$0].value, state[$0].key) }
        do throws(LinuxError) {
            try writer.beginSnapshot(snapshot)
            while try writer.continueSnapshot() == nil { if committing { commit(count: 1) } }
            isDistrusted = false
        } catch {}
    }

    /// The process before is gone, however that came: another one reads the same disk. What it reads it gives out, so that counts as promised.
    mutating func reopen() throws {
        let opened = try open(disk, reached: ReachedNote(beside: disk))
        writer = opened.writer
        acknowledged = Self.state(opened.recovered)
        uncertain = []
        isDistrusted = false
        revision = max(revision, opened.recovered.lastRevision)
    }

    private static func key(_ record: JournalRecord) -> String {
        String(decoding: record.body, as: UTF8.self).split(separator: " ").first.map(String.init) ?? ""
    }

    static func state(_ recovered: RecoveredJournal) -> [String: UInt64] {
        var out: [String: UInt64] = [:]
        for text in recovered.texts {
            let words = text.split(separator: " ")
            out[String(words[1])] = UInt64(words[0])
        }
        return out
    }

    /// Everything that was acknowledged is there, and nothing that was not.
    func check(_ files: [String: [UInt8]], _ what: @autoclosure () -> String) {
        do {
            let disk = FaultyDisk(files: files)
            let found = Self.state(try Journals.read(disk, contentVersion: 1, reached: ReachedNote(beside: disk)))
            for key in Set(found.keys).union(acknowledged.keys) {
                let promised = acknowledged[key]
                if found[key] == promised { continue }
                if let revision = found[key], uncertain.contains(revision), revision > promised ?? 0 { continue }
                Issue.record("\(what()): \(key) is of \(found[key] ?? 0), promised was \(promised ?? 0)")
            }
        } catch { Issue.record("\(what()): \(error)") }
    }

    /// What a new process finds, and what is left after a power cut at this moment.
    func checkAll(_ what: String) {
        check(disk.writtenFiles, "\(what), killed")
        check(disk.durableFiles, "\(what), power cut")
        for seed in 0..<4 as Range<UInt64> { check(disk.filesAfterPowerCut(seed: seed), "\(what), power cut, seed \(seed)") }
    }
}

/// Every operation that reaches the disk, write and fsync alike, fails once in one run of the history: the n-th for every n.
struct `A history with one fault` {
    private func operationCount() throws -> Int {
        let disk = FaultyDisk()
        var history = try History(on: disk)
        history.play()
        history.checkAll("no fault")
        return disk.operationCount
    }

    @Test(arguments: [5, 28] as [Int32]) func `keeps every promise when the n-th operation fails, for every n`(errno: Int32) throws {
        for failing in 0..<(try operationCount()) {
            let disk = FaultyDisk(seed: UInt64(failing))
            disk.fail(errno: errno) { number, _ in number == failing }
            guard var history = try? History(on: disk) else { continue }
            history.play()
            history.play(steps: 1..<3)
            // It goes on.
            #expect(history.refusedCount <= 1 && !history.isDistrusted, "operation \(failing)")
            #expect(history.uncertain.isEmpty, "operation \(failing)")
            history.checkAll("operation \(failing) failed with \(errno)")
        }
    }

    @Test(arguments: [5, 28] as [Int32]) func `keeps every promise when all operations fail for a while, from any n on`(errno: Int32) throws
    {
        for failing in 0..<(try operationCount()) {
            let disk = FaultyDisk(seed: UInt64(failing))
            guard var history = try? History(on: disk) else { continue }
            disk.fail(errno: errno) { number, _ in (failing..<failing + 9).contains(number) }
            history.play()
            history.checkAll("operations from \(failing) on failed with \(errno)")
        }
    }

    /// From the n-th operation on nothing reaches the disk, and the process ends; the next one goes on with what it finds in the page cache. What it
    /// finds it must have made durable itself: it cannot know what the one before had brought to the disk.
    @Test func `is taken up by the next process after a crash at any operation, and survives a power cut after that`() throws {
        for failing in 0..<(try operationCount()) {
            let disk = FaultyDisk(seed: UInt64(failing))
            guard var history = try? History(on: disk) else { continue }
            disk.fail { number, _ in number >= failing }
            history.play { disk.operationCount > failing }
            history.checkAll("crash at \(failing)")
            disk.work()
            try history.reopen()
            history.checkAll("crash at \(failing), opened again")
            for _ in 0..<3 { history.commit(count: 2) }
            #expect(history.refusedCount <= 1, "crash at \(failing)")
            history.checkAll("crash at \(failing), gone on")
        }
    }

    /// The power goes at the n-th operation, and again somewhere in what the next process does.
    @Test(arguments: 0..<6 as Range<UInt64>) func `survives power cuts at any two operations`(seed: UInt64) throws {
        for failing in stride(from: Int(seed), to: try operationCount(), by: 2) {
            let first = FaultyDisk(seed: seed)
            guard var history = try? History(on: first) else { continue }
            first.fail { number, _ in number >= failing }
            history.play { first.operationCount > failing }
            let second = FaultyDisk(files: first.filesAfterPowerCut(seed: seed), seed: seed)
            let again = failing % 23
            second.fail { number, _ in number >= again }
            let promised = history
            guard var next = try? History(on: second) else { continue }
            do { try next.reopen() } catch { continue }
            promised.check(second.writtenFiles, "power cut at \(failing)")
            next.play(steps: 0..<6) { second.operationCount > again }
            next.checkAll("power cuts at \(failing) and \(again)")
        }
    }
}

struct `A failed fsync` {
    /// PostgreSQL's lesson of 2018: after a failed fsync the kernel may call the pages clean, and the next fsync succeeds without them.
    @Test func `is never made good by a second one: nothing is acknowledged before everything stands in another file`() throws {
        let disk = FaultyDisk()
        let (_, writer) = try open(disk)
        try writer.append([record(1, "a")])
        disk.fail { _, name in name.hasPrefix("fdatasync") }
        let failure = try #require(throws: JournalFailure.self) { try writer.append([record(2, "b")]) }
        #expect(failure.isDistrust && failure.fate == .unknown)
        disk.work()
        for _ in 0..<3 {
            let refusal = try #require(throws: JournalFailure.self) { try writer.append([record(3, "c")]) }
            #expect(refusal.isDistrust && refusal.fate == .undone)
        }
        try writer.beginSnapshot(JournalSnapshot(revision: 1, count: 1) { _ in record(1, "a") })
        while try writer.continueSnapshot() == nil {}
        try writer.append([record(4, "d")])
        for files in [disk.writtenFiles, disk.durableFiles] {
            #expect(try Journals.read(FaultyDisk(files: files), contentVersion: 1).texts == ["1 a", "4 d"])
        }
    }
}

struct `A damaged file` {
    private func files(snapshotCount: Int) throws -> (files: [String: [UInt8]], texts: [String]) {
        let disk = FaultyDisk()
        let (_, writer) = try open(disk)
        var revision: UInt64 = 0
        for _ in 0..<snapshotCount {
            for _ in 0..<6 {
                revision += 1
                try writer.append([record(revision, "text")])
            }
            let count = Int(revision)
            try writer.beginSnapshot(JournalSnapshot(revision: revision, count: count) { record(UInt64($0 + 1), "text") })
            while try writer.continueSnapshot() == nil {}
        }
        try writer.append([record(revision + 1, "last")])
        return (disk.writtenFiles, try open(disk).recovered.texts)
    }

    /// Every bit of the newest snapshot is as good as any other: one flipped is found, named, and made good from the one before.
    @Test(arguments: [1, 2, 3]) func `is made good where it is the newest snapshot, whatever bit was flipped`(snapshotCount: Int) throws {
        let (files, texts) = try files(snapshotCount: snapshotCount)
        let name = try #require(files.keys.filter { $0.hasPrefix("snapshot-") }.max())
        for byte in 0..<files[name]!.count where byte % 7 == 0 || byte < 64 {
            var damaged = files
            damaged[name]![byte] ^= 1 << UInt8(byte % 8)
            let disk = FaultyDisk(files: damaged)
            let (recovered, writer) = try open(disk)
            if recovered.notices.isEmpty {
                // Padding: it means nothing, and no checksum covers it.
                #expect(recovered.texts == texts && damaged[name]![byte] < 2 + 127 + 1, "byte \(byte)")
                continue
            }
            #expect(Set(recovered.texts) == Set(texts), "byte \(byte)")
            #expect(recovered.notices[0].contains("/disk/\(name), offset") && recovered.notices[0].contains("Nothing is lost"))
            #expect(disk.writtenFiles["damaged-\(name)"] == damaged[name])
            try writer.append([record(100)])
            #expect(try open(disk).recovered.notices.isEmpty)
        }
    }

    /// What the newest snapshot covers is not needed: damage there costs nothing.
    @Test func `is done without where a newer snapshot has it all`() throws {
        let (files, texts) = try files(snapshotCount: 3)
        let segments = files.keys.filter { $0.hasPrefix("segment-") }.sorted()
        try #require(segments.count > 1)
        var damaged = files
        damaged[segments[0]]![70] ^= 1
        #expect(try open(FaultyDisk(files: damaged)).recovered.texts == texts)
        // With the newest snapshot damaged as well, nothing is made up: both are needed.
        let name = try #require(files.keys.filter { $0.hasPrefix("snapshot-") }.max())
        damaged[name]![70] ^= 1
        let error = try #require(throws: JournalError.self) { try open(FaultyDisk(files: damaged)) }
        #expect(error.path == "/disk/\(name)")
    }

    @Test func `is found in any byte of a segment that is needed, or is proved not to matter`() throws {
        let disk = FaultyDisk()
        let (_, writer) = try open(disk)
        for revision in 1...4 as ClosedRange<UInt64> { try writer.append([record(revision, "text")]) }
        let (name, bytes) = try #require(disk.writtenFiles.first)
        let texts = ["1 text", "2 text", "3 text", "4 text"]
        for byte in 0..<writer.segmentByteCount {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[byte] ^= 1 << UInt8(bit)
                do throws(JournalError) {
                    let found = try Journals.read(FaultyDisk(files: [name: damaged]), contentVersion: 1).texts
                    // The last record may be the trace of a crash: nothing was written behind it. All others are proved by it.
                    #expect(found == texts || found == texts.dropLast(), "byte \(byte), bit \(bit)")
                } catch { #expect(error.path == "/disk/\(name)" && error.offset != nil) }
            }
        }
    }
}
