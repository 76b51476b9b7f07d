import Resources
import Supervision
import Timing

/// At most one live process per container, each with its record, and nobody takes another's.
final class OneProcess: Check {
    let name = "one process per container, with its record"
    private var alive: [String: SimulatedProcess] = [:]

    func observe(_ observation: Observation, in world: World) {
        switch observation {
        case .started(let process):
            let key = "\(process.podUID)/\(process.container)"
            if let other = alive[key], other.isAlive {
                world.violate(name, "\(process.name) runs twice: \(other.pid) since \(other.startedAt), and \(process.pid)")
            }
            alive[key] = process
            if let count = world.host.machines[process.node]?.children[.init(podUID: process.podUID, container: process.container)] {
                world.violate(name, "\(process.name) starts beside \(count) processes that its last run left behind")
            }
            let record = world.host.machines[process.node]?.pods[process.podUID]?.records[process.container]
            if record?.pid != process.pid || record?.startedAt != process.startedAt {
                world.violate(name, "\(process.name) (\(process.pid)) runs without a record")
            }
        case .ended(let process, _):
            let key = "\(process.podUID)/\(process.container)"
            if alive[key] === process { alive[key] = nil }
        case .cleared(let pod):
            if let left = pod.agent.machine.children.keys.filter({ $0.podUID == pod.uid }).min() {
                world.violate(name, "\(pod.key.name) is called gone, and processes of \(left.container) run on")
            }
        case .adopted(let process, let uid, let container):
            if process.podUID != uid || process.container != container {
                world.violate(name, "\(process.name) (\(process.pid)) is taken for container \(container) of another pod")
            }
        case .leftoverKilled(let process, let uid):
            if process.podUID != uid { world.violate(name, "\(process.name) (\(process.pid)) is killed as another pod's leftover") }
        default: break
        }
    }
}

/// TERM goes out after the acknowledged drain, or when what the grace period has for that is over; nobody is signalled for another.
final class SignalsInOrder: Check {
    let name = "TERM after the acknowledged drain"

    func observe(_ observation: Observation, in world: World) {
        guard case .signalled(let process, let isKill, let pod, let isForDeletion) = observation else { return }
        if process.podUID != pod.uid {
            return world.violate(name, "\(process.name) (\(process.pid)) is signalled in place of \(pod.key.name)")
        }
        guard !isKill, isForDeletion, !pod.isRestarting(process.container), case .stopping(let deletion) = pod.machine.phase,
            world.now < deletion.times.terminateAt
        else { return }
        for (name, proxy) in world.host.proxies.sorted(by: { $0.key < $1.key }) {
            if proxy.routes(to: process.address) {
                return world.violate(self.name, "\(process.name) gets TERM while \(name) routes to it")
            }
            let open = proxy.openCount(at: process.address)
            if open > 0, world.now < deletion.times.requestsBy {
                return world.violate(self.name, "\(process.name) gets TERM while \(name) has \(open) exchanges with it")
            }
        }
    }
}

/// A host without CPU for anybody is no reason to restart what still serves. What its readiness probe has taken out of the routes serves nobody.
final class StarvedHost: Check {
    let name = "nobody is restarted for the host's starvation"
    private var unrouted: Set<String> = []

    func observe(_ observation: Observation, in world: World) {
        if case .restartDecided(let pod, let isServing) = observation {
            if isServing { unrouted.remove(pod.uid) } else { unrouted.insert(pod.uid) }
        }
        guard case .signalled(let process, isKill: false, let pod, isForDeletion: false) = observation, world.host.isStarved,
            !unrouted.contains(pod.uid), process.isReady, !process.isHung, !process.isSick, !process.isStopping,
            let since = process.readySince,
            world.now - since > .seconds(5)
        else { return }
        world.violate(name, "\(process.name) of pod \(pod.key.name) gets TERM while it serves, slowly")
    }
}

/// The wait before a restart is bounded, grows with what failed before it, and is forgiven.
final class RestartWaits: Check {
    let name = "back-off is bounded and reset"
    /// Probes find out late how well a program runs, and agents need a moment.
    private static let margin: Duration = .seconds(15)
    private static let slack: Duration = .seconds(1)

    private struct Known {
        var endedAt: Instant
        var agent: ObjectIdentifier?
        var bound: Duration
    }
    private var ended: [String: Known] = [:]
    /// Whom an agent is stopping, whether it has been told yet and listens or not.
    private var told: Set<ObjectIdentifier> = []

    func observe(_ observation: Observation, in world: World) {
        switch observation {
        case .signalled(let process, _, _, _): told.insert(ObjectIdentifier(process))
        // From here on its grace period runs, also if it ends by itself before traffic has been led away and TERM is sent.
        case .restartDecided(let pod, _): told.formUnion(pod.processes.values.map { ObjectIdentifier($0) })
        case .ended(let process, _):
            let key = "\(process.podUID)/\(process.container)"
            let isPlanned = told.remove(ObjectIdentifier(process)) != nil
            var bound = ended[key]?.bound ?? .zero
            let readyFor = process.readySince.map { world.now - $0 } ?? .zero
            if readyFor - Self.margin >= max(RestartBackoff.forgivenAfter, bound * 2) { bound = .zero }
            bound = min(max(bound * 2, RestartBackoff.firstDelay), RestartBackoff.longestDelay)
            let agent = world.host.machines[process.node]?.agent
            ended[key] = Known(
                // In a planned stop, what a program has started gets what is left of the grace period.
                endedAt: process.program.childCount > 0 && isPlanned ? world.now + .seconds(10) : world.now,
                agent: agent.flatMap { $0.life.isOver || $0.life.isPaused || !$0.isSupervising ? nil : ObjectIdentifier($0) }, bound: bound)
        case .started(let process):
            guard let known = ended["\(process.podUID)/\(process.container)"], let agent = world.host.machines[process.node]?.agent,
                known.agent == ObjectIdentifier(agent), agent.life.wentOnAt.map({ $0 < known.endedAt }) ?? true
            else { return }
            let wait = world.now - known.endedAt
            if wait > known.bound + Self.slack {
                world.violate(
                    name, "\(process.name) is started \(wait.inSeconds) s after its end, at most \(known.bound.inSeconds) s are due")
            }
        default: break
        }
    }
}

/// The pods of a node fit on it.
final class NodeRoom: Check {
    let name = "no node is given more than it has"
    private var pods: [ObjectKey: (node: String, milliCores: Int64)] = [:]

    func observe(_ observation: Observation, in world: World) {
        if case .recovered(let registry, _) = observation { pods = pods.filter { registry.object($0.key) != nil } }
        guard case .published(let event, _, _) = observation, event.type == .pods else { return }
        guard !event.isDeletion, let node = event.object["spec"]["nodeName"].string, !node.isEmpty else { return pods[event.key] = nil }
        let phase = event.object["status"]["phase"].string
        if phase == "Succeeded" || phase == "Failed" { return pods[event.key] = nil }
        guard pods[event.key]?.node != node else { return }
        let asked = PodSpec(event.object["spec"]).requests["cpu"]?.milliRoundedUp ?? 0
        guard asked > 0 else { return }
        pods[event.key] = (node, asked)
        let sum = pods.values.filter { $0.node == node }.reduce(0) { $0 + $1.milliCores }
        if sum > Int64(world.scenario.coresPerNode) * 1000 {
            world.violate(name, "\(event.key.name) makes \(sum) millicores on \(node), which has \(world.scenario.coresPerNode) cores")
        }
    }
}
