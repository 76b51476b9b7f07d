import APIClient
import Formats
import Linux
import Resources
import Timing

/// The ConfigMaps and Secrets that pods of this node name, and no others: a Secret is not even sent to a node where no pod names it.
///
/// Each is followed by a watch of its own for as long as a pod names it. Beyond `watchLimit` they are read whenever a pod comes that names them, and
/// again every `readPeriod`: a watch is a connection, and a manifest may name thousands.
final class NamedObjects {
    /// So many are followed by watches on a node of few.
    static let watchLimit = 256
    /// So many watches have all agents of an instance together: half of the connections that the server takes.
    static let watchBudget = 2048
    /// How many watches the agent of one of so many nodes may have.
    static func watchLimit(nodeCount: Int) -> Int { min(watchLimit, watchBudget / max(1, nodeCount)) }
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
        /// Whether the server has said what it is, or that it is not, since a pod came last that names it.
        var isKnown = false
        /// Whether the server has ever said so: from then on changes are told.
        var isTold = false
        var value: Value?
        /// Nil: it is read from time to time.
        var cache: ObjectCache?
        var timer: EventLoop.Timer?
        var isReading = false
        /// A pod has come since it was asked for: the answer may be older than that pod.
        var isOutdated = false
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
            let entry = entries[key] ?? Entry()
            entries[key] = entry
            entry.userCount += 1
            if entry.cache == nil { learn(key, entry) }
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

    /// What it is now: by a watch, if there is still one to be had.
    private func learn(_ key: ObjectKey, _ entry: Entry) {
        entry.isKnown = false
        entry.timer?.cancel()
        guard watchCount < watchLimit else {
            if entry.isReading { entry.isOutdated = true } else { read(key, entry) }
            return
        }
        watchCount += 1
        let only = FieldSelector([.init(["metadata", "name"], key.name)])
        let cache = ObjectCache(api: api, list: ListRequest(key.type, namespace: key.namespace, fieldSelector: only))
        entry.cache = cache
        cache.start(
            onChange: { [weak self, weak entry] found, _, new in
                if let entry, found == key { self?.take(new, key, entry) }
            },
            onSynced: { [weak self, weak entry, weak cache] in
                guard let self, let entry, let cache else { return }
                // One that is gone since it was read is in no list.
                if cache[key] == nil { take(nil, key, entry) }
                learned(entry)
            })
    }

    private func end(_ key: ObjectKey, _ entry: Entry) {
        entries[key] = nil
        entry.timer?.cancel()
        guard let cache = entry.cache else { return }
        cache.stop()
        watchCount -= 1
    }

    private func learned(_ entry: Entry) {
        guard !entry.isKnown else { return }
        (entry.isKnown, entry.isTold) = (true, true)
        answer()
    }

    private func answer() {
        let ready = waiting.filter { $0.keys.allSatisfy { entries[$0]?.isKnown ?? true } }
        guard !ready.isEmpty else { return }
        waiting.removeAll { $0.keys.allSatisfy { entries[$0]?.isKnown ?? true } }
        for one in ready { one.done() }
    }

    private func read(_ key: ObjectKey, _ entry: Entry) {
        (entry.isReading, entry.isOutdated) = (true, false)
        api.perform(.get(key)) { [weak self, weak entry] result in
            guard let self, let entry, entries[key] === entry, entry.cache == nil else { return }
            entry.isReading = false
            if entry.isOutdated { return read(key, entry) }
            switch result {
            case .success(let reply):
                take(reply.object, key, entry)
                learned(entry)
            case .failure(let error) where error.code == 404:
                take(nil, key, entry)
                learned(entry)
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

    /// The first state of an object is told by `whenKnown` to the pods that wait for it.
    private func take(_ value: Value?, _ key: ObjectKey, _ entry: Entry) {
        guard entry.value != value else { return }
        entry.value = value
        if entry.isTold { onChange(key) }
    }
}
