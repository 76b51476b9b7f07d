import APIClient
import Formats
import Linux
import Reconciling
import Resources

/// Collects what lost its owners.
final class CollectionLoop {
    private let api: any ResourceAPI
    private let writing: Writing
    private var metas: [ObjectKey: ObservedMeta] = [:]
    /// Objects by the uid of each of their owners.
    private var dependents: [String: Set<ObjectKey>] = [:]
    private var uids: [String: ObjectKey] = [:]
    private var types: Set<ResourceType> = []
    private(set) lazy var queue = PassQueue<ObjectKey>(loop: api.loop) { [unowned self] key, done in pass(key, done) }

    init(api: any ResourceAPI, mirror: ClusterMirror, writing: Writing) {
        self.api = api
        self.writing = writing
        follow(mirror.pods, \.meta)
        follow(mirror.replicaSets, \.meta)
        follow(mirror.deployments, \.meta)
        follow(mirror.services, \.meta)
        follow(mirror.slices, \.meta)
        follow(mirror.nodes, \.meta)
        follow(mirror.configMaps, \.meta)
        follow(mirror.secrets, \.self)
        follow(mirror.images, \.self)
    }

    private func follow<View>(_ shelf: Shelf<View>, _ path: KeyPath<View, ObservedMeta>) {
        types.insert(shelf.type)
        shelf.onChange { [unowned self] key, old, new in changed(key, old?[keyPath: path], new?[keyPath: path]) }
    }

    private func changed(_ key: ObjectKey, _ old: ObservedMeta?, _ new: ObservedMeta?) {
        if let old, new?.uid != old.uid {
            uids[old.uid] = nil
            for dependent in dependents[old.uid] ?? [] { queue.mark(dependent) }
        }
        metas[key] = new
        if let new { uids[new.uid] = key }
        if old?.owners != new?.owners {
            for owner in old?.owners ?? [] {
                dependents.take(key, from: owner.uid)
                // An owner in the foreground waits for its dependents.
                if let above = uids[owner.uid], metas[above]?.isDeleting ?? false { queue.mark(above) }
            }
            for owner in new?.owners ?? [] { dependents[owner.uid, default: []].insert(key) }
            if let new, !new.owners.isEmpty { queue.mark(key) }
        }
        if let new, new.isDeleting, !(old?.isDeleting ?? false) || old?.finalizers != new.finalizers {
            if !new.finalizers.isEmpty { queue.mark(key) }
            // Its dependents have to go now when it waits for them.
            if new.finalizers.contains(CollectionPlan.foreground) { for dependent in dependents[new.uid] ?? [] { queue.mark(dependent) } }
        }
    }

    private func pass(_ key: ObjectKey, _ done: @escaping (Writing.Outcome) -> Void) {
        guard let meta = metas[key] else {
            queue.forget(key)
            return done(.init())
        }
        verify(meta) { [self] states in
            let below = (dependents[meta.uid] ?? []).compactMap { key in metas[key].map { (key: key, meta: $0) } }
            let plan = CollectionPlan.plan(.init(key: key, meta: meta, owners: states, dependents: below))
            writing.perform(plan.changes, component: "garbage-collector-controller", done)
        }
    }

    /// What became of the owners. One that is not in the caches is asked for: its cache may be behind that of its dependent.
    private func verify(_ meta: ObservedMeta, _ done: @escaping ([CollectionPlan.OwnerState]) -> Void) {
        var states = [CollectionPlan.OwnerState](repeating: .living, count: meta.owners.count)
        var open = 1
        func finish() {
            open -= 1
            if open == 0 { done(states) }
        }
        for (index, owner) in meta.owners.enumerated() {
            guard let type = ResourceType.of(apiVersion: owner.apiVersion, kind: owner.kind), types.contains(type) else { continue }
            let key = ObjectKey(type, namespace: meta.namespace, name: owner.name)
            if let known = metas[key], known.uid == owner.uid {
                if known.isDeleting, known.finalizers.contains(CollectionPlan.foreground) { states[index] = .waiting }
                continue
            }
            open += 1
            api.perform(.get(key)) { result in
                switch result {
                case .success(let reply): if reply.object["metadata"]["uid"].string != owner.uid { states[index] = .absent }
                case .failure(let error): if error.reason == "NotFound" { states[index] = .absent }
                }
                finish()
            }
        }
        finish()
    }
}
