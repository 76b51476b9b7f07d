import Formats
import Timing

/// How many pods of a set evictions may take away at a time (PodDisruptionBudget).
package struct DisruptionBudget: Sendable {
    package var meta: ObjectMeta
    package var minAvailable: IntOrPercent?
    package var maxUnavailable: IntOrPercent?
    /// Nil: selects nothing.
    package var selector: LabelSelector?
    /// Pods that are not ready may always go; else only while enough others are healthy.
    package var alwaysAllowsUnhealthy: Bool
    package var status: Status

    /// What its controller counted, less what was evicted since.
    package struct Status: Hashable, Sendable {
        /// How long an eviction counts although the pod is still there (Kubernetes' figure).
        package static let disruptionTimeout: Duration = .seconds(120)

        package var observedGeneration: Int64
        /// Evicted, and not seen to go yet: when.
        package var disruptedPods: [String: Timestamp]
        package var disruptionsAllowed: Int
        package var currentHealthy: Int
        package var desiredHealthy: Int
        package var expectedPods: Int

        package init(
            observedGeneration: Int64 = 0, disruptedPods: [String: Timestamp] = [:], disruptionsAllowed: Int = 0, currentHealthy: Int = 0,
            desiredHealthy: Int = 0, expectedPods: Int = 0
        ) {
            self.observedGeneration = observedGeneration
            self.disruptedPods = disruptedPods
            self.disruptionsAllowed = disruptionsAllowed
            self.currentHealthy = currentHealthy
            self.desiredHealthy = desiredHealthy
            self.expectedPods = expectedPods
        }

        package init(_ value: Value) {
            var disrupted: [String: Timestamp] = [:]
            for (name, time) in value["disruptedPods"].object ?? [:] { if let time = time.timestamp { disrupted[name] = time } }
            self.init(
                observedGeneration: value["observedGeneration"].int ?? 0, disruptedPods: disrupted,
                disruptionsAllowed: value["disruptionsAllowed"].count, currentHealthy: value["currentHealthy"].count,
                desiredHealthy: value["desiredHealthy"].count, expectedPods: value["expectedPods"].count)
        }

        /// The whole status; `old` are its conditions so far.
        package func value(conditions old: Value, now: Timestamp) -> Value {
            var condition = Condition(
                DisruptionBudget.allowed, disruptionsAllowed > 0 ? .isTrue : .isFalse,
                reason: disruptionsAllowed > 0 ? "SufficientPods" : "InsufficientPods", lastTransitionTime: now
            ).value
            let before = old.elements.first { $0["type"].string == DisruptionBudget.allowed }
            if let before, before["status"] == condition["status"] { condition["lastTransitionTime"] = before["lastTransitionTime"] }
            condition["message"] = ""
            condition["observedGeneration"] = .int(observedGeneration)
            var out: Value = [
                "observedGeneration": .int(observedGeneration), "disruptionsAllowed": .int(Int64(disruptionsAllowed)),
                "currentHealthy": .int(Int64(currentHealthy)), "desiredHealthy": .int(Int64(desiredHealthy)),
                "expectedPods": .int(Int64(expectedPods)),
                "conditions": .array(old.elements.filter { $0["type"].string != DisruptionBudget.allowed } + [condition]),
            ]
            if !disruptedPods.isEmpty {
                let times = disruptedPods.sorted { $0.key < $1.key }.map { ($0.key, Value.string($0.value.rfc3339)) }
                out["disruptedPods"] = .object(Object(times))
            }
            return out
        }
    }

    /// How many of a workload's replicas may be missing where no budget selects them: a quarter, and always one.
    package static func standardShare(of replicas: Int) -> Int { max(1, replicas / 4) }

    /// The condition that says whether a pod may be evicted.
    package static let allowed = "DisruptionAllowed"

    package init(_ value: Value) {
        meta = ObjectMeta(of: value)
        let spec = value["spec"]
        minAvailable = IntOrPercent(spec["minAvailable"])
        maxUnavailable = IntOrPercent(spec["maxUnavailable"])
        selector = spec["selector"].isNull ? nil : LabelSelector(object: spec["selector"])
        alwaysAllowsUnhealthy = spec["unhealthyPodEvictionPolicy"].string == "AlwaysAllow"
        status = Status(value["status"])
    }

    package var key: ObjectKey { ObjectKey(.disruptionBudgets, namespace: meta.namespace, name: meta.name) }
}
