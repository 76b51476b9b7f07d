import Formats
import Registry
import Resources

/// Who watches what. An event is looked at only by the watchers of its kind.
///
/// A class, because handlers may add and remove watchers while they are called.
final class Watchers {
    typealias ID = UInt64

    struct Watcher {
        let list: ListRequest
        let handler: (WatchSignal) -> Void
        /// False until it has been told what it missed: then it has heard everything that was published before.
        var isStarted = false
        /// The last revision of which it was told anything, for bookmarks.
        var toldThrough = Revision.zero
    }

    private var watchers: [ID: Watcher] = [:]
    /// Kind (plural) to its watchers, in the order in which they came.
    private var byKind: [String: [ID]] = [:]
    private var nextID: ID = 0

    var count: Int { watchers.count }

    func add(_ list: ListRequest, _ handler: @escaping (WatchSignal) -> Void) -> ID {
        nextID += 1
        watchers[nextID] = Watcher(list: list, handler: handler)
        byKind[list.type.plural, default: []].append(nextID)
        return nextID
    }

    func remove(_ id: ID) {
        guard let watcher = watchers.removeValue(forKey: id) else { return }
        byKind[watcher.list.type.plural]?.removeAll { $0 == id }
    }

    func isAlive(_ id: ID) -> Bool { watchers[id] != nil }

    /// From here on it hears what is published. Nil: it was cancelled meanwhile.
    func started(_ id: ID, at revision: Revision) -> Watcher? {
        watchers[id]?.isStarted = true
        watchers[id]?.toldThrough = revision
        return watchers[id]
    }

    /// Hands an event to everybody it concerns.
    func tell(_ event: PublishedEvent) {
        for id in byKind[event.type.plural] ?? [] {
            guard let watcher = watchers[id], watcher.isStarted, let shown = event.watchEvent(for: watcher.list) else { continue }
            watchers[id]?.toldThrough = event.revision
            watcher.handler(.event(shown))
        }
    }

    /// Tells those who heard nothing since that they are up to date.
    func bookmark(at revision: Revision) {
        for id in watchers.keys.sorted() {
            guard let watcher = watchers[id], watcher.isStarted, watcher.toldThrough < revision else { continue }
            watchers[id]?.toldThrough = revision
            watcher.handler(.event(Self.bookmark(of: watcher.list.type, at: revision)))
        }
    }

    static func bookmark(of type: ResourceType, at revision: Revision) -> WatchEvent {
        WatchEvent(
            .bookmark,
            [
                "kind": .string(type.kind), "apiVersion": .string(type.apiVersion),
                "metadata": ["resourceVersion": .string(revision.description), "creationTimestamp": nil],
            ], at: revision)
    }

    func endAll(_ error: StatusError?) {
        let all = watchers.keys.sorted().compactMap { watchers[$0]?.handler }
        watchers = [:]
        byKind = [:]
        for handler in all { handler(.ended(error)) }
    }
}
