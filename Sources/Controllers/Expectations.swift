import APIClient
import Formats
import Linux
import Resources

/// Knows when the caches show what was written: until then a plan would decide from a world without its own deeds.
final class Expectations {
    /// A write that its cache has not shown after this long is waited for no longer; the plan looks again and decides from what it sees.
    static let patience: Duration = .seconds(5)

    /// What one pass has written to one kind.
    struct Writes {
        var revision = Revision.zero
        /// Deleted objects, by uid: seen when they are gone, replaced, or marked.
        var deleted: [(key: ObjectKey, uid: String)] = []
    }

    private final class Wait {
        var writes: Writes
        var done: (() -> Void)?
        var timer: EventLoop.Timer?
        init(_ writes: Writes, _ done: @escaping () -> Void) {
            self.writes = writes
            self.done = done
        }
    }

    private let loop: EventLoop
    private var caches: [ResourceType: ObjectCache] = [:]
    private var waits: [ResourceType: [Wait]] = [:]
    private var listeners: [ResourceType: (Revision) -> Void] = [:]

    init(loop: EventLoop) { self.loop = loop }

    func follow(_ cache: ObjectCache) {
        let type = cache.list.type
        caches[type] = cache
        cache.onRevision = { [unowned self] revision in
            listeners[type]?(revision)
            check(type)
        }
    }

    /// Tells when a kind's cache has moved, BEFORE those who wait for it go on. One listener a kind.
    func onRevision(of type: ResourceType, _ listener: @escaping (Revision) -> Void) { listeners[type] = listener }

    /// Calls `done` when the kind's cache shows the writes; at once when it does already, or when the kind is not watched.
    func wait(for writes: Writes, of type: ResourceType, _ done: @escaping () -> Void) {
        guard caches[type] != nil else { return done() }
        let wait = Wait(writes, done)
        if isSeen(wait, type) { return done() }
        wait.timer = loop.schedule(after: Self.patience) { [unowned self] in finish(wait, type) }
        waits[type, default: []].append(wait)
    }

    private func check(_ type: ResourceType) {
        guard let waiting = waits[type], !waiting.isEmpty else { return }
        for wait in waiting where isSeen(wait, type) { finish(wait, type) }
    }

    private func finish(_ wait: Wait, _ type: ResourceType) {
        guard let done = wait.done else { return }
        wait.done = nil
        wait.timer?.cancel()
        waits[type]?.removeAll { $0 === wait }
        done()
    }

    /// Cheap to ask again: deletions that were seen are not looked at twice.
    private func isSeen(_ wait: Wait, _ type: ResourceType) -> Bool {
        guard let cache = caches[type], cache.revision >= wait.writes.revision else { return false }
        while let (key, uid) = wait.writes.deleted.last {
            if let metadata = cache[key]?["metadata"], metadata["uid"].string == uid, metadata["deletionTimestamp"].isNull { return false }
            wait.writes.deleted.removeLast()
        }
        return true
    }
}
