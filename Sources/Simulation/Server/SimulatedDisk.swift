import Registry
import Resources

/// The disk under the store: a journal and the last two snapshots. What was written may be lost until it was synced; syncing may fail; there may be no
/// room; and bits may change where they lie.
final class SimulatedDisk {
    /// How the disk behaves.
    enum Condition: Hashable {
        case healthy
        /// Every sync takes this much longer.
        case slow(Duration)
        /// Every sync fails, and what it should have written is lost.
        case failing
        /// Nothing more can be written, and nothing is lost.
        case full
    }

    /// What cannot be read as it was written, and cannot be done without.
    struct Damage: Error { let revision: Revision }

    private struct Entry {
        var record: RegistryRecord
        /// Written together, synced together.
        var batch: Int
        /// What it reads as since a bit of it has changed; its checksum tells that it did.
        var damaged: [UInt8]?
    }

    private struct Snapshot {
        var revision: Revision
        var records: [RegistryRecord]
        var isDamaged = false
    }

    var condition = Condition.healthy
    /// The newest last. The one before it is kept for the day on which the newest is damaged, and the journal since.
    private var snapshots: [Snapshot] = []
    private var journal: [Entry] = []
    /// The revision after which the journal begins.
    private var journalBase = Revision.zero
    private var syncedCount = 0
    private var batchCount = 0
    /// The last revision that is safe.
    private(set) var syncedRevision = Revision.zero
    /// Called once, when something is being written: for a crash in the middle of it.
    var onNextAppend: (() -> Void)?

    var isEmpty: Bool { journal.isEmpty && snapshots.isEmpty }
    /// How much a recovery has to read behind the newest snapshot.
    private(set) var journalCount = 0

    private func recount() {
        let newest = snapshots.last?.revision ?? .zero
        journalCount = journal.count { $0.record.revision > newest }
    }

    // MARK: Writing

    func append(_ new: [RegistryRecord]) {
        batchCount += 1
        journalCount += new.count
        journal += new.map { Entry(record: $0, batch: batchCount) }
        let report = onNextAppend
        onNextAppend = nil
        report?()
    }

    func sync() {
        syncedCount = journal.count
        if let last = journal.last { syncedRevision = max(syncedRevision, last.record.revision) }
    }

    /// Takes back what was not synced.
    func cutTail() {
        journal.removeLast(journal.count - syncedCount)
        recount()
    }

    /// A snapshot is written beside and then renamed: it is there at once, or not at all. The journal since the one before it stays.
    func add(snapshot records: [RegistryRecord], at revision: Revision) {
        snapshots = snapshots.suffix(1) + [Snapshot(revision: revision, records: records)]
        if snapshots.count > 1 { forget(through: snapshots[0].revision) }
        recount()
    }

    /// A snapshot that stands alone: after a failed sync nothing older is believed.
    func begin(anewFrom records: [RegistryRecord], at revision: Revision) {
        snapshots = [Snapshot(revision: revision, records: records)]
        journal = []
        syncedCount = 0
        journalCount = 0
        journalBase = revision
        syncedRevision = max(syncedRevision, revision)
    }

    private func forget(through revision: Revision) {
        journalBase = revision
        let gone = journal[..<syncedCount].count { $0.record.revision <= revision }
        journal.removeFirst(gone)
        syncedCount -= gone
    }

    /// The process died, perhaps with the machine: any part of what was not synced is gone. Returns whether the tail ended in a torn record,
    /// which recovery recognises by its checksum and leaves out.
    func crash(keeping part: (ClosedRange<Int>) -> Int) -> Bool {
        let unsynced = journal.count - syncedCount
        guard unsynced > 0 else { return false }
        let kept = part(0...unsynced)
        journal.removeLast(unsynced - kept)
        let isTorn = kept < unsynced
        sync()
        recount()
        return isTorn
    }

    // MARK: Damage

    /// Changes a bit of the newest snapshot or of a record in the journal. Not in the last batch: nobody could tell that from a torn write.
    func flipBit(_ dice: (ClosedRange<Int>) -> Int) {
        if !snapshots.isEmpty, dice(0...1) == 0 { return snapshots[snapshots.count - 1].isDamaged = true }
        guard let last = journal[..<syncedCount].last else { return }
        let choices = journal.indices.filter {
            journal[$0].batch < last.batch && journal[$0].damaged == nil
        }
        guard !choices.isEmpty else { return }
        let index = choices[dice(0...choices.count - 1)]
        var bytes = journal[index].record.head + journal[index].record.body
        bytes[dice(0...bytes.count - 1)] ^= 1 << UInt8(dice(0...7))
        journal[index].damaged = bytes
    }

    /// The damaged snapshot was done without, and is out of the way.
    func setAsideDamaged() { snapshots.removeAll(where: \.isDamaged) }

    /// Somebody has put back what was there.
    func restore() {
        for index in journal.indices { journal[index].damaged = nil }
        for index in snapshots.indices { snapshots[index].isDamaged = false }
    }

    // MARK: Reading

    /// What lies at one revision: a record's head and body.
    typealias Piece = (revision: Revision, bytes: [UInt8])

    /// What recovery reads, by the rules of the journal: a damaged snapshot is done without where there is an earlier one, or all of the journal.
    /// - Parameter trusting: the planted bug: checksums are not looked at.
    func read(trusting: Bool) throws(Damage) -> (pieces: [Piece], isRepaired: Bool) {
        if let newest = snapshots.last, newest.isDamaged, !trusting { return (try read(snapshots.dropLast().last, trusting), true) }
        return (try read(snapshots.last, trusting), false)
    }

    private func read(_ snapshot: Snapshot?, _ trusting: Bool) throws(Damage) -> [Piece] {
        if let snapshot, snapshot.isDamaged, !trusting { throw Damage(revision: snapshot.revision) }
        let base = snapshot?.revision ?? .zero
        guard journalBase <= base else { throw Damage(revision: snapshots.last?.revision ?? journalBase) }
        var pieces = (snapshot?.records ?? []).map { ($0.revision, $0.head + $0.body) }
        for entry in journal where entry.record.revision > base {
            if entry.damaged != nil, !trusting { throw Damage(revision: entry.record.revision) }
            pieces.append((entry.record.revision, entry.damaged ?? entry.record.head + entry.record.body))
        }
        return pieces
    }
}
