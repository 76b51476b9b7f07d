import Linux

/// What an opened journal holds, and where it goes on.
package struct RecoveredJournal: Sendable {
    /// The snapshot's records, then the later ones of the segments, in order.
    package var records: [(revision: UInt64, payload: [UInt8])] = []
    /// Something a crash cut off was removed; for the log. It was never acknowledged.
    package var notice: String?
    /// The names of the segments that remain, oldest first.
    var segments: [SegmentName] = []
    /// Where the last segment goes on; nil: a new one must be made.
    var end: Int?
    /// The last revision on disk.
    package var lastRevision: UInt64 = 0
    /// How many bytes of segments a recovery reads.
    var segmentByteCount = 0
    var snapshotByteCount = 0
    var staleNames: [String] = []
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
struct JournalReader {
    let disk: any JournalDisk
    let contentVersion: UInt32

    func recover() throws(JournalError) -> RecoveredJournal {
        let names: [String]
        do throws(LinuxError) { names = try disk.names() } catch { throw .unreadable(disk.path, error) }
        var out = RecoveredJournal()
        let snapshots = names.compactMap { JournalNames.number(of: $0, prefix: "snapshot-") }.sorted()
        let segments = names.compactMap { JournalNames.number(of: $0, prefix: "segment-") }.sorted().map(SegmentName.init)
        if names.contains(JournalNames.temporary) { out.staleNames.append(JournalNames.temporary) }
        if let newest = snapshots.last {
            out.staleNames += snapshots.dropLast().map(JournalNames.snapshot)
            try readSnapshot(newest, into: &out)
        }
        for (index, segment) in segments.enumerated() {
            let isLast = index == segments.count - 1
            // Everything in it is older than the snapshot: left over from a compaction that was cut off.
            if !isLast, segments[index + 1].base <= (snapshots.last ?? 0) {
                out.staleNames.append(segment.text)
                continue
            }
            try readSegment(segment, isLast: isLast, snapshot: snapshots.last ?? 0, into: &out)
        }
        return out
    }

    private func bytes(_ name: String) throws(JournalError) -> [UInt8] {
        do throws(LinuxError) { return try disk.read(name) } catch { throw .unreadable("\(disk.path)/\(name)", error) }
    }

    private func checkVersions(_ header: JournalFormat.Header, path: String) throws(JournalError) {
        guard header.layoutVersion <= JournalFormat.layoutVersion, header.contentVersion <= contentVersion else {
            throw JournalError(
                path: path,
                problem:
                    "it was written by a newer Steady (format \(header.layoutVersion).\(header.contentVersion); this one reads up to \(JournalFormat.layoutVersion).\(contentVersion))",
                remedy: "Use that version again, or another data directory; nothing was changed")
        }
    }

    private func readSnapshot(_ revision: UInt64, into out: inout RecoveredJournal) throws(JournalError) {
        let name = JournalNames.snapshot(revision)
        let path = "\(disk.path)/\(name)"
        let bytes = try bytes(name)
        guard let header = JournalFormat.header(of: bytes), header.kind == .snapshot, header.revision == revision else {
            throw .damaged(path, offset: 0, "this is not the header of a snapshot")
        }
        try checkVersions(header, path: path)
        var at = JournalFormat.headerSize
        for index in 0..<header.recordCount {
            guard let record = JournalFormat.record(in: bytes, at: at) else {
                throw .damaged(path, offset: at, "record \(index + 1) of \(header.recordCount) is damaged")
            }
            out.records.append((record.revision, Array(bytes[record.payload])))
            at = record.end
        }
        out.lastRevision = revision
        out.snapshotByteCount = bytes.count
    }

    private func readSegment(_ segment: SegmentName, isLast: Bool, snapshot: UInt64, into out: inout RecoveredJournal) throws(JournalError)
    {
        let path = "\(disk.path)/\(segment.text)"
        let bytes = try bytes(segment.text)
        guard let header = JournalFormat.header(of: bytes), header.kind == .segment, header.revision == segment.base else {
            // The file is made durable with its header BEFORE the first record: without a header it holds none.
            if isLast, !bytes.dropFirst(JournalFormat.headerSize).contains(where: { $0 != 0 }) {
                out.staleNames.append(segment.text)
                out.notice = "\(path): a file whose creation was cut off is removed"
                return
            }
            throw .damaged(path, offset: 0, "this is not the header of a journal segment")
        }
        try checkVersions(header, path: path)
        guard segment.base <= max(out.lastRevision, snapshot) else {
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
            out.notice =
                "\(path), offset \(scan.end): \(scan.tornByteCount) bytes of a write that was cut off are removed; nothing in them was acknowledged"
        }
        for record in scan.records where record.revision > snapshot {
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
    }
}
