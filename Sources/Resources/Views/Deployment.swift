import Formats

/// A Deployment: replaces a template's pods, revision by revision.
package struct Deployment: Sendable {
    /// How old pods give way to new ones.
    package enum Strategy: Hashable, Sendable {
        case recreate
        case rollingUpdate(maxSurge: IntOrPercent, maxUnavailable: IntOrPercent)
    }

    package var meta: ObjectMeta
    package var replicas: Int
    package var selector: LabelSelector
    package var template: PodTemplate
    package var strategy: Strategy
    package var minReady: Duration
    package var revisionHistoryLimit: Int
    package var isPaused: Bool
    /// Nil: no deadline.
    package var progressDeadline: Duration?
    package var status: Status
    package var value: Value

    /// What the controller has seen and counted.
    package struct Status: Hashable, Sendable {
        package var observedGeneration: Int64
        package var replicas: Int
        package var updatedReplicas: Int
        package var readyReplicas: Int
        package var availableReplicas: Int
        package var unavailableReplicas: Int
        package var collisionCount: Int
        package var conditions: [Condition]

        package init(_ value: Value) {
            observedGeneration = value["observedGeneration"].int ?? 0
            replicas = value["replicas"].count
            updatedReplicas = value["updatedReplicas"].count
            readyReplicas = value["readyReplicas"].count
            availableReplicas = value["availableReplicas"].count
            unavailableReplicas = value["unavailableReplicas"].count
            collisionCount = value["collisionCount"].count
            conditions = [Condition](conditions: value["conditions"])
        }
    }

    package init(_ value: Value) {
        self.value = value
        meta = ObjectMeta(of: value)
        let spec = value["spec"]
        replicas = spec["replicas"].int.map { Int($0) } ?? 1
        selector = LabelSelector(object: spec["selector"])
        template = PodTemplate(spec["template"])
        if spec["strategy"]["type"].string == "Recreate" {
            strategy = .recreate
        } else {
            let rolling = spec["strategy"]["rollingUpdate"]
            strategy = .rollingUpdate(
                maxSurge: IntOrPercent(rolling["maxSurge"]) ?? .percent(25),
                maxUnavailable: IntOrPercent(rolling["maxUnavailable"]) ?? .percent(25))
        }
        minReady = spec["minReadySeconds"].seconds ?? .zero
        revisionHistoryLimit = spec["revisionHistoryLimit"].int.map { Int($0) } ?? 10
        isPaused = spec["paused"].bool ?? false
        // Kubernetes reads the largest 32-bit number as "never".
        let deadline = spec["progressDeadlineSeconds"].int ?? 600
        progressDeadline = deadline >= Int64(Int32.max) ? nil : .seconds(deadline)
        status = Status(value["status"])
    }

    package var key: ObjectKey { ObjectKey(.deployments, namespace: meta.namespace, name: meta.name) }

    /// How many pods beyond and below `replicas` a roll may have. Both zero after rounding: one may be unavailable, else nothing could move.
    package var bounds: (surge: Int, unavailable: Int) {
        guard case .rollingUpdate(let maxSurge, let maxUnavailable) = strategy else { return (0, replicas) }
        let surge = maxSurge.resolved(of: replicas, rounding: .up)
        let unavailable = min(maxUnavailable.resolved(of: replicas, rounding: .down), replicas)
        return surge == 0 && unavailable == 0 ? (0, replicas == 0 ? 0 : 1) : (surge, unavailable)
    }
}

/// A ReplicaSet: so many pods of one template.
package struct ReplicaSet: Sendable {
    package var meta: ObjectMeta
    package var replicas: Int
    package var selector: LabelSelector
    package var template: PodTemplate
    package var minReady: Duration
    package var status: Status
    package var value: Value

    /// What the controller has seen and counted.
    package struct Status: Hashable, Sendable {
        package var observedGeneration: Int64
        package var replicas: Int
        package var fullyLabeledReplicas: Int
        package var readyReplicas: Int
        package var availableReplicas: Int
        package var conditions: [Condition]

        package init(_ value: Value) {
            observedGeneration = value["observedGeneration"].int ?? 0
            replicas = value["replicas"].count
            fullyLabeledReplicas = value["fullyLabeledReplicas"].count
            readyReplicas = value["readyReplicas"].count
            availableReplicas = value["availableReplicas"].count
            conditions = [Condition](conditions: value["conditions"])
        }
    }

    package init(_ value: Value) {
        self.value = value
        meta = ObjectMeta(of: value)
        let spec = value["spec"]
        replicas = spec["replicas"].int.map { Int($0) } ?? 1
        selector = LabelSelector(object: spec["selector"])
        template = PodTemplate(spec["template"])
        minReady = spec["minReadySeconds"].seconds ?? .zero
        status = Status(value["status"])
    }

    package var key: ObjectKey { ObjectKey(.replicaSets, namespace: meta.namespace, name: meta.name) }
}

extension Value {
    /// A whole number, 0 where there is none.
    var count: Int { int.map { Int($0) } ?? 0 }
}
