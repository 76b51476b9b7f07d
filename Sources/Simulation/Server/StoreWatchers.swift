import Registry
import Resources

/// Who watches what, in the order in which they came.
struct StoreWatchers {
    struct Watcher {
        let list: ListRequest
        let life: Life
        let tell: (WatchSignal) -> Void
    }

    private var byKind: [String: [(id: Int, watcher: Watcher)]] = [:]
    private var nextID = 0

    mutating func add(_ watcher: Watcher) -> Int {
        nextID += 1
        byKind[watcher.list.type.plural, default: []].append((nextID, watcher))
        return nextID
    }

    mutating func remove(_ id: Int, of type: ResourceType) { byKind[type.plural]?.removeAll { $0.id == id } }

    func tell(_ event: PublishedEvent) {
        for (_, watcher) in byKind[event.type.plural] ?? [] {
            if let shown = event.watchEvent(for: watcher.list) { watcher.tell(.event(shown)) }
        }
    }

    /// Tells everybody how far the store has come.
    func bookmark(at revision: Revision) {
        for (_, watchers) in byKind.sorted(by: { $0.key < $1.key }) {
            for (_, watcher) in watchers { watcher.tell(.event(WatchEvent(.bookmark, .null, at: revision))) }
        }
    }
}
