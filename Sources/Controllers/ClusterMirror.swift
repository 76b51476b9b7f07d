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
    let proxies: Shelf<ObservedProxy>
    let namespaces: Shelf<Value>
    let events: Shelf<Value>
    let configMaps: Shelf<ObservedConfigMap>
    let secrets: Shelf<ObservedMeta>
    let images: Shelf<ObservedMeta>
    let budgets: Shelf<ObservedBudget>
    let policies: Shelf<ObservedPolicy>

    private(set) var zoneOfNode: [String: String] = [:]
    private var podsByController: Index<ObservedPod> = [:]
    /// Pods without a controller, by namespace.
    private var freePods: Index<ObservedPod> = [:]
    private var podsByNode: Index<ObservedPod> = [:]
    private var setsByController: Index<ObservedReplicaSet> = [:]
    private var freeSets: Index<ObservedReplicaSet> = [:]

    /// The views that belong to a name, with themselves: reading a thousand of them looks nothing up.
    typealias Index<View> = [String: [ObjectKey: View]]

    init(api: any ResourceAPI) {
        pods = Shelf(.pods, api: api) { ObservedPod($0) }
        replicaSets = Shelf(.replicaSets, api: api) { ObservedReplicaSet($0) }
        deployments = Shelf(.deployments, api: api) { ObservedDeployment($0) }
        services = Shelf(.services, api: api) { ObservedService($0) }
        slices = Shelf(.endpointSlices, api: api) { ObservedSlice($0) }
        nodes = Shelf(.nodes, api: api) { ObservedNode($0) }
        leases = Shelf(.leases, api: api) { Lease($0) }
        proxies = Shelf(.proxyStatuses, api: api) { ObservedProxy($0) }
        namespaces = Shelf(.namespaces, api: api) { $0 }
        events = Shelf(.events, api: api) { $0 }
        configMaps = Shelf(.configMaps, api: api) { ObservedConfigMap($0) }
        secrets = Shelf(.secrets, api: api) { ObservedMeta($0) }
        images = Shelf(.images, api: api) { ObservedMeta($0) }
        budgets = Shelf(.disruptionBudgets, api: api) { ObservedBudget($0) }
        policies = Shelf(.trafficPolicies, api: api) { ObservedPolicy($0) }
        // Registered first: every loop that hears of a change finds the look-ups as they are after it.
        pods.onChange { [unowned self] key, old, new in
            Self.move(key, from: old?.meta, to: new?.meta, new, &podsByController, &freePods)
            if let node = old?.nodeName, node != new?.nodeName { podsByNode.take(key, from: node) }
            if let new, !new.nodeName.isEmpty { podsByNode[new.nodeName, default: [:]][key] = new }
        }
        replicaSets.onChange { [unowned self] key, old, new in
            Self.move(key, from: old?.meta, to: new?.meta, new, &setsByController, &freeSets)
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
        begin(budgets)
        begin(policies)
    }

    /// The pods that an owner controls, and those without a controller that its selector could adopt.
    func pods(of owner: ObservedMeta, selector: LabelSelector) -> [ObservedPod] {
        let owned = podsByController[owner.uid].map { Array($0.values) } ?? []
        guard let free = freePods[owner.namespace] else { return owned }
        return owned + free.values.filter { selector.selects($0.meta.labels) }
    }

    /// Those that have not finished, stopping ones included.
    func podCount(ofController uid: String) -> Int { podsByController[uid]?.values.count { !$0.isFinished } ?? 0 }

    func pods(onNode node: String) -> [ObservedPod] { podsByNode[node].map { Array($0.values) } ?? [] }
    var nodesWithPods: [String] { podsByNode.keys.sorted() }

    /// The sets that a Deployment controls, and those without a controller that it could adopt.
    func sets(of deployment: ObservedDeployment) -> [ObservedReplicaSet] {
        let owned = setsByController[deployment.meta.uid].map { Array($0.values) } ?? []
        let free = freeSets[deployment.meta.namespace]?.values.filter { deployment.selector.selects($0.meta.labels) } ?? []
        return (owned + free).sorted { $0.key < $1.key }
    }

    private static func move<View>(
        _ key: ObjectKey, from old: ObservedMeta?, to new: ObservedMeta?, _ view: View?, _ owned: inout Index<View>,
        _ free: inout Index<View>
    ) {
        let after = new?.controller?.uid
        if let old {
            if let before = old.controller?.uid {
                if before != after { owned.take(key, from: before) }
            } else if new == nil || after != nil {
                free.take(key, from: key.namespace)
            }
        }
        guard let view else { return }
        if let after { owned[after, default: [:]][key] = view } else { free[key.namespace, default: [:]][key] = view }
    }
}

extension Dictionary {
    /// Removes a member, and the entry with its last one.
    mutating func take<View>(_ member: ObjectKey, from key: Key) where Value == [ObjectKey: View] {
        self[key]?[member] = nil
        if self[key]?.isEmpty ?? false { self[key] = nil }
    }

    /// Removes a member, and the set with its last one.
    mutating func take(_ member: ObjectKey, from key: Key) where Value == Set<ObjectKey> {
        self[key]?.remove(member)
        if self[key]?.isEmpty ?? false { self[key] = nil }
    }
}
