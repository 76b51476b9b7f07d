import Registry
import Resources

/// The disk under the store: what was written may be lost until it was synced, and syncing may fail.
final class SimulatedDisk {
    /// How the disk behaves.
    enum Condition: Hashable {
        case healthy
        /// Every sync takes this much longer.
        case slow(Duration)
        /// Every sync fails, and what it should have written is lost.
        case failing
    }

    var condition = Condition.healthy
    private(set) var records: [RegistryRecord] = []
    private var syncedCount = 0
    /// The last revision that is safe.
    private(set) var syncedRevision = Revision.zero

    /// Called once, when something is being written: for a crash in the middle of it.
    var onNextAppend: (() -> Void)?

    func append(_ new: [RegistryRecord]) {
        records += new
        let report = onNextAppend
        onNextAppend = nil
        report?()
    }

    func sync() {
        syncedCount = records.count
        if let last = records.last { syncedRevision = max(syncedRevision, last.revision) }
    }

    /// What a failed sync leaves: nobody knows what of it is there, so the tail is cut off.
    func cutTail() { records.removeLast(records.count - syncedCount) }

    /// A snapshot takes the place of everything up to its revision, at once: it is written beside and then renamed.
    func replace(through revision: Revision, by snapshot: [RegistryRecord]) {
        let kept = records[..<syncedCount].filter { $0.revision > revision }
        let tail = records[syncedCount...]
        records = snapshot + kept + tail
        syncedCount = snapshot.count + kept.count
    }

    /// The process died, perhaps with the machine: any part of what was not synced is gone. Returns whether the tail ended in a torn record,
    /// which recovery recognises by its checksum and leaves out.
    func crash(keeping part: (ClosedRange<Int>) -> Int) -> Bool {
        let unsynced = records.count - syncedCount
        guard unsynced > 0 else { return false }
        let kept = part(0...unsynced)
        records.removeLast(unsynced - kept)
        let isTorn = kept < unsynced
        sync()
        return isTorn
    }
}
