import Formats
import Resources
import Timing

/// The store as a machine: objects with revisions, what may be done with them, and who may watch what.
///
/// A write is judged against the tip and gets the next revision at once (`submit`); it is seen by nobody before the driver says that it is
/// on disk (`durable`), and is forgotten if it cannot be written (`discard`). No clock, no disk and no dice of its own.
package struct Registry: Sendable {
    package let settings: RegistrySettings
    var keyspace: Keyspace
    var claims: Claims
    private var window: WatchWindow
    /// Revisions that a journalled record promises never to give out again after a restart.
    private(set) var reservedThrough: Revision
    /// As much of it as is on disk: what holds when the journal cannot be written.
    private var durablyReservedThrough = Revision.zero
    /// The last reservation, until it is on disk.
    private var pendingReservation: (at: Revision, through: Revision)?

    /// An empty store. `revision` is the first one that reads see; everything older is expired.
    init(settings: RegistrySettings, revision: Revision) {
        self.settings = settings
        keyspace = Keyspace(revision: revision)
        claims = Claims()
        window = WatchWindow(start: revision, limit: settings.windowLimit)
        reservedThrough = .zero
    }

    /// Decides a request. A commit is at the tip from here on: later requests are judged with it, reads do not see it.
    ///
    /// - Parameter random: for uids, generated names and free addresses.
    package mutating func submit(_ request: Request, now: Timestamp, random: inout some RandomNumberGenerator) -> Submission {
        do throws(StatusError) {
            switch request {
            case .get(let key, let subresource):
                return .reply(.success(Reply(.object(try get(key, subresource)))), after: nil)
            case .list(let list):
                return .reply(.success(list.page == .whole ? self.list(list) : try page(of: list)), after: nil)
            case .create(let body, let type, let namespace, let options):
                return try create(body, type: type, namespace: namespace, options, now: now, random: &random)
            case .update(let key, let body, let subresource, let options):
                return try update(key, .replace(body), subresource, options, now: now, random: &random)
            case .patch(let key, let patch, let subresource, let options):
                return try update(key, .patch(patch), subresource, options, now: now, random: &random)
            case .delete(let key, let options):
                return try delete(key, options, now: now)
            case .deleteCollection(let list, let options):
                return try deleteCollection(list, options, now: now)
            case .evict(let key, let options):
                return try evict(key, options, now: now)
            case .restart(let key, let epoch):
                return try permitRestart(key, epoch, now: now)
            }
        } catch {
            return decided(.failure(error))
        }
    }

    /// Publishes everything that the journal has through `revision`, and the commits behind it that need no journal. Returns it in order.
    ///
    /// Call it also after a submission without records: when nothing waits before it, it is published at once.
    package mutating func durable(through revision: Revision) -> [PublishedEvent] {
        let published = keyspace.publish(through: revision).map { commit in
            // The window outlives the fan-out by far: it keeps the tree, which is shared with the store, and not the bytes.
            window.append(PublishedEvent(commit, keepingJSON: false))
            return PublishedEvent(commit, keepingJSON: true)
        }
        if let reservation = pendingReservation, reservation.at <= keyspace.durableRevision {
            durablyReservedThrough = reservation.through
            pendingReservation = nil
        }
        return published
    }

    /// Forgets every commit after `revision` because the journal cannot have it. Revisions given out are not given out again.
    package mutating func discard(after revision: Revision) {
        precondition(keyspace.durableRevision >= revision, "everything through the discarded revision is published first")
        var claims = claims
        keyspace.discardTail { commit in
            claims.replace(commit.slot, commit.isRemoval ? nil : commit.object, with: commit.previous?.value)
        }
        self.claims = claims
        // What is reserved on disk still is: leases are renewed while the disk is full, so that no node is taken for lost.
        reservedThrough = durablyReservedThrough
        pendingReservation = nil
    }

    /// The revision that reads answer from.
    package var revision: Revision { keyspace.durableRevision }
    /// The last revision given out.
    package var tipRevision: Revision { keyspace.tipRevision }
    /// How many commits wait for the journal.
    package var undurableCount: Int { keyspace.tailCount }

    /// How many objects of each kind there are, in the order of `ResourceType.all`.
    package var objectCounts: [(type: ResourceType, count: Int)] { zip(ResourceType.all, keyspace.tables.map(\.count)).map { ($0, $1) } }

    // MARK: Watching

    /// What a watch that saw everything through `since` has missed; nil when the window does not reach back that far, or never got there.
    package func events(since: Revision, matching list: ListRequest) -> [WatchEvent]? {
        guard since <= revision, let slice = window.events(since: since) else { return nil }
        return slice.compactMap { $0.type.plural == list.type.plural && $0.type.group == list.type.group ? $0.watchEvent(for: list) : nil }
    }

    /// Every commit to a kind after a revision, oldest first; nil when the window does not reach back that far.
    func published(since: Revision, of type: ResourceType) -> [PublishedEvent]? {
        window.events(since: since)?.filter { $0.type.plural == type.plural && $0.type.group == type.group }
    }

    /// The refusal of a watch for which `events(since:)` is nil.
    package func expired(_ since: Revision) -> StatusError {
        guard since <= revision else { return .tooLargeVersion(since, current: revision) }
        return .expired("too old resource version: \(since) (\(window.start))")
    }

    // MARK: Committing

    /// Gives a change the next revision and appends it to the tail. Returns the stamped object, also as JSON where the journal needs that, and adds
    /// what the journal must write.
    mutating func commit(
        _ slot: Slot, replacing previous: StoredObject?, with value: Value, isRemoval: Bool = false, records: inout [RegistryRecord]
    ) -> (value: Value, json: [UInt8]?) {
        let revision = Revision(keyspace.tipRevision.number + 1)
        var value = value
        value["metadata"]["resourceVersion"] = .string(revision.description)
        var json: [UInt8]?
        var needsJournal = false
        if slot.type.isDurable {
            needsJournal = true
            if isRemoval {
                records.append(.remove(slot, at: revision))
            } else {
                var bytes: [UInt8] = []
                bytes.reserveCapacity(4096)
                JSON.append(value, to: &bytes)
                records.append(.put(slot, bytes, at: revision))
                json = bytes
            }
        } else if revision > reservedThrough {
            reservedThrough = Revision(revision.number + settings.revisionBlock)
            pendingReservation = (revision, reservedThrough)
            records.append(.reserve(through: reservedThrough, at: revision))
            needsJournal = true
        }
        claims.replace(slot, previous?.value, with: isRemoval ? nil : value)
        keyspace.append(
            Keyspace.PendingCommit(
                revision: revision, slot: slot, previous: previous, object: value, isRemoval: isRemoval, json: json,
                needsJournal: needsJournal))
        return (value, json)
    }

    /// An answer that commits nothing. It may rest on the undurable tail, so it waits for it.
    func decided(_ result: Result<Reply, StatusError>) -> Submission {
        .reply(result, after: keyspace.hasTail ? keyspace.tipRevision : nil)
    }

    /// A commit's answer.
    func committed(_ records: [RegistryRecord], _ reply: Reply) -> Submission {
        .commit(CommitTicket(revision: keyspace.tipRevision, records: records, reply: reply))
    }
}
