import Formats
import Resources
import Timing

/// What a stopped instance left in its store says that pods are Ready. Until the agents have looked nobody may believe it: neither a proxy nor somebody who
/// waits for a condition.
extension Registry {
    /// Of the conditions.
    private static let reason = "InstanceStarted"
    private static let message = "The instance was started anew: nothing of it has been reported since."

    /// Commits that nothing is ready: pods, and what others have counted of them. The agents and controllers say so again when it is true.
    mutating func takeBackReadiness(_ now: Timestamp, _ records: inout [RegistryRecord]) {
        let rules: [(ResourceType, (Value, String) -> Value)] = [
            (.pods, Self.pod), (.endpointSlices, Self.endpointSlice), (.replicaSets, Self.replicaSet), (.deployments, Self.deployment),
            (.disruptionBudgets, Self.budget),
        ]
        for (type, takeBack) in rules {
            for slot in keyspace.tipSlots(matching: ListRequest(type)) {
                guard let stored = keyspace.tip(slot) else { continue }
                let changed = takeBack(stored.value, now.rfc3339)
                if changed != stored.value { _ = commit(slot, replacing: stored, with: changed, records: &records) }
            }
        }
    }

    private static func pod(_ object: Value, _ now: String) -> Value {
        var pod = object
        if ["Succeeded", "Failed"].contains(pod["status"]["phase"].string) { return pod }
        for type in ["Ready", "ContainersReady"] { pod = withFalse(type, pod, now) }
        for field in ["initContainerStatuses", "containerStatuses"] {
            guard case .array(var statuses) = pod["status"][field] else { continue }
            for index in statuses.indices where !statuses[index]["state"]["running"].isNull {
                statuses[index]["ready"] = false
                statuses[index]["started"] = false
            }
            pod["status"][field] = .array(statuses)
        }
        return pod
    }

    private static func endpointSlice(_ object: Value, _ now: String) -> Value {
        var slice = object
        guard case .array(var endpoints) = slice["endpoints"] else { return slice }
        for index in endpoints.indices {
            for field in ["ready", "serving"] where endpoints[index]["conditions"][field] == true {
                endpoints[index]["conditions"][field] = false
            }
        }
        slice["endpoints"] = .array(endpoints)
        return slice
    }

    private static func replicaSet(_ object: Value, _ now: String) -> Value {
        var set = object
        for field in ["readyReplicas", "availableReplicas"] where !set["status"][field].isNull { set["status"][field] = .null }
        return set
    }

    private static func deployment(_ object: Value, _ now: String) -> Value {
        // One that wants no replica lacks none.
        guard (object["status"]["replicas"].int ?? 0) > 0 else { return object }
        var deployment = object
        for field in ["readyReplicas", "availableReplicas"] where !deployment["status"][field].isNull {
            deployment["status"][field] = .null
        }
        deployment["status"]["unavailableReplicas"] = deployment["status"]["replicas"]
        return withFalse("Available", deployment, now)
    }

    private static func budget(_ object: Value, _ now: String) -> Value {
        var budget = object
        for field in ["currentHealthy", "disruptionsAllowed"] where (budget["status"][field].int ?? 0) > 0 { budget["status"][field] = 0 }
        return budget
    }

    /// The object with a condition that was True and is not.
    private static func withFalse(_ type: String, _ object: Value, _ now: String) -> Value {
        var object = object
        guard case .array(var conditions) = object["status"]["conditions"],
            let index = conditions.firstIndex(where: { $0["type"].string == type }), conditions[index]["status"].string == "True"
        else { return object }
        conditions[index]["status"] = "False"
        conditions[index]["reason"] = .string(reason)
        conditions[index]["message"] = .string(message)
        conditions[index]["lastTransitionTime"] = .string(now)
        if !conditions[index]["lastUpdateTime"].isNull { conditions[index]["lastUpdateTime"] = .string(now) }
        object["status"]["conditions"] = .array(conditions)
        return object
    }
}
