import Formats
import Reconciling
import Resources
import Scheduling
import Supervision
import Timing

/// What the roles do with an object that the API has accepted: whatever numbers stand in it, they can be reckoned with.
enum ObjectUse {
    /// Nil when all holds, else what does not.
    static func violation(_ object: Value, _ type: ResourceType, now: Timestamp) -> String? {
        switch type {
        case .deployments: _ = DeploymentPlan.plan(.init(deployment: ObservedDeployment(object), sets: []), now: now)
        case .replicaSets: _ = ReplicaSetPlan.plan(.init(set: ObservedReplicaSet(object), pods: []), now: now)
        case .pods:
            var view = ClusterView()
            view.setNode(Node(node))
            _ = Placement.place([Candidate(Pod(object)), Candidate(Pod(object))], in: &view)
            return live(PodMachine(PodPolicy(object)), now: now)
        case .nodes:
            var view = ClusterView()
            view.setNode(Node(object))
        default: break
        }
        return nil
    }

    /// The life of a pod whose probes fail now and then, until it is deleted: it ends.
    private static func live(_ new: PodMachine, now: Timestamp) -> String? {
        var machine = new
        var moment = Instant.zero + .seconds(1000)
        var running: Set<String> = []
        var events: [PodEvent] = [.prepared]
        _ = machine.begin()
        for step in 0..<400 {
            if step == 200 { events.append(.delete(within: machine.policy.gracePeriod)) }
            if events.isEmpty {
                let next = machine.nextDeadline
                if next == .never || next - moment > longest {
                    if step < 200 { continue }
                    return "it is deleted, and waits until \(next)"
                }
                moment = max(moment, next)
                events.append(.tick)
            }
            for action in machine.handle(events.removeFirst(), now: moment, at: now + (moment - .zero)) {
                if action == .finished { return nil }
                events += answers(to: action, step, &running, now: now)
            }
        }
        return machine.policy.containers.count > 4 || machine.policy.gracePeriod > .seconds(3600) ? nil : "it is deleted, and does not end"
    }

    /// No machine of this world waits for longer.
    private static let longest = Duration.seconds(100 * 365 * 86400)

    private static func answers(to action: PodAction, _ step: Int, _ running: inout Set<String>, now: Timestamp) -> [PodEvent] {
        switch action {
        case .prepare: return [.prepared]
        case .launch(let name):
            running.insert(name)
            return [.container(name, .launched(containerID: "\(step)"))]
        case .probe(let name, let kind): return [.container(name, .probed(kind, succeeded: step % 3 != 0, message: ""))]
        case .runHook(let name, let kind): return [.container(name, .hookFinished(kind, failure: nil))]
        case .terminate(let name), .kill(let name):
            guard running.remove(name) != nil else { return [] }
            return [.container(name, .ended(Termination(exitCode: 0, startedAt: now, finishedAt: now)))]
        case .clear(let name, within: _): return [.container(name, .cleared)]
        case .awaitWithdrawal(let name): return [.container(name, .withdrawn), .container(name, .drained)]
        case .awaitDrain: return [.withdrawn, .drained]
        case .record, .finished: return []
        }
    }

    private static let node: Value = [
        "metadata": ["name": "a1", "labels": ["kubernetes.io/hostname": "a1", "topology.kubernetes.io/zone": "a"]], "spec": [:],
        "status": [
            "capacity": ["cpu": "2", "memory": "4Gi", "pods": "110"], "allocatable": ["cpu": "2", "memory": "4Gi", "pods": "110"],
            "conditions": [["type": "Ready", "status": "True"]],
        ],
    ]
}
