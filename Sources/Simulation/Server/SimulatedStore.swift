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

    unowned let world: World
    let life: Life
    private(set) var registry: Registry
    private var watchers = StoreWatchers()
    private var waiting: [(revision: Revision, result: Result<Reply, StatusError>, done: (Result<Reply, StatusError>) -> Void)] = []
    private var queued: [RegistryRecord] = []
    private var isWriting = false
    private var journalled: Revision
    private var snapshotCount = 0
    /// Who made each commit that is not published yet.
    private var writers: [(through: Revision, writer: Writers.Writer)] = []
    /// How far this machine's wall clock is off.
    var clockOffset = Duration.zero

    /// Recovers what is on the disk with the registry's own recovery.
    init(world: World, life: Life) throws(RecoveryError) {
        self.world = world
        self.life = life
        let settings = RegistrySettings(windowLimit: world.scenario.watchWindow, revisionBlock: 1000)
        if world.disk.records.isEmpty {
            registry = Registry(settings: settings)
        } else {
            var recovery = Recovery(settings: settings)
            for record in world.disk.records { try recovery.add(record.head + record.body, at: record.revision) }
            registry = try recovery.registry()
            world.sometimes(.storeRecovered)
        }
        journalled = registry.revision
        let recovered = registry
        world.disk.append(registry.bootstrap(now: world.wallClock(), random: &world.random))
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
        switch registry.submit(request, now: world.wallClock(clockOffset), random: &world.random) {
        case .reply(let result, after: nil):
            if case .success(let reply) = result { world.observe(.read(reply)) }
            world.later(for: life) { done(result) }
        case .reply(let result, after: let revision?):
            waiting.append((revision, result, done))
        case .commit(let ticket):
            writers.append((ticket.revision, writer))
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
        isWriting = true
        let batch = queued
        queued = []
        if batch.count > 1 { world.sometimes(.commitsGrouped) }
        world.disk.append(batch)
        var time = world.length(Self.syncTime)
        if case .slow(let more) = world.disk.condition { time += more }
        world.schedule(after: time, for: life) { [unowned self] in synced(batch) }
    }

    private func synced(_ batch: [RegistryRecord]) {
        isWriting = false
        if world.disk.condition == .failing, !world.isPlanted(.syncErrorIgnored) { return failed() }
        if world.disk.condition != .failing { world.disk.sync() }
        journalled = max(journalled, batch.last?.revision ?? journalled)
        publish()
        snapshotIfDue()
        writeQueued()
    }

    /// Nothing of the tail was written: it is forgotten whole, with what was queued behind it.
    private func failed() {
        world.sometimes(.syncFailed)
        world.disk.cutTail()
        publish()
        registry.discard(after: registry.revision)
        queued = []
        writers = []
        let refused = waiting
        waiting = []
        for entry in refused { entry.done(.failure(.unavailable("the journal cannot be written"))) }
    }

    private func publish() {
        let events = registry.durable(through: journalled)
        guard !events.isEmpty else { return }
        for event in events {
            while let first = writers.first, first.through < event.revision { writers.removeFirst() }
            world.observe(.published(event, by: writers.first?.writer ?? .registry, disk: world.disk))
            note(event)
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

    private func snapshotIfDue() {
        guard world.disk.records.count > Self.snapshotThreshold + 2 * snapshotCount else { return }
        let snapshot = registry.snapshot()
        snapshotCount = snapshot.count
        world.disk.replace(through: snapshot.revision, by: (0..<snapshot.count).map { snapshot.record($0) })
        world.sometimes(.snapshotTaken)
    }
}
