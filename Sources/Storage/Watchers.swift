import Formats
import Registry
import Resources

/// Who watches what. An event is looked at only by the watchers of its kind; and of those who watch one node's pods, which every agent does, only by
/// those of the nodes that it concerns: a thousand agents make no pod's change dearer.
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

    /// The watchers of one kind, each list in the order in which they came.
    private struct Audience {
        var all: [ID] = []
        /// Pods only: those who watch one node's, by its name.
        var byNode: [String: [ID]] = [:]
    }

    private var watchers: [ID: Watcher] = [:]
    /// By the kind's plural.
    private var byKind: [String: Audience] = [:]
    private var nextID: ID = 0

    var count: Int { watchers.count }

    func add(_ list: ListRequest, _ handler: @escaping (WatchSignal) -> Void) -> ID {
        nextID += 1
        watchers[nextID] = Watcher(list: list, handler: handler)
        if let node = list.watchedNode {
            byKind[list.type.plural, default: Audience()].byNode[node, default: []].append(nextID)
        } else {
            byKind[list.type.plural, default: Audience()].all.append(nextID)
        }
        return nextID
    }

    func remove(_ id: ID) {
        guard let watcher = watchers.removeValue(forKey: id) else { return }
        let kind = watcher.list.type.plural
        if let node = watcher.list.watchedNode {
            byKind[kind]?.byNode[node]?.removeAll { $0 == id }
            if byKind[kind]?.byNode[node]?.isEmpty == true { byKind[kind]?.byNode[node] = nil }
        } else {
            byKind[kind]?.all.removeAll { $0 == id }
        }
    }

    /// Whom an event may concern, in the order in which they came.
    private func audience(of event: PublishedEvent) -> [ID] {
        guard let audience = byKind[event.type.plural] else { return [] }
        if audience.byNode.isEmpty { return audience.all }
        let node = event.object["spec"]["nodeName"].string ?? ""
        var ids = audience.byNode[node] ?? []
        if let before = event.previous?["spec"]["nodeName"].string, before != node { ids += audience.byNode[before] ?? [] }
        return ids.isEmpty ? audience.all : (ids + audience.all).sorted()
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
        for id in audience(of: event) {
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

extension ListRequest {
    /// The one node whose pods are asked for; nil where it may be any.
    fileprivate var watchedNode: String? {
        guard type.plural == ResourceType.pods.plural else { return nil }
        return fieldSelector.terms.first { $0.isEqual && $0.path == ["spec", "nodeName"] && !$0.value.isEmpty }?.value
    }
}
