import APIClient
import Formats
import Resources
import Traffic

/// Follows the ConfigMaps that policies take bodies of responses from: each by itself, for as long as a policy names it, so that a proxy reads no others.
final class BodyFollower {
    private let api: any ResourceAPI
    private var caches: [RouteTable.ServiceName: ObjectCache] = [:]
    /// The ConfigMap as it is now; nil: it is gone, or nobody asks for it any more.
    var onChange: (RouteTable.ServiceName, Value?) -> Void = { _, _ in }

    init(api: any ResourceAPI) { self.api = api }

    /// Follows these and no others.
    func follow(_ wanted: Set<RouteTable.ServiceName>) {
        for name in caches.keys.sorted() where !wanted.contains(name) {
            caches.removeValue(forKey: name)?.stop()
            onChange(name, nil)
        }
        for name in wanted.sorted() where caches[name] == nil {
            let only = FieldSelector([.init(["metadata", "name"], name.name)])
            let cache = ObjectCache(api: api, list: ListRequest(.configMaps, namespace: name.namespace, fieldSelector: only))
            caches[name] = cache
            cache.start(onChange: { [weak self] key, _, new in
                if key.namespace == name.namespace, key.name == name.name { self?.onChange(name, new) }
            })
        }
    }

    func stop() { for name in caches.keys.sorted() { caches.removeValue(forKey: name)?.stop() } }
}
