import Formats
import Journal
import Linux
import Registry
import Resources
import Synchronization
import Timing

/// The durable registry on an event loop: judges requests, has commits written, and only then publishes and answers them.
///
/// Confined to its loop. Requests are judged in the order of their calls; many that arrive while the disk is busy share its next fsync.
package final class Storage {
    package let loop: EventLoop
    package private(set) var registry: Registry
    /// For the log: what recovery had to remove or leave out.
    package let notices: [String]
    package private(set) var metrics = StorageMetrics()

    private let settings: StorageSettings
    private let journal: JournalThread
    private var random = SystemRandomNumberGenerator()
    private var waiting = WaitingReplies()
    /// The commits of this turn of the loop, handed to the journal at its end: all requests of a turn then share one fsync, instead of the first one
    /// having its own while the others wait for it.
    private var turnRecords: [JournalRecord] = []
    private let watchers = Watchers()
    /// The last revision that the journal reported as written.
    private var journalled: Revision
    private var isSnapshotUnderWay = false
    /// An fsync has failed since the snapshot under way was begun, so it does not have all that was acknowledged.
    private var isSnapshotOutdated = false
    /// After a snapshot that failed: no next one before.
    private var nextSnapshot = Instant.zero
    private var trouble = WritingTrouble()
    /// The last commit could not be written: no change is accepted, until one is.
    package var refusesWrites: Bool { trouble.isThere }
    private var copies: CopySchedule?
    private var isClosed = false
    /// Called when writing stops working, works again, and when a scheduled copy cannot be made: for the log.
    package var onNotice: (String) -> Void = { _ in }
    /// What the journal's thread reports comes back to this object by way of the loop; the box lets the thread outlive it.
    private let mailbox: Mailbox
    private var bookmarkTimer: EventLoop.Timer?

    /// Recovers what was acknowledged and starts the journal's thread. The namespaces that always exist are durable when this returns.
    package convenience init(loop: EventLoop, directory: String, settings: StorageSettings = StorageSettings()) throws(StorageError) {
        try self.init(loop: loop, disk: Storage.systemDisk(directory), settings: settings)
    }

    /// On another disk than this machine's: for tests that make it fail.
    package init(loop: EventLoop, disk: any JournalDisk, settings: StorageSettings = StorageSettings()) throws(StorageError) {
        self.loop = loop
        self.settings = settings
        let opened = try Storage.open(disk, settings: settings, random: &random)
        registry = opened.registry
        notices = opened.notices
        journalled = registry.revision
        let mailbox = Mailbox()
        self.mailbox = mailbox
        let remote = loop.remote
        do throws(LinuxError) {
            journal = try JournalThread(opened.writer) { outcome in
                let isFirst = mailbox.outcomes.withLock { outcomes in
                    outcomes.append(outcome)
                    return outcomes.count == 1
                }
                // Whoever comes for the first takes all. One call for each would find, in the same turn of the loop, what came of the requests that
                // the calls before it have answered: a turn as long as there are requests.
                if isFirst { remote.submit { mailbox.storage?.takeOutcomes() } }
            }
        } catch {
            throw StorageError("the journal's thread cannot be started: \(error)")
        }
        mailbox.storage = self
        scheduleBookmarks()
        copies = settings.copies.map { CopySchedule($0, loop: loop, startingAt: Clock.realtime()) }
        scheduleCopy()
    }

    /// Writes what is queued, publishes and answers what is durable by then, ends all watches and stops the thread. Requests that still wait are
    /// answered 503. Blocks for up to three fsyncs: of what is queued, of the mark behind it, and of the note of how far that is.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        bookmarkTimer?.cancel()
        copies?.cancel()
        handOver()
        journal.stop()
        // What is on disk will be recovered, so whoever waits for it must not be told that it was refused.
        takeOutcomes()
        publish()
        mailbox.storage = nil
        for reply in waiting.takeAll() { reply(.failure(.unavailable("the server is stopping"))) }
        watchers.endAll(nil)
    }

    // MARK: Requests

    /// Decides a request. `done` is called exactly once, on the loop, later: for a commit AFTER it is durable and published.
    package func perform(_ request: Request, _ done: @escaping (Result<Reply, StatusError>) -> Void) {
        metrics.requestCount += 1
        if isClosed { return answer(done, .failure(.unavailable("the server is stopping"))) }
        if registry.undurableCount >= settings.undurableLimit, request.isWrite {
            return answer(
                done, .failure(.overloaded("\(settings.undurableLimit) commits wait for the disk already; try again in a second")))
        }
        switch registry.submit(request, now: Clock.realtime(), random: &random) {
        case .reply(let result, after: nil):
            answer(done, result)
        case .reply(let result, after: let revision?):
            waiting.add(revision, result, done)
        case .commit(let ticket):
            waiting.add(ticket.revision, .success(ticket.reply), done)
            if ticket.records.isEmpty {
                // In memory only: published as soon as nothing waits before it.
                loop.later { [weak self] in self?.publish() }
            } else {
                if turnRecords.isEmpty { loop.later { [weak self] in self?.handOver() } }
                for record in ticket.records {
                    turnRecords.append(JournalRecord(revision: record.revision.number, head: record.head, body: record.body))
                }
            }
        }
    }

    private func handOver() {
        guard !turnRecords.isEmpty else { return }
        journal.append(turnRecords)
        turnRecords.removeAll(keepingCapacity: true)
    }

    private func answer(_ done: @escaping (Result<Reply, StatusError>) -> Void, _ result: Result<Reply, StatusError>) {
        loop.later { done(result) }
    }

    /// A durable object, at once: what drivers of this process ask for most.
    package func object(_ key: ObjectKey) -> Value? { registry.object(key) }

    /// The revision that reads answer from.
    package var revision: Revision { registry.revision }

    // MARK: Watches

    /// Reports what matches the list, in the order of revisions, each event AFTER it is durable.
    ///
    /// - Parameters:
    ///   - from: only what is newer. Nil: every object that exists as `added`, then `.synced`, then live events. A revision that is too old, or
    ///     that was never reached, ends the watch with `Expired`.
    ///   - onEvent: called on the loop, never inside this call; also within a turn in which other watchers are told. What it does not keep up
    ///     with it must queue and bound itself.
    package func watch(_ list: ListRequest, from: Revision?, _ onEvent: @escaping (WatchSignal) -> Void) -> Cancellation {
        if isClosed {
            loop.later { onEvent(.ended(nil)) }
            return .done
        }
        let id = watchers.add(list, onEvent)
        loop.later { [weak self] in self?.begin(id, from: from) }
        return Cancellation { [weak self] in self?.watchers.remove(id) }
    }

    /// What the watcher has missed is told in one go; from here on it hears what is published.
    private func begin(_ id: Watchers.ID, from: Revision?) {
        guard let watcher = watchers.started(id, at: registry.revision) else { return }
        guard let from else {
            for object in registry.list(watcher.list).items {
                guard watchers.isAlive(id) else { return }
                let revision = object["metadata"]["resourceVersion"].string.flatMap { Revision($0) } ?? .zero
                watcher.handler(.event(WatchEvent(.added, object, at: revision)))
            }
            if watchers.isAlive(id) { watcher.handler(.synced(registry.revision)) }
            return
        }
        guard let missed = registry.events(since: from, matching: watcher.list) else {
            watchers.remove(id)
            watcher.handler(.ended(registry.expired(from)))
            return
        }
        for event in missed {
            guard watchers.isAlive(id) else { return }
            watcher.handler(.event(event))
        }
    }

    private func scheduleBookmarks() {
        bookmarkTimer = loop.schedule(after: settings.bookmarkInterval) { [weak self] in
            guard let self, !self.isClosed else { return }
            self.watchers.bookmark(at: self.registry.revision)
            self.scheduleBookmarks()
        }
    }

    package var watcherCount: Int { watchers.count }

    // MARK: The journal's reports

    /// AFTER `close` there are none: it takes the last ones itself, when the thread has ended.
    private func takeOutcomes() {
        let outcomes = mailbox.outcomes.withLock { outcomes in
            defer { outcomes = [] }
            return outcomes
        }
        for outcome in outcomes { handle(outcome) }
    }

    private func handle(_ outcome: JournalOutcome) {
        switch outcome {
        case .durable(let revision, let segmentByteCount, let snapshotByteCount):
            metrics.batchCount += 1
            journalled = Revision(revision)
            if let words = trouble.isOver() { onNotice(words) }
            publish()
            if segmentByteCount > max(settings.snapshotThreshold, 2 * snapshotByteCount) { startSnapshot() }
        case .failed(let failure):
            metrics.failedBatchCount += 1
            publish()
            registry.discard(after: registry.revision)
            // They rest on what is lost.
            turnRecords = []
            journal.resume()
            if let words = trouble.began(failure) { onNotice(words) }
            let refusal = WritingTrouble.refusal(failure)
            for reply in waiting.takeAll() { reply(.failure(refusal)) }
            if failure.isDistrust {
                isSnapshotOutdated = isSnapshotUnderWay
                startSnapshot()
            }
        case .snapshotDone(_, _, isCopy: false):
            metrics.snapshotCount += 1
            isSnapshotUnderWay = false
            isSnapshotOutdated = false
        case .snapshotFailed(let error, isCopy: false):
            metrics.failedSnapshotCount += 1
            isSnapshotUnderWay = false
            if isSnapshotOutdated {
                // It was begun before the failed fsync and is of no use after it: the one that is goes at once.
                isSnapshotOutdated = false
                return startSnapshot()
            }
            nextSnapshot = Clock.monotonic() + settings.snapshotRetryInterval
            onNotice("the journal's snapshot cannot be written: \(error); it is tried again")
            if trouble.isDistrust {
                loop.schedule(after: settings.snapshotRetryInterval) { [weak self] in
                    self?.nextSnapshot = .zero
                    self?.startSnapshot()
                }
            }
        case .snapshotDone(_, _, isCopy: true):
            metrics.copyCount += 1
            copies?.ended(isDone: true)
        case .snapshotFailed(let error, isCopy: true):
            metrics.failedCopyCount += 1
            copies?.ended(isDone: false)
            onNotice("the scheduled snapshot cannot be written: \(error); the next one is tried when it is due")
        }
    }

    /// Publishes what may be published, then answers those who waited for it: a client that reads its write's event finds the write answered
    /// neither earlier nor much later.
    private func publish() {
        let events = registry.durable(through: journalled)
        guard !events.isEmpty else { return }
        metrics.commitCount += UInt64(events.count)
        for event in events { watchers.tell(event) }
        for reply in waiting.take(through: registry.revision) { reply.done(reply.result) }
    }

    private func startSnapshot() {
        guard !isClosed, !isSnapshotUnderWay, Clock.monotonic() >= nextSnapshot else { return }
        isSnapshotUnderWay = true
        journal.writeSnapshot(snapshot())
    }

    /// All objects at the revision that reads answer from; costs a walk over them. Its records are made by whoever writes it.
    package func snapshot() -> JournalSnapshot { registry.journalSnapshot(at: Clock.realtime()) }

    /// The state at this moment as the bytes of a snapshot's file, in pieces of about `byteCount`; nil when all were given.
    package func snapshotBytes(_ byteCount: Int) -> () -> [UInt8]? {
        var encoder = SnapshotFiles.encoder(snapshot())
        return { encoder.isDone ? nil : encoder.bytes(byteCount) }
    }

    private func scheduleCopy() {
        copies?.schedule { [weak self] disk, keep in
            guard let self, !self.isClosed else { return }
            guard self.copies?.takes(self.journalled) == true else { return }
            let snapshot = self.snapshot()
            let name = SnapshotCopies.name(time: Timestamp(secondsSince1970: snapshot.time).rfc3339, revision: snapshot.revision)
            self.journal.writeSnapshot(snapshot, to: .copy(disk, name: name, keep: keep))
        } failed: { [weak self] error in
            self?.metrics.failedCopyCount += 1
            self?.onNotice("the scheduled snapshot cannot be written: \(error)")
        }
    }
}

/// What the journal's thread holds instead of the storage.
private final class Mailbox: @unchecked Sendable {
    /// What the thread has reported and the loop has not taken yet, in the order of the reports. Bounded as the journal's queue is.
    let outcomes = Mutex<[JournalOutcome]>([])
    /// Touched on the loop only.
    weak var storage: Storage?
}

extension Request {
    /// Whether it can commit.
    var isWrite: Bool {
        switch self {
        case .get, .list: false
        case .create, .update, .patch, .delete, .deleteCollection, .evict, .restart: true
        }
    }
}
