import Formats
import Testing

@testable import Resources

@Suite struct WritersTests {
    @Test(arguments: ResourceType.all) func `every field of a kind and of its metadata has a writer`(type: ResourceType) {
        let table = SchemaTable.shared
        for field in table.messages[table.message(of: type)].fields where !["apiVersion", "kind"].contains(field.name) {
            #expect(!Writers.writers(type, [field.name]).isEmpty, "\(field.name)")
            guard case .message(let below) = field.kind else { continue }
            for inner in table.messages[below].fields { #expect(!Writers.writers(type, [field.name, inner.name]).isEmpty) }
        }
    }

    @Test func `every rule speaks of a field that exists`() {
        for rule in Writers.rules where !rule.path.isEmpty {
            let type = rule.type ?? .pods
            // The annotations of an object are a field; which ones there are no schema says.
            let path = rule.path.starts(with: ["metadata", "annotations"]) ? Array(rule.path.prefix(2)) : rule.path
            #expect(Schema.field(path, below: SchemaTable.shared.message(of: type)) != nil, "\(type.kind) \(rule.path)")
        }
    }

    static let fields: [(ResourceType, String, String?, Set<Writers.Writer>)] = [
        (.pods, "spec.nodeName", nil, [.scheduler]), (.pods, "status.conditions", "PodScheduled", [.scheduler]),
        (.pods, "status.conditions", "Ready", [.nodeAgent, .nodeHealth]),
        (.pods, "status.conditions", "steady.dev/Withdrawn", [.endpointPlan]),
        (.pods, "metadata.uid", nil, [.registry]), (.deployments, "spec.strategy", nil, [.user]),
        (.deployments, "spec.template", nil, [.user, .deploymentPlan]),
        (.deployments, "spec.replicas", nil, [.user, .autoscaler]), (.deployments, "status.replicas", nil, [.deploymentPlan]),
        (.services, "spec.clusterIP", nil, [.admission]), (.endpointSlices, "endpoints", nil, [.endpointPlan]),
        (.nodes, "status.conditions", "Ready", [.nodeAgent, .nodeHealth]), (.nodes, "spec.podCIDR", nil, [.admission]),
    ]
    @Test(arguments: fields) func `the longest rule decides`(
        type: ResourceType, path: String, condition: String?, writers: Set<Writers.Writer>
    ) {
        #expect(Writers.writers(type, path.split(separator: ".").map(String.init), condition: condition) == writers)
    }

    @Test func `a change of another's field is found`() {
        let old: Value = [
            "metadata": ["name": "p", "resourceVersion": "1"],
            "status": [
                "phase": "Running", "conditions": [["type": "Ready", "status": "True"], ["type": "PodScheduled", "status": "True"]],
            ],
        ]
        var new = old
        new["metadata"]["resourceVersion"] = "2"
        new["status"]["phase"] = "Failed"
        new["status"]["conditions"] = [["type": "Ready", "status": "False"], ["type": "PodScheduled", "status": "False"]]
        #expect(Writers.trespasses(by: .nodeAgent, from: old, to: new, .pods) == ["status.conditions[PodScheduled]"])
        #expect(Writers.trespasses(by: .scheduler, from: old, to: new, .pods) == ["status.conditions[Ready]", "status.phase"])
    }

    @Test func `of a pod's annotations one is the registry's`() {
        let old: Value = ["metadata": ["name": "p", "annotations": ["a": "1"]]]
        var new = old
        new["metadata"]["annotations"] = ["a": "2", .init(RestartPermit.annotation): "2026-01-01T00:00:00Z/0"]
        #expect(Writers.trespasses(by: .nodeAgent, from: old, to: new, .pods) == ["metadata.annotations.a"])
    }
}
