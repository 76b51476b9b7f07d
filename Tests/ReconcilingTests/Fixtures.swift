import Formats
import Reconciling
import Resources
import Timing

let start = Timestamp(secondsSince1970: 1_800_000_000)

/// A pod of ReplicaSet `rs` (uid `rs-1`), told in a few words.
func pod(
    _ name: String, node: String = "a1", ready: Bool = true, phase: String = "Running", readyFor seconds: Int64 = 100, age: Int64 = 200,
    labels: [String: String] = ["app": "web"], annotations: [String: String] = [:], owner: String? = "rs-1", restarts: Int64 = 0,
    ip: String = "",
    deleting: Bool = false, withdrawn: Bool = false, held: Bool = false, restartedBefore: Int64? = nil, repeated: Bool = false,
    ports: [Value] = [],
    tolerations: [Value] = []
) -> ObservedPod {
    var value: Value = [
        "metadata": [
            "name": .string(name), "namespace": "default", "uid": .string("uid-" + name), "resourceVersion": "5",
            "labels": .strings(labels),
            "annotations": .strings(annotations), "creationTimestamp": .string((start + .seconds(-age)).rfc3339),
        ],
        "spec": ["nodeName": .string(node), "containers": [["name": "c", "ports": .array(ports)]], "tolerations": .array(tolerations)],
        "status": [
            "phase": .string(phase), "podIP": .string(ip),
            "conditions": [
                ["type": "Ready", "status": ready ? "True" : "False", "lastTransitionTime": .string((start + .seconds(-seconds)).rfc3339)],
                ["type": "steady.dev/Withdrawn", "status": withdrawn ? "True" : "False"],
                ["type": .string(Condition.restartHeldBack), "status": held ? "True" : "False"],
            ],
            "containerStatuses": [["restartCount": .int(restarts)]],
        ],
    ]
    if let restartedBefore {
        value["metadata"]["annotations"][RestartPermit.annotation] =
            .string(RestartPermit(at: start + .seconds(-restartedBefore), restartTotal: restarts - 1, isRepeated: repeated).text)
    }
    if let owner { value["metadata"]["ownerReferences"] = [Owner(apiVersion: "apps/v1", kind: "ReplicaSet", name: "rs", uid: owner).value] }
    if deleting { value["metadata"]["deletionTimestamp"] = .string(start.rfc3339) }
    return ObservedPod(value)
}

func replicaSet(replicas: Int64, minReady: Int64 = 0) -> ObservedReplicaSet {
    ObservedReplicaSet([
        "metadata": ["name": "rs", "namespace": "default", "uid": "rs-1", "resourceVersion": "9", "generation": 1],
        "spec": [
            "replicas": .int(replicas), "minReadySeconds": .int(minReady), "selector": ["matchLabels": ["app": "web"]],
            "template": ["metadata": ["labels": ["app": "web"]], "spec": ["containers": []]],
        ],
    ])
}

extension Plan {
    /// The changes in short: `create`, `delete web-1`, `patch web-1`, `status web`.
    var deeds: [String] {
        changes.map { change in
            switch change.request {
            case .create(_, let type, _, _): "create \(type.plural)"
            case .delete(let key, let options): "delete \(key.name)" + (options.gracePeriodSeconds == 0 ? " now" : "")
            case .patch(let key, _, .status, _): "status \(key.name)"
            case .patch(let key, _, _, _): "patch \(key.name)"
            default: "other"
            }
        }
    }

    /// The body of the first patch or creation whose deed reads like this.
    func body(_ deed: String) -> Value {
        guard let index = deeds.firstIndex(of: deed) else { return .null }
        switch changes[index].request {
        case .create(let body, _, _, _): return body
        case .patch(_, .merge(let body), _, _), .patch(_, .strategic(let body), _, _): return body
        default: return .null
        }
    }
}
