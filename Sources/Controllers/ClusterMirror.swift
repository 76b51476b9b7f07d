import APIClient
import Formats
import Linux
import Reconciling
import Resources

/// What the loops see of the cluster, with the look-ups that spare them from searching.
final class ClusterMirror {
    let pods: Shelf<ObservedPod>
    let replicaSets: Shelf<ObservedReplicaSet>
    let deployments: Shelf<ObservedDeployment>
    let services: Shelf<ObservedService>
    let slices: Shelf<ObservedSlice>
    let nodes: Shelf<ObservedNode>
    let leases: Shelf<Lease>
    let proxies: Shelf<ObservedMeta>
    let namespaces: Shelf<Value>
    let events: Shelf<Value>
    let configMaps: Shelf<ObservedMeta>
    let secrets: Shelf<ObservedMeta>
    let images: Shelf<ObservedMeta>

    private(set) var zoneOfNode: [String: String] = [:]
    private var podsByController: [String: Set<ObjectKey>] = [:]
    /// Pods without a controller, by namespace.
    private var freePods: [String: Set<ObjectKey>] = [:]
    private var podsByNode: [String: Set<ObjectKey>] = [:]
    private var setsByController: [String: Set<ObjectKey>] = [:]
    private var freeSets: [String: Set<ObjectKey>] = [:]

    init(api: any ResourceAPI) {
        pods = Shelf(.pods, api: api) { ObservedPod($0) }
        replicaSets = Shelf(.replicaSets, api: api) { ObservedReplicaSet($0) }
        deployments = Shelf(.deployments, api: api) { ObservedDeployment($0) }
        services = Shelf(.services, api: api) { ObservedService($0) }
        slices = Shelf(.endpointSlices, api: api) { ObservedSlice($0) }
        nodes = Shelf(.nodes, api: api) { ObservedNode($0) }
        leases = Shelf(.leases, api: api) { Lease($0) }
        proxies = Shelf(.proxyStatuses, api: api) { ObservedMeta($0) }
        namespaces = Shelf(.namespaces, api: api) { $0 }
        events = Shelf(.events, api: api) { $0 }
        configMaps = Shelf(.configMaps, api: api) { ObservedMeta($0) }
        secrets = Shelf(.secrets, api: api) { ObservedMeta($0) }
        images = Shelf(.images, api: api) { ObservedMeta($0) }
        // Registered first: every loop that hears of a change finds the look-ups as they are after it.
        pods.onChange { [unowned self] key, old, new in
            Self.move(key, from: old?.meta, to: new?.meta, &podsByController, &freePods)
            if old?.nodeName != new?.nodeName {
                if let node = old?.nodeName, !node.isEmpty { podsByNode.take(key, from: node) }
                if let node = new?.nodeName, !node.isEmpty { podsByNode[node, default: []].insert(key) }
            }
        }
        replicaSets.onChange { [unowned self] key, old, new in Self.move(key, from: old?.meta, to: new?.meta, &setsByController, &freeSets)
        }
        nodes.onChange { [unowned self] key, _, new in zoneOfNode[key.name] = new?.zone }
    }

    /// - Parameter onSynced: called once, when everything that was stored at the start is here.
    func start(expectations: Expectations, onSynced: @escaping () -> Void) {
        var open = 0
        func begin<View>(_ shelf: Shelf<View>) {
            open += 1
            expectations.follow(shelf.cache)
            shelf.start {
                open -= 1
                if open == 0 { onSynced() }
            }
        }
        begin(nodes)
        begin(namespaces)
        begin(deployments)
        begin(replicaSets)
        begin(services)
        begin(slices)
        begin(pods)
        begin(leases)
        begin(proxies)
        begin(events)
        begin(configMaps)
        begin(secrets)
        begin(images)
    }

    /// The pods that an owner controls, and those without a controller that its selector could adopt.
    func pods(of owner: ObservedMeta, selector: LabelSelector) -> [ObservedPod] {
        let owned = (podsByController[owner.uid] ?? []).compactMap { pods[$0] }
        let free = (freePods[owner.namespace] ?? []).compactMap { pods[$0] }.filter { selector.selects($0.meta.labels) }
        return owned + free
    }

    func podCount(ofController uid: String) -> Int {
        (podsByController[uid] ?? []).count { pods[$0].map { !$0.isFinished } ?? false }
    }

    func pods(onNode node: String) -> [ObservedPod] { (podsByNode[node] ?? []).compactMap { pods[$0] } }
    var nodesWithPods: [String] { podsByNode.keys.sorted() }

    func sets(of deployment: ObservedDeployment) -> [ObservedReplicaSet] {
        let owned = (setsByController[deployment.meta.uid] ?? []).compactMap { replicaSets[$0] }
        let free = (freeSets[deployment.meta.namespace] ?? []).compactMap { replicaSets[$0] }.filter {
            deployment.selector.selects($0.meta.labels)
        }
        return (owned + free).sorted { $0.key < $1.key }
    }

    private static func move(
        _ key: ObjectKey, from old: ObservedMeta?, to new: ObservedMeta?, _ owned: inout [String: Set<ObjectKey>],
        _ free: inout [String: Set<ObjectKey>]
    ) {
        let before = old?.controller?.uid
        let after = new?.controller?.uid
        if old != nil, new != nil, before == after { return }
        if old != nil { if let before { owned.take(key, from: before) } else { free.take(key, from: key.namespace) } }
        if new != nil { if let after { owned[after, default: []].insert(key) } else { free[key.namespace, default: []].insert(key) } }
    }
}

extension [String: Set<ObjectKey>] {
    /// Removes a member, and the set with its last one.
    mutating func take(_ member: ObjectKey, from key: String) {
        self[key]?.remove(member)
        if self[key]?.isEmpty ?? false { self[key] = nil }
    }
}
