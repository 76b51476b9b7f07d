import Formats
import Resources
import Timing

/// A journal or snapshot whose records cannot be understood: the checksums hold, the content does not.
package struct RecoveryError: Error, Sendable, CustomStringConvertible {
    package let revision: Revision
    package let problem: String
    package var description: String { "the record of revision \(revision) is not understood: \(problem)" }
}

/// Builds a registry from what was on disk: feed it the snapshot's records and then the journal's, in order, then take the registry.
///
/// Only the last state of each object is parsed.
package struct Recovery {
    private let settings: RegistrySettings
    private var states: [Slot: (revision: Revision, record: ParsedRecord)] = [:]
    private var highest = Revision.zero
    /// Kinds of an older or newer Steady whose objects are on disk and that this one does not serve. They are left out, and said.
    package private(set) var unknownResources: [String] = []

    package init(settings: RegistrySettings) { self.settings = settings }

    /// The bytes are a record's head and body behind each other.
    package mutating func add(_ bytes: [UInt8], at revision: Revision) throws(RecoveryError) {
        guard let record = ParsedRecord(bytes) else {
            throw RecoveryError(revision: revision, problem: "it is no record of format version 1")
        }
        highest = max(highest, revision)
        if record.operation == .reserve {
            guard let ceiling = Revision(record.name) else { throw RecoveryError(revision: revision, problem: "it reserves no revision") }
            highest = max(highest, ceiling)
            return
        }
        guard let type = ResourceType.all.first(where: { "\($0.group)/\($0.plural)" == record.resource }) else {
            if !unknownResources.contains(record.resource) { unknownResources.append(record.resource) }
            return
        }
        let slot = Slot(kind: type.row, namespace: record.namespace, name: record.name)
        states[slot] = record.operation == .put ? (revision, record) : nil
    }

    /// The registry as it was, at a revision that nobody has seen: watches from before the restart are expired, because what lived in memory
    /// only is gone.
    package func registry() throws(RecoveryError) -> Registry {
        var registry = Registry(settings: settings, revision: Revision(highest.number + 1))
        for slot in states.keys.sorted() {
            guard let (revision, record) = states[slot] else { continue }
            do {
                let value = try JSON.parse(Array(record.body))
                registry.restore(slot, StoredObject(value: value, revision: revision))
            } catch {
                throw RecoveryError(revision: revision, problem: "\(slot.key): \(error.message)")
            }
        }
        return registry
    }
}

extension Registry {
    /// An empty store, as before the first start.
    package init(settings: RegistrySettings = RegistrySettings()) { self.init(settings: settings, revision: Revision(1)) }

    mutating func restore(_ slot: Slot, _ object: StoredObject) {
        keyspace.restore(slot, object)
        claims.replace(slot, nil, with: object.value)
    }

    /// Commits the namespaces that exist from the start, where they are missing, and moves what a snapshot of another instance brought here to
    /// addresses of this one. To be made durable BEFORE the first request.
    ///
    /// - Parameter nothingRuns: no process of the instance can have lived on until now; what says that one serves is taken back.
    package mutating func bootstrap(
        now: Timestamp, random: inout some RandomNumberGenerator, nothingRuns: Bool = false
    ) -> [RegistryRecord] {
        var records: [RegistryRecord] = []
        for name in Deletion.keptNamespaces where keyspace.tip(Slot(ObjectKey(.namespaces, name: name))) == nil {
            let request = Request.create(["metadata": ["name": .string(name)]], type: .namespaces, namespace: "")
            if case .commit(let ticket) = submit(request, now: now, random: &random) { records += ticket.records }
        }
        moveHere(&records, random: &random)
        if nothingRuns { takeBackReadiness(now, &records) }
        return records
    }

    /// Everything a snapshot must hold, as of the durable revision.
    package func snapshot() -> RegistrySnapshot {
        var objects: [RegistrySnapshot.Entry] = []
        for (kind, type) in ResourceType.all.enumerated() where type.isDurable {
            for object in keyspace.durableObjects(matching: ListRequest(type)) {
                let metadata = object.value["metadata"]
                let slot = Slot(kind: kind, namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "")
                objects.append(.init(slot: slot, object: object))
            }
        }
        return RegistrySnapshot(revision: revision, reservedThrough: max(reservedThrough, revision), entries: objects)
    }
}

/// The durable state at one revision, shared with the store until it changes; its records are made one by one, on whatever thread writes them.
package struct RegistrySnapshot: Sendable {
    package let revision: Revision
    private let reservedThrough: Revision
    private let entries: [Entry]

    struct Entry: Sendable {
        var slot: Slot
        var object: StoredObject
    }

    init(revision: Revision, reservedThrough: Revision, entries: [Entry]) {
        self.revision = revision
        self.reservedThrough = reservedThrough
        self.entries = entries
    }

    /// How many records there are.
    package var count: Int { entries.count + 1 }

    /// The `index`-th record: first the reservation, then the objects.
    package func record(_ index: Int) -> RegistryRecord {
        if index == 0 { return .reserve(through: reservedThrough, at: revision) }
        let entry = entries[index - 1]
        return .put(entry.slot, JSON.serialize(entry.object.value), at: entry.object.revision)
    }
}
