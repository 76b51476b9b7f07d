import Linux
import Synchronization

/// What the journal's thread reports, in the order in which it happened.
package enum JournalOutcome: Sendable {
    /// Everything through this revision is on disk. The byte counts are those of `JournalWriter`.
    case durable(through: UInt64, segmentByteCount: Int, snapshotByteCount: Int)
    /// Everything after the last durable revision is refused, and everything handed in so far is dropped. Call `resume()` once it is forgotten.
    case failed(JournalFailure)
    case snapshotDone(revision: UInt64, byteCount: Int, isCopy: Bool)
    case snapshotFailed(LinuxError, isCopy: Bool)
}

/// The journal's thread: takes all that waits, writes it with one fsync, reports. That is the group commit: the longer an fsync takes, the more
/// commits the next one carries.
///
/// The queue is bounded by whoever appends (`Storage` limits its undurable commits).
package final class JournalThread: Sendable {
    private struct Queue {
        var records: [JournalRecord] = []
        var snapshots: [(JournalSnapshot, SnapshotDestination)] = []
        /// After a failure records are dropped until the appender has heard of it: they rest on what is lost.
        var isRefusing = false
        var isStopping = false
        /// Whether the thread sleeps and must be woken.
        var isIdle = false
    }

    private let queue = Mutex(Queue())
    private let bell: Doorbell
    private let thread: Mutex<ThreadHandle?> = Mutex(nil)

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - writer: belongs to the thread from here on.
    ///   - report: called on the journal's thread; hand it to the loop.
    package init(_ writer: sending JournalWriter, report: @escaping @Sendable (JournalOutcome) -> Void) throws(LinuxError) {
        bell = try Doorbell()
        nonisolated(unsafe) let writer = writer
        let handle = try ThreadHandle.start(name: "steady-journal") { [self] in run(writer, report) }
        thread.withLock { $0 = handle }
    }

    /// Queues records whose revisions follow each other.
    package func append(_ records: [JournalRecord]) {
        let mustRing = queue.withLock { queue in
            if queue.isRefusing { return false }
            queue.records += records
            return Self.wakes(&queue)
        }
        if mustRing { bell.ring() }
    }

    /// Asks for a snapshot: they are written one after the other, between the commits. The asker has at most one of each kind under way.
    package func writeSnapshot(_ snapshot: JournalSnapshot, to destination: SnapshotDestination = .journal) {
        let mustRing = queue.withLock { queue in
            queue.snapshots.append((snapshot, destination))
            return Self.wakes(&queue)
        }
        if mustRing { bell.ring() }
    }

    /// After `.failed`: what is appended from here on rests on the durable state again.
    package func resume() { queue.withLock { $0.isRefusing = false } }

    /// Writes what is queued, marks the end, stops the thread and waits for it. A snapshot under way is abandoned.
    package func stop() {
        queue.withLock { $0.isStopping = true }
        bell.ring()
        let handle = thread.withLock { handle in
            defer { handle = nil }
            return handle
        }
        guard let handle else { return }
        handle.join()
        bell.close()
    }

    private static func wakes(_ queue: inout Queue) -> Bool {
        defer { queue.isIdle = false }
        return queue.isIdle
    }

    private func run(_ writer: JournalWriter, _ report: (JournalOutcome) -> Void) {
        while true {
            let (records, snapshot, isStopping, isIdle) = queue.withLock { queue in
                let records = queue.records
                queue.records = []
                let snapshot = writer.isWritingSnapshot || queue.snapshots.isEmpty ? nil : queue.snapshots.removeFirst()
                queue.isIdle = records.isEmpty && snapshot == nil && !queue.isStopping && !writer.isWritingSnapshot
                return (records, snapshot, queue.isStopping, queue.isIdle)
            }
            if isIdle {
                // Decided under the lock: whoever appends from here on rings.
                if !writer.isUnproven {
                    bell.wait()
                } else if !bell.wait(atMost: writer.settings.markDelay) {
                    prove(writer, report)
                }
                continue
            }
            if !records.isEmpty { write(records, writer, report) }
            if isStopping {
                writer.abandonSnapshot()
                // Nobody writes any more who could be told of a failure; the next process trusts no end that it has not written itself.
                try? writer.prove()
                writer.close()
                return
            }
            workOnSnapshot(snapshot, writer, report)
        }
    }

    private func write(_ records: [JournalRecord], _ writer: JournalWriter, _ report: (JournalOutcome) -> Void) {
        do throws(JournalFailure) {
            try writer.append(records)
            report(
                .durable(
                    through: records[records.count - 1].revision, segmentByteCount: writer.segmentByteCount,
                    snapshotByteCount: writer.snapshotByteCount))
        } catch {
            refuse(error, report)
        }
    }

    private func prove(_ writer: JournalWriter, _ report: (JournalOutcome) -> Void) {
        do throws(JournalFailure) { try writer.prove() } catch { refuse(error, report) }
    }

    private func refuse(_ failure: JournalFailure, _ report: (JournalOutcome) -> Void) {
        queue.withLock { queue in
            queue.records = []
            queue.isRefusing = true
        }
        report(.failed(failure))
    }

    private func workOnSnapshot(
        _ asked: (snapshot: JournalSnapshot, destination: SnapshotDestination)?, _ writer: JournalWriter, _ report: (JournalOutcome) -> Void
    ) {
        var isCopy = asked?.destination.isCopy ?? writer.isWritingCopy
        do throws(LinuxError) {
            if let asked { try writer.beginSnapshot(asked.snapshot, to: asked.destination) }
            guard let revision = writer.snapshotRevision else { return }
            isCopy = writer.isWritingCopy
            if let byteCount = try writer.continueSnapshot() {
                report(.snapshotDone(revision: revision, byteCount: byteCount, isCopy: isCopy))
            }
        } catch {
            report(.snapshotFailed(error, isCopy: isCopy))
        }
    }
}

/// Opens a journal's directory.
package enum Journals {
    /// Reads what is on disk and gives the writer that goes on behind it. What was read is on disk for certain when this returns, also where the
    /// process before this one was killed between its write and its fsync.
    ///
    /// - Parameters:
    ///   - contentVersion: the version of what the records hold; files with a newer one are refused.
    ///   - reached: where it is noted how far the journal goes; one that has files and ends before that is refused. Nil: nowhere.
    package static func open(
        _ disk: any JournalDisk, contentVersion: UInt32, settings: JournalSettings = JournalSettings(), reached: ReachedNote? = nil
    ) throws(JournalError) -> (recovered: RecoveredJournal, writer: JournalWriter) {
        var recovered = try read(disk, contentVersion: contentVersion, reached: reached)
        let writer = JournalWriter(
            disk: disk, contentVersion: contentVersion, settings: settings, recovered: recovered, reached: reached)
        do throws(LinuxError) {
            try writer.settle(recovered)
        } catch {
            guard error.isLackOfSpace else {
                throw JournalError(
                    path: disk.path, problem: "what the journal ends with cannot be made durable: \(error)",
                    remedy: "Look after the disk (dmesg), or restore the newest copy into a directory on another one")
            }
            recovered.notices.append("\(disk.path): \(error); writes are refused until there is room")
        }
        return (recovered, writer)
    }

    /// Reads a journal that nobody writes, and changes nothing.
    package static func read(
        _ disk: any JournalDisk, contentVersion: UInt32, reached: ReachedNote? = nil
    ) throws(JournalError) -> RecoveredJournal {
        let recovered = try JournalReader(disk: disk, contentVersion: contentVersion).recover()
        // Without a file there is nothing that could be believed: who begins anew is asked elsewhere.
        guard let reached, recovered.hasFiles else { return recovered }
        let noted: UInt64?
        do throws(LinuxError) { noted = try reached.read() } catch { throw .unreadable(reached.path, error) }
        if let noted, recovered.lastRevision < noted {
            throw .damaged(
                disk.path, offset: nil,
                "it ends at revision \(recovered.lastRevision), and \(reached.path) says that it has reached \(noted): files were cut short, or put back as "
                    + "they were earlier, which the restore of an older version does as well",
                remedy: "Nothing was changed. To go on with what is left, remove \(reached.path)")
        }
        return recovered
    }

    /// The version of the files' layout that this Steady writes, and the newest that it reads.
    package static let layoutVersion = JournalFormat.layoutVersion

    /// How the journal calls the snapshot of a revision.
    package static func snapshotName(_ revision: UInt64) -> String { JournalNames.snapshot(revision) }

    /// CRC-32C, as the files have it.
    package static func checksum(_ bytes: [UInt8]) -> UInt32 { Checksum.crc32c(bytes) }
}
