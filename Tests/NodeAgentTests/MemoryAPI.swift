import APIClient
import Formats
import Linux
import Resources
import Timing

@testable import NodeAgent

/// A server of a few lines: keeps objects, applies patches, tells watchers.
final class MemoryAPI: ResourceAPI {
    let loop: EventLoop
    private(set) var objects: [ObjectKey: Value] = [:]
    private var revision: UInt64 = 1
    private var watchers: [Int: (ListRequest, (WatchSignal) -> Void)] = [:]
    private var nextWatcher = 0
    private(set) var writes: [String] = []
    /// Whatever was sent to anybody, by a watch or an answer.
    private(set) var sent: Set<ObjectKey> = []
    /// What it says to who asks for a restart: by itself it knows no such question.
    var leave: (ObjectKey) -> Result<Reply, StatusError> = { .failure(.notFound($0)) }
    /// Refuses everything, as a server that is away.
    var isAway = false
    /// A deletion leaves what has finalizers, as the server does.
    var keepsFinalized = false

    init(loop: EventLoop) { self.loop = loop }

    /// What is watched of a kind: the selectors of fields, one for each watch.
    func watched(_ type: ResourceType) -> [String] {
        watchers.values.map(\.0).filter { $0.type == type }.map(\.fieldSelector.query).sorted()
    }

    subscript(key: ObjectKey) -> Value { objects[key] ?? .null }

    func put(_ object: Value, _ type: ResourceType) {
        let key = ObjectKey(type, namespace: object["metadata"]["namespace"].string ?? "", name: object["metadata"]["name"].string ?? "")
        store(key, object)
    }

    private func store(_ key: ObjectKey, _ object: Value) {
        revision += 1
        var object = object
        object["metadata"]["resourceVersion"] = .string("\(revision)")
        let old = objects.updateValue(object, forKey: key)
        publish(WatchEvent(old == nil ? .added : .modified, object, at: Revision(revision)), key)
    }

    func remove(_ key: ObjectKey) {
        revision += 1
        guard let old = objects.removeValue(forKey: key) else { return }
        publish(WatchEvent(.deleted, old, at: Revision(revision)), key)
    }

    private func publish(_ event: WatchEvent, _ key: ObjectKey) {
        for (list, send) in watchers.sorted(by: { $0.key < $1.key }).map(\.value) where matches(list, key, event.object) {
            sent.insert(key)
            loop.later { send(.event(event)) }
        }
    }

    private func matches(_ list: ListRequest, _ key: ObjectKey, _ object: Value) -> Bool {
        key.type == list.type && (list.namespace == nil || list.namespace == key.namespace) && list.fieldSelector.matches(object)
    }

    func perform(_ request: Request, _ done: @escaping (Result<Reply, StatusError>) -> Void) {
        let result = isAway ? .failure(.unavailable("away")) : answer(request)
        loop.later { done(result) }
    }

    private func answer(_ request: Request) -> Result<Reply, StatusError> {
        switch request {
        case .get(let key, _):
            if objects[key] != nil { sent.insert(key) }
            return objects[key].map { .success(Reply(.object($0))) } ?? .failure(.notFound(key))
        case .list(let list):
            let items = objects.filter { matches(list, $0.key, $0.value) }.sorted { $0.key < $1.key }.map(\.value)
            return .success(Reply(.list(type: list.type, items: items, revision: Revision(revision))))
        case .create(let object, let type, let namespace, _):
            let key = ObjectKey(type, namespace: namespace, name: object["metadata"]["name"].string ?? "")
            if objects[key] != nil { return .failure(.alreadyExists(key)) }
            var object = object
            object["metadata"]["namespace"] = namespace.isEmpty ? .null : .string(namespace)
            if type == .nodes { object["spec"]["podCIDR"] = "127.99.0.0/24" }
            writes.append("create \(key.type.plural)")
            store(key, object)
            return .success(Reply(.object(self[key]), isCreated: true))
        case .update(let key, let object, _, _):
            writes.append("update \(key.type.plural)")
            store(key, object)
            return .success(Reply(.object(self[key])))
        case .patch(let key, let patch, let subresource, _):
            guard let old = objects[key] else { return .failure(.notFound(key)) }
            writes.append("patch \(key.type.plural)\(subresource == .status ? "/status" : "")")
            switch patch {
            case .merge(let change): store(key, MergePatch.apply(change, to: old))
            case .strategic(let change):
                guard let new = try? StrategicMerge.apply(change, to: old, keys: Schema.mergeKeys(key.type)) else {
                    return .failure(.badRequest("patch"))
                }
                store(key, new)
            case .json: return .failure(.badRequest("not here"))
            }
            return .success(Reply(.object(self[key])))
        case .delete(let key, let options):
            guard let old = objects[key] else { return .failure(.notFound(key)) }
            if let uid = options.preconditionUID, old["metadata"]["uid"].string != uid { return .failure(.conflict(key, "uid")) }
            if keepsFinalized, !old["metadata"]["finalizers"].elements.isEmpty { return .success(Reply(.status(old))) }
            remove(key)
            return .success(Reply(.status(old)))
        case .restart(let key, _): return leave(key)
        case .deleteCollection, .evict: return .failure(.badRequest("not here"))
        }
    }

    func watch(_ list: ListRequest, from: Revision?, _ onEvent: @escaping (WatchSignal) -> Void) -> Cancellation {
        let key = nextWatcher
        nextWatcher += 1
        loop.later { [self] in
            let found = objects.filter { matches(list, $0.key, $0.value) }.sorted { $0.key < $1.key }
            sent.formUnion(found.map(\.key))
            let initial = found.map(\.value)
            let at = Revision(revision)
            for object in initial { onEvent(.event(WatchEvent(.added, object, at: at))) }
            onEvent(.synced(at))
            watchers[key] = (list, onEvent)
        }
        return Cancellation { [weak self] in self?.watchers[key] = nil }
    }
}
