import APIClient
import Formats
import Linux
import Resources
import Timing

/// The ConfigMaps and Secrets that pods of this node name, and no others: a Secret is not even sent to a node where no pod names it.
///
/// Each is followed by a watch of its own for as long as a pod names it. Beyond `watchLimit` they are read when a pod comes, and again every
/// `readPeriod`: a watch is a connection, and a manifest may name thousands.
final class NamedObjects {
    /// So many are followed by watches.
    static let watchLimit = 256
    /// How often the others are read again. As long as Kubernetes' agent takes at most to notice a change where it does not watch.
    static let readPeriod = Duration.seconds(60)

    private let api: any ResourceAPI
    private let watchLimit: Int
    private let readPeriod: Duration
    private var entries: [ObjectKey: Entry] = [:]
    private var watchCount = 0
    /// What each pod names, by its uid.
    private var names: [String: [ObjectKey]] = [:]
    private var waiting: [Waiting] = []
    /// An object has come, changed or gone.
    var onChange: (ObjectKey) -> Void = { _ in }

    /// One object that is named.
    private final class Entry {
        var userCount = 0
        /// Whether the server has said what it is, or that it is not.
        var isKnown = false
        var value: Value?
        /// Nil: it is read from time to time.
        var cache: ObjectCache?
        var timer: EventLoop.Timer?
    }
    private struct Waiting {
        var keys: [ObjectKey]
        var done: () -> Void
    }

    init(api: any ResourceAPI, watchLimit: Int = NamedObjects.watchLimit, readPeriod: Duration = NamedObjects.readPeriod) {
        self.api = api
        self.watchLimit = watchLimit
        self.readPeriod = readPeriod
    }

    subscript(key: ObjectKey) -> Value? { entries[key]?.value }
    var count: Int { entries.count }

    /// Whether everything that the pod names is known; what is missing is then missing indeed.
    func isKnown(to pod: String) -> Bool { names[pod]?.allSatisfy { entries[$0]?.isKnown ?? false } ?? true }

    /// Follows what a pod names, until `release`.
    func follow(_ pod: Pod) {
        guard names[pod.meta.uid] == nil else { return }
        let keys = pod.references
        names[pod.meta.uid] = keys
        for key in keys {
            let entry = entries[key] ?? begin(key)
            entry.userCount += 1
        }
    }

    /// Calls back once when everything that these pods name is known: at once, if it is.
    func whenKnown(to pods: [String], _ done: @escaping () -> Void) {
        let left = pods.flatMap { names[$0] ?? [] }.filter { !(entries[$0]?.isKnown ?? true) }
        if left.isEmpty { done() } else { waiting.append(Waiting(keys: left, done: done)) }
    }

    /// The pod is gone: what nobody else names is forgotten.
    func release(_ pod: String) {
        for key in names.removeValue(forKey: pod) ?? [] {
            guard let entry = entries[key] else { continue }
            entry.userCount -= 1
            if entry.userCount == 0 { end(key, entry) }
        }
        answer()
    }

    /// The pods that are not among these never came to be here.
    func release(except pods: Set<String>) {
        for pod in names.keys.sorted() where !pods.contains(pod) { release(pod) }
    }

    func stop() {
        waiting = []
        for key in entries.keys.sorted() { if let entry = entries[key] { end(key, entry) } }
    }

    private func begin(_ key: ObjectKey) -> Entry {
        let entry = Entry()
        entries[key] = entry
        guard watchCount < watchLimit else {
            read(key, entry)
            return entry
        }
        watchCount += 1
        let only = FieldSelector([.init(["metadata", "name"], key.name)])
        let cache = ObjectCache(api: api, list: ListRequest(key.type, namespace: key.namespace, fieldSelector: only))
        entry.cache = cache
        cache.start(
            onChange: { [weak self, weak entry] found, _, new in
                guard let entry, found == key else { return }
                entry.value = new
                // The first state of an object that a pod waits for is told by `whenKnown`.
                if entry.isKnown { self?.onChange(key) }
            },
            onSynced: { [weak self, weak entry] in self?.learned(entry) })
        return entry
    }

    private func end(_ key: ObjectKey, _ entry: Entry) {
        entries[key] = nil
        entry.timer?.cancel()
        guard let cache = entry.cache else { return }
        cache.stop()
        watchCount -= 1
    }

    private func learned(_ entry: Entry?) {
        guard let entry, !entry.isKnown else { return }
        entry.isKnown = true
        answer()
    }

    private func answer() {
        let ready = waiting.filter { $0.keys.allSatisfy { entries[$0]?.isKnown ?? true } }
        guard !ready.isEmpty else { return }
        waiting.removeAll { $0.keys.allSatisfy { entries[$0]?.isKnown ?? true } }
        for one in ready { one.done() }
    }

    private func read(_ key: ObjectKey, _ entry: Entry) {
        api.perform(.get(key)) { [weak self, weak entry] result in
            guard let self, let entry, entries[key] === entry else { return }
            switch result {
            case .success(let reply): take(reply.object, key, entry)
            case .failure(let error) where error.code == 404: take(nil, key, entry)
            case .failure: break
            }
            let delay = entry.isKnown ? readPeriod : min(readPeriod, Self.retryDelay)
            entry.timer = api.loop.schedule(after: delay) { [weak self, weak entry] in
                if let self, let entry { read(key, entry) }
            }
        }
    }
    /// How long after a failure an object is asked for again that a pod waits for.
    private static let retryDelay = Duration.seconds(1)

    private func take(_ value: Value?, _ key: ObjectKey, _ entry: Entry) {
        let isChanged = entry.value != value
        entry.value = value
        if entry.isKnown, isChanged { onChange(key) }
        learned(entry)
    }
}
