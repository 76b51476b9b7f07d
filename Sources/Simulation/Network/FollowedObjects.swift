import Formats
import Resources
import Timing

/// The objects of one list, kept by one watch: goes on after an end in good order, lists anew after any other.
///
/// Does what the roles' own cache does, with its delays.
final class FollowedObjects {
    private static let firstPause: Duration = .milliseconds(20)
    private static let longestPause: Duration = .seconds(1)

    private let api: any SimulatedAPI
    let list: ListRequest
    private(set) var objects: [ObjectKey: Value] = [:]
    private(set) var revision = Revision.zero
    private(set) var isSynced = false
    /// The server has been heard since the watch was last lost.
    private(set) var isConnected = false
    private var listed: Set<ObjectKey>?
    private var generation = 0
    private var pause = FollowedObjects.firstPause
    private var onChange: ((_ key: ObjectKey, _ old: Value?, _ new: Value?) -> Void)?
    private var onSynced: (() -> Void)?
    var onRevision: ((Revision) -> Void)?
    var onDisconnect: (() -> Void)?
    /// The last event of the watch that runs, for the check that none comes out of order.
    private var lastEvent = Revision.zero

    init(_ api: any SimulatedAPI, _ list: ListRequest) {
        self.api = api
        self.list = list
    }

    func start(onChange: @escaping (_ key: ObjectKey, _ old: Value?, _ new: Value?) -> Void, onSynced: @escaping () -> Void = {}) {
        self.onChange = onChange
        self.onSynced = onSynced
        api.world.host.caches.append(CacheUnderCheck(objects: self, life: api.life))
        connect(from: nil)
    }

    /// Ends it; the objects stay as they are.
    func stop() {
        generation += 1
        onChange = nil
        onSynced = nil
        api.world.host.caches.removeAll { $0.objects === self }
    }

    subscript(key: ObjectKey) -> Value? { objects[key] }
    var keys: [ObjectKey] { objects.keys.sorted() }
    var all: [Value] { keys.compactMap { objects[$0] } }

    private func connect(from: Revision?) {
        generation += 1
        let mine = generation
        listed = from == nil ? [] : nil
        lastEvent = from ?? .zero
        api.watch(list, from: from) { [self] signal in
            if mine == generation { receive(signal) }
        }
    }

    private func receive(_ signal: WatchSignal) {
        switch signal {
        case .event(let event):
            isConnected = true
            pause = Self.firstPause
            if listed == nil { checkOrder(event) }
            apply(event)
        case .synced(let revision):
            isConnected = true
            pause = Self.firstPause
            lastEvent = revision
            finishListing(revision)
        case .ended(let error):
            generation += 1
            let isStale = api.world.isPlanted(.staleWatchAfterRestart) && isSynced
            let resumes = isStale || error == nil && listed == nil && isSynced
            let from = resumes ? revision : nil
            if !resumes {
                isConnected = false
                onDisconnect?()
            }
            let wait = api.world.length(pause / 2...pause)
            pause = min(pause * 2, Self.longestPause)
            api.world.schedule(after: wait, for: api.life) { [self] in connect(from: from) }
        }
    }

    private func checkOrder(_ event: WatchEvent) {
        if event.revision < lastEvent || event.revision == lastEvent && event.kind != .bookmark {
            api.world.violate(
                "watches are ordered", "\(api.life.name) was told of \(list.type.plural) at \(event.revision) after \(lastEvent)")
        }
        // A bookmark says that all up to it was told.
        let before = event.kind == .bookmark ? Revision(event.revision.number + 1) : event.revision
        if let missed = api.world.published.missed(by: list, after: lastEvent, before: before) {
            api.world.violate(
                "watches have no gaps",
                "\(api.life.name) was told of \(list.type.plural) at \(event.revision) after \(lastEvent), and not of \(missed.key) at \(missed.revision)"
            )
        }
        lastEvent = event.revision
    }

    private func apply(_ event: WatchEvent) {
        if event.kind != .bookmark {
            let metadata = event.object["metadata"]
            let key = ObjectKey(list.type, namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "")
            if event.kind == .deleted {
                listed?.remove(key)
                if let old = objects.removeValue(forKey: key) { onChange?(key, old, nil) }
            } else {
                listed?.insert(key)
                let old = objects.updateValue(event.object, forKey: key)
                if old == nil || old != event.object { onChange?(key, old, event.object) }
            }
        }
        if listed == nil { move(to: event.revision) }
    }

    private func finishListing(_ revision: Revision) {
        if let listed {
            for key in keys where !listed.contains(key) {
                api.world.sometimes(.relistFoundLoss)
                if let old = objects.removeValue(forKey: key) { onChange?(key, old, nil) }
            }
            self.listed = nil
        }
        move(to: revision)
        if !isSynced {
            isSynced = true
            let report = onSynced
            onSynced = nil
            report?()
        }
    }

    private func move(to revision: Revision) {
        if revision == self.revision { return }
        self.revision = revision
        onRevision?(revision)
    }
}

/// A cache that a check may look into while its owner lives.
struct CacheUnderCheck {
    let objects: FollowedObjects
    let life: Life
}
