import Reconciling
import Resources
import Timing

/// How many replicas of a workload really served over time: alive, listening, past their warm-up, not hung and not stopping, whatever anybody
/// believes about them.
package struct ReadyCurve: Sendable {
    /// From this moment on so many served, of so many that were wanted.
    package struct Step: Sendable, Hashable {
        package var at: Instant
        package var ready: Int
        package var wanted: Int
    }

    package var workload: String
    package fileprivate(set) var steps: [Step] = []

    /// The fewest after a moment, and how many were wanted before it.
    package func least(since: Instant) -> Int? {
        let before = steps.last { $0.at <= since }
        return ((before.map { [$0] } ?? []) + steps.filter { $0.at > since }).map(\.ready).min()
    }
}

/// Counts serving replicas, at every look.
final class ReadyCount {
    private unowned let world: World
    private var workloadOf: [String: (key: ObjectKey, containerCount: Int)] = [:]
    private(set) var curves: [ObjectKey: ReadyCurve] = [:]
    /// What was wanted before anybody did anything.
    private(set) var baseline: [ObjectKey: Int] = [:]
    /// The last look at which fewer served than were wanted all along.
    private(set) var lastShortage: Instant?
    /// When a number changed last.
    private(set) var lastStep = Instant.zero
    private var wanted: [ObjectKey: Int] = [:]

    init(world: World) { self.world = world }

    /// From here on shortages count.
    func begin() { baseline = wanted }

    /// Whether every workload has what is wanted of it, and nothing of a rollout is left to do. The server has to run.
    private(set) var isSettled = false

    func look() {
        let plane = world.host.server.flatMap { $0.life.isPaused ? nil : $0.plane }
        isSettled = plane != nil
        for (key, deployment) in plane?.deployments ?? [:] {
            wanted[key] = deployment.replicas
            let status = deployment.status
            if status.observedGeneration < deployment.meta.generation || status.updated != deployment.replicas
                || status.replicas != deployment.replicas || status.available != deployment.replicas
            {
                isSettled = false
            }
        }
        var serving: [ObjectKey: Int] = [:]
        var containers: [String: Int] = [:]
        for process in world.host.processes where process.isReady && !process.isHung && !process.isStopping {
            guard let workload = workload(of: process) else { continue }
            containers[process.podUID, default: 0] += 1
            if containers[process.podUID] == workload.containerCount { serving[workload.key, default: 0] += 1 }
        }
        for (key, wanted) in wanted {
            let step = ReadyCurve.Step(at: world.now, ready: serving[key] ?? 0, wanted: wanted)
            if let needed = baseline[key], step.ready < min(needed, wanted) { lastShortage = world.now }
            if step.ready < wanted { isSettled = false }
            let last = curves[key]?.steps.last
            if last?.ready != step.ready || last?.wanted != step.wanted {
                lastStep = world.now
                curves[key, default: ReadyCurve(workload: key.name)].steps.append(step)
            }
        }
    }

    private func workload(of process: SimulatedProcess) -> (key: ObjectKey, containerCount: Int)? {
        if let known = workloadOf[process.podUID] { return known }
        guard let plane = world.host.server?.plane else { return nil }
        for pod in plane.pods.values where pod.meta.uid == process.podUID {
            guard let set = pod.meta.controller?.name,
                let deployment = plane.sets[ObjectKey(.replicaSets, namespace: pod.meta.namespace, name: set)]?.meta.controller?.name,
                let stored = world.host.server?.store.object(pod.meta.key(.pods))
            else { return nil }
            let found = (
                ObjectKey(.deployments, namespace: pod.meta.namespace, name: deployment), stored["spec"]["containers"].elements.count
            )
            workloadOf[process.podUID] = found
            return found
        }
        return nil
    }

    /// In which zones the serving replicas of each workload are.
    func zones() -> [ObjectKey: [String: Int]] {
        var out: [ObjectKey: [String: Int]] = [:]
        for process in world.host.processes where process.isReady {
            guard let workload = workload(of: process), let zone = world.host.machines[process.node]?.zone else { continue }
            out[workload.key, default: [:]][zone, default: 0] += 1
        }
        return out
    }
}
