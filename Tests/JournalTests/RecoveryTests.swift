import Journal
import Linux
import Testing

struct `A journal that is opened again` {
    @Test func `has every record that was appended, in order`() throws {
        let disk = FaultyDisk()
        var (recovered, writer) = try open(disk)
        #expect(recovered.records.isEmpty)
        for revision in 1...40 { try writer.append([record(UInt64(revision), "text \(revision)")]) }
        (recovered, writer) = try open(disk)
        #expect(recovered.texts == (1...40).map { "\($0) text \($0)" })
        #expect(recovered.notices.isEmpty)
        try writer.append([record(41)])
        #expect(try open(disk).recovered.revisions == (1...41).map(UInt64.init))
        #expect(disk.writtenFiles.count > 2)
    }

    /// A kill between any two bytes that reach the file.
    @Test func `finds every record that fits when the file is cut at any length, and invents none`() throws {
        let disk = FaultyDisk()
        let (_, writer) = try open(disk, settings: JournalSettings(allocationStep: 128))
        var ends: [Int] = []
        for revision in 1...12 {
            let appended = record(UInt64(revision), String(repeating: "x", count: revision * 3))
            let start = max(writer.segmentByteCount, 64)
            try writer.append([appended])
            // The padding behind a record is zeros, as is what comes after it: it need not be there.
            ends.append(start + 24 + appended.head.count + appended.body.count)
        }
        let (name, bytes) = try #require(disk.writtenFiles.first)
        for length in 0...bytes.count {
            let cut = FaultyDisk(files: [name: Array(bytes.prefix(length))])
            let (recovered, again) = try open(cut)
            let whole = ends.count { $0 <= length }
            #expect(recovered.revisions == (0..<whole).map { UInt64($0 + 1) }, "cut at \(length)")
            // It goes on behind what was found.
            try again.append([record(100)])
            #expect(try open(cut).recovered.revisions == recovered.revisions + [100], "cut at \(length)")
        }
    }

    @Test func `cuts a torn end, says so, and takes whole records behind a hole of the same write for torn too`() throws {
        let disk = FaultyDisk()
        let (_, writer) = try open(disk)
        try writer.append([record(1)])
        let end = writer.segmentByteCount
        try writer.append([record(2), record(3), record(4)])
        var (name, bytes) = try #require(disk.writtenFiles.first)
        bytes[end + 24] ^= 1
        let (recovered, again) = try open(FaultyDisk(files: [name: bytes]))
        #expect(recovered.revisions == [1])
        #expect(try #require(recovered.notices.first).contains("/disk/\(name), offset \(end)"))
        try again.append([record(2)])
    }

    @Test func `refuses damage before something that was written later, names the place, and changes nothing`() throws {
        let disk = FaultyDisk()
        let (_, writer) = try open(disk)
        try writer.append([record(1)])
        let end = writer.segmentByteCount
        try writer.append([record(2)])
        try writer.append([record(3)])
        var (name, bytes) = try #require(disk.writtenFiles.first)
        bytes[end + 24] ^= 1
        let damaged = FaultyDisk(files: [name: bytes])
        let error = #expect(throws: JournalError.self) { try open(damaged) }
        #expect(error?.path == "/disk/\(name)")
        #expect(error?.offset == end)
        #expect(try #require(error).description.contains("nothing was changed"))
        #expect(damaged.writtenFiles[name] == bytes)
    }

    @Test func `knows damage to the last record where its end was marked, and loses nothing with a mark`()
        throws
    {
        let disk = FaultyDisk()
        let (_, writer) = try open(disk)
        for revision in 1...3 { try writer.append([record(UInt64(revision), "text")]) }
        let start = writer.segmentByteCount
        try writer.append([record(4, "last")])
        let end = writer.segmentByteCount
        #expect(writer.isUnproven)
        try writer.prove()
        #expect(!writer.isUnproven)
        let (name, bytes) = try #require(disk.writtenFiles.first)
        #expect(bytes.last { $0 != 0 } != nil && bytes[end...].contains { $0 != 0 })
        let whole = try Journals.read(FaultyDisk(files: [name: bytes]), contentVersion: 1)
        #expect(whole.revisions == [1, 2, 3, 4] && whole.notices.isEmpty)
        for byte in start..<bytes.count {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[byte] ^= 1 << UInt8(bit)
                do throws(JournalError) {
                    let found = try Journals.read(FaultyDisk(files: [name: damaged]), contentVersion: 1)
                    #expect(found.revisions == [1, 2, 3, 4], "byte \(byte), bit \(bit)")
                } catch {
                    #expect(byte < end && error.isDamage && error.offset == start, "byte \(byte), bit \(bit): \(error)")
                }
            }
        }
    }

    /// A version that knows of no marks reads what is written after one.
    @Test func `has no trace of a mark once something is written behind it, in the same file or another`() throws {
        let (marked, plain) = (FaultyDisk(), FaultyDisk())
        let writers = (try open(marked).writer, try open(plain).writer)
        for revision in 1...60 as ClosedRange<UInt64> {
            for writer in [writers.0, writers.1] { try writer.append([record(revision, "some text")]) }
            if revision < 60 { try writers.0.prove() }
        }
        try #require(plain.writtenFiles.count > 3)
        func contents(_ disk: FaultyDisk) -> [String: [UInt8]] {
            disk.writtenFiles.mapValues { bytes in Array(bytes[...(bytes.lastIndex { $0 != 0 } ?? 0)]) }
        }
        #expect(contents(marked) == contents(plain))
    }

    @Test func `says of an end that is no whole record, and that nothing marks, that it may have been acknowledged`() throws {
        let disk = FaultyDisk()
        let (_, writer) = try open(disk)
        try writer.append([record(1)])
        let end = writer.segmentByteCount
        try writer.append([record(2)])
        var (name, bytes) = try #require(disk.writtenFiles.first)
        bytes[end + 24] ^= 1
        let notice = try #require(try open(FaultyDisk(files: [name: bytes])).recovered.notices.first)
        #expect(notice.contains("behind revision 1 ") && notice.contains("or else the last one that was acknowledged, damaged since"))
    }

    @Test func `refuses damage in a segment that a later one follows, and a missing segment`() throws {
        let disk = FaultyDisk()
        let (_, writer) = try open(disk)
        for revision in 1...60 { try writer.append([record(UInt64(revision), "some text")]) }
        let names = disk.writtenFiles.keys.sorted()
        try #require(names.count > 3)

        var files = disk.writtenFiles
        files[names[1]]![80] ^= 1
        #expect(try #require(throws: JournalError.self) { try open(FaultyDisk(files: files)) }.path == "/disk/\(names[1])")

        files = disk.writtenFiles
        files[names[1]] = nil
        let error = try #require(throws: JournalError.self) { try open(FaultyDisk(files: files)) }
        #expect(error.description.contains("a file is missing"))
    }

    @Test func `refuses a newer format by name`() throws {
        let disk = FaultyDisk()
        let (_, writer) = try Journals.open(disk, contentVersion: 7)
        try writer.append([record(1)])
        let error = try #require(throws: JournalError.self) { try Journals.open(disk, contentVersion: 1) }
        #expect(error.description.contains("written by a newer Steady (format 1.7; this one reads up to 1.1)"))
    }

    @Test func `forgets a segment whose creation was cut off`() throws {
        let disk = FaultyDisk()
        let (_, writer) = try open(disk)
        try writer.append([record(1)])
        var files = disk.writtenFiles
        files["segment-00000000000000000001"] = [UInt8](repeating: 0, count: 10)
        let (recovered, again) = try open(FaultyDisk(files: files))
        #expect(recovered.revisions == [1])
        #expect(!recovered.notices.isEmpty)
        try again.append([record(2)])
    }
}

struct `A snapshot` {
    private func snapshot(_ writer: JournalWriter, at revision: UInt64, _ texts: [String]) throws {
        try writer.beginSnapshot(JournalSnapshot(revision: revision, count: texts.count) { record(revision, texts[$0]) })
    }

    @Test func `replaces what is older, keeps the one before, and lets the rest go`() throws {
        let disk = FaultyDisk()
        let (_, writer) = try open(disk)
        var revision: UInt64 = 0
        for round in 1...3 {
            for _ in 1...50 {
                revision += 1
                try writer.append([record(revision, "text")])
            }
            try snapshot(writer, at: revision, ["a", "b", "c", "d", "e", "f", "g", "\(round)"])
            while try writer.continueSnapshot() == nil {
                // Commits go on between two parts.
                revision += 1
                try writer.append([record(revision)])
            }
        }
        let names = disk.writtenFiles.keys.sorted()
        #expect(names.count { $0.hasPrefix("snapshot-") } == 2)
        // 50 records of 40 bytes and more, at 600 bytes a segment, since the second snapshot; and none from before.
        #expect(names.count < 9)
        let (recovered, _) = try open(disk)
        let texts = recovered.texts.prefix(8).map { $0.split(separator: " ")[1] }
        #expect(texts == ["a", "b", "c", "d", "e", "f", "g", "3"])
        #expect(recovered.records.count > 9)
    }

    @Test func `that is damaged is refused by name where nothing can stand in for it`() throws {
        let disk = FaultyDisk()
        let (_, writer) = try open(disk)
        try writer.append([record(1)])
        try snapshot(writer, at: 1, ["a", "b"])
        while try writer.continueSnapshot() == nil {}
        var files = disk.writtenFiles.filter { $0.key.hasPrefix("snapshot") }
        let name = try #require(files.keys.first)
        files[name]![70] ^= 1
        let damaged = FaultyDisk(files: files)
        let error = try #require(throws: JournalError.self) { try open(damaged) }
        #expect(error.description.contains("/disk/\(name), offset 64: record 1 of 2 is damaged"))
        #expect(error.description.contains("nothing was changed"))
        #expect(damaged.writtenFiles == files)
    }

    /// Every operation of a snapshot fails once, and the process is killed there.
    @Test func `that fails or is cut off anywhere loses nothing`() throws {
        for failing in 0..<24 {
            let disk = FaultyDisk()
            let (_, writer) = try open(disk)
            for revision in 1...9 { try writer.append([record(UInt64(revision), "text")]) }
            let first = disk.operationCount
            disk.fail { $0 == first + failing }
            var isDone = false
            do {
                try snapshot(writer, at: 9, (1...9).map { "state \($0)" })
                while try writer.continueSnapshot() == nil {}
                isDone = true
            } catch {}
            for files in [disk.writtenFiles, disk.durableFiles] {
                let (recovered, _) = try open(FaultyDisk(files: files))
                #expect(recovered.records.count == 9, "operation \(failing)")
                #expect(recovered.lastRevision == 9)
            }
            disk.fail { _ in false }
            try writer.append([record(10)])
            #expect(try open(FaultyDisk(files: disk.durableFiles)).recovered.lastRevision == 10, "operation \(failing), done: \(isDone)")
        }
    }
}
