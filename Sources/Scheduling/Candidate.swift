import Resources
import Timing

/// A pod as the scheduler sees it: what it needs, and where it may go.
package struct Candidate: Sendable {
    package var key: ObjectKey
    package var uid: String
    package var labels: [String: String]
    package var creation: Timestamp
    package var priority: Int
    /// Pods of one group are spread over zones and nodes: those of one controller. Nil for a pod by itself.
    package var group: String?
    package var needs: Needs
    package var nodeSelector: [String: String]
    package var affinity: Affinity
    package var tolerations: [Toleration]
    package var constraints: [TopologySpreadConstraint]

    package init(_ pod: Pod) {
        key = pod.key
        uid = pod.meta.uid
        labels = pod.meta.labels
        creation = pod.meta.creationTimestamp ?? Timestamp(nanosecondsSince1970: 0)
        priority = pod.spec.priority
        group = pod.meta.controller?.uid
        needs = Needs(pod.spec)
        nodeSelector = pod.spec.nodeSelector
        affinity = pod.spec.affinity
        tolerations = pod.spec.tolerations
        constraints = pod.spec.topologySpreadConstraints
    }

    /// Whether selector and required affinity let the pod onto a node.
    func wants(_ node: NodeState) -> Bool {
        guard nodeSelector.allSatisfy({ node.labels[$0.key] == $0.value }) else { return false }
        guard let terms = affinity.requiredNodeTerms else { return true }
        return terms.contains { $0.matches(labels: node.labels, name: node.name) }
    }
}

/// What a pod takes from its node.
package struct Needs: Hashable, Sendable {
    /// A port of the node itself that a pod wants.
    package struct HostPort: Hashable, Sendable {
        package var port: Port
        package var transport: TransportProtocol
    }

    package var requests: [String: Quantity]
    /// `requests`, with what a pod is taken to weigh that asks for nothing: nodes are compared by it, or all such pods would go to the node
    /// that nobody has asked anything of. Kubernetes' numbers.
    var weighed: [String: Quantity]
    package var hostPorts: Set<HostPort>

    private static let assumed: [String: Quantity] = ["cpu": Quantity(milli: 100), "memory": Quantity(200 << 20)]

    package init(_ spec: PodSpec) {
        requests = spec.requests.filter { $0.value > .zero }
        weighed = Self.assumed.merging(requests) { $1 }
        hostPorts = []
        // Only with the host's network is a container's port the host's; `hostPort` alone has no effect.
        guard spec.isHostNetwork else { return }
        for container in spec.containers {
            for port in container.ports {
                guard let number = port.hostPort ?? port.containerPort else { continue }
                hostPorts.insert(HostPort(port: number, transport: port.transport))
            }
        }
    }
}
