import Journal
import Linux
import Testing

private let noteName = "reached"

private func openNoting(_ disk: any JournalDisk) throws -> (recovered: RecoveredJournal, writer: JournalWriter) {
    try open(disk, reached: ReachedNote(beside: disk))
}

struct `A note of how far a journal went` {
    /// The files of a journal at each of its stops.
    private func stops(_ count: Int) throws -> [[String: [UInt8]]] {
        let disk = FaultyDisk()
        let (_, writer) = try openNoting(disk)
        var out: [[String: [UInt8]]] = []
        for stop in 0..<count {
            // Some of them have a snapshot, all of them more segments than the one before.
            for revision in (stop * 9 + 1)...(stop * 9 + 9) { try writer.append([record(UInt64(revision), "some text")]) }
            if stop % 3 == 2 {
                let revision = UInt64(stop * 9 + 9)
                try writer.beginSnapshot(JournalSnapshot(revision: revision, count: 1) { _ in record(revision) })
                while try writer.continueSnapshot() == nil {}
            }
            try writer.prove()
            out.append(disk.writtenFiles)
        }
        return out
    }

    @Test func `refuses a journal that was put back as it was earlier, and takes it when the note is removed`() throws {
        let stops = try stops(8)
        for (index, earlier) in stops.enumerated() {
            for later in stops[index...] {
                var files = earlier
                files[noteName] = later[noteName]
                let disk = FaultyDisk(files: files)
                if earlier == later {
                    #expect(try openNoting(disk).recovered.lastRevision == UInt64(index * 9 + 9))
                    continue
                }
                let error = try #require(throws: JournalError.self) { try openNoting(disk) }
                #expect(error.isDamage)
                #expect(error.description.hasPrefix("/disk: it ends at revision \(index * 9 + 9), and /disk/reached says"))
                #expect(error.description.contains("Nothing was changed. To go on with what is left, remove /disk/reached"))
                #expect(disk.writtenFiles == files)
                try ReachedNote(beside: disk).remove()
                #expect(try openNoting(disk).recovered.lastRevision == UInt64(index * 9 + 9))
            }
        }
    }

    @Test func `refuses one that was cut short anywhere before what was noted`() throws {
        let disk = FaultyDisk()
        let (_, writer) = try openNoting(disk)
        for revision in 1...4 as ClosedRange<UInt64> { try writer.append([record(revision, "text")]) }
        let end = writer.segmentByteCount
        try writer.prove()
        let files = disk.writtenFiles
        let name = try #require(files.keys.first { $0.hasPrefix("segment-") })
        for length in 0..<end {
            var cut = files
            cut[name] = Array(files[name]![..<length])
            do throws(JournalError) {
                let disk = FaultyDisk(files: cut)
                let found = try Journals.read(disk, contentVersion: 1, reached: ReachedNote(beside: disk))
                // Nobody misses padding.
                #expect(found.revisions == [1, 2, 3, 4], "\(length)")
            } catch { #expect(error.isDamage, "\(length)") }
        }
        // Where there is no file at all, who begins anew is asked elsewhere.
        let empty = FaultyDisk(files: files.filter { $0.key == noteName })
        #expect(try openNoting(empty).recovered.records.isEmpty)
    }

    @Test func `says nothing when it is damaged, cut off or of another form`() throws {
        let files = try #require(try stops(2).last)
        let text = try #require(files[noteName])
        func finds(_ bytes: [UInt8]) throws -> UInt64? { try ReachedNote(beside: FaultyDisk(files: [noteName: bytes])).read() }
        #expect(try finds(text) == 18)
        for byte in text.indices {
            for bit in 0..<8 {
                var damaged = text
                damaged[byte] ^= 1 << UInt8(bit)
                #expect(try finds(damaged) == nil)
            }
            #expect(try finds(Array(text[..<byte])) == nil)
        }
        #expect(try finds(text + [10]) == nil)
        #expect(try finds(Array("journal reached 99999999999999999999 00000000\n".utf8)) == nil)
        #expect(try ReachedNote(beside: FaultyDisk()).read() == nil)
        // It is written anew.
        var damaged = files
        damaged[noteName] = [0]
        let disk = FaultyDisk(files: damaged)
        let (_, writer) = try openNoting(disk)
        try writer.append([record(100)])
        try writer.prove()
        #expect(try ReachedNote(beside: disk).read() == 100)
    }

    /// A snapshot is of a revision that no record has where commits lived in memory alone: the records are what counts.
    @Test func `does not count what only the newest snapshot counts, so that it can be done without`() throws {
        let disk = FaultyDisk()
        var (_, writer) = try openNoting(disk)
        for revision in 1...3 as ClosedRange<UInt64> { try writer.append([record(revision)]) }
        try writer.beginSnapshot(JournalSnapshot(revision: 50, count: 1) { _ in record(3) })
        while try writer.continueSnapshot() == nil {}
        for _ in 0..<2 {
            writer = try openNoting(disk).writer
            try writer.prove()
        }
        var files = disk.writtenFiles
        let name = try #require(files.keys.first { $0.hasPrefix("snapshot-") })
        files[name]![70] ^= 1
        let (recovered, _) = try openNoting(FaultyDisk(files: files))
        #expect(recovered.revisions == [1, 2, 3] && recovered.notices.count == 1)
    }

    @Test func `is gone for good before a journal begins anew, whatever fails`() throws {
        let noted = try #require(try stops(2).last?[noteName])
        for failing in 0..<30 {
            let disk = FaultyDisk(files: [noteName: noted], seed: UInt64(failing))
            let (recovered, writer) = try openNoting(disk)
            #expect(recovered.records.isEmpty)
            // Nothing is removed before something is written.
            #expect(disk.writtenFiles[noteName] == noted)
            disk.fail { number, _ in number >= failing }
            for revision in 1...4 as ClosedRange<UInt64> { try? writer.append([record(revision)]) }
            try? writer.prove()
            for files in [disk.writtenFiles, disk.durableFiles] + (0..<8).map({ disk.filesAfterPowerCut(seed: $0) }) {
                #expect(throws: Never.self, "operation \(failing)") { try openNoting(FaultyDisk(files: files)) }
            }
        }
    }

    /// The worst that a disk that is full of the note can do.
    @Test func `that cannot be written stops nothing, and is tried once`() throws {
        let disk = FaultyDisk()
        let (_, writer) = try openNoting(disk)
        try writer.append([record(1)])
        try writer.prove()
        disk.fail(errno: 28) { _, name in name.contains(noteName) }
        try writer.append([record(2)])
        #expect(writer.isUnproven)
        try writer.prove()
        #expect(!writer.isUnproven)
        #expect(try ReachedNote(beside: disk).read() == 1)
        disk.work()
        try writer.append([record(3)])
        try writer.prove()
        #expect(try ReachedNote(beside: disk).read() == 3)
    }

    /// Else its thread would wake every few seconds for nothing.
    @Test func `and a mark are tried once also after an fsync that failed`() throws {
        let disk = FaultyDisk()
        let (_, writer) = try openNoting(disk)
        try writer.append([record(1)])
        disk.fail { _, name in name.hasPrefix("fdatasync segment") }
        #expect(throws: JournalFailure.self) { try writer.append([record(2)]) }
        #expect(writer.isUnproven)
        try writer.prove()
        #expect(!writer.isUnproven)
    }
}
