import Controllers
import Formats
import Resources
import Testing

@Suite(.serialized) struct TaintEvictionLoopTests {
    let cluster: TestCluster

    init() throws { cluster = try TestCluster() }

    private func taint(_ node: String, _ taints: Value) { cluster.patch(ObjectKey(.nodes, name: node), ["spec": ["taints": taints]]) }

    @Test func `a NoExecute taint drives pods off, withdrawn first, and their replacements go elsewhere`() {
        defer { cluster.close() }
        cluster.create(.services, cluster.service())
        cluster.create(.deployments, cluster.deployment())
        cluster.wait("a pod on every node") { cluster.isComplete() && cluster.readyEndpointCount == 3 }
        // The agents of `TestCluster` stop a pod only when its withdrawal was acknowledged.
        taint("b1", [["key": "gpu", "value": "broken", "effect": "NoExecute"]])
        cluster.wait("three pods, none of them on b1") {
            cluster.pods.count == 3 && cluster.readyPods.count == 3 && !cluster.readyPods.contains { $0.spec.nodeName == "b1" }
        }
        cluster.wait("an event tells why") { cluster.events.all.contains { $0["reason"] == "TaintManagerEviction" } }
        #expect(cluster.fenced.isEmpty)
    }

    @Test func `a pod that tolerates the taint for a time goes then, and one that tolerates it stays`() {
        defer { cluster.close() }
        taint("a1", [["key": "gpu", "effect": "NoExecute"]])
        for (name, seconds) in [("brief", 1), ("patient", nil)] as [(String, Int64?)] {
            var toleration: Value = ["key": "gpu", "operator": "Exists", "effect": "NoExecute"]
            if let seconds { toleration["tolerationSeconds"] = .int(seconds) }
            cluster.create(
                .pods,
                [
                    "metadata": ["name": .string(name)],
                    "spec": [
                        "containers": [["name": "c", "image": "web:v1"]], "nodeSelector": ["kubernetes.io/hostname": "a1"],
                        "tolerations": [toleration],
                    ],
                ])
        }
        cluster.wait("both run there") { Set(cluster.readyPods.map(\.meta.name)) == ["brief", "patient"] }
        cluster.wait("one has gone") { cluster.pods.all.count == 1 }
        #expect(cluster.readyPods.map(\.meta.name) == ["patient"])
    }
}
