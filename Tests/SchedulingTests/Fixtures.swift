import Formats
import Resources
import Scheduling

func node(
    _ name: String, zone: String? = nil, cpu: Value = "4", pods: Value = 100, labels: [String: String] = [:], taints: [Value] = [],
    unschedulable: Bool = false, ready: Bool = true
) -> Node {
    var all = labels
    all["kubernetes.io/hostname"] = name
    if let zone { all["topology.kubernetes.io/zone"] = zone }
    return Node([
        "metadata": ["name": .string(name), "labels": .strings(all)],
        "spec": ["taints": .array(taints), "unschedulable": .bool(unschedulable)],
        "status": [
            "allocatable": ["cpu": cpu, "memory": "8Gi", "pods": pods],
            "conditions": [["type": "Ready", "status": ready ? "True" : "False"]],
        ],
    ])
}

func candidate(
    _ name: String, group: String? = "rs", cpu: Value = .null, labels: [String: String] = ["app": "web"], priority: Int64 = 0,
    spec extra: Value = [:]
)
    -> Candidate
{
    var spec = extra
    var container: Value = ["name": "c", "image": "i"]
    if !cpu.isNull { container["resources"]["requests"]["cpu"] = cpu }
    if spec["containers"].isNull { spec["containers"] = [container] }
    spec["priority"] = .int(priority)
    var metadata: Value = [
        "name": .string(name), "namespace": "default", "uid": .string("u-" + name), "labels": .strings(labels),
        "creationTimestamp": "2026-01-01T00:00:00Z",
    ]
    if let group {
        metadata["ownerReferences"] = [
            ["apiVersion": "apps/v1", "kind": "ReplicaSet", "name": .string(group), "uid": .string(group), "controller": true]
        ]
    }
    return Candidate(Pod(["metadata": metadata, "spec": spec]))
}

func view(_ nodes: [Node]) -> ClusterView {
    var view = ClusterView()
    for node in nodes { view.setNode(node) }
    return view
}

/// Where each pod went: `a1`, or the explanation.
func places(_ pods: [Candidate], _ view: inout ClusterView) -> [String] {
    Placement.place(pods, in: &view).map {
        switch $0.verdict {
        case .node(let name): name
        case .nowhere(let explanation): explanation
        }
    }
}
