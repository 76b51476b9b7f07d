import Formats
import Reconciling
import Resources
import Timing

/// All controllers and the scheduler over one mirror of the store, in the server's process: the real plans, with the smallest possible loops.
final class ControlPlane {
    unowned let world: World
    let life: Life
    let store: SimulatedStore
    private(set) var isOpen = false

    private(set) var pods: [ObjectKey: ObservedPod] = [:]
    private(set) var sets: [ObjectKey: ObservedReplicaSet] = [:]
    private(set) var deployments: [ObjectKey: ObservedDeployment] = [:]
    private(set) var services: [ObjectKey: ObservedService] = [:]
    private(set) var slices: [ObjectKey: ObservedSlice] = [:]
    private(set) var nodes: [ObjectKey: ObservedNode] = [:]
    private(set) var policies: [ObjectKey: TrafficPolicy] = [:]
    private(set) var budgets: [ObjectKey: ObservedBudget] = [:]
    private(set) var leases: [ObjectKey: Lease] = [:]
    private(set) var zoneOfNode: [String: String] = [:]

    private var caches: [ResourceType: FollowedObjects] = [:]
    private var waits: [(written: [ResourceType: Revision], done: () -> Void)] = []
    private var unsynced = 0
    private(set) lazy var rollouts = Rollouts(self)
    private(set) lazy var endpoints = EndpointCare(self)
    private(set) lazy var scheduling = PodPlacing(self)
    private(set) lazy var nodeCare = NodeCare(self)
    private(set) lazy var disruptions = DisruptionCare(self)
    private(set) lazy var secondScheduler = PodPlacing(self, isSecond: true)

    init(world: World, life: Life, store: SimulatedStore) {
        self.world = world
        self.life = life
        self.store = store
    }

    func start() {
        follow(.nodes) { [unowned self] key, old, new in
            nodes[key] = new.map { ObservedNode($0) }
            zoneOfNode[key.name] = nodes[key]?.zone
            scheduling.nodeChanged(key, new)
            if world.isPlanted(.twoSchedulers) { secondScheduler.nodeChanged(key, new) }
            nodeCare.nodeChanged(key)
            if old == nil || new == nil { endpoints.zonesChanged() }
        }
        follow(.deployments) { [unowned self] key, _, new in
            let old = deployments[key]
            deployments[key] = new.map { ObservedDeployment($0) }
            if old?.replicas != deployments[key]?.replicas { disruptions.sizeChanged(in: key.namespace) }
            rollouts.deployments.mark(key)
        }
        follow(.replicaSets) { [unowned self] key, _, new in
            let old = sets[key]
            sets[key] = new.map { ObservedReplicaSet($0) }
            rollouts.setChanged(key, old, sets[key])
        }
        follow(.services) { [unowned self] key, _, new in
            services[key] = new.map { ObservedService($0) }
            endpoints.serviceChanged(key)
        }
        follow(.trafficPolicies) { [unowned self] key, _, new in
            let old = policies[key]
            policies[key] = new.map { TrafficPolicy($0) }
            endpoints.policyChanged(key, old, policies[key])
        }
        follow(.endpointSlices) { [unowned self] key, _, new in
            let old = slices[key]
            slices[key] = new.map { ObservedSlice($0) }
            endpoints.sliceChanged(key, old, slices[key])
        }
        follow(.pods) { [unowned self] key, _, new in
            let old = pods[key]
            pods[key] = new.map { ObservedPod($0) }
            rollouts.podChanged(old, pods[key])
            disruptions.podChanged(key, old, pods[key])
            endpoints.podChanged(key, old, pods[key])
            nodeCare.podChanged(old, pods[key])
            scheduling.podChanged(key, old, pods[key], new)
            if world.isPlanted(.twoSchedulers) { secondScheduler.podChanged(key, old, pods[key], new) }
        }
        follow(.disruptionBudgets) { [unowned self] key, _, new in
            budgets[key] = new.map { ObservedBudget($0) }
            disruptions.budgetChanged(key)
        }
        follow(.leases) { [unowned self] key, _, new in
            leases[key] = new.map { Lease($0) }
            if let lease = leases[key] { nodeCare.leaseChanged(key, lease) }
        }
        follow(.proxyStatuses) { [unowned self] _, _, _ in nodeCare.proxiesChanged() }
        caches[.endpointSlices]?.onRevision = { [unowned self] revision in
            endpoints.slicesReached(revision)
            checkWaits()
        }
    }

    /// Which agents `up` misses, all of them each time.
    func absent(_ nodes: [String: String]) {
        scheduling.absent(Set(nodes.keys))
        if world.isPlanted(.twoSchedulers) { secondScheduler.absent(Set(nodes.keys)) }
        nodeCare.absent(nodes)
    }

    private func follow(_ type: ResourceType, _ onChange: @escaping (ObjectKey, Value?, Value?) -> Void) {
        let cache = FollowedObjects(store, ListRequest(type))
        caches[type] = cache
        cache.onRevision = { [unowned self] _ in checkWaits() }
        unsynced += 1
        cache.start(onChange: onChange) { [unowned self] in
            unsynced -= 1
            if unsynced == 0 { world.later(for: life) { [unowned self] in open() } }
        }
    }

    private func open() {
        guard !isOpen else { return }
        isOpen = true
        rollouts.open()
        endpoints.open()
        scheduling.open()
        if world.isPlanted(.twoSchedulers) { secondScheduler.open() }
        nodeCare.open()
        disruptions.open()
    }

    var wallClock: Timestamp { store.wallClock }

    subscript(type: ResourceType) -> FollowedObjects? { caches[type] }

    func object(_ key: ObjectKey) -> Value? { caches[key.type]?[key] }

    // MARK: What was written has to be seen before it is planned with

    func awaitSight(of written: [ResourceType: Revision], within patience: Duration, _ done: @escaping () -> Void) {
        if isSeen(written) { return done() }
        var isOver = false
        let once = {
            guard !isOver else { return }
            isOver = true
            done()
        }
        waits.append((written, once))
        world.schedule(after: patience, for: life, once)
    }

    private func isSeen(_ written: [ResourceType: Revision]) -> Bool {
        written.allSatisfy { type, revision in caches[type].map { $0.revision >= revision } ?? true }
    }

    private func checkWaits() {
        guard !waits.isEmpty else { return }
        let seen = waits.filter { isSeen($0.written) }
        waits.removeAll { isSeen($0.written) }
        for wait in seen { wait.done() }
    }
}
