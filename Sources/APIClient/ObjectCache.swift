import Formats
import Linux
import Resources
import Timing

/// The objects that match a list, kept up to date by one watch.
///
/// When the watch ends in good order it goes on from the last revision. After any failure (`Expired`, or the connection is gone) it lists
/// anew: a server that was restarted has forgotten what it keeps in memory only, and its revisions need not go on where we were. What
/// vanished meanwhile is reported as deleted when the new listing is complete; until then the old state stays.
///
/// Once started it lives until `stop`, whoever holds it.
package final class ObjectCache {
    private let api: any ResourceAPI
    package let list: ListRequest
    private var objects: [ObjectKey: Value] = [:]
    /// While a listing arrives: what it had so far.
    private var listed: Set<ObjectKey>?
    private var watch: Cancellation?
    private var retry: EventLoop.Timer?
    private var delay = ReconnectDelay()
    /// Counts watches: signals of an earlier one are not ours any more.
    private var generation = 0
    private var onChange: ((_ key: ObjectKey, _ old: Value?, _ new: Value?) -> Void)?
    private var onSynced: (() -> Void)?

    /// Whether a listing has been complete. Stays true while the watch is lost.
    package private(set) var isSynced = false
    /// The server has been heard since the watch was last lost. Stays true between a watch that ended in good order and the next.
    package private(set) var isConnected = false
    /// Every change up to this revision has been reported. It may go back when the server was restarted.
    package private(set) var revision = Revision.zero
    /// Called AFTER the changes of a revision have been reported and `revision` has moved.
    package var onRevision: ((Revision) -> Void)?
    /// Called when the watch was lost, with the reason; it is tried again by itself.
    package var onDisconnect: ((StatusError?) -> Void)?

    package init(api: any ResourceAPI, list: ListRequest) {
        self.api = api
        self.list = list
    }

    /// `onSynced` is called once, when the first listing is complete. Both are called on the loop. Old is nil for a new object, new is nil for one
    /// that is gone.
    package func start(
        onChange: @escaping (_ key: ObjectKey, _ old: Value?, _ new: Value?) -> Void, onSynced: @escaping () -> Void = {}
    ) {
        self.onChange = onChange
        self.onSynced = onSynced
        connect(from: nil)
    }

    /// Ends the watch; the objects stay as they are.
    package func stop() {
        generation += 1
        watch?.cancel()
        watch = nil
        retry?.cancel()
        retry = nil
        onChange = nil
        onSynced = nil
    }

    package subscript(key: ObjectKey) -> Value? { objects[key] }
    package subscript(namespace: String, name: String) -> Value? { objects[ObjectKey(list.type, namespace: namespace, name: name)] }
    package var count: Int { objects.count }
    /// Sorted by namespace and name. Cost: a sort.
    package var keys: [ObjectKey] { objects.keys.sorted() }
    /// Sorted by namespace and name. Cost: a sort.
    package var all: [Value] { keys.map { objects[$0]! } }

    private func connect(from: Revision?) {
        generation += 1
        let mine = generation
        listed = from == nil ? [] : nil
        watch = api.watch(list, from: from) { [self] signal in
            guard mine == generation else { return }
            receive(signal)
        }
    }

    private func receive(_ signal: WatchSignal) {
        switch signal {
        case .event(let event):
            isConnected = true
            delay.reset()
            apply(event)
        case .synced(let revision):
            isConnected = true
            delay.reset()
            finishListing(revision)
        case .ended(let error):
            generation += 1
            watch = nil
            let resumes = error == nil && listed == nil && isSynced
            let from = resumes ? revision : nil
            if !resumes {
                isConnected = false
                onDisconnect?(error)
            }
            var random = SystemRandomNumberGenerator()
            retry = api.loop.schedule(after: delay.next(using: &random)) { [self] in connect(from: from) }
        }
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
                // A new listing repeats what has not changed.
                if old == nil || old != event.object { onChange?(key, old, event.object) }
            }
        }
        if listed == nil { move(to: event.revision) }
    }

    private func finishListing(_ revision: Revision) {
        if let listed {
            for key in objects.keys.sorted() where !listed.contains(key) {
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
