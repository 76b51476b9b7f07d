import APIClient
import Formats
import Linux
import Resources

/// An API in memory: just enough registry for a proxy, with the switches that tests turn.
final class ScriptedAPI: ResourceAPI {
    let loop: EventLoop
    private(set) var objects: [ObjectKey: Value] = [:]
    private(set) var revision: UInt64 = 100
    private(set) var writes: [(verb: String, key: ObjectKey, body: Value)] = []
    /// False: every request fails as if the server were away.
    var isThere = true
    /// Nobody who creates one of these hears of it.
    var unansweredType: ResourceType?
    /// Called BEFORE something is created.
    var onCreate: (ResourceType) -> Void = { _ in }
    /// Called BEFORE something is deleted.
    var onDelete: (ObjectKey) -> Void = { _ in }
    private var watchers: [Int: (list: ListRequest, handler: (WatchSignal) -> Void)] = [:]
    private var nextWatcher = 0

    init(loop: EventLoop) { self.loop = loop }

    @discardableResult
    func put(_ type: ResourceType, _ object: Value) -> UInt64 {
        revision += 1
        var object = object
        object["apiVersion"] = .string(type.apiVersion)
        object["kind"] = .string(type.kind)
        object["metadata"]["resourceVersion"] = .string("\(revision)")
        let key = ObjectKey(type, namespace: object["metadata"]["namespace"].string ?? "", name: object["metadata"]["name"].string ?? "")
        let kind: WatchEvent.Kind = objects.updateValue(object, forKey: key) == nil ? .added : .modified
        publish(type, WatchEvent(kind, object, at: Revision(revision)))
        return revision
    }

    func delete(_ key: ObjectKey) {
        guard let object = objects.removeValue(forKey: key) else { return }
        revision += 1
        publish(key.type, WatchEvent(.deleted, object, at: Revision(revision)))
    }

    /// As a server that was killed and starts again: watches end, what lives in memory is gone.
    func restart() {
        objects = objects.filter { $0.key.type.isDurable }
        let lost = watchers.sorted { $0.key < $1.key }
        watchers = [:]
        for (_, watcher) in lost { watcher.handler(.ended(Self.away)) }
    }

    private func publish(_ type: ResourceType, _ event: WatchEvent) {
        for (_, watcher) in watchers.sorted(by: { $0.key < $1.key }) where watcher.list.type == type { watcher.handler(.event(event)) }
    }

    static let away = StatusError(code: 503, reason: "ServiceUnavailable", message: "away")

    func perform(_ request: Request, _ done: @escaping (Result<Reply, StatusError>) -> Void) {
        if case .create(_, let type, _, _) = request {
            onCreate(type)
            if type == unansweredType { return }
        }
        loop.later { [self] in done(isThere ? answer(request) : .failure(Self.away)) }
    }

    private func answer(_ request: Request) -> Result<Reply, StatusError> {
        switch request {
        case .get(let key, _):
            return objects[key].map { .success(Reply(.object($0))) } ?? .failure(.notFound(key))
        case .create(let object, let type, let namespace, _):
            let key = ObjectKey(type, namespace: namespace, name: object["metadata"]["name"].string ?? "")
            writes.append(("create", key, object))
            put(type, object)
            return .success(Reply(.object(objects[key] ?? .null), isCreated: true))
        case .update(let key, let object, _, _):
            writes.append(("update", key, object))
            guard objects[key] != nil else { return .failure(.notFound(key)) }
            put(key.type, object)
            return .success(Reply(.object(objects[key] ?? .null)))
        case .patch(let key, .merge(let patch), _, _):
            writes.append(("patch", key, patch))
            guard let object = objects[key] else { return .failure(.notFound(key)) }
            put(key.type, MergePatch.apply(patch, to: object))
            return .success(Reply(.object(objects[key] ?? .null)))
        case .delete(let key, _):
            guard let object = objects[key] else { return .failure(.notFound(key)) }
            onDelete(key)
            writes.append(("delete", key, .null))
            delete(key)
            return .success(Reply(.object(object)))
        default: return .failure(Self.away)
        }
    }

    func watch(_ list: ListRequest, from: Revision?, _ onEvent: @escaping (WatchSignal) -> Void) -> Cancellation {
        let id = nextWatcher
        nextWatcher += 1
        loop.later { [self] in
            guard isThere else { return onEvent(.ended(Self.away)) }
            watchers[id] = (list, onEvent)
            if from == nil {
                for (key, object) in objects.sorted(by: { $0.key < $1.key }) where key.type == list.type {
                    onEvent(.event(WatchEvent(.added, object, at: Revision(revision))))
                }
                onEvent(.synced(Revision(revision)))
            }
        }
        return Cancellation { [weak self] in self?.watchers[id] = nil }
    }
}
