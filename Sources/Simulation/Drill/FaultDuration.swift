import Formats
import Resources
import Timing

/// Remembers whose runs a liveness probe ended.
final class ProbedRestarts: Check {
    let name = "restarts"
    private(set) var ended: Set<SimulatedProcess.Identity> = []

    func observe(_ observation: Observation, in world: World) {
        guard case .restartDecided(let pod, _) = observation else { return }
        ended.formUnion(pod.processes.values.map(\.identity))
    }
}

/// How long the fault of a drill goes on, and whether anybody noticed it.
struct FaultDuration {
    private let drill: Drill
    private let struckAt: Instant
    private unowned let chaos: Chaos
    private unowned let restarts: ProbedRestarts
    private unowned let world: World
    /// Containers whose liveness probe asks for more than a connection.
    private let probed: Set<String>

    /// A lease lasts 10 s, and `up` gives a silent role 12: what follows from a fault of Steady's own parts, or of its clocks, has begun by then.
    static let noticeTime: Duration = .seconds(15)

    init(of drill: Drill, struckAt: Instant, chaos: Chaos, restarts: ProbedRestarts, world: World) {
        self.drill = drill
        self.struckAt = struckAt
        self.chaos = chaos
        self.restarts = restarts
        self.world = world
        var probed: Set<String> = []
        for object in world.scenario.objects {
            for container in object["spec"]["template"]["spec"]["containers"].elements {
                let probe = container["livenessProbe"]
                if !probe["httpGet"].isNull || !probe["exec"].isNull { probed.insert(container["name"].string ?? "") }
            }
        }
        self.probed = probed
    }

    /// Whether it still goes on, nobody can have noticed it yet, or what it took is not back: a paused role, a cut or slow way, a process that
    /// fails its probe and is still to be ended for it. What has failed until somebody repairs it (a node, a zone) goes on for ever, and is not
    /// waited for.
    var isRunning: Bool {
        if world.now < chaos.actsUntil { return true }
        if isNoticedLate, world.now - struckAt < Self.noticeTime { return true }
        if world.host.roleNames.contains(where: { !isLost($0) && !world.host.isRunning($0) }) { return true }
        return chaos.sickened.contains { $0.isAlive && $0.isSick && probed.contains($0.container) }
    }

    private func isLost(_ role: String) -> Bool { RoleName.node(ofAgent: role).map { world.host.isFailed(node: $0) } ?? false }

    private var isNoticedLate: Bool {
        switch drill.fault {
        case .serverCrash, .agentCrash, .proxyCrash, .upCrash, .pause, .clockJump: true
        default: false
        }
    }

    /// Whether anybody but the fault itself did anything after it. Only at rest can what follows from it be told from all else; whom it made
    /// ill a probe has to have ended, for a rollout ends everybody.
    var isSeen: Bool {
        if drill.fault == .sickness { return chaos.sickened.contains { restarts.ended.contains($0.identity) } }
        guard drill.occasion == .steady else { return true }
        return world.history.lines.contains { $0.at >= struckAt && !Self.bystanders.contains($0.who) }
    }

    private static let bystanders: Set<String> = ["fault", "chaos", "client", "check", "user"]
}
