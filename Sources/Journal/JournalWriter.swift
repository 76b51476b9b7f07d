import Linux

/// Sizes at which the journal starts a new file or a snapshot.
package struct JournalSettings: Sendable {
    /// A segment that is longer is closed and a new one begun, so that snapshots can remove old ones.
    package var segmentLimit: Int
    /// How much space is laid out ahead with zeros: appending into it needs no change of the file's size or blocks, which halves what an
    /// fdatasync costs. More makes the rare extension slower.
    package var allocationStep: Int
    /// How much of a snapshot is written between two batches, so that commits do not wait for the whole of it.
    package var snapshotStep: Int

    package init(segmentLimit: Int = 16 << 20, allocationStep: Int = 1 << 20, snapshotStep: Int = 256 << 10) {
        self.segmentLimit = segmentLimit
        self.allocationStep = allocationStep
        self.snapshotStep = snapshotStep
    }
}

/// Appends batches to segments, one fdatasync each, and writes snapshots. Belongs to one thread; every call blocks.
///
/// After a failure the file's end is unknown. The next append first puts it back to what is known to be durable, and fails if it cannot.
package final class JournalWriter {
    private let disk: any JournalDisk
    private let contentVersion: UInt32
    private let settings: JournalSettings

    private var segments: [SegmentName]
    private var file: (any JournalFile)?
    /// What is durable of the last segment.
    private var end = 0
    /// Up to where zeros are laid out.
    private var allocatedEnd = 0
    private var lastRevision: UInt64
    private var state: State

    private enum State {
        case ready
        /// The last segment's content behind `end` is unknown.
        case needsRepair
        /// A new segment must be begun before anything is written.
        case needsSegment
    }

    /// How many bytes of segments a recovery would have to read.
    package private(set) var segmentByteCount: Int
    /// The size of the last snapshot; 0: there is none.
    package private(set) var snapshotByteCount: Int
    private var snapshotWriting: SnapshotWriting?

    package init(disk: any JournalDisk, contentVersion: UInt32, settings: JournalSettings, recovered: RecoveredJournal) {
        self.disk = disk
        self.contentVersion = contentVersion
        self.settings = settings
        segments = recovered.segments
        lastRevision = recovered.lastRevision
        segmentByteCount = recovered.segmentByteCount
        snapshotByteCount = recovered.snapshotByteCount
        // Also after a clean stop: cutting the file removes the zeros that were laid out, and a torn tail with them.
        state = recovered.end == nil ? .needsSegment : .needsRepair
        end = recovered.end ?? 0
        for name in recovered.staleNames { try? disk.remove(name) }
    }

    /// Returns once the records are on disk. After a throw none of them is, as far as a recovery can see, unless the disk also refuses the
    /// repair and the machine dies before it is done.
    package func append(_ records: [JournalRecord]) throws(LinuxError) {
        guard let last = records.last else { return }
        if state == .needsRepair { try repair() }
        if state == .needsSegment || end >= settings.segmentLimit { try beginSegment() }
        guard let file else { return }

        var bytes: [UInt8] = []
        bytes.reserveCapacity(records.reduce(0) { $0 + $1.head.count + $1.body.count + JournalFormat.recordHeaderSize + 8 })
        for record in records { JournalFormat.append(record, durableThrough: end, to: &bytes) }
        do {
            if end + bytes.count > allocatedEnd { try allocate(upTo: end + bytes.count, in: file) }
            try file.write(bytes, at: end)
            try file.synchronize()
        } catch {
            state = .needsRepair
            close()
            throw error
        }
        end += bytes.count
        segmentByteCount += bytes.count
        lastRevision = last.revision
    }

    /// Cuts what may stand behind the durable end, in a file that is opened anew: after a failed fsync the old descriptor's word is worth nothing.
    private func repair() throws(LinuxError) {
        guard let segment = segments.last else {
            state = .needsSegment
            return
        }
        close()
        let file = try disk.open(segment.text, truncating: false)
        do {
            try file.truncate(to: end)
            try file.synchronize()
        } catch {
            file.close()
            throw error
        }
        self.file = file
        allocatedEnd = end
        state = .ready
    }

    private func allocate(upTo needed: Int, in file: any JournalFile) throws(LinuxError) {
        let target = needed + settings.allocationStep - needed % settings.allocationStep
        try file.reserve(target - allocatedEnd, from: allocatedEnd)
        try file.write([UInt8](repeating: 0, count: target - allocatedEnd), at: allocatedEnd)
        allocatedEnd = target
    }

    /// Begins a segment: durable with its header BEFORE the first record goes into it.
    private func beginSegment() throws(LinuxError) {
        state = .needsSegment
        close()
        let segment = SegmentName(base: lastRevision)
        let file = try disk.open(segment.text, truncating: true)
        do {
            try file.write(JournalFormat.bytes(of: .init(kind: .segment, contentVersion: contentVersion, revision: lastRevision)), at: 0)
            try file.synchronize()
            try disk.synchronize()
        } catch {
            file.close()
            throw error
        }
        if segments.last != segment { segments.append(segment) }
        self.file = file
        end = JournalFormat.headerSize
        segmentByteCount += end
        allocatedEnd = end
        state = .ready
    }

    /// Closes the file. What was not synchronised BEFORE is not promised.
    package func close() {
        file?.close()
        file = nil
    }

    // MARK: Snapshots

    private struct SnapshotWriting {
        let snapshot: JournalSnapshot
        let file: any JournalFile
        var next = 0
        var offset: Int
    }

    package var isWritingSnapshot: Bool { snapshotWriting != nil }
    package var snapshotRevision: UInt64? { snapshotWriting?.snapshot.revision }

    /// Starts a snapshot; `continueSnapshot` does the work. The segment is changed too, so that the old ones can go afterwards.
    package func beginSnapshot(_ snapshot: JournalSnapshot) throws(LinuxError) {
        guard snapshotWriting == nil else { return }
        let file = try disk.open(JournalNames.temporary, truncating: true)
        let header = JournalFormat.bytes(
            of: .init(kind: .snapshot, contentVersion: contentVersion, revision: snapshot.revision, recordCount: UInt64(snapshot.count)))
        snapshotWriting = SnapshotWriting(snapshot: snapshot, file: file, offset: header.count)
        do {
            try file.write(header, at: 0)
        } catch {
            abandonSnapshot()
            throw error
        }
        if end > JournalFormat.headerSize, state == .ready { try beginSegment() }
    }

    /// Writes the next part. True when the snapshot is done: then it is durable and what it replaces is removed. After a throw it is abandoned;
    /// the segments still have everything.
    package func continueSnapshot() throws(LinuxError) -> Bool {
        guard var writing = snapshotWriting else { return true }
        do {
            var bytes: [UInt8] = []
            while writing.next < writing.snapshot.count, bytes.count < settings.snapshotStep {
                JournalFormat.append(writing.snapshot.record(writing.next), durableThrough: 0, to: &bytes)
                writing.next += 1
            }
            try writing.file.write(bytes, at: writing.offset)
            writing.offset += bytes.count
            snapshotWriting = writing
            if writing.next < writing.snapshot.count { return false }
            try writing.file.synchronize()
            try disk.rename(JournalNames.temporary, to: JournalNames.snapshot(writing.snapshot.revision))
            try disk.synchronize()
        } catch {
            abandonSnapshot()
            throw error
        }
        writing.file.close()
        snapshotWriting = nil
        snapshotByteCount = writing.offset
        removeOldFiles(snapshot: writing.snapshot.revision)
        return true
    }

    /// Gives up a snapshot that was begun.
    package func abandonSnapshot() {
        snapshotWriting?.file.close()
        snapshotWriting = nil
        try? disk.remove(JournalNames.temporary)
    }

    /// Whatever cannot be removed is removed by the next recovery or snapshot.
    private func removeOldFiles(snapshot revision: UInt64) {
        for name in (try? disk.names()) ?? [] {
            if let number = JournalNames.number(of: name, prefix: "snapshot-"), number < revision { try? disk.remove(name) }
        }
        while segments.count > 1, segments[1].base <= revision {
            try? disk.remove(segments.removeFirst().text)
        }
        // What remains beside the last segment is short: count it as if it were nothing.
        segmentByteCount = end
    }
}

/// The state at a revision, as records that are made while they are written.
package struct JournalSnapshot: Sendable {
    package let revision: UInt64
    package let count: Int
    package let record: @Sendable (Int) -> JournalRecord

    package init(revision: UInt64, count: Int, record: @escaping @Sendable (Int) -> JournalRecord) {
        self.revision = revision
        self.count = count
        self.record = record
    }
}
