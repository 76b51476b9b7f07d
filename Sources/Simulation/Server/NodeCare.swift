import Reconciling
import Resources
import Timing

/// Watches the leases of nodes and proxies, has lost nodes fenced, and gives up what ran there.
final class NodeCare {
    private unowned let plane: ControlPlane
    private var nodeLeases: LeaseWatch
    private var proxyLeases: LeaseWatch
    private var lost: [String: NodeHealthPlan.Cause] = [:]
    /// By node, as `up` says it.
    private(set) var absences: [String: String] = [:]
    private var fencing: Set<String> = []
    private var fenced: Set<String> = []
    private lazy var passes = Passes<String>(plane, .nodeHealth) { [unowned self] in plan($0) }

    init(_ plane: ControlPlane) {
        self.plane = plane
        nodeLeases = LeaseWatch(now: plane.world.now)
        proxyLeases = LeaseWatch(now: plane.world.now)
    }

    func open() {
        for (key, lease) in plane.leases { leaseChanged(key, lease) }
        passes.open()
        tick()
    }

    func nodeChanged(_ key: ObjectKey) {
        passes.mark(key.name)
        for name in lost.keys.sorted() { passes.mark(name) }
    }

    /// Which agents `up` misses.
    func absent(_ nodes: [String: String]) {
        let before = absences
        absences = nodes
        for name in Set(before.keys).union(nodes.keys).sorted() where before[name] != nodes[name] {
            callOff(name)
            passes.mark(name)
        }
    }

    /// The absence is over that a loss rests on.
    private func callOff(_ name: String) {
        guard lost[name]?.restsOnAbsence ?? false, !fenced.contains(name) else { return }
        lost[name] = nil
        for other in lost.keys.sorted() { passes.mark(other) }
    }

    /// It may have been bound before it was known that the agent is away.
    func podChanged(_ old: ObservedPod?, _ new: ObservedPod?) {
        if let new, absences[new.nodeName] != nil, old?.nodeName != new.nodeName { passes.mark(new.nodeName) }
    }

    func proxiesChanged() { for name in absences.keys.sorted() { passes.mark(name) } }

    func leaseChanged(_ key: ObjectKey, _ lease: Lease) {
        let now = plane.world.now
        if key.namespace != "kube-node-lease" { return proxyLeases.observe(lease, now: now) }
        let wasRenewed = nodeLeases.isRenewed(key.name)
        nodeLeases.observe(lease, now: now)
        if !wasRenewed, nodeLeases.isRenewed(key.name) {
            guard lost.removeValue(forKey: key.name) != nil else { return passes.mark(key.name) }
            fenced.remove(key.name)
            plane.world.sometimes(.lostNodeCameBack)
            passes.mark(key.name)
            for other in lost.keys.sorted() { passes.mark(other) }
        }
    }

    private func tick() {
        let goOn: (Bool) -> Void = { [unowned self] ticks in
            if ticks { judge(now: plane.world.now) }
            _ = plane.world.schedule(after: LeaseWatch.tickPeriod, for: plane.life) { [unowned self] in tick() }
        }
        if plane.world.isPlanted(.leasesJudgedByThemselves) { return goOn(true) }
        plane.store.perform(LeaseWatch.question, by: .nodeHealth) { goOn(LeaseWatch.ticks(after: $0)) }
    }

    private func judge(now: Instant) {
        let known = Set(plane.nodes.keys.map(\.name)).union(plane.pods.values.map(\.nodeName).filter { !$0.isEmpty })
        for name in known.sorted() { nodeLeases.expect(name, now: now) }
        for name in nodeLeases.tick(now: now) {
            if lost[name] == nil {
                lose(name, .leaseRanOut)
            } else if fenced.contains(name), plane.pods.values.contains(where: { $0.nodeName == name }) {
                passes.mark(name)
            }
        }
        let proxies = (plane[.proxyStatuses]?.keys ?? []).map(\.name)
        for name in proxies { proxyLeases.expect(name, now: now) }
        for name in proxyLeases.tick(now: now) {
            let key = ObjectKey(.proxyStatuses, name: name)
            guard let status = plane.object(key) else {
                proxyLeases.forget(name)
                continue
            }
            plane.world.sometimes(.proxyGivenUp)
            plane.store.perform(
                Change.delete(key, uid: status["metadata"]["uid"].string ?? "").request, by: .proxy
            ) { _ in }
        }
    }

    private func lose(_ name: String, _ cause: NodeHealthPlan.Cause) {
        let faults = plane.world.scenario.faults
        if cause == .leaseRanOut, !faults.isEmpty, !faults.contains(where: \.maySilenceAgents) {
            plane.world.violate("who can be heard is not given up", "\(name) is given up although its agent lives and can be heard")
        }
        lost[name] = cause
        nodeLeases.lose(name)
        plane.world.sometimes(.nodeLost)
        plane.world.note("controllers", "node \(name) is lost", isTurningPoint: true)
        passes.mark(name)
    }

    /// Whether the node is lost although its lease has not run out.
    private func look(_ name: String) {
        guard lost[name] == nil, let absence = absences[name] else { return }
        let offers = plane.slices.values.filter { slice in slice.endpoints.contains { $0.isReady && $0.nodeName == name } }
        let proxies = (plane[.proxyStatuses]?.keys ?? []).sorted().compactMap { plane.object($0).map { ObservedProxy($0) } }
        let view = NodeLossPlan.View(
            name: name, absence: absence, offered: offers.map(\.meta.revision).max(),
            pods: plane.pods.values.filter { $0.nodeName == name }, proxies: proxies, proxyCount: plane.world.scenario.proxyCount)
        if case .lost(let cause) = NodeLossPlan.verdict(view) { lose(name, cause) }
    }

    private func plan(_ name: String) -> Plan {
        look(name)
        let view = NodeHealthPlan.View(
            node: plane.nodes[ObjectKey(.nodes, name: name)], name: name, isExpired: lost[name] != nil,
            isRenewed: nodeLeases.isRenewed(name), isFenced: fenced.contains(name),
            hasLivingPeer: plane.nodes.contains { $0.key.name != name && lost[$0.key.name] == nil && $0.value.readyStatus == "True" },
            pods: plane.pods.values.filter { $0.nodeName == name },
            leaseTransitions: plane.leases[ObjectKey(.leases, namespace: "kube-node-lease", name: name)]?.transitions,
            cause: lost[name] ?? .leaseRanOut)
        let (plan, fences) = NodeHealthPlan.plan(view, now: plane.wallClock)
        if fences { fence(name, view) }
        return plan
    }

    private func fence(_ name: String, _ view: NodeHealthPlan.View) {
        guard fencing.insert(name).inserted else { return }
        plane.world.host.fence(name, for: plane.life, while: { [unowned self] in lost[name] != nil }) { [unowned self] isFenced in
            guard isFenced else {
                fencing.remove(name)
                return passes.mark(name)
            }
            let outdated = { [unowned self] in
                fencing.remove(name)
                guard lost[name] != nil else { return }
                plane.world.sometimes(.nodeFenced)
                fenced.insert(name)
                passes.mark(name)
            }
            guard let change = NodeHealthPlan.outdate(view) else { return outdated() }
            plane.store.perform(change.request, by: .nodeAgent) { _ in outdated() }
        }
    }
}
