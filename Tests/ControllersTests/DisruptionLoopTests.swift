import Controllers
import Formats
import Resources
import Testing
import Timing

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

    private func restarted(_ pod: Pod, ready: Bool) {
        let status: Value = [
            "conditions": [["type": "Ready", "status": ready ? "True" : "False"]],
            "containerStatuses": [["name": "web", "restartCount": 1, "image": "web:v1", "imageID": "", "ready": .bool(ready)]],
        ]
        _ = cluster.perform(.patch(pod.key, .strategic(["status": status]), .status))
    }

    @Test func `a restart takes its share of the budget until the pod is Ready again, and the next waits longer`() throws {
        defer { cluster.close() }
        cluster.create(.deployments, cluster.deployment())
        cluster.create(
            .disruptionBudgets,
            ["metadata": ["name": "b"], "spec": ["maxUnavailable": 1, "selector": ["matchLabels": ["app": "web"]]]])
        cluster.wait("all are counted") { cluster.isComplete() && allowed == 1 }
        let pods = cluster.readyPods
        _ = try cluster.perform(.restart(pods[0].key)).get()
        #expect { try cluster.perform(.restart(pods[1].key)).get() } throws: { ($0 as? StatusError)?.code == 429 }
        #expect { try cluster.perform(.evict(pods[1].key)).get() } throws: { ($0 as? StatusError)?.code == 429 }
        restarted(pods[0], ready: false)
        cluster.wait("it is counted once") {
            let status = cluster.storage.object(key)?["status"]
            return status?["currentHealthy"] == 2 && status?["disruptedPods"].isNull == true
        }
        #expect(allowed == 0)
        restarted(pods[0], ready: true)
        cluster.wait("the budget is whole again") { allowed == 1 }
        #expect { try cluster.perform(.restart(pods[1].key)).get() } throws: { ($0 as? StatusError)?.code == 429 }
        _ = try cluster.perform(.evict(pods[1].key)).get()
    }

    @Test func `a version that fails is taken back by itself, and that is told`() throws {
        defer { cluster.close() }
        var deployment = cluster.deployment()
        deployment["metadata"]["annotations"] = ["steady.dev/rollback-on-failure": "true"]
        cluster.create(.deployments, deployment)
        cluster.wait("it is complete") { cluster.isComplete() }
        let key = ObjectKey(.deployments, namespace: "default", name: "web")
        let template = cluster.storage.object(key)?["spec"]["template"]
        cluster.becomesReady = { Pod($0).spec.containers.first?.image != "web:v3" }
        cluster.patch(key, ["spec": ["template": ["spec": ["containers": [["name": "web", "image": "web:v3"]]]]]])
        cluster.wait("a pod of it is there") { cluster.pods.all.contains { $0["spec"]["containers"][0]["image"] == "web:v3" } }
        for pod in cluster.pods.all where pod["spec"]["containers"][0]["image"] == "web:v3" {
            let waiting: Value = ["waiting": ["reason": "CrashLoopBackOff"]]
            _ = cluster.perform(
                .patch(
                    Pod(pod).key,
                    .strategic([
                        "status": [
                            "containerStatuses": [["name": "web", "restartCount": 9, "image": "web:v3", "imageID": "", "state": waiting]]
                        ]
                    ]),
                    .status))
        }
        cluster.wait("it is back") { cluster.storage.object(key)?["spec"]["template"] == template && cluster.isComplete() }
        cluster.wait("it is told") { cluster.events.all.contains { $0["reason"] == "RolledBack" && $0["type"] == "Warning" } }
        let conditions = [Condition](conditions: cluster.storage.object(key)?["status"]["conditions"] ?? .null)
        #expect(conditions.isTrue(Condition.rolledBack))
    }
}
