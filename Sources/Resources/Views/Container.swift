import Formats

/// One program of a pod.
package struct Container: Hashable, Sendable {
    package var name: String
    /// The reference as the manifest has it; compare by `ImageReference`.
    package var image: String
    package var command: [String]
    package var args: [String]
    /// Empty: the image's, else the pod's own.
    package var workingDir: String
    package var ports: [ContainerPort]
    package var env: [EnvVar]
    package var envFrom: [EnvFromSource]
    package var resources: ResourceRequirements
    package var volumeMounts: [VolumeMount]
    package var livenessProbe: Probe?
    package var readinessProbe: Probe?
    package var startupProbe: Probe?
    package var lifecycle: Lifecycle
    package var securityContext: SecurityContext
    /// Init containers only: `Always` makes it a sidecar.
    package var isSidecar: Bool
    package var imagePullPolicy: String
    package var terminationMessagePath: String
    package var terminationMessagePolicy: String

    package init(_ value: Value) {
        name = value["name"].string ?? ""
        image = value["image"].string ?? ""
        command = value["command"].strings
        args = value["args"].strings
        workingDir = value["workingDir"].string ?? ""
        ports = value["ports"].elements.map { ContainerPort($0) }
        env = value["env"].elements.map { EnvVar($0) }
        envFrom = value["envFrom"].elements.map { EnvFromSource($0) }
        resources = ResourceRequirements(value["resources"])
        volumeMounts = value["volumeMounts"].elements.map { VolumeMount($0) }
        livenessProbe = Probe(value["livenessProbe"])
        readinessProbe = Probe(value["readinessProbe"])
        startupProbe = Probe(value["startupProbe"])
        lifecycle = Lifecycle(value["lifecycle"])
        securityContext = SecurityContext(value["securityContext"])
        isSidecar = value["restartPolicy"].string == "Always"
        imagePullPolicy = value["imagePullPolicy"].string ?? ""
        terminationMessagePath = value["terminationMessagePath"].string ?? ""
        terminationMessagePolicy = value["terminationMessagePolicy"].string ?? ""
    }
}

/// A port that the container says it listens on.
package struct ContainerPort: Hashable, Sendable {
    package var name: String
    /// Nil when the manifest has no valid one.
    package var containerPort: Port?
    package var hostPort: Port?
    package var transport: TransportProtocol

    package init(_ value: Value) {
        name = value["name"].string ?? ""
        containerPort = value["containerPort"].int.flatMap { Port($0) }
        hostPort = value["hostPort"].int.flatMap { Port($0) }
        transport = value["protocol"].string.flatMap(TransportProtocol.init(rawValue:)) ?? .tcp
    }
}

/// What a container is promised and what it may take.
package struct ResourceRequirements: Hashable, Sendable {
    package var requests: [String: Quantity]
    package var limits: [String: Quantity]

    /// The resource that limits a container's processes; Kubernetes has no word for it but the kubelet's `podPidsLimit`. It is limited and never
    /// reserved: no node has so many to give away.
    package static let processes = "steady.dev/pids"

    package init(_ value: Value) {
        requests = [String: Quantity](quantities: value["requests"])
        requests[Self.processes] = nil
        limits = [String: Quantity](quantities: value["limits"])
    }
}

/// Where a volume appears in the container.
package struct VolumeMount: Hashable, Sendable {
    /// Of the pod's volume.
    package var name: String
    package var mountPath: String
    package var subPath: String
    /// Instead of `subPath`; `$(VAR)` in it stands for a variable of the container.
    package var subPathExpression: String
    package var isReadOnly: Bool

    package init(_ value: Value) {
        name = value["name"].string ?? ""
        mountPath = value["mountPath"].string ?? ""
        subPath = value["subPath"].string ?? ""
        subPathExpression = value["subPathExpr"].string ?? ""
        isReadOnly = value["readOnly"].bool ?? false
    }
}

/// As whom processes run; a container's overrides its pod's.
package struct SecurityContext: Hashable, Sendable {
    package var runAsUser: Int64?
    package var runAsGroup: Int64?
    package var isRunAsNonRoot: Bool?
    package var fsGroup: Int64?
    package var supplementalGroups: [Int64]

    package init(_ value: Value) {
        runAsUser = value["runAsUser"].int
        runAsGroup = value["runAsGroup"].int
        isRunAsNonRoot = value["runAsNonRoot"].bool
        fsGroup = value["fsGroup"].int
        supplementalGroups = value["supplementalGroups"].elements.compactMap(\.int)
    }
}
