import APIClient
import Formats
import Linux
import Reconciling
import Resources

/// All controllers and the scheduler, on one event loop, over one mirror of the cluster.
///
/// Everything is level-triggered: what was missed while nobody watched is made up for by the first passes after the start.
package final class ControllerLoops {
    private let api: any ResourceAPI
    private var agents = AbsentAgents()
    private let mirror: ClusterMirror
    private let expectations: Expectations
    private let recorder: Recorder
    private let decisions: DecisionLog
    private let replicaSets: ReplicaSetLoop
    private let deployments: DeploymentLoop
    private let endpoints: EndpointLoop
    private let scheduling: SchedulingLoop
    private let nodeHealth: NodeHealthLoop
    private let taints: TaintEvictionLoop
    private let disruptions: DisruptionLoop
    private let policies: TrafficPolicyLoop
    private let proxies: ProxyLivenessLoop
    private let namespaces: NamespaceLoop
    private let collection: CollectionLoop

    /// Whether everything stored was seen and the loops run.
    package private(set) var isRunning = false

    /// - Parameters:
    ///   - decisionLog: the file that keeps why things were decided; nil: kept in memory alone.
    ///   - proxyCount: how many proxies the instance runs at least.
    ///   - fence: kills whatever a lost node left behind. Called once for each loss.
    package init(
        api: any ResourceAPI, decisionLog: String? = nil, proxyCount: Int = 1,
        fence: @escaping NodeFence
    ) {
        self.api = api
        mirror = ClusterMirror(api: api)
        expectations = Expectations(loop: api.loop)
        decisions = DecisionLog(loop: api.loop, path: decisionLog)
        recorder = Recorder(api: api, decisions: decisions)
        let writing = Writing(api: api, expectations: expectations, recorder: recorder)
        deployments = DeploymentLoop(loop: api.loop, mirror: mirror, writing: writing, recorder: recorder)
        replicaSets = ReplicaSetLoop(loop: api.loop, mirror: mirror, writing: writing, recorder: recorder)
        endpoints = EndpointLoop(loop: api.loop, mirror: mirror, writing: writing)
        scheduling = SchedulingLoop(api: api, mirror: mirror, recorder: recorder)
        nodeHealth = NodeHealthLoop(api: api, mirror: mirror, writing: writing, recorder: recorder, proxyCount: proxyCount, fence: fence)
        taints = TaintEvictionLoop(loop: api.loop, mirror: mirror, writing: writing, recorder: recorder)
        disruptions = DisruptionLoop(loop: api.loop, mirror: mirror, writing: writing)
        policies = TrafficPolicyLoop(loop: api.loop, mirror: mirror, writing: writing)
        proxies = ProxyLivenessLoop(api: api, mirror: mirror)
        namespaces = NamespaceLoop(api: api, mirror: mirror, writing: writing)
        collection = CollectionLoop(api: api, mirror: mirror, writing: writing)
        recorder.follow(mirror.events)
        // AFTER the others have heard of the node.
        mirror.nodes.onChange { [unowned self] _, old, new in
            if agents.nodes != nil, (old == nil) != (new == nil) { tellAbsences() }
        }
    }

    /// The records of the last decisions about an object, in the order of deciding.
    package func decisions(kind: String, namespace: String, name: String) -> [Value] {
        decisions.decisions(about: DecidedObject(kind: kind, namespace: namespace, name: name)).map(\.value)
    }

    /// Which agents `up` misses: node to the name of its agent's absence. All of them each time; none while there is no `up`.
    package func absent(_ nodes: [String: String]) { absent(AbsentAgents(nodes)) }

    /// The same, with all nodes that there are agents for: any other one has none.
    package func absent(_ agents: AbsentAgents) {
        self.agents = agents
        tellAbsences()
    }

    private func tellAbsences() {
        let nodes = agents.byNode(of: mirror.nodes.views.keys.map(\.name))
        // What is replaced because of the news must not be placed without it.
        scheduling.absent(Set(nodes.keys))
        nodeHealth.absent(nodes)
    }

    /// Which proxies may carry traffic: a node is lost by the word of all of them.
    package func live(proxies: Set<String>) { nodeHealth.live(proxies: proxies) }

    /// Writes what is still to be kept; the server stops.
    package func close() { decisions.flush() }

    /// Begins to watch; the loops run as soon as everything stored was seen.
    package func start() {
        mirror.start(expectations: expectations) { [unowned self] in open() }
        expectations.onRevision(of: .endpointSlices) { [unowned self] in endpoints.slicesReached($0) }
    }

    private func open() {
        isRunning = true
        deployments.queue.open()
        replicaSets.queue.open()
        endpoints.queue.open()
        endpoints.withdrawals.open()
        scheduling.open()
        nodeHealth.open()
        taints.queue.open()
        disruptions.queue.open()
        policies.queue.open()
        proxies.open()
        namespaces.queue.open()
        collection.queue.open()
        recorder.expire()
    }
}
