import Formats
import Resources
import Timing

/// What plans read of a ReplicaSet.
package struct ObservedReplicaSet: Sendable {
    package var meta: ObservedMeta
    package var replicas: Int
    package var minReady: Duration
    package var selector: LabelSelector
    package var template: Value
    package var status: Status
    /// `status.conditions` as stored.
    package var conditions: Value

    /// The status that was written last.
    package struct Status: Hashable, Sendable {
        package var replicas = 0
        package var fullyLabeled = 0
        package var ready = 0
        package var available = 0
        package var observedGeneration: Int64 = 0

        package init() {}

        package init(_ status: Value) {
            replicas = Int(status["replicas"].int ?? 0)
            fullyLabeled = Int(status["fullyLabeledReplicas"].int ?? 0)
            ready = Int(status["readyReplicas"].int ?? 0)
            available = Int(status["availableReplicas"].int ?? 0)
            observedGeneration = status["observedGeneration"].int ?? 0
        }
    }

    package init(_ set: Value) {
        meta = ObservedMeta(set)
        let spec = set["spec"]
        replicas = Int(spec["replicas"].int ?? 1)
        minReady = .seconds(spec["minReadySeconds"].int ?? 0)
        selector = LabelSelector(object: spec["selector"])
        template = spec["template"]
        status = Status(set["status"])
        conditions = set["status"]["conditions"]
    }

    package var key: ObjectKey { meta.key(.replicaSets) }
    /// Its version was once complete.
    package var wasComplete: Bool { meta.annotations[Revisions.complete] != nil }
}

extension LabelSelector {
    /// Like `matches`, and never true for a selector without requirements: the workload kinds demand one, so an empty one is a mistake that
    /// must not catch every pod.
    package func selects(_ labels: [String: String]) -> Bool { !requirements.isEmpty && matches(labels) }
}
