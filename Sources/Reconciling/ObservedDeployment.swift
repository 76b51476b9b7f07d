import Formats
import Resources
import Timing

/// What plans read of a Deployment.
package struct ObservedDeployment: Sendable {
    /// How old pods give way to new ones.
    package enum Strategy: Sendable, Hashable {
        case recreate
        case rollingUpdate(maxSurge: IntOrPercent, maxUnavailable: IntOrPercent)
    }

    package var meta: ObservedMeta
    package var replicas: Int
    package var selector: LabelSelector
    package var selectorValue: Value
    package var template: Value
    package var strategy: Strategy
    package var minReadySeconds: Int64
    /// Nil: a rollout may take for ever (Kubernetes: the largest 32-bit number).
    package var progressDeadline: Duration?
    /// Nil: all of the history is kept.
    package var revisionHistoryLimit: Int?
    package var isPaused: Bool
    package var status: Status
    package var conditions: Value

    /// The status that was written last.
    package struct Status: Hashable, Sendable {
        package var replicas = 0
        package var updated = 0
        package var ready = 0
        package var available = 0
        package var unavailable = 0
        package var observedGeneration: Int64 = 0
        /// How often the name of a new ReplicaSet was taken.
        package var collisionCount: Int64 = 0

        package init() {}

        package init(_ status: Value) {
            replicas = Int(status["replicas"].int ?? 0)
            updated = Int(status["updatedReplicas"].int ?? 0)
            ready = Int(status["readyReplicas"].int ?? 0)
            available = Int(status["availableReplicas"].int ?? 0)
            unavailable = Int(status["unavailableReplicas"].int ?? 0)
            observedGeneration = status["observedGeneration"].int ?? 0
            collisionCount = status["collisionCount"].int ?? 0
        }
    }

    package init(_ deployment: Value) {
        meta = ObservedMeta(deployment)
        let spec = deployment["spec"]
        replicas = Int(spec["replicas"].int ?? 1)
        selector = LabelSelector(object: spec["selector"])
        selectorValue = spec["selector"]
        template = spec["template"]
        if spec["strategy"]["type"].string == "Recreate" {
            strategy = .recreate
        } else {
            let rolling = spec["strategy"]["rollingUpdate"]
            strategy = .rollingUpdate(
                maxSurge: IntOrPercent(rolling["maxSurge"]) ?? .percent(25),
                maxUnavailable: IntOrPercent(rolling["maxUnavailable"]) ?? .percent(25))
        }
        minReadySeconds = spec["minReadySeconds"].int ?? 0
        let deadline = spec["progressDeadlineSeconds"].int ?? 600
        progressDeadline = deadline == Int64(Int32.max) ? nil : .seconds(deadline)
        let history = spec["revisionHistoryLimit"].int ?? 10
        revisionHistoryLimit = history == Int64(Int32.max) ? nil : Int(history)
        isPaused = spec["paused"].bool ?? false
        status = Status(deployment["status"])
        conditions = deployment["status"]["conditions"]
    }

    package var key: ObjectKey { meta.key(.deployments) }
    /// It was told to go back by itself.
    package var rollsBackOnFailure: Bool { meta.annotations[Revisions.rollbackOnFailure] == "true" }

    /// How many pods may exist beyond `replicas`, and how many of `replicas` may be missing, during a rollout.
    ///
    /// Surge is rounded up and unavailability down. Both zero would never get anywhere: then one may be missing (Kubernetes' rule). Of Recreate, which
    /// counts for the condition Available alone, none may be missing.
    package var allowance: (surge: Int, unavailable: Int) {
        guard case .rollingUpdate(let maxSurge, let maxUnavailable) = strategy else { return (0, 0) }
        let surge = max(0, maxSurge.resolved(of: replicas, rounding: .up))
        var unavailable = max(0, maxUnavailable.resolved(of: replicas, rounding: .down))
        if surge == 0, unavailable == 0 { unavailable = 1 }
        return (surge, min(unavailable, replicas))
    }
}
