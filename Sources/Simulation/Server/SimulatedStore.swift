import Formats
import Registry
import Resources
import Timing

/// The durable registry on the simulated disk: the real registry, and a driver that does what the storage's does.
final class SimulatedStore: SimulatedAPI {
    /// How long an append with its sync takes on a healthy disk.
    static let syncTime: ClosedRange<Duration> = .microseconds(100)...(.milliseconds(2))
    /// Records on disk beside which a snapshot is worth its while.
    private static let snapshotThreshold = 200
    private static let snapshotRetryInterval: Duration = .seconds(5)

    unowned let world: World
    let life: Life
    private(set) var registry: Registry
    private var watchers = StoreWatchers()
    private var waiting: [(revision: Revision, result: Result<Reply, StatusError>, done: (Result<Reply, StatusError>) -> Void)] = []
    private var queued: [RegistryRecord] = []
    private var isWriting = false
    /// After a sync that failed, until the whole state was written anew.
    private var isDistrusted = false
    private var journalled: Revision
    private var snapshotCount = 0
    /// Who made each commit that is not published yet.
    private var writers: [(through: Revision, writer: Writers.Writer)] = []
    var wallClock: Timestamp { world.wallClock(of: RoleName.server) }

    /// Recovers what is on the disk with the registry's own recovery.
    init(world: World, life: Life) throws {
        self.world = world
        self.life = life
        let settings = RegistrySettings(windowLimit: world.scenario.watchWindow, revisionBlock: 1000)
        if world.disk.isEmpty {
            registry = Registry(settings: settings)
        } else {
            var recovery = Recovery(settings: settings)
            let found = try world.disk.read(trusting: world.isPlanted(.damageUnnoticed))
            if found.isRepaired {
                world.sometimes(.damageRepaired)
                world.note(RoleName.server, "does without a damaged snapshot", isTurningPoint: true)
                world.disk.setAsideDamaged()
            }
            for piece in found.pieces { try recovery.add(piece.bytes, at: piece.revision) }
            registry = try recovery.registry()
            world.sometimes(.storeRecovered)
        }
        journalled = registry.revision
        let recovered = registry
        // Beginning to write needs a disk that takes it: `up` tries again.
        let bootstrap = registry.bootstrap(now: world.wallClock(of: RoleName.server), random: &world.random)
        if !bootstrap.isEmpty, [.failing, .full].contains(world.disk.condition) { throw Unwritable() }
        world.disk.append(bootstrap)
        world.disk.sync()
        journalled = registry.tipRevision
        let published = registry.durable(through: journalled)
        world.observe(.recovered(recovered, bootstrapped: published))
        bookmark()
    }

    private static let bookmarkPeriod: Duration = .seconds(30)

    private func bookmark() {
        world.schedule(after: Self.bookmarkPeriod, for: life) { [unowned self] in
            watchers.bookmark(at: registry.revision)
            bookmark()
        }
    }

    // MARK: Requests

    func perform(_ request: Request, by writer: Writers.Writer, _ done: @escaping (Result<Reply, StatusError>) -> Void) {
        world.observe(.submitting(request, writer, self))
        switch registry.submit(request, now: wallClock, random: &world.random) {
        case .reply(let result, after: nil):
            if case .success(let reply) = result { world.observe(.read(request, reply)) }
            world.later(for: life) { done(result) }
        case .reply(let result, after: let revision?):
            waiting.append((revision, result, done))
        case .commit(let ticket):
            // What an eviction or a restart takes off a budget is the registry's own doing.
            switch request {
            case .evict, .restart: writers.append((ticket.revision, .registry))
            default: writers.append((ticket.revision, writer))
            }
            waiting.append((ticket.revision, .success(ticket.reply), done))
            world.observe(.submitted(ticket.records))
            if ticket.records.isEmpty {
                world.later(for: life) { [unowned self] in publish() }
            } else {
                queued += ticket.records
                writeQueued()
            }
        }
    }

    /// What reads answer from, at once.
    func object(_ key: ObjectKey) -> Value? { registry.object(key) }

    // MARK: Watches

    func watch(_ list: ListRequest, from: Revision?, _ onSignal: @escaping (WatchSignal) -> Void) {
        begin(list, from: from, life: life, onSignal)
    }

    /// Returns the watcher's number; nil when the watch ended at once.
    @discardableResult
    func begin(_ list: ListRequest, from: Revision?, life: Life, _ tell: @escaping (WatchSignal) -> Void) -> Int? {
        if let from {
            guard let missed = registry.events(since: from, matching: list) else {
                if world.isPlanted(.staleWatchAfterRestart) { return watchers.add(.init(list: list, life: life, tell: tell)) }
                world.sometimes(.watchExpired)
                tell(.ended(registry.expired(from)))
                return nil
            }
            for event in missed { tell(.event(event)) }
        } else {
            for object in registry.list(list).items {
                tell(.event(WatchEvent(.added, object, at: object["metadata"]["resourceVersion"].string.flatMap { Revision($0) } ?? .zero)))
            }
            tell(.synced(registry.revision))
        }
        return watchers.add(.init(list: list, life: life, tell: tell))
    }

    func endWatch(_ id: Int, of type: ResourceType) { watchers.remove(id, of: type) }

    // MARK: The journal

    private func writeQueued() {
        guard !isWriting, !queued.isEmpty else { return }
        if isDistrusted { return refuse(.internalError("the disk did not keep what was written")) }
        isWriting = true
        let batch = queued
        queued = []
        if batch.count > 1 { world.sometimes(.commitsGrouped) }
        if world.disk.condition != .full { world.disk.append(batch) }
        let wasFull = world.disk.condition == .full
        var time = world.length(Self.syncTime)
        if case .slow(let more) = world.disk.condition { time += more }
        world.schedule(after: time, for: life) { [unowned self] in wasFull ? hadNoRoom() : synced(batch) }
    }

    private func synced(_ batch: [RegistryRecord]) {
        isWriting = false
        if world.disk.condition == .failing, !world.isPlanted(.syncErrorIgnored) { return failed() }
        if world.disk.condition != .failing { world.disk.sync() }
        journalled = max(journalled, batch.last?.revision ?? journalled)
        publish()
        if world.disk.journalCount > Self.snapshotThreshold + 2 * snapshotCount { writeSnapshot() }
        writeQueued()
    }

    private func hadNoRoom() {
        isWriting = false
        world.sometimes(.diskFull)
        refuse(StatusError(code: 507, reason: "InsufficientStorage", message: "the journal cannot be written: no space left on device"))
    }

    /// The sync failed: nothing of the tail is believed, and nothing more is written before the whole state stands in another file. Where the disk
    /// refuses the cut as well, a recovery may find what was refused.
    private func failed() {
        world.sometimes(.syncFailed)
        if world.chance(0.7) { world.disk.cutTail() }
        isDistrusted = true
        refuse(.internalError("the disk did not keep what was written"))
        renew()
    }

    private func renew() {
        world.schedule(after: world.length(Self.syncTime), for: life) { [unowned self] in
            guard world.disk.condition != .failing, world.disk.condition != .full else {
                world.schedule(after: Self.snapshotRetryInterval, for: life) { [unowned self] in renew() }
                return
            }
            let snapshot = registry.snapshot()
            snapshotCount = snapshot.count
            world.disk.begin(anewFrom: (0..<snapshot.count).map { snapshot.record($0) }, at: snapshot.revision)
            isDistrusted = false
            world.sometimes(.trustRegained)
            writeQueued()
        }
    }

    /// What is not on the disk is forgotten whole, and whoever waits for it is told.
    private func refuse(_ error: StatusError) {
        publish()
        registry.discard(after: registry.revision)
        queued = []
        writers = []
        let refused = waiting
        waiting = []
        for entry in refused { world.later(for: life) { entry.done(.failure(error)) } }
    }

    private func publish() {
        let events = registry.durable(through: journalled)
        guard !events.isEmpty else { return }
        for event in events {
            while let first = writers.first, first.through < event.revision { writers.removeFirst() }
            world.observe(.published(event, by: writers.first?.writer ?? .registry, disk: world.disk))
            note(event)
            if world.scenario.isChecked { world.published.add(event) }
            watchers.tell(event)
        }
        while let first = waiting.first, first.revision <= registry.revision {
            waiting.removeFirst()
            first.done(first.result)
        }
    }

    private func note(_ event: PublishedEvent) {
        guard event.type.isDurable else { return world.history.count(event.revision.number) }
        world.lastChange = world.now
        world.note(
            "store", "\(event.revision) \(event.isDeletion ? "removed" : event.previous == nil ? "created" : "changed") \(event.key)")
    }

    private func writeSnapshot() {
        guard world.disk.condition != .full, world.disk.condition != .failing else { return }
        let snapshot = registry.snapshot()
        snapshotCount = snapshot.count
        world.disk.add(snapshot: (0..<snapshot.count).map { snapshot.record($0) }, at: snapshot.revision)
        world.sometimes(.snapshotTaken)
    }
}

/// The disk takes nothing at the start.
struct Unwritable: Error {}
