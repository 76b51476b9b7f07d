import Formats
import Resources

/// The revisioned keyspace: the tip, which writes are judged against, and the durable state, which is all that reads may see.
///
/// Between the two lies the tail: commits that were given a revision but are not on disk yet. The tip is stored; of the durable state only
/// what differs is kept, as the values that the tail's commits replaced.
struct Keyspace: Sendable {
    private(set) var tables: [KindTable]
    /// The last revision given out.
    private(set) var tipRevision: Revision
    /// The revision that reads answer from.
    private(set) var durableRevision: Revision

    /// Oldest first. `tailStart` avoids moving the array at each publication.
    private var tail: [PendingCommit] = []
    private var tailStart = 0
    /// For each slot with undurable commits the states they replaced, oldest first: the first one is the durable state.
    private var replaced: [Slot: [StoredObject?]] = [:]

    /// What an undurable commit did.
    struct PendingCommit: Sendable {
        var revision: Revision
        var slot: Slot
        var previous: StoredObject?
        /// The new state; for a removal the last one, with the removal's revision.
        var object: Value
        var isRemoval: Bool
        /// The new state as JSON, where the journal needed it.
        var json: [UInt8]?
        /// Whether the commit must be on disk before it is published.
        var needsJournal: Bool
    }

    init(revision: Revision) {
        tables = ResourceType.all.indices.map(KindTable.init)
        tipRevision = revision
        durableRevision = revision
    }

    // MARK: Writing

    /// A state that recovery found: durable already.
    mutating func restore(_ slot: Slot, _ object: StoredObject) {
        tables[slot.kind].replace(slot.namespace, slot.name, with: object)
    }

    func tip(_ slot: Slot) -> StoredObject? { tables[slot.kind][slot.namespace, slot.name] }

    /// Appends a commit to the tail; its revision must be the one after the tip's.
    mutating func append(_ commit: PendingCommit) {
        precondition(commit.revision > tipRevision, "revisions only grow")
        tipRevision = commit.revision
        replaced[commit.slot, default: []].append(commit.previous)
        tables[commit.slot.kind].replace(
            commit.slot.namespace, commit.slot.name,
            with: commit.isRemoval ? nil : StoredObject(value: commit.object, revision: commit.revision))
        tail.append(commit)
    }

    /// Makes readable what the journal has through `revision`, and whatever follows directly and needs no journal. Returns it in order.
    mutating func publish(through revision: Revision) -> [PendingCommit] {
        var published: [PendingCommit] = []
        while tailStart < tail.count, tail[tailStart].revision <= revision || !tail[tailStart].needsJournal {
            let commit = tail[tailStart]
            tailStart += 1
            if replaced[commit.slot]?.count == 1 {
                replaced[commit.slot] = nil
            } else {
                replaced[commit.slot]?.removeFirst()
            }
            durableRevision = commit.revision
            published.append(commit)
        }
        if tailStart == tail.count {
            tail.removeAll(keepingCapacity: tail.capacity <= 256)
            tailStart = 0
        } else if tailStart > 256 {
            tail.removeFirst(tailStart)
            tailStart = 0
        }
        return published
    }

    /// Forgets the whole tail, newest first. Its revisions are not given out again. `undo` sees each commit that is taken back.
    mutating func discardTail(_ undo: (PendingCommit) -> Void) {
        while tail.count > tailStart {
            let commit = tail.removeLast()
            tables[commit.slot.kind].replace(commit.slot.namespace, commit.slot.name, with: commit.previous)
            undo(commit)
        }
        tail = []
        tailStart = 0
        replaced = [:]
    }

    var hasTail: Bool { tailStart < tail.count }
    var tailCount: Int { tail.count - tailStart }

    // MARK: Reading

    /// The durable state of one object.
    func durable(_ slot: Slot) -> StoredObject? {
        if let states = replaced[slot] { return states[0] }
        return tip(slot)
    }

    /// The durable objects that match, by namespace and name.
    func durableObjects(matching list: ListRequest) -> [StoredObject] {
        let kind = list.type.row
        return objects(matching: list, kind: kind) { slot in durable(slot) }
    }

    /// The same at the tip: what a write over many objects acts on.
    func tipSlots(matching list: ListRequest) -> [Slot] {
        let kind = list.type.row
        let slots = tables[kind].places(matching: list).map { Slot(kind: kind, namespace: $0.namespace, name: $0.name) }
        return slots.filter { slot in tip(slot).map { list.matches($0.value) } ?? false }.sorted()
    }

    private func objects(matching list: ListRequest, kind: Int, state: (Slot) -> StoredObject?) -> [StoredObject] {
        var found: [(slot: Slot, object: StoredObject)] = []
        for place in tables[kind].places(matching: list) {
            let slot = Slot(kind: kind, namespace: place.namespace, name: place.name)
            if replaced.isEmpty || replaced[slot] == nil, let object = tip(slot), list.matches(object.value) {
                found.append((slot, object))
            }
        }
        // What the tail touched is not in its place at the tip, or not in that state: look at each.
        for (slot, _) in replaced where slot.kind == kind {
            if let object = state(slot), list.matches(object.value) { found.append((slot, object)) }
        }
        found.sort { ($0.slot.namespace, $0.slot.name) < ($1.slot.namespace, $1.slot.name) }
        return found.map(\.object)
    }
}

extension ListRequest {
    /// Whether an object of the kind is asked for.
    package func matches(_ object: Value) -> Bool {
        if let namespace, object["metadata"]["namespace"].string != namespace { return false }
        if !fieldSelector.terms.isEmpty, !fieldSelector.matches(object) { return false }
        if labelSelector.requirements.isEmpty { return true }
        return labelSelector.matches(object["metadata"]["labels"].stringMap)
    }
}
