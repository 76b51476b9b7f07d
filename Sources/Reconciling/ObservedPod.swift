import Formats
import Resources
import Timing

/// What plans read of a pod. A class, so that handing a thousand of them to a plan copies a thousand pointers.
package final class ObservedPod: Sendable {
    /// `status.phase`.
    package enum Phase: String, Sendable {
        case pending = "Pending"
        case running = "Running"
        case succeeded = "Succeeded"
        case failed = "Failed"
        case unknown = "Unknown"
    }

    /// Kubernetes' hint which pods a scale-down takes first: the cheapest.
    package static let deletionCost = "controller.kubernetes.io/pod-deletion-cost"
    /// What Kubernetes calls a container that waits long between its failures.
    private static let crashLoop = "CrashLoopBackOff"

    package let meta: ObservedMeta
    package let nodeName: String
    package let phase: Phase
    package let isReady: Bool
    /// When the Ready condition last changed.
    package let readyChanged: Timestamp?
    package let restartCount: Int64
    package let podIP: String
    /// Whether its node's agent has said a word of it.
    package let hasBegun: Bool
    /// Who may listen at its address; nil where that cannot be told.
    package let listenerUsers: ListenerUsers?
    package let hostname: String
    package let subdomain: String
    package let ports: [NamedPort]
    package let isWithdrawn: Bool
    package let isEvictionRequested: Bool
    /// How the restart that was permitted last goes; nil where none ever was.
    package let restartTrial: RestartTrial?
    /// Its liveness probe fails, and it is left to serve.
    package let isRestartHeldBack: Bool
    /// A container of it fails again and again, so that it is started ever more rarely.
    package let isCrashLooping: Bool
    package let cost: Int32
    package let tolerations: [Toleration]

    /// A container's port that services may call by name.
    package struct NamedPort: Hashable, Sendable {
        package var name: String
        package var number: Int64
        package var proto: String
    }

    package init(_ pod: Value) {
        meta = ObservedMeta(pod)
        let spec = pod["spec"]
        let status = pod["status"]
        nodeName = spec["nodeName"].string ?? ""
        phase = status["phase"].string.flatMap(Phase.init) ?? .pending
        let conditions = status["conditions"]
        let ready = conditions.condition("Ready")
        isReady = ready?["status"].string == "True"
        readyChanged = ready?["lastTransitionTime"].timestamp
        isWithdrawn = conditions.condition(Condition.withdrawn)?["status"].string == "True"
        isEvictionRequested = meta.annotations[EvictionRequest.annotation] != nil
        restartTrial = meta.annotations[RestartPermit.annotation].map { _ in RestartTrial(pod) }
        isRestartHeldBack = conditions.condition(Condition.restartHeldBack)?["status"].string == "True"
        isCrashLooping = (status["initContainerStatuses"].elements + status["containerStatuses"].elements).contains {
            $0["state"]["waiting"]["reason"].string == Self.crashLoop
        }
        cost = meta.annotations[Self.deletionCost].flatMap(Int32.init) ?? 0
        restartCount = status["containerStatuses"].elements.reduce(0) { max($0, $1["restartCount"].int ?? 0) }
        podIP = status["podIP"].string ?? ""
        // Each status that an agent writes has the node's address; the rest is of pods that others wrote.
        hasBegun =
            !podIP.isEmpty || phase != .pending || !(status["hostIP"].string ?? "").isEmpty || !status["containerStatuses"].elements.isEmpty
            || !status["initContainerStatuses"].elements.isEmpty
        listenerUsers = ListenerUsers(podStatus: status)
        hostname = spec["hostname"].string ?? ""
        subdomain = spec["subdomain"].string ?? ""
        tolerations = spec["tolerations"].elements.map { Toleration($0) }
        var ports: [NamedPort] = []
        for container in spec["containers"].elements {
            for port in container["ports"].elements {
                guard let name = port["name"].string, let number = port["containerPort"].int else { continue }
                ports.append(NamedPort(name: name, number: number, proto: port["protocol"].string ?? "TCP"))
            }
        }
        self.ports = ports
    }

    package var key: ObjectKey { meta.key(.pods) }
    package var isFinished: Bool { phase == .succeeded || phase == .failed }
    /// Counts as a replica: neither finished nor on its way out.
    package var isActive: Bool { !isFinished && !meta.isDeleting }

    /// A restart of it was permitted and has not come yet: it is about to be missing.
    package func isRestartPending(now: Timestamp) -> Bool { restartTrial?.stage(now: now) == .awaited }

    /// How long the pod still has to stay Ready to count as available; nil while it is not Ready, zero when it is available.
    package func waitUntilAvailable(minReady: Duration, now: Timestamp) -> Duration? {
        guard isReady else { return nil }
        guard minReady > .zero, let since = readyChanged else { return .zero }
        return max(.zero, since + minReady - now)
    }
}
