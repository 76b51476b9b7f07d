import Linux
import Synchronization

/// What the journal's thread reports, in the order in which it happened.
package enum JournalOutcome: Sendable {
    /// Everything through this revision is on disk. The byte counts are those of `JournalWriter`.
    case durable(through: UInt64, segmentByteCount: Int, snapshotByteCount: Int)
    /// Nothing after the last durable revision is on disk, and everything handed in so far is dropped. Call `resume()` once it is forgotten.
    case failed(LinuxError)
    case snapshotDone(revision: UInt64, byteCount: Int)
    case snapshotFailed(LinuxError)
}

/// The journal's thread: takes all that waits, writes it with one fsync, reports. That is the group commit: the longer an fsync takes, the more
/// commits the next one carries.
///
/// The queue is bounded by whoever appends (`Storage` limits its undurable commits).
package final class JournalThread: Sendable {
    private struct Queue {
        var records: [JournalRecord] = []
        var snapshot: JournalSnapshot?
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

    /// Asks for a snapshot; a second one while one is under way is dropped.
    package func writeSnapshot(_ snapshot: JournalSnapshot) {
        let mustRing = queue.withLock { queue in
            queue.snapshot = snapshot
            return Self.wakes(&queue)
        }
        if mustRing { bell.ring() }
    }

    /// After `.failed`: what is appended from here on rests on the durable state again.
    package func resume() { queue.withLock { $0.isRefusing = false } }

    /// Writes what is queued, stops the thread and waits for it. A snapshot under way is abandoned.
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
                let taken = (queue.records, queue.snapshot)
                queue.records = []
                queue.snapshot = nil
                queue.isIdle = taken.0.isEmpty && taken.1 == nil && !queue.isStopping && !writer.isWritingSnapshot
                return (taken.0, taken.1, queue.isStopping, queue.isIdle)
            }
            if isIdle {
                // Decided under the lock: whoever appends from here on rings.
                bell.wait()
                continue
            }
            if !records.isEmpty { write(records, writer, report) }
            if isStopping {
                writer.abandonSnapshot()
                writer.close()
                return
            }
            workOnSnapshot(snapshot, writer, report)
        }
    }

    private func write(_ records: [JournalRecord], _ writer: JournalWriter, _ report: (JournalOutcome) -> Void) {
        do {
            try writer.append(records)
            report(
                .durable(
                    through: records[records.count - 1].revision, segmentByteCount: writer.segmentByteCount,
                    snapshotByteCount: writer.snapshotByteCount))
        } catch {
            queue.withLock { queue in
                queue.records = []
                queue.isRefusing = true
            }
            report(.failed(error))
        }
    }

    private func workOnSnapshot(_ snapshot: JournalSnapshot?, _ writer: JournalWriter, _ report: (JournalOutcome) -> Void) {
        do {
            if let snapshot { try writer.beginSnapshot(snapshot) }
            guard writer.isWritingSnapshot else { return }
            if let revision = writer.snapshotRevision, try writer.continueSnapshot() {
                report(.snapshotDone(revision: revision, byteCount: writer.snapshotByteCount))
            }
        } catch {
            report(.snapshotFailed(error))
        }
    }
}

/// Opens a journal's directory.
package enum Journals {
    /// Reads what is on disk and gives the writer that goes on behind it.
    ///
    /// - Parameter contentVersion: the version of what the records hold; files with a newer one are refused.
    package static func open(
        _ disk: any JournalDisk, contentVersion: UInt32, settings: JournalSettings = JournalSettings()
    ) throws(JournalError) -> (recovered: RecoveredJournal, writer: JournalWriter) {
        let recovered = try JournalReader(disk: disk, contentVersion: contentVersion).recover()
        return (recovered, JournalWriter(disk: disk, contentVersion: contentVersion, settings: settings, recovered: recovered))
    }

    /// CRC-32C, as the files have it.
    package static func checksum(_ bytes: [UInt8]) -> UInt32 { Checksum.crc32c(bytes) }
}
