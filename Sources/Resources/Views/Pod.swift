import Formats
import Timing

/// A pod: containers that live and move together under one IP.
package struct Pod: Sendable {
    package var meta: ObjectMeta
    package var spec: PodSpec
    package var status: PodStatus
    /// The whole object.
    package var value: Value

    package init(_ value: Value) {
        self.value = value
        meta = ObjectMeta(of: value)
        spec = PodSpec(value["spec"])
        status = PodStatus(value["status"])
    }

    package var key: ObjectKey { ObjectKey(.pods, namespace: meta.namespace, name: meta.name) }
    package var isTerminating: Bool { meta.isTerminating }
    package var isReady: Bool { status.conditions.isTrue(Condition.ready) }
    /// Succeeded or Failed: nothing of it will run again.
    package var isFinished: Bool { status.phase == .succeeded || status.phase == .failed }

    /// Ready for at least `minReady` (Kubernetes' "available").
    package func isAvailable(minReady: Duration, now: Timestamp) -> Bool {
        guard let ready = status.conditions[Condition.ready], ready.isTrue else { return false }
        guard minReady > .zero else { return true }
        guard let since = ready.lastTransitionTime else { return false }
        return since + minReady <= now
    }
}

/// `spec` of a pod, and of the template in a workload.
package struct PodSpec: Hashable, Sendable {
    /// Which exits are followed by a restart.
    package enum RestartPolicy: String, Sendable {
        case always = "Always"
        case onFailure = "OnFailure"
        case never = "Never"
    }

    package var containers: [Container]
    package var initContainers: [Container]
    package var volumes: [Volume]
    package var restartPolicy: RestartPolicy
    package var terminationGracePeriod: Duration
    package var activeDeadline: Duration?
    /// Empty until the scheduler has placed it.
    package var nodeName: String
    package var nodeSelector: [String: String]
    package var tolerations: [Toleration]
    package var topologySpreadConstraints: [TopologySpreadConstraint]
    package var affinity: Affinity
    package var schedulerName: String
    package var schedulingGates: [String]
    package var serviceAccountName: String
    package var hostname: String
    package var subdomain: String
    package var isHostNetwork: Bool
    package var dns: PodDNS
    package var isServiceLinksEnabled: Bool
    package var priority: Int
    package var securityContext: SecurityContext
    package var readinessGates: [String]
    /// What a pod needs besides its containers.
    package var overhead: [String: Quantity]

    package init(_ spec: Value) {
        containers = spec["containers"].elements.map { Container($0) }
        initContainers = spec["initContainers"].elements.map { Container($0) }
        volumes = spec["volumes"].elements.map { Volume($0) }
        restartPolicy = spec["restartPolicy"].string.flatMap(RestartPolicy.init(rawValue:)) ?? .always
        terminationGracePeriod = spec["terminationGracePeriodSeconds"].seconds ?? .seconds(30)
        activeDeadline = spec["activeDeadlineSeconds"].seconds
        nodeName = spec["nodeName"].string ?? ""
        nodeSelector = spec["nodeSelector"].stringMap
        tolerations = spec["tolerations"].elements.map { Toleration($0) }
        topologySpreadConstraints = spec["topologySpreadConstraints"].elements.map { TopologySpreadConstraint($0) }
        affinity = Affinity(spec["affinity"])
        schedulerName = spec["schedulerName"].string ?? "default-scheduler"
        schedulingGates = spec["schedulingGates"].elements.compactMap { $0["name"].string }
        serviceAccountName = spec["serviceAccountName"].string ?? ""
        hostname = spec["hostname"].string ?? ""
        subdomain = spec["subdomain"].string ?? ""
        isHostNetwork = spec["hostNetwork"].bool ?? false
        dns = PodDNS(spec)
        isServiceLinksEnabled = spec["enableServiceLinks"].bool ?? true
        priority = Int(spec["priority"].int ?? 0)
        securityContext = SecurityContext(spec["securityContext"])
        readinessGates = spec["readinessGates"].elements.compactMap { $0["conditionType"].string }
        overhead = [String: Quantity](quantities: spec["overhead"])
    }

    /// What the scheduler reserves: the containers' requests and sidecars' together, or the largest init container's (with the sidecars started
    /// before it) where that is more.
    package var requests: [String: Quantity] { together(\.requests) }
    /// What its containers may use together, reckoned as `requests` are.
    package var limits: [String: Quantity] { together(\.limits) }

    private func together(_ amounts: KeyPath<ResourceRequirements, [String: Quantity]>) -> [String: Quantity] {
        var running: [String: Quantity] = [:]
        for container in containers { running.add(container.resources[keyPath: amounts]) }
        var sidecars: [String: Quantity] = [:]
        var peak: [String: Quantity] = [:]
        for container in initContainers {
            if container.isSidecar {
                sidecars.add(container.resources[keyPath: amounts])
                peak.raise(to: sidecars)
            } else {
                var together = sidecars
                together.add(container.resources[keyPath: amounts])
                peak.raise(to: together)
            }
        }
        running.add(sidecars)
        running.raise(to: peak)
        running.add(overhead)
        return running
    }
}

/// `template` of a workload: what its pods are made from.
package struct PodTemplate: Hashable, Sendable {
    package var labels: [String: String]
    package var annotations: [String: String]
    package var spec: PodSpec
    /// The whole template: what two revisions are compared by.
    package var value: Value

    package init(_ value: Value) {
        self.value = value
        labels = value["metadata"]["labels"].stringMap
        annotations = value["metadata"]["annotations"].stringMap
        spec = PodSpec(value["spec"])
    }
}

extension [String: Quantity] {
    /// Reads a resource list (`{cpu: 250m, memory: 64Mi}`); what is no quantity is left out.
    package init(quantities value: Formats.Value) {
        self = [:]
        guard case .object(let object) = value else { return }
        for (name, amount) in object {
            if let quantity = Quantity(reading: amount) { self[name] = quantity }
        }
    }

    /// Adds each amount to the one of its name.
    package mutating func add(_ other: [String: Quantity]) {
        for (name, amount) in other { self[name] = (self[name] ?? .zero) + amount }
    }

    /// Raises each amount to at least the one of its name.
    package mutating func raise(to other: [String: Quantity]) {
        for (name, amount) in other { self[name] = Swift.max(self[name] ?? .zero, amount) }
    }
}

extension Quantity {
    /// A quantity as manifests write it: a string or a bare number.
    package init?(reading value: Value) {
        switch value {
        case .string(let text): self.init(text)
        case .int(let units): self.init(units)
        case .double(let number): self.init("\(number)")
        default: return nil
        }
    }
}
