import Formats
import Timing

/// A (simulated) machine that runs pods.
package struct Node: Sendable {
    package static let zoneLabel = "topology.kubernetes.io/zone"
    package static let hostnameLabel = "kubernetes.io/hostname"

    package var meta: ObjectMeta
    package var podCIDR: String
    package var isUnschedulable: Bool
    package var taints: [Taint]
    package var capacity: [String: Quantity]
    package var allocatable: [String: Quantity]
    package var conditions: [Condition]
    package var internalIP: String
    package var value: Value

    package init(_ value: Value) {
        self.value = value
        meta = ObjectMeta(of: value)
        podCIDR = value["spec"]["podCIDR"].string ?? ""
        isUnschedulable = value["spec"]["unschedulable"].bool ?? false
        taints = value["spec"]["taints"].elements.map { Taint($0) }
        let status = value["status"]
        capacity = [String: Quantity](quantities: status["capacity"])
        allocatable = status["allocatable"].isNull ? capacity : [String: Quantity](quantities: status["allocatable"])
        conditions = [Condition](conditions: status["conditions"])
        internalIP = status["addresses"].elements.first { $0["type"].string == "InternalIP" }?["address"].string ?? ""
    }

    package var key: ObjectKey { ObjectKey(.nodes, name: meta.name) }
    package var zone: String { meta.labels[Self.zoneLabel] ?? "" }
    package var isReady: Bool { conditions.isTrue(Condition.ready) }
}

/// Proof that somebody lives: renewed by its holder, watched by others.
package struct Lease: Sendable {
    package var meta: ObjectMeta
    package var holder: String
    package var duration: Duration
    package var acquireTime: Timestamp?
    package var renewTime: Timestamp?
    /// How often it changed hands: the lease's epoch.
    package var transitions: Int64
    package var value: Value

    package init(_ value: Value) {
        self.value = value
        meta = ObjectMeta(of: value)
        let spec = value["spec"]
        holder = spec["holderIdentity"].string ?? ""
        duration = spec["leaseDurationSeconds"].seconds ?? .zero
        acquireTime = spec["acquireTime"].timestamp
        renewTime = spec["renewTime"].timestamp
        transitions = spec["leaseTransitions"].int ?? 0
    }

    package var key: ObjectKey { ObjectKey(.leases, namespace: meta.namespace, name: meta.name) }
}
