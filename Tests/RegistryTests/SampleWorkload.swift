import Formats
import Registry
import Resources
import Timing

/// A workload with pods on node a1, and what its agent and its budget say.
extension StoreFixture {
    static let labels: Value = ["app": "web"]
    static let budgetKey = ObjectKey(.disruptionBudgets, namespace: "default", name: "b")

    /// A ReplicaSet `web` with Ready pods w0, w1, …
    static func workload(_ replicas: Int, owned: Bool = true, liveness: Value? = nil) throws -> StoreFixture {
        var store = StoreFixture()
        let set = try store.addSet("web", replicas: replicas)
        let owner: Value? = owned ? set : Value?.none
        for index in 0..<replicas { try store.addPod("w\(index)", of: owner, liveness: liveness) }
        return store
    }

    @discardableResult
    mutating func addSet(_ name: String, replicas: Int, of deployment: Value? = nil) throws -> Value {
        var body: Value = [
            "metadata": ["name": .string(name)],
            "spec": ["replicas": .int(Int64(replicas)), "selector": ["matchLabels": Self.labels], "template": Self.template],
        ]
        if let deployment { body["metadata"]["ownerReferences"] = [Self.owner("Deployment", deployment)] }
        return try create(body, .replicaSets)
    }

    mutating func addDeployment(_ name: String, replicas: Int) throws -> Value {
        try create(
            [
                "metadata": ["name": .string(name)],
                "spec": ["replicas": .int(Int64(replicas)), "selector": ["matchLabels": Self.labels], "template": Self.template],
            ], .deployments)
    }

    mutating func addPod(_ name: String, of set: Value?, ready: Bool = true, liveness: Value? = nil) throws {
        var pod = Sample.pod(name, node: "a1", labels: ["app": "web"])
        if let liveness { pod["spec"]["containers"] = [["name": "c", "image": "web", "livenessProbe": liveness]] }
        if let set { pod["metadata"]["ownerReferences"] = [Self.owner("ReplicaSet", set)] }
        _ = try create(pod, .pods)
        try report(name, ready: ready)
    }

    private static let template: Value = ["metadata": ["labels": labels], "spec": ["containers": [["name": "c", "image": "web"]]]]

    private static func owner(_ kind: String, _ object: Value) -> Value {
        [
            "apiVersion": "apps/v1", "kind": .string(kind), "name": object["metadata"]["name"], "uid": object["metadata"]["uid"],
            "controller": true,
        ]
    }

    /// What the pod's agent writes. `heldSince`: since when the restart that a probe asks for is held back. `since`: when Ready last changed.
    /// `startedAt`: when the container that runs was started; nil: then as well.
    mutating func report(
        _ name: String, ready: Bool, restarts: Int64 = 0, heldSince: String? = nil, since: Timestamp? = nil, startedAt: Timestamp? = nil
    ) throws {
        var conditions: [Value] = [["type": "Ready", "status": ready ? "True" : "False"]]
        if let since { conditions = [["type": "Ready", "status": ready ? "True" : "False", "lastTransitionTime": .string(since.rfc3339)]] }
        if let heldSince {
            conditions.append(["type": .string(Condition.restartHeldBack), "status": "True", "lastTransitionTime": .string(heldSince)])
        }
        var container: Value = ["name": "c", "restartCount": .int(restarts), "image": "web", "imageID": "", "ready": .bool(ready)]
        if ready, let begun = startedAt ?? since { container["state"] = ["running": ["startedAt": .string(begun.rfc3339)]] }
        let status: Value = ["phase": "Running", "conditions": .array(conditions), "containerStatuses": [container]]
        try perform(.patch(Sample.podKey(name), .merge(["status": status]), .status))
    }

    mutating func budget(name: String = "b", allowed: Int, healthy: Int, desired: Int, policy: String? = nil) throws {
        var spec: Value = ["minAvailable": .int(Int64(desired)), "selector": ["matchLabels": Self.labels]]
        if let policy { spec["unhealthyPodEvictionPolicy"] = .string(policy) }
        _ = try create(["metadata": ["name": .string(name)], "spec": spec], .disruptionBudgets)
        let status: Value = [
            "observedGeneration": 1, "disruptionsAllowed": .int(Int64(allowed)), "currentHealthy": .int(Int64(healthy)),
            "desiredHealthy": .int(Int64(desired)), "expectedPods": 3,
        ]
        let key = ObjectKey(.disruptionBudgets, namespace: "default", name: name)
        try perform(.patch(key, .merge(["status": status]), .status))
    }

    func isEvictionRequested(_ name: String) -> Bool {
        object(Sample.podKey(name))?["metadata"]["annotations"]["steady.dev/eviction-requested"].string != nil
    }
}
