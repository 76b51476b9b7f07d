import Controllers
import Formats
import Resources
import Testing

@Suite(.serialized) struct DisruptionLoopTests {
    let cluster: TestCluster

    init() throws { cluster = try TestCluster() }

    private let key = ObjectKey(.disruptionBudgets, namespace: "default", name: "b")
    private var allowed: Int64? { cluster.storage.object(key)?["status"]["disruptionsAllowed"].int }

    @Test func `evictions go as far as the budget, each pod is replaced before it goes, and then the next may`() throws {
        defer { cluster.close() }
        cluster.create(.services, cluster.service())
        cluster.create(.deployments, cluster.deployment())
        cluster.create(
            .disruptionBudgets,
            ["metadata": ["name": "b"], "spec": ["maxUnavailable": 1, "selector": ["matchLabels": ["app": "web"]]]])
        cluster.wait("all are counted") { cluster.isComplete() && allowed == 1 }
        let pods = cluster.readyPods
        var least = 3
        let watch = cluster.api.watch(ListRequest(.pods), from: cluster.storage.revision) { [cluster] _ in
            least = min(least, cluster.readyPods.count)
        }
        defer { watch.cancel() }
        _ = try cluster.perform(.evict(pods[0].key)).get()
        #expect { try cluster.perform(.evict(pods[1].key)).get() } throws: { ($0 as? StatusError)?.code == 429 }
        cluster.wait("the first is replaced, and the budget is whole again") {
            !cluster.pods.all.contains { Pod($0).meta.uid == pods[0].meta.uid } && cluster.readyPods.count == 3 && allowed == 1
        }
        _ = try cluster.perform(.evict(pods[1].key)).get()
        cluster.wait("it is replaced") { !cluster.pods.all.contains { Pod($0).meta.uid == pods[1].meta.uid } && allowed == 1 }
        #expect(least == 3)
    }
}
