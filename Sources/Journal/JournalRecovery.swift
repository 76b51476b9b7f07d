import Linux

/// What an opened journal holds, and where it goes on.
package struct RecoveredJournal: Sendable {
    /// The snapshot's records, then the later ones of the segments, in order.
    package var records: [(revision: UInt64, payload: [UInt8])] = []
    /// What was found damaged or cut off and could be dealt with; for the log.
    package var notices: [String] = []
    /// The names of the segments that remain, oldest first.
    var segments: [SegmentName] = []
    /// Where the last segment goes on; nil: a new one must be made.
    var end: Int?
    /// What stands before `end` and may never have reached the disk, because nothing was written after it that proves so.
    var doubtful: (offset: Int, bytes: [UInt8]) = (0, [])
    /// The last revision on disk.
    package var lastRevision: UInt64 = 0
    /// How many bytes of segments a recovery reads.
    var segmentByteCount = 0
    var snapshotByteCount = 0
    /// The snapshot that was read; 0: none.
    var snapshotRevision: UInt64 = 0
    /// Left over: nothing that a recovery reads.
    var staleNames: [String] = []
    /// Snapshots that are damaged and were done without: kept aside for whoever wants to look.
    var damagedNames: [String] = []

    /// Whether the directory has a segment or a snapshot, if only the beginning of one.
    var hasFiles: Bool {
        !segments.isEmpty || snapshotRevision > 0 || staleNames.contains { JournalNames.number(of: $0, prefix: "segment-") != nil }
    }
}

/// A segment's file name tells the revision after which it begins.
struct SegmentName: Hashable, Comparable {
    let base: UInt64
    var text: String { "segment-" + JournalNames.padded(base) }
    static func < (a: SegmentName, b: SegmentName) -> Bool { a.base < b.base }
}

enum JournalNames {
    static func snapshot(_ revision: UInt64) -> String { "snapshot-" + padded(revision) }
    static let temporary = "snapshot.tmp"
    static let damagedPrefix = "damaged-"

    /// Twenty digits, so that names sort as their numbers do.
    static func padded(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: 20 - digits.count) + digits
    }

    static func number(of name: String, prefix: String) -> UInt64? {
        guard name.hasPrefix(prefix), name.count == prefix.count + 20 else { return nil }
        return UInt64(name.dropFirst(prefix.count))
    }
}

/// Reads a journal's directory. It changes nothing: a damaged journal stays as it was found.
///
/// The journal keeps the snapshot before the newest one, and the segments from there on: a damaged newest snapshot is done without.
struct JournalReader {
    let disk: any JournalDisk
    let contentVersion: UInt32

    func recover() throws(JournalError) -> RecoveredJournal {
        let names: [String]
        do throws(LinuxError) { names = try disk.names() } catch { throw .unreadable(disk.path, error) }
        let snapshots = names.compactMap { JournalNames.number(of: $0, prefix: "snapshot-") }.sorted()
        let segments = names.compactMap { JournalNames.number(of: $0, prefix: "segment-") }.sorted().map(SegmentName.init)
        var out: RecoveredJournal
        do throws(JournalError) {
            out = try recover(from: snapshots.last, segments)
        } catch {
            guard error.isDamage, let newest = snapshots.last, error.path == "\(disk.path)/\(JournalNames.snapshot(newest))",
                let earlier = try? recover(from: snapshots.dropLast().last, segments), earlier.end != nil
            else { throw error }
            out = earlier
            out.damagedNames.append(JournalNames.snapshot(newest))
            out.notices.append(
                "\(error.place): \(error.problem). Nothing is lost: the state was made again from "
                    + (out.snapshotRevision == 0 ? "the whole journal" : "the snapshot before it and the journal since")
                    + "; the damaged file is kept as \(JournalNames.damagedPrefix)\(JournalNames.snapshot(newest))")
        }
        if names.contains(JournalNames.temporary) { out.staleNames.append(JournalNames.temporary) }
        out.staleNames += snapshots.dropLast(2).map(JournalNames.snapshot)
        let floor = snapshots.dropLast().last ?? 0
        while out.segments.count > 1, out.segments[1].base <= floor { out.staleNames.append(out.segments.removeFirst().text) }
        return out
    }

    private func recover(from snapshot: UInt64?, _ segments: [SegmentName]) throws(JournalError) -> RecoveredJournal {
        var out = RecoveredJournal()
        if let snapshot { try readSnapshot(snapshot, into: &out) }
        for (index, segment) in segments.enumerated() {
            let isLast = index == segments.count - 1
            // Everything in it is older than the snapshot: kept for the day on which that is damaged.
            if !isLast, segments[index + 1].base <= out.snapshotRevision {
                out.segments.append(segment)
                continue
            }
            try readSegment(segment, isLast: isLast, into: &out)
        }
        return out
    }

    private func bytes(_ name: String) throws(JournalError) -> [UInt8] {
        do throws(LinuxError) { return try disk.read(name) } catch { throw .unreadable("\(disk.path)/\(name)", error) }
    }

    private func readSnapshot(_ revision: UInt64, into out: inout RecoveredJournal) throws(JournalError) {
        let name = JournalNames.snapshot(revision)
        let path = "\(disk.path)/\(name)"
        let file = try SnapshotFile(try bytes(name), path: path, contentVersion: contentVersion)
        guard file.revision == revision else {
            throw .damaged(path, offset: 16, "it is the snapshot of revision \(file.revision), and its name says \(revision)")
        }
        out.records = file.records
        out.lastRevision = revision
        out.snapshotRevision = revision
        out.snapshotByteCount = file.byteCount
    }

    private func readSegment(_ segment: SegmentName, isLast: Bool, into out: inout RecoveredJournal) throws(JournalError) {
        let path = "\(disk.path)/\(segment.text)"
        let bytes = try bytes(segment.text)
        guard let header = JournalFormat.header(of: bytes), header.kind == .segment, header.revision == segment.base else {
            // The file is made durable with its header BEFORE the first record: without a header it holds none.
            if isLast, !bytes.dropFirst(JournalFormat.headerSize).contains(where: { $0 != 0 }) {
                out.staleNames.append(segment.text)
                out.notices.append("\(path): a file whose creation was cut off is removed")
                return
            }
            throw .damaged(path, offset: 0, "this is not the header of a journal segment")
        }
        try header.check(path: path, contentVersion: contentVersion)
        guard segment.base <= out.lastRevision else {
            throw .damaged(
                path, offset: 0,
                "it goes on after revision \(segment.base), but what comes before ends at \(out.lastRevision): a file is missing")
        }
        let scan = FileScan(bytes)
        if let proof = scan.provenLater {
            throw .damaged(path, offset: scan.end, "no whole record stands here, but a later one at \(proof) was written after it")
        }
        if scan.tornByteCount > 0 {
            guard isLast else { throw .damaged(path, offset: scan.end, "no whole record stands here, but a later file goes on after it") }
            out.notices.append(
                "\(path), offset \(scan.end): " + Self.words(ofTorn: scan, after: scan.records.last?.revision ?? segment.base))
        }
        for record in scan.records where record.revision > out.snapshotRevision {
            guard record.revision > out.lastRevision else {
                throw .damaged(
                    path, offset: record.payload.lowerBound, "revision \(record.revision) stands after revision \(out.lastRevision)")
            }
            out.records.append((record.revision, Array(bytes[record.payload])))
            out.lastRevision = record.revision
        }
        out.segments.append(segment)
        out.segmentByteCount += scan.end
        out.end = scan.end
        let start = scan.records.last.map(\.durableThrough) ?? 0
        out.doubtful = (start, Array(bytes[min(start, scan.end)..<min(scan.end, bytes.count)]))
    }

    private static func words(ofTorn scan: FileScan, after revision: UInt64) -> String {
        let count = scan.tornByteCount
        if scan.hasMark { return "\(count) bytes of a write that was cut off are removed; nothing in them was acknowledged" }
        return
            "\(count) bytes behind revision \(revision) are no whole write and are removed: they are a write that was cut off, of which nobody "
            + "was told that it is kept, or else the last one that was acknowledged, damaged since and lost"
    }
}
