import APIClient
import Formats
import Linux
import Reconciling
import Resources

/// Empties namespaces that are being deleted.
final class NamespaceLoop {
    private let api: any ResourceAPI
    private let mirror: ClusterMirror
    private let writing: Writing
    private var deleting: Set<String> = []
    private(set) lazy var queue = PassQueue<String>(loop: api.loop) { [unowned self] name, done in pass(name, done) }
    private static let types = ResourceType.all.filter(\.isNamespaced)

    init(api: any ResourceAPI, mirror: ClusterMirror, writing: Writing) {
        self.api = api
        self.mirror = mirror
        self.writing = writing
        mirror.namespaces.onChange { [unowned self] key, _, new in
            if let new, !new["metadata"]["deletionTimestamp"].isNull {
                deleting.insert(key.name)
                queue.mark(key.name)
            } else {
                deleting.remove(key.name)
            }
        }
        watch(mirror.pods)
        watch(mirror.replicaSets)
        watch(mirror.deployments)
        watch(mirror.services)
        watch(mirror.slices)
        watch(mirror.configMaps)
        watch(mirror.secrets)
        watch(mirror.events)
        watch(mirror.leases)
    }

    /// Something that went may have been the last.
    private func watch<View>(_ shelf: Shelf<View>) {
        shelf.onChange { [unowned self] key, _, new in
            if new == nil, !deleting.isEmpty, deleting.contains(key.namespace) { queue.mark(key.namespace) }
        }
    }

    /// Asks the store itself what is left: the caches of different kinds are not at the same revision.
    private func pass(_ name: String, _ done: @escaping (Writing.Outcome) -> Void) {
        guard let namespace = mirror.namespaces[ObjectKey(.namespaces, name: name)] else {
            queue.forget(name)
            return done(.init())
        }
        var remaining: [(key: ObjectKey, meta: ObservedMeta)] = []
        var failure: StatusError?
        var open = Self.types.count
        for type in Self.types {
            api.perform(.list(ListRequest(type, namespace: name))) { [self] result in
                switch result {
                case .success(let reply):
                    for item in reply.items {
                        let meta = ObservedMeta(item)
                        remaining.append((meta.key(type), meta))
                    }
                case .failure(let error): failure = failure ?? error
                }
                open -= 1
                guard open == 0 else { return }
                if failure != nil { return done(.init(failure: failure)) }
                let plan = NamespacePlan.plan(.init(namespace: namespace, remaining: remaining), now: Clock.realtime())
                writing.perform(plan.changes, component: "namespace-controller", done)
            }
        }
    }
}
