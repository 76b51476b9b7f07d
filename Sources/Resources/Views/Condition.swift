import Formats
import Timing

/// One entry of `status.conditions`: something about an object that is true, false or not known, and since when.
package struct Condition: Hashable, Sendable {
    /// A condition is true, false, or not known.
    package enum Status: String, Sendable {
        case isTrue = "True"
        case isFalse = "False"
        case unknown = "Unknown"
    }

    package var type: String
    package var status: Status
    package var reason: String
    package var message: String
    /// When `status` last changed.
    package var lastTransitionTime: Timestamp?
    /// Deployments only: when reason or message last changed.
    package var lastUpdateTime: Timestamp?
    /// Nodes only: when it was last looked at.
    package var lastHeartbeatTime: Timestamp?
    package var observedGeneration: Int64?
    /// `steady.dev/Withdrawn` only: the route revision that proxies must have reached.
    package var observedRevision: Revision?

    package init(
        _ type: String, _ status: Status, reason: String = "", message: String = "", lastTransitionTime: Timestamp? = nil,
        lastUpdateTime: Timestamp? = nil, lastHeartbeatTime: Timestamp? = nil, observedGeneration: Int64? = nil,
        observedRevision: Revision? = nil
    ) {
        self.type = type
        self.status = status
        self.reason = reason
        self.message = message
        self.lastTransitionTime = lastTransitionTime
        self.lastUpdateTime = lastUpdateTime
        self.lastHeartbeatTime = lastHeartbeatTime
        self.observedGeneration = observedGeneration
        self.observedRevision = observedRevision
    }

    package init(_ value: Value) {
        self.init(
            value["type"].string ?? "", value["status"].string.flatMap(Status.init(rawValue:)) ?? .unknown,
            reason: value["reason"].string ?? "",
            message: value["message"].string ?? "", lastTransitionTime: value["lastTransitionTime"].timestamp,
            lastUpdateTime: value["lastUpdateTime"].timestamp, lastHeartbeatTime: value["lastHeartbeatTime"].timestamp,
            observedGeneration: value["observedGeneration"].int, observedRevision: value["observedRevision"].string.flatMap { Revision($0) }
        )
    }

    /// The wire form; empty reason and message are left out.
    package var value: Value {
        var out: Value = ["type": .string(type), "status": .string(status.rawValue)]
        if let lastHeartbeatTime { out["lastHeartbeatTime"] = .string(lastHeartbeatTime.rfc3339) }
        if let lastUpdateTime { out["lastUpdateTime"] = .string(lastUpdateTime.rfc3339) }
        if let lastTransitionTime { out["lastTransitionTime"] = .string(lastTransitionTime.rfc3339) }
        if !reason.isEmpty { out["reason"] = .string(reason) }
        if !message.isEmpty { out["message"] = .string(message) }
        if let observedGeneration { out["observedGeneration"] = .int(observedGeneration) }
        if let observedRevision { out["observedRevision"] = .string(observedRevision.description) }
        return out
    }

    package var isTrue: Bool { status == .isTrue }
}

extension Condition {
    /// The names of pod conditions.
    package static let podScheduled = "PodScheduled"
    package static let initialized = "Initialized"
    package static let containersReady = "ContainersReady"
    /// Of pods and of nodes.
    package static let ready = "Ready"
    /// The pod is in no route table from `observedRevision` on.
    package static let withdrawn = "steady.dev/Withdrawn"
    /// Its liveness probe asks for a restart, which would do more harm than good now: it goes on serving.
    package static let restartHeldBack = "steady.dev/RestartHeldBack"
    /// The names of Deployment conditions.
    package static let available = "Available"
    package static let progressing = "Progressing"
    package static let replicaFailure = "ReplicaFailure"
    /// Of TrafficPolicies, whole and for each target: it holds.
    package static let accepted = "Accepted"
    /// Of a TrafficPolicy's target: on some ports another one holds.
    package static let overridden = "Overridden"
    /// Of TrafficPolicies, whole and for each target: what its rules name is there.
    package static let resolvedReferences = "ResolvedRefs"
    /// Of ReplicaSets and Deployments: several replicas fail alike and are left to serve, since restarts do not help.
    package static let failingAlike = "steady.dev/FailingAlike"
    /// The newest version failed, and the Deployment went back by itself.
    package static let rolledBack = "steady.dev/RolledBack"
}

extension [Condition] {
    /// Reads `status.conditions`.
    package init(conditions value: Value) { self = value.elements.map { Condition($0) } }

    package subscript(type: String) -> Condition? { first { $0.type == type } }

    /// Whether the condition is there and true.
    package func isTrue(_ type: String) -> Bool { self[type]?.isTrue ?? false }

    /// Puts a condition in place of the one of its type. `lastTransitionTime` is kept while the status stays the same, else it is `now`.
    ///
    /// Says whether anything but times changed.
    @discardableResult
    package mutating func set(_ condition: Condition, now: Timestamp) -> Bool {
        var new = condition
        guard let at = firstIndex(where: { $0.type == condition.type }) else {
            new.lastTransitionTime = new.lastTransitionTime ?? now
            append(new)
            return true
        }
        let old = self[at]
        new.lastTransitionTime = old.status == new.status ? old.lastTransitionTime : now
        self[at] = new
        return old.status != new.status || old.reason != new.reason || old.message != new.message
            || old.observedRevision != new.observedRevision
            || old.observedGeneration != new.observedGeneration
    }

    package var value: Value { .array(map(\.value)) }
}
