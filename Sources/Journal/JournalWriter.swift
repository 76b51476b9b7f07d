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
    /// After so long without a commit the end is marked, once.
    package var markDelay: Duration

    package init(
        segmentLimit: Int = 16 << 20, allocationStep: Int = 1 << 20, snapshotStep: Int = 256 << 10, markDelay: Duration = .seconds(5)
    ) {
        self.segmentLimit = segmentLimit
        self.allocationStep = allocationStep
        self.snapshotStep = snapshotStep
        self.markDelay = markDelay
    }
}

/// Appends batches to segments, one fdatasync each, and writes snapshots. Belongs to one thread; every call blocks.
///
/// A write that fails is cut off again, in a file that is opened anew. After an fsync that failed the segments are not trusted any more: nothing is
/// acknowledged before a snapshot of everything stands in another file and a new segment is begun.
package final class JournalWriter {
    private let disk: any JournalDisk
    private let contentVersion: UInt32
    let settings: JournalSettings
    private let reached: ReachedNote?

    private var segments: [SegmentName]
    private var file: (any JournalFile)?
    /// What is durable of the last segment.
    private var end = 0
    /// Up to where zeros are laid out.
    private var allocatedEnd = 0
    private var lastRevision: UInt64
    private var state: State
    /// A mark stands at `end`.
    private var hasMark = false
    /// The last revision that this writer has appended; 0: none. Not that of a snapshot, which counts commits that no segment has.
    private var appended: UInt64 = 0
    /// What the note says, of what this writer has appended.
    private var noted: UInt64 = 0
    /// Nothing on disk says that the last record was whole once, or was there at all: damage to it would look like a write that was cut off. False AFTER one
    /// attempt to change that, whatever came of it.
    package private(set) var isUnproven: Bool

    private enum State {
        case ready
        /// The last segment's content behind `end` is unknown.
        case needsRepair
        /// A new segment must be begun before anything is written.
        case needsSegment
        /// An fsync failed with this; a snapshot must be written.
        case distrusted(LinuxError)
    }

    /// How many bytes of segments a recovery would have to read.
    package private(set) var segmentByteCount: Int
    /// The size of the last snapshot; 0: there is none.
    package private(set) var snapshotByteCount: Int
    /// The revision of the last snapshot; 0: there is none.
    private var snapshotOnDisk: UInt64
    private var snapshotWriting: SnapshotWriting?

    /// - Parameter reached: where it is noted how far the journal goes; nil: nowhere.
    package init(
        disk: any JournalDisk, contentVersion: UInt32, settings: JournalSettings, recovered: RecoveredJournal, reached: ReachedNote? = nil
    ) {
        self.disk = disk
        self.reached = reached
        self.contentVersion = contentVersion
        self.settings = settings
        segments = recovered.segments
        lastRevision = recovered.lastRevision
        segmentByteCount = recovered.segmentByteCount
        snapshotByteCount = recovered.snapshotByteCount
        snapshotOnDisk = recovered.snapshotRevision
        // Also after a clean stop: cutting the file removes the zeros that were laid out, and a torn tail with them.
        state = recovered.end == nil ? .needsSegment : .needsRepair
        end = recovered.end ?? 0
        isUnproven = end > JournalFormat.headerSize
    }

    /// Makes certain that what was recovered is on disk, BEFORE anybody reads it.
    ///
    /// The process before this one may have been killed before its fsync, or after one that failed: what stands in the page cache then looks
    /// written and may never be. So the end that nothing proves durable is written once more, and not only synchronised; and the directory is changed
    /// BEFORE its fsync, which would otherwise have nothing to do.
    func settle(_ recovered: RecoveredJournal) throws(LinuxError) {
        if recovered.end != nil { try repair(rewriting: recovered.doubtful) }
        if !recovered.segments.isEmpty || recovered.snapshotRevision > 0 {
            try disk.open(JournalNames.temporary, truncating: true).close()
            try disk.remove(JournalNames.temporary)
            try disk.synchronize()
        }
        for name in recovered.damagedNames { try? disk.rename(name, to: JournalNames.damagedPrefix + name) }
        for name in recovered.staleNames { try? disk.remove(name) }
    }

    /// Returns once the records are on disk. A throw says what became of them.
    package func append(_ records: [JournalRecord]) throws(JournalFailure) {
        guard let last = records.last else { return }
        try prepare()
        guard let file else { return }

        var bytes: [UInt8] = []
        bytes.reserveCapacity(records.reduce(0) { $0 + $1.head.count + $1.body.count + JournalFormat.recordHeaderSize + 8 })
        for record in records { JournalFormat.append(record, durableThrough: end, to: &bytes) }
        do throws(LinuxError) {
            if end + bytes.count > allocatedEnd { try allocate(upTo: end + bytes.count, in: file) }
            try file.write(bytes, at: end)
        } catch {
            throw cutOff(after: error, isDistrust: false)
        }
        do throws(LinuxError) { try file.synchronize() } catch { throw cutOff(after: error, isDistrust: true) }
        hasMark = false
        isUnproven = true
        end += bytes.count
        segmentByteCount += bytes.count
        lastRevision = last.revision
        appended = last.revision
    }

    /// Marks the end, so that a recovery knows the last record for one that was whole, and notes how far that is: costs one fdatasync each. Where they
    /// cannot be written the journal goes on without.
    ///
    /// Throws where the fsync of the mark fails, as that of `append`: it shares its block of the disk with records.
    package func prove() throws(JournalFailure) {
        guard isUnproven else { return }
        isUnproven = false
        try markEnd()
        note()
    }

    /// A note that cannot be written is as good as the one before it: it says less.
    private func note() {
        guard let reached, appended > noted else { return }
        do throws(LinuxError) {
            try reached.write(appended)
            noted = appended
        } catch {}
    }

    private func markEnd() throws(JournalFailure) {
        guard end > JournalFormat.headerSize, !hasMark, case .ready = state, let file else { return }
        let mark = JournalFormat.mark(at: end)
        do throws(LinuxError) { try file.write(mark, at: end) } catch {
            _ = cutOff(after: error, isDistrust: false)
            return
        }
        hasMark = true
        allocatedEnd = max(allocatedEnd, end + mark.count)
        do throws(LinuxError) { try file.synchronize() } catch { throw cutOff(after: error, isDistrust: true) }
    }

    /// A segment that can be appended to. Nothing of the records is written yet when it throws.
    private func prepare() throws(JournalFailure) {
        if case .distrusted(let error) = state { throw JournalFailure(error, fate: .undone, isDistrust: true) }
        do throws(LinuxError) {
            if case .needsRepair = state { try repair() }
            if end >= settings.segmentLimit { state = .needsSegment }
            if case .needsSegment = state { try beginSegment() }
        } catch {
            throw JournalFailure(error, fate: .undone)
        }
    }

    /// Takes back what may stand behind the durable end, and says whether that worked.
    private func cutOff(after error: LinuxError, isDistrust: Bool) -> JournalFailure {
        state = .needsRepair
        var fate = JournalFailure.Fate.undone
        do throws(LinuxError) { try repair() } catch { fate = .unknown }
        if isDistrust {
            close()
            state = .distrusted(error)
        }
        return JournalFailure(error, fate: fate, isDistrust: isDistrust)
    }

    /// Cuts what may stand behind the durable end, in a file that is opened anew: after a failed fsync the old descriptor's word is worth nothing.
    private func repair(rewriting doubtful: (offset: Int, bytes: [UInt8]) = (0, [])) throws(LinuxError) {
        guard let segment = segments.last else {
            state = .needsSegment
            return
        }
        close()
        let file = try disk.open(segment.text, truncating: false)
        do throws(LinuxError) {
            try file.truncate(to: end)
            if !doubtful.bytes.isEmpty { try file.write(doubtful.bytes, at: doubtful.offset) }
            try file.synchronize()
        } catch {
            file.close()
            throw error
        }
        self.file = file
        allocatedEnd = end
        hasMark = false
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
        // What was noted is of another journal, one that was here before.
        if lastRevision == 0 { try reached?.remove() }
        // The file that follows proves as much, and a version that knows of no marks would take one before it for damage.
        if hasMark {
            state = .needsRepair
            try repair()
        }
        state = .needsSegment
        close()
        let segment = SegmentName(base: lastRevision)
        // One that was begun and not finished holds nothing. Its name is made anew: an fsync of a directory that has not changed proves nothing.
        try disk.remove(segment.text)
        let file = try disk.open(segment.text, truncating: true)
        do throws(LinuxError) {
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
        note()
    }

    /// Closes the file. What was not synchronised BEFORE is not promised.
    package func close() {
        file?.close()
        file = nil
    }

    // MARK: Snapshots

    package var isWritingSnapshot: Bool { snapshotWriting != nil }
    package var isWritingCopy: Bool { snapshotWriting?.destination.isCopy ?? false }
    package var snapshotRevision: UInt64? { snapshotWriting?.revision }

    /// Starts a snapshot; `continueSnapshot` does the work. The journal's own changes the segment too, so that the old ones can go afterwards.
    package func beginSnapshot(_ snapshot: JournalSnapshot, to destination: SnapshotDestination = .journal) throws(LinuxError) {
        guard snapshotWriting == nil else { return }
        snapshotWriting = try SnapshotWriting(snapshot, contentVersion: contentVersion, to: destination, journal: disk)
        if destination.isCopy { return }
        if end > JournalFormat.headerSize, case .ready = state {
            do throws(LinuxError) { try beginSegment() } catch {
                abandonSnapshot()
                throw error
            }
        }
    }

    /// Writes the next part. Its size when the snapshot is done: then it is durable and what it replaces is removed. After a throw it is abandoned;
    /// the segments still have everything.
    package func continueSnapshot() throws(LinuxError) -> Int? {
        guard var writing = snapshotWriting else { return nil }
        do throws(LinuxError) {
            // Begun before the failed fsync, and commits were acknowledged since: it must not replace the segments that have them.
            if case .distrusted(let error) = state, !writing.destination.isCopy, writing.revision < lastRevision { throw error }
            let isDone = try writing.step(settings.snapshotStep)
            snapshotWriting = writing
            if !isDone { return nil }
            if !writing.destination.isCopy { try replaceOlder(with: writing) }
        } catch {
            abandonSnapshot()
            throw error
        }
        snapshotWriting = nil
        note()
        return writing.byteCount
    }

    /// Gives up a snapshot that was begun.
    package func abandonSnapshot() {
        snapshotWriting?.abandon()
        snapshotWriting = nil
    }

    private func replaceOlder(with snapshot: SnapshotWriting) throws(LinuxError) {
        if case .distrusted = state {
            try forsakeSegments(for: snapshot.revision)
        } else {
            removeOldFiles(keepingFrom: snapshotOnDisk, newest: snapshot.revision)
            // What remains beside the last segment is short: count it as if it were nothing.
            segmentByteCount = end
        }
        snapshotOnDisk = snapshot.revision
        snapshotByteCount = snapshot.byteCount
    }

    /// The snapshot has all that was ever acknowledged, for `continueSnapshot` gives up an older one; the segments have that too, and perhaps what was
    /// refused. They must be gone, and durably, BEFORE anything is acknowledged again.
    private func forsakeSegments(for revision: UInt64) throws(LinuxError) {
        for segment in segments { try disk.remove(segment.text) }
        for name in try disk.names() {
            if let number = JournalNames.number(of: name, prefix: "snapshot-"), number != revision { try disk.remove(name) }
        }
        try disk.synchronize()
        segments = []
        hasMark = false
        lastRevision = max(lastRevision, revision)
        end = 0
        segmentByteCount = 0
        state = .needsSegment
    }

    /// Keeps the snapshot before the newest, and the segments since, for the day on which the newest is damaged. Whatever cannot be removed is removed
    /// by the next recovery or snapshot.
    private func removeOldFiles(keepingFrom floor: UInt64, newest: UInt64) {
        for name in (try? disk.names()) ?? [] {
            if let number = JournalNames.number(of: name, prefix: "snapshot-"), number != floor, number != newest { try? disk.remove(name) }
        }
        while segments.count > 1, segments[1].base <= floor { try? disk.remove(segments.removeFirst().text) }
    }
}
