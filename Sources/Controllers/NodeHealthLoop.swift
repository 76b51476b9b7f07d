import APIClient
import Formats
import Linux
import Reconciling
import Resources
import Timing

/// Kills whatever a lost node left behind. `isWanted` is to be asked before each try: a node that has recovered is not to be killed by one that was
/// put off. `done` is called once: with true AFTER all of it is dead, with false when it was called off.
package typealias NodeFence = (_ node: String, _ isWanted: @escaping () -> Bool, _ done: @escaping (_ isFenced: Bool) -> Void) -> Void

/// Watches the nodes' leases, hears of absent agents, and gives up what ran on lost nodes, after it was killed.
final class NodeHealthLoop {
    static let leaseNamespace = "kube-node-lease"

    private let api: any ResourceAPI
    private let mirror: ClusterMirror
    private let writing: Writing
    private let recorder: Recorder
    private let fence: NodeFence
    private let proxyCount: Int
    private var watch: LeaseWatch
    private lazy var looks = LeaseLooks(api) { [unowned self] in judge(now: $0) }
    /// By node, as `up` says it; empty while there is no `up`.
    private var absences: [String: String] = [:]
    /// The proxies that may carry traffic, as `up` said last.
    private var proxies: Set<String> = []
    private var lost: [String: NodeHealthPlan.Cause] = [:]
    /// By node, whether the loss still holds for which it is fenced: a node that was back since may have begun something, also where it is lost again.
    private var fencing: [String: Bool] = [:]
    private var fenced: Set<String> = []
    private(set) lazy var queue = PassQueue<String>(loop: api.loop) { [unowned self] name, done in pass(name, done) }

    init(
        api: any ResourceAPI, mirror: ClusterMirror, writing: Writing, recorder: Recorder, proxyCount: Int,
        fence: @escaping NodeFence
    ) {
        self.api = api
        self.proxyCount = proxyCount
        self.mirror = mirror
        self.writing = writing
        self.recorder = recorder
        self.fence = fence
        watch = LeaseWatch(now: api.loop.now)
        mirror.leases.onChange { [unowned self] key, _, new in
            guard key.namespace == Self.leaseNamespace, let new else { return }
            observe(new, now: api.loop.now)
        }
        mirror.nodes.onChange { [unowned self] key, old, new in
            queue.mark(key.name)
            // Another node that lives again may be what lost ones wait for.
            if old?.readyStatus != new?.readyStatus { for name in lost.keys { queue.mark(name) } }
        }
        // It may have been bound before it was known that the agent is away.
        mirror.pods.onChange { [unowned self] _, old, new in
            if let new, absences[new.nodeName] != nil, old?.nodeName != new.nodeName { queue.mark(new.nodeName) }
        }
        mirror.proxies.onChange { [unowned self] _, _, _ in for name in absences.keys { queue.mark(name) } }
    }

    /// Which agents `up` misses, by node.
    func absent(_ nodes: [String: String]) {
        let before = absences
        absences = nodes
        for name in Set(before.keys).union(nodes.keys) where before[name] != nodes[name] {
            callOff(name)
            queue.mark(name)
        }
    }

    /// The absence is over that a loss rests on. The node keeps its pods: where the fence had not begun they go on, else the agent begins them again. That it
    /// is Ready again is noted with the next renewal.
    private func callOff(_ name: String) {
        guard lost[name]?.restsOnAbsence ?? false, !fenced.contains(name) else { return }
        isOver(name)
        for other in lost.keys { queue.mark(other) }
    }

    /// Which proxies have to be heard of before a node is lost by their word.
    func live(proxies: Set<String>) {
        self.proxies = proxies
        for name in absences.keys { queue.mark(name) }
    }

    /// Every lease starts its period now.
    func open() {
        let now = api.loop.now
        for lease in mirror.leases.views.values where lease.meta.namespace == Self.leaseNamespace { observe(lease, now: now) }
        queue.open()
        looks.begin()
    }

    private func observe(_ lease: Lease, now: Instant) {
        let name = lease.meta.name
        let wasRenewed = watch.isRenewed(name)
        watch.observe(lease, now: now)
        if !wasRenewed, watch.isRenewed(name) { recovered(name) }
    }

    /// The loss: one that follows needs a fence of its own.
    private func isOver(_ name: String) {
        lost[name] = nil
        fenced.remove(name)
        if fencing[name] != nil { fencing[name] = false }
    }

    private func recovered(_ name: String) {
        isOver(name)
        queue.mark(name)
        for other in lost.keys { queue.mark(other) }
    }

    private func judge(now: Instant) {
        // Nodes that are gone but still named by pods count as nodes without a lease.
        let known = Set(mirror.nodes.views.keys.map(\.name)).union(mirror.nodesWithPods)
        for name in known.sorted() { watch.expect(name, now: now) }
        for name in watch.tick(now: now) {
            guard known.contains(name) else {
                watch.forget(name)
                isOver(name)
                continue
            }
            lose(name, .leaseRanOut)
        }
        for name in fenced where !mirror.pods(onNode: name).isEmpty { queue.mark(name) }
    }

    private func lose(_ name: String, _ cause: NodeHealthPlan.Cause) {
        guard lost[name] == nil else { return }
        lost[name] = cause
        watch.lose(name)
        queue.mark(name)
    }

    /// Whether the node is lost although its lease has not run out.
    private func look(_ name: String) {
        guard lost[name] == nil, let absence = absences[name] else { return }
        let offers = mirror.slices.views.values.filter { slice in slice.endpoints.contains { $0.isReady && $0.nodeName == name } }
        let verdict = NodeLossPlan.verdict(
            .init(
                name: name, absence: absence, hasAgent: absence != AbsentAgents.never || watch.isRenewed(name),
                offered: offers.map(\.meta.revision).max(), pods: mirror.pods(onNode: name),
                proxies: Array(mirror.proxies.views.values), proxyCount: proxyCount, live: proxies))
        switch verdict {
        case .unsuspected: break
        case .suspected(let reason):
            recorder.explain(
                ["the agent of \(name) is away, which alone says nothing of its pods: \(reason)"],
                about: DecidedObject(ObjectKey(.nodes, name: name)), by: NodeHealthPlan.component)
        case .lost(let cause): lose(name, cause)
        }
    }

    private func pass(_ name: String, _ done: @escaping (Writing.Outcome) -> Void) {
        look(name)
        let view = NodeHealthPlan.View(
            node: mirror.nodes[ObjectKey(.nodes, name: name)], name: name, isExpired: lost[name] != nil,
            isRenewed: watch.isRenewed(name), isFenced: fenced.contains(name),
            hasLivingPeer: mirror.nodes.views.contains {
                $0.key.name != name && lost[$0.key.name] == nil && $0.value.readyStatus == "True"
            },
            pods: mirror.pods(onNode: name),
            leaseTransitions: mirror.leases[ObjectKey(.leases, namespace: Self.leaseNamespace, name: name)]?.transitions,
            cause: lost[name] ?? .leaseRanOut)
        let (plan, fences) = NodeHealthPlan.plan(view, now: Clock.realtime())
        if fences { startFencing(name, view) }
        recorder.record(plan.events)
        recorder.explain(plan.explanation, about: DecidedObject(ObjectKey(.nodes, name: name)), by: NodeHealthPlan.component)
        writing.perform(plan.changes, component: NodeHealthPlan.component, done)
    }

    private func startFencing(_ name: String, _ view: NodeHealthPlan.View) {
        guard fencing[name] == nil else { return }
        fencing[name] = true
        fence(name, { [self] in lost[name] != nil }) { [self] isFenced in
            guard isFenced else {
                fencing[name] = nil
                // It may be lost again by now.
                return queue.mark(name)
            }
            writing.perform(NodeHealthPlan.outdate(view).map { [$0] } ?? [], component: NodeHealthPlan.component) { [self] _ in
                let holds = fencing.removeValue(forKey: name) ?? false
                guard lost[name] != nil else { return }
                if holds { fenced.insert(name) }
                queue.mark(name)
            }
        }
    }
}
