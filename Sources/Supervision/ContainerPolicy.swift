import Formats
import Timing

/// What supervision has to know of one container of a pod.
package struct ContainerPolicy: Hashable, Sendable {
    /// Whether a container prepares the pod or is what it runs.
    package enum Role: Hashable, Sendable {
        /// Runs once, to its end, BEFORE the next one begins.
        case initial
        /// An init container with restartPolicy Always: stays beside the others from its turn on.
        case sidecar
        case regular
    }
    /// Which exits are followed by a restart.
    package enum RestartPolicy: String, Hashable, Sendable {
        case always = "Always"
        case onFailure = "OnFailure"
        case never = "Never"
    }

    package var name: String
    package var image: String
    package var role: Role
    package var restartPolicy: RestartPolicy
    package var startup: ProbePolicy?
    package var liveness: ProbePolicy?
    package var readiness: ProbePolicy?
    package var hasPostStart: Bool
    package var hasPreStop: Bool

    package init(
        name: String, image: String = "", role: Role = .regular, restartPolicy: RestartPolicy = .always, startup: ProbePolicy? = nil,
        liveness: ProbePolicy? = nil, readiness: ProbePolicy? = nil, hasPostStart: Bool = false, hasPreStop: Bool = false
    ) {
        self.name = name
        self.image = image
        self.role = role
        self.restartPolicy = restartPolicy
        self.startup = startup
        self.liveness = liveness
        self.readiness = readiness
        self.hasPostStart = hasPostStart
        self.hasPreStop = hasPreStop
    }

    /// From a container of a defaulted pod.
    package init(_ container: Value, isInitial: Bool, podPolicy: RestartPolicy) {
        let isSidecar = isInitial && container["restartPolicy"].string == RestartPolicy.always.rawValue
        self.init(
            name: container["name"].string ?? "", image: container["image"].string ?? "",
            role: isSidecar ? .sidecar : isInitial ? .initial : .regular,
            // An init container is done when it has succeeded, whatever the pod's policy.
            restartPolicy: isSidecar ? .always : isInitial && podPolicy == .always ? .onFailure : podPolicy,
            startup: ProbePolicy(container["startupProbe"]), liveness: ProbePolicy(container["livenessProbe"]),
            readiness: ProbePolicy(container["readinessProbe"]), hasPostStart: !container["lifecycle"]["postStart"].isNull,
            hasPreStop: !container["lifecycle"]["preStop"].isNull)
    }

    func policy(of kind: ProbeKind) -> ProbePolicy? {
        switch kind {
        case .startup: startup
        case .liveness: liveness
        case .readiness: readiness
        }
    }
}

extension ProbePolicy {
    /// Nil where the container has no such probe. Absent fields mean Kubernetes' defaults.
    package init?(_ probe: Value) {
        guard !probe.isNull else { return nil }
        func seconds(_ field: String, _ standard: Int64) -> Duration { .seconds(probe[field].int ?? standard) }
        self.init(
            initialDelay: seconds("initialDelaySeconds", 0), period: seconds("periodSeconds", 10), timeout: seconds("timeoutSeconds", 1),
            successThreshold: Int(probe["successThreshold"].int ?? 1), failureThreshold: Int(probe["failureThreshold"].int ?? 3),
            gracePeriod: probe["terminationGracePeriodSeconds"].int.map { .seconds($0) })
    }
}

/// What supervision has to know of a pod.
package struct PodPolicy: Hashable, Sendable {
    package var name: String
    package var namespace: String
    package var uid: String
    /// In the order of the manifest, init containers first.
    package var containers: [ContainerPolicy]
    package var gracePeriod: Duration
    package var restartPolicy: ContainerPolicy.RestartPolicy

    package init(
        name: String = "pod", namespace: String = "default", uid: String = "uid", containers: [ContainerPolicy],
        gracePeriod: Duration = .seconds(30), restartPolicy: ContainerPolicy.RestartPolicy = .always
    ) {
        self.name = name
        self.namespace = namespace
        self.uid = uid
        self.containers = containers
        self.gracePeriod = gracePeriod
        self.restartPolicy = restartPolicy
    }

    /// From a defaulted pod.
    package init(_ pod: Value) {
        let policy = ContainerPolicy.RestartPolicy(rawValue: pod["spec"]["restartPolicy"].string ?? "") ?? .always
        self.init(
            name: pod["metadata"]["name"].string ?? "", namespace: pod["metadata"]["namespace"].string ?? "",
            uid: pod["metadata"]["uid"].string ?? "",
            containers: pod["spec"]["initContainers"].elements.map { ContainerPolicy($0, isInitial: true, podPolicy: policy) }
                + pod["spec"]["containers"].elements.map { ContainerPolicy($0, isInitial: false, podPolicy: policy) },
            gracePeriod: .seconds(pod["spec"]["terminationGracePeriodSeconds"].int ?? 30), restartPolicy: policy)
    }
}
