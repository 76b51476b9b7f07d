import APIClient
import Controllers
import Formats
import Linux
import Reconciling
import Resources
import Testing
import Timing

@Suite(.serialized) struct ControllerLoopsTests {
    let cluster: TestCluster

    init() throws { cluster = try TestCluster() }

    private func start(_ replicas: Int64 = 3, strategy: Value = .null) {
        cluster.create(.services, cluster.service())
        cluster.create(.deployments, cluster.deployment(replicas: replicas, strategy: strategy))
        cluster.wait("the Deployment is complete") { cluster.isComplete() && cluster.readyEndpointCount == Int(replicas) }
    }

    @Test func `a Deployment and a Service become pods in every zone and endpoints`() {
        defer { cluster.close() }
        start()
        #expect(Set(cluster.readyPods.map(\.spec.nodeName)) == ["a1", "b1", "c1"])
        let slice = EndpointSlice(cluster.slices.all[0])
        #expect(Set(slice.endpoints.map(\.zone)) == ["a", "b", "c"])
        #expect(slice.ports.map(\.port) == [8080])
        cluster.wait("events tell of it") {
            let reasons = Set(cluster.events.all.compactMap { $0["reason"].string })
            return reasons.isSuperset(of: ["ScalingReplicaSet", "SuccessfulCreate", "Scheduled"])
        }
        #expect(cluster.readyPods.allSatisfy { $0.status.conditions.isTrue(Condition.podScheduled) })
    }

    @Test func `a rollout keeps its endpoints, and every old pod was withdrawn at a revision that shows it terminating`() {
        defer { cluster.close() }
        start(10)
        var least = 10
        var withdrawn = 0
        let watch = cluster.api.watch(ListRequest(.pods), from: cluster.storage.revision) { [cluster] signal in
            guard case .event(let event) = signal else { return }
            least = min(least, cluster.readyEndpointCount)
            let pod = Pod(event.object)
            guard let condition = pod.status.conditions[Condition.withdrawn], event.kind == .modified else { return }
            withdrawn += 1
            let revision = condition.observedRevision ?? .zero
            #expect(condition.reason == "EndpointsWithdrawn")
            let mention = cluster.slices.all.map { EndpointSlice($0) }.first { $0.endpoints.contains { $0.targetUID == pod.meta.uid } }
            if let endpoint = mention?.endpoints.first(where: { $0.targetUID == pod.meta.uid }) {
                #expect(endpoint.isTerminating && !endpoint.isReady)
            }
            #expect(revision > .zero)
        }
        defer { watch.cancel() }
        let key = ObjectKey(.deployments, namespace: "default", name: "web")
        cluster.perform(.patch(key, .strategic(["spec": ["template": ["spec": ["containers": [["name": "web", "image": "web:v2"]]]]]])))
        cluster.wait("the new version is complete") {
            cluster.isComplete() && cluster.readyPods.count == 10
                && cluster.readyPods.allSatisfy { $0.spec.containers[0].image == "web:v2" }
        }
        cluster.wait("the old pods are gone") { cluster.pods.count == 10 }
        #expect(least >= 8)
        #expect(withdrawn >= 10)
    }

    @Test func `a TrafficPolicy holds no longer once its Service begins to go, though finalizers keep that`() throws {
        defer { cluster.close() }
        var service = cluster.service()
        service["metadata"]["finalizers"] = ["example.com/hold"]
        cluster.create(.services, service)
        let name = service["metadata"]["name"]
        cluster.create(
            .trafficPolicies,
            [
                "apiVersion": "steady.dev/v1", "kind": "TrafficPolicy", "metadata": ["name": "slow", "namespace": "default"],
                "spec": ["targetRefs": [["group": "", "kind": "Service", "name": name]], "timeout": ["http": ["requestTimeout": "9s"]]],
            ])
        let policies = ObjectCache(api: cluster.api, list: ListRequest(.trafficPolicies))
        policies.start(onChange: { _, _, _ in })
        defer { policies.stop() }
        func accepted() -> Condition? {
            policies.all.first.flatMap { [Condition](conditions: $0["status"]["conditions"])[Condition.accepted] }
        }
        cluster.wait("it holds") { accepted()?.isTrue ?? false }
        cluster.perform(.delete(ObjectKey(.services, namespace: "default", name: name.string ?? ""), DeleteOptions()))
        cluster.wait("its target is gone") { accepted()?.reason == "TargetNotFound" }
    }

    @Test func `an unready pod leaves the endpoints and comes back`() throws {
        defer { cluster.close() }
        start()
        let pod = try #require(cluster.readyPods.first)
        cluster.report(pod.key, pod.meta.uid, isReady: false)
        cluster.wait("one fewer") { cluster.readyEndpointCount == 2 }
        cluster.report(pod.key, pod.meta.uid, isReady: true)
        cluster.wait("all again") { cluster.readyEndpointCount == 3 }
    }

    @Test func `a pod without a Service is withdrawn at revision zero`() throws {
        defer { cluster.close() }
        cluster.create(.deployments, cluster.deployment(replicas: 1))
        cluster.wait("complete") { cluster.isComplete() }
        let pod = try #require(cluster.readyPods.first)
        cluster.silent = [pod.spec.nodeName]
        cluster.perform(.delete(pod.key))
        cluster.wait("withdrawn") {
            let condition = cluster.pods[pod.key].flatMap { Pod($0).status.conditions[Condition.withdrawn] }
            return condition?.reason == "NoService" && condition?.observedRevision == Revision.zero
        }
    }

    @Test func `scaled up and down, the pods stay spread over the zones`() {
        defer { cluster.close() }
        start(3)
        let key = ObjectKey(.deployments, namespace: "default", name: "web")
        cluster.patch(key, ["spec": ["replicas": 60]])
        cluster.wait("sixty pods", seconds: 30) { cluster.isComplete() && cluster.readyEndpointCount == 60 }
        cluster.patch(key, ["spec": ["replicas": 6]])
        cluster.wait("six pods", seconds: 30) { cluster.isComplete() && cluster.pods.count == 6 && cluster.readyEndpointCount == 6 }
        var perNode: [String: Int] = [:]
        for pod in cluster.readyPods { perNode[pod.spec.nodeName, default: 0] += 1 }
        #expect(perNode == ["a1": 2, "b1": 2, "c1": 2])
    }

    @Test func `a pod marked for eviction is replaced before it goes`() throws {
        defer { cluster.close() }
        start(1)
        let pod = try #require(cluster.readyPods.first)
        cluster.patch(ObjectKey(.nodes, name: pod.spec.nodeName), ["spec": ["unschedulable": true]])
        var least = 1
        let watch = cluster.api.watch(ListRequest(.endpointSlices), from: cluster.storage.revision) { [cluster] _ in
            least = min(least, cluster.readyEndpointCount)
        }
        defer { watch.cancel() }
        cluster.patch(pod.key, ["metadata": ["annotations": ["steady.dev/eviction-requested": "now"]]])
        cluster.wait("moved") { cluster.pods[pod.key] == nil && cluster.readyEndpointCount == 1 }
        #expect(least == 1)
        #expect(cluster.readyPods.map(\.spec.nodeName) != [pod.spec.nodeName])
    }

    @Test func `deleting a Deployment collects its sets and pods`() {
        defer { cluster.close() }
        start()
        cluster.perform(.delete(ObjectKey(.deployments, namespace: "default", name: "web")))
        cluster.wait("everything below is gone") {
            cluster.pods.count == 0 && cluster.list(.replicaSets).isEmpty
        }
    }

    @Test func `deleting a Deployment in the foreground waits for its pods, and orphaning leaves them`() throws {
        defer { cluster.close() }
        start()
        let key = ObjectKey(.deployments, namespace: "default", name: "web")
        cluster.perform(.delete(key, DeleteOptions(propagation: .orphan)))
        cluster.wait("the Deployment is gone") { cluster.deployments[key] == nil }
        #expect(cluster.pods.count == 3)
        let set = try #require(cluster.list(.replicaSets).first)
        #expect(set["metadata"]["ownerReferences"].isNull)
        let setKey = ObjectKey(.replicaSets, namespace: "default", name: set["metadata"]["name"].string ?? "")
        cluster.perform(.delete(setKey, DeleteOptions(propagation: .foreground)))
        cluster.wait("the set goes after its pods") { cluster.storage.object(setKey) == nil }
        #expect(cluster.pods.count == 0)
    }

    @Test func `a deleted namespace is emptied and goes`() {
        defer { cluster.close() }
        cluster.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "shop"]])
        cluster.create(.configMaps, ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "c"]], namespace: "shop")
        cluster.create(.deployments, cluster.deployment(replicas: 2), namespace: "shop")
        cluster.wait("pods run") { cluster.readyPods.count == 2 }
        cluster.perform(.delete(ObjectKey(.namespaces, name: "shop")))
        cluster.wait("it is gone") { cluster.storage.object(ObjectKey(.namespaces, name: "shop")) == nil }
        #expect(cluster.pods.count == 0)
    }

    @Test func `a pod that fits nowhere says why, and is placed as soon as there is room`() throws {
        defer { cluster.close() }
        cluster.create(.deployments, cluster.deployment(replicas: 1, cpu: "100"))
        cluster.wait("it says why") {
            guard let pod = cluster.pods.all.first else { return false }
            return Pod(pod).status.conditions[Condition.podScheduled]?.message == "0/3 nodes are available: 3 Insufficient cpu."
        }
        cluster.create(.nodes, TestCluster.node("d1", zone: "d", cpu: "128"))
        cluster.wait("placed") { cluster.readyPods.map(\.spec.nodeName) == ["d1"] }
    }
}

@Suite struct NodeLossTests {
    @Test func `a node whose lease runs out is fenced, and only then its pods are replaced`() throws {
        let cluster = try TestCluster(leaseSeconds: 2)
        defer { cluster.close() }
        cluster.create(.deployments, cluster.deployment())
        cluster.wait("complete") { cluster.isComplete() }
        cluster.silent = ["b1"]
        cluster.wait("b1 is given up", seconds: 10) {
            cluster.renew("a1")
            cluster.renew("c1")
            return cluster.fenced == ["b1"] && cluster.readyPods.count == 3 && !cluster.readyPods.contains { $0.spec.nodeName == "b1" }
        }
        let node = Node(try #require(cluster.storage.object(ObjectKey(.nodes, name: "b1"))))
        #expect(node.conditions[Condition.ready]?.status == .unknown)
        #expect(node.taints.map(\.text) == ["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"])
        let lease = Lease(try #require(cluster.storage.object(ObjectKey(.leases, namespace: "kube-node-lease", name: "b1"))))
        #expect(lease.transitions == 1)

        cluster.renew("b1")
        cluster.wait("b1 is back") {
            Node(cluster.storage.object(ObjectKey(.nodes, name: "b1")) ?? .null).isReady
                && Node(cluster.storage.object(ObjectKey(.nodes, name: "b1")) ?? .null).taints.isEmpty
        }
    }

    @Test func `while the store hangs no lease runs out, and afterwards each has its whole period`() throws {
        let cluster = try TestCluster(leaseSeconds: 1)
        defer { cluster.close() }
        cluster.create(.deployments, cluster.deployment())
        cluster.wait("complete") { cluster.isComplete() }
        for node in ["a1", "b1", "c1"] { cluster.renew(node, seconds: 1) }
        let begun = cluster.loop.now
        cluster.api.hangs = true
        cluster.wait("everybody's lease is long over") { cluster.loop.now - begun > LeaseWatch.pauseThreshold + .milliseconds(200) }
        cluster.api.hangs = false
        for node in ["a1", "b1", "c1"] { cluster.renew(node, seconds: 1) }
        for node in ["a1", "b1", "c1"] { #expect(cluster.controllers.decisions(kind: "Node", namespace: "", name: node).isEmpty) }
        #expect(cluster.fenced == [])
        cluster.wait("b1 is given up, which is silent from now on") {
            cluster.renew("a1")
            cluster.renew("c1")
            return cluster.fenced == ["b1"]
        }
    }

    @Test func `a fence that could not be done yet is called off when the node recovers, and asked for again when it is lost again`() throws
    {
        let cluster = try TestCluster(leaseSeconds: 2)
        defer { cluster.close() }
        cluster.create(.deployments, cluster.deployment())
        cluster.wait("complete") { cluster.isComplete() }
        var isWanted: () -> Bool = { false }
        var answer: (Bool) -> Void = { _ in }
        var askedCount = 0
        cluster.fence = { node, wanted, done in
            #expect(node == "b1")
            (isWanted, answer) = (wanted, done)
            askedCount += 1
        }
        func lose() {
            let before = askedCount
            cluster.silent = ["b1"]
            cluster.wait("b1 is to be fenced", seconds: 10) {
                cluster.renew("a1")
                cluster.renew("c1")
                return askedCount > before
            }
        }
        lose()
        #expect(isWanted())
        cluster.renew("b1")
        cluster.wait("nobody wants it any more") { !isWanted() }
        answer(false)
        cluster.wait("b1 is back") { Node(cluster.storage.object(ObjectKey(.nodes, name: "b1")) ?? .null).isReady }
        #expect(cluster.readyPods.contains { $0.spec.nodeName == "b1" } && cluster.readyPods.count == 3)

        lose()
        #expect(askedCount == 2)
        answer(true)
        cluster.wait("b1 is given up", seconds: 10) {
            cluster.renew("a1")
            cluster.renew("c1")
            return cluster.readyPods.count == 3 && !cluster.readyPods.contains { $0.spec.nodeName == "b1" }
        }
    }

    @Test func `a node whose agent is missed is lost as soon as the proxies find nobody there, long before its lease is out`() throws {
        let cluster = try TestCluster(leaseSeconds: 3_600)
        defer { cluster.close() }
        cluster.create(.services, cluster.service())
        cluster.create(.deployments, cluster.deployment())
        cluster.wait("complete") { cluster.isComplete() && cluster.readyEndpointCount == 3 }
        let proxy = ObjectKey(.proxyStatuses, name: "proxy-1")
        func find(_ refusals: [Value]) {
            cluster.patch(
                proxy, ["status": ["routeRevision": .string("\(cluster.storage.revision)"), "refusals": .array(refusals)]])
        }
        cluster.create(.proxyStatuses, ["apiVersion": "steady.dev/v1", "kind": "ProxyStatus", "metadata": ["name": "proxy-1"]])
        cluster.silent = ["b1"]

        // One witness alone, whichever it is, and both of different absences.
        find([["node": "b1", "absence": "7"]])
        cluster.controllers.absent(["c1": "7"])
        cluster.controllers.absent(["b1": "8"])
        cluster.controllers.absent([:])
        find([])
        cluster.controllers.absent(["b1": "9"])
        let reason = "the agent of b1 is away, which alone says nothing of its pods: proxy-1 has not found its endpoints refused"
        cluster.wait("it says why not") {
            cluster.controllers.decisions(kind: "Node", namespace: "", name: "b1").contains { $0["message"].string == reason }
        }
        #expect(cluster.fenced == [] && cluster.readyPods.count == 3)

        find([["node": "b1", "absence": "9"]])
        cluster.wait("b1 is given up") {
            cluster.fenced == ["b1"] && cluster.readyPods.count == 3 && !cluster.readyPods.contains { $0.spec.nodeName == "b1" }
        }
        let node = Node(try #require(cluster.storage.object(ObjectKey(.nodes, name: "b1"))))
        #expect(node.conditions[Condition.ready]?.status == .unknown)
        #expect(node.conditions[Condition.ready]?.message == "The node's agent is away, and what ran there refuses connections.")

        // The return of the agent is not enough: it has to hold its lease.
        cluster.controllers.absent([:])
        cluster.renew("b1")
        cluster.wait("b1 is back") { Node(cluster.storage.object(ObjectKey(.nodes, name: "b1")) ?? .null).isReady }
    }

    @Test func `while agents are away their nodes get no pod, and pods that fit nowhere else wait for them`() throws {
        let cluster = try TestCluster(nodes: [("a1", "a"), ("a2", "a"), ("b1", "b"), ("b2", "b")], leaseSeconds: 3_600)
        defer { cluster.close() }
        cluster.silent = ["a1", "a2"]
        cluster.controllers.absent(["a1": "7", "a2": "7"])
        cluster.create(.deployments, cluster.deployment(replicas: 4))
        cluster.wait("complete") { cluster.isComplete() }
        #expect(Set(cluster.readyPods.map(\.spec.nodeName)) == ["b1", "b2"])

        cluster.controllers.absent(["a1": "7", "a2": "7", "b1": "8", "b2": "8"])
        cluster.create(.deployments, cluster.deployment("late", replicas: 1))
        let reason = "0/4 nodes are available: 4 node(s) whose agent is away."
        cluster.wait("it says why it waits") {
            cluster.events.all.contains { $0["reason"].string == "FailedScheduling" && $0["message"].string == reason }
        }
        #expect(cluster.readyPods.count == 4)
        cluster.silent = []
        cluster.controllers.absent(["a1": "7", "b1": "8", "b2": "8"])
        cluster.wait("it is placed where an agent is back") { cluster.isComplete("late") }
        #expect(cluster.readyPods.first { $0.meta.labels["app"] == "late" }?.spec.nodeName == "a2")
        #expect(cluster.fenced == [])
    }

    @Test func `nodes that up has no agent for get no pod from the beginning, and what is there by the store's word is replaced at once`()
        throws
    {
        let cluster = try TestCluster(nodes: [("a1", "a"), ("a2", "a"), ("b1", "b"), ("b2", "b")], leaseSeconds: 3_600)
        defer { cluster.close() }
        cluster.silent = ["a2", "b2"]
        cluster.create(.deployments, cluster.deployment("early", replicas: 4))
        cluster.wait("placed") { cluster.pods.all.count { !Pod($0).spec.nodeName.isEmpty } == 4 }
        let stale = try #require(cluster.pods.all.map { Pod($0) }.first { $0.spec.nodeName == "a2" })
        cluster.report(stale.key, stale.meta.uid, address: "127.64.9.1", isReady: true)
        cluster.wait("one is Ready, as it is stored") { cluster.readyPods.contains { $0.meta.uid == stale.meta.uid } }
        cluster.controllers.absent(AbsentAgents(of: ["a1", "b1"]))
        cluster.create(.deployments, cluster.deployment(replicas: 4))
        cluster.wait("complete") { cluster.isComplete() && cluster.isComplete("early") }
        #expect(Set(cluster.readyPods.map(\.spec.nodeName)) == ["a1", "b1"])
        #expect(cluster.fenced.sorted() == ["a2", "b2"])
        cluster.controllers.absent(AbsentAgents())
    }

    @Test func `what was bound to a node before its agent was missed, and was never begun, is replaced at once after a fence`() throws {
        let cluster = try TestCluster(nodes: [("a1", "a"), ("a2", "a"), ("b1", "b")], leaseSeconds: 3_600)
        defer { cluster.close() }
        cluster.silent = ["a1", "a2"]
        // One of them runs something that no Service offers: it alone could serve.
        cluster.create(.deployments, cluster.deployment(replicas: 3))
        cluster.wait("placed") { cluster.pods.all.count { !Pod($0).spec.nodeName.isEmpty } == 3 }
        let before = cluster.pods.all.map { Pod($0) }
        let serving = try #require(before.first { $0.spec.nodeName == "a1" })
        let stuck = try #require(before.first { $0.spec.nodeName == "a2" })
        cluster.report(serving.key, serving.meta.uid, address: "127.64.9.1", isReady: true)
        cluster.wait("two are ready") { cluster.readyPods.count == 2 }

        // Nothing of it is gone before what may be left of it is dead.
        var answer: (Bool) -> Void = { _ in }
        cluster.fence = { node, _, done in
            cluster.fenced.append(node)
            answer = done
        }
        cluster.controllers.absent(["a1": "7", "a2": "8"])
        cluster.wait("a2 is to be fenced") { cluster.fenced == ["a2"] }
        #expect(cluster.pods.all.contains { $0["metadata"]["uid"].string == stuck.meta.uid })
        answer(true)
        cluster.wait("replaced") { cluster.readyPods.count == 3 }
        #expect(!cluster.pods.all.contains { $0["metadata"]["uid"].string == stuck.meta.uid })
        #expect(cluster.readyPods.map(\.spec.nodeName).sorted() == ["a1", "b1", "b1"])
        #expect(cluster.readyPods.contains { $0.meta.uid == serving.meta.uid })
        let node = Node(try #require(cluster.storage.object(ObjectKey(.nodes, name: "a2"))))
        #expect(node.conditions[Condition.ready]?.message == "The node's agent is away, and began none of its pods.")
        #expect(cluster.fenced == ["a2"])
    }

    @Test func `what is lost because its agent is missed is called off when the agent is back before anything was killed`() throws {
        let cluster = try TestCluster(nodes: [("a1", "a"), ("b1", "b")], leaseSeconds: 3_600)
        defer { cluster.close() }
        cluster.silent = ["a1"]
        cluster.create(.deployments, cluster.deployment(replicas: 2))
        cluster.wait("placed") { cluster.pods.all.count { !Pod($0).spec.nodeName.isEmpty } == 2 }
        let unbegun = try #require(cluster.pods.all.map { Pod($0) }.first { $0.spec.nodeName == "a1" })
        cluster.wait("the other one is ready") { cluster.readyPods.count == 1 }
        var isWanted: () -> Bool = { false }
        var answer: (Bool) -> Void = { _ in }
        cluster.fence = { node, wanted, done in
            cluster.fenced.append(node)
            (isWanted, answer) = (wanted, done)
        }
        cluster.controllers.absent(["a1": "7"])
        cluster.wait("a1 is to be fenced") { cluster.fenced == ["a1"] }
        #expect(isWanted())

        cluster.controllers.absent([:])
        #expect(!isWanted())
        answer(false)
        cluster.renew("a1", seconds: 3_600)
        cluster.wait("a1 is back") { Node(cluster.storage.object(ObjectKey(.nodes, name: "a1")) ?? .null).isReady }
        cluster.report(unbegun.key, unbegun.meta.uid, address: "127.64.9.1", isReady: true)
        cluster.wait("what was to be begun there serves") { cluster.readyPods.contains { $0.meta.uid == unbegun.meta.uid } }
        #expect(cluster.fenced == ["a1"] && cluster.pods.all.count == 2)
    }

    @Test func `a node that is back while its fence is noted, and is lost again, needs another fence`() throws {
        let cluster = try TestCluster(nodes: [("a1", "a"), ("b1", "b")], leaseSeconds: 3_600)
        defer { cluster.close() }
        cluster.silent = ["a1"]
        cluster.create(.deployments, cluster.deployment(replicas: 2))
        cluster.wait("placed") { cluster.pods.all.count { !Pod($0).spec.nodeName.isEmpty } == 2 }
        cluster.wait("the other one is ready") { cluster.readyPods.count == 1 }
        var answers: [(Bool) -> Void] = []
        cluster.fence = { _, _, done in answers.append(done) }
        cluster.controllers.absent(["a1": "7"])
        cluster.wait("a1 is to be fenced") { answers.count == 1 }
        answers[0](true)
        cluster.controllers.absent([:])
        cluster.controllers.absent(["a1": "8"])
        cluster.wait("a1 is to be fenced again") { answers.count == 2 }
        #expect(cluster.pods.all.contains { Pod($0).spec.nodeName == "a1" }, "what may have begun since is not given up")
        answers[1](true)
        cluster.wait("replaced") { cluster.readyPods.count == 2 }
        #expect(cluster.readyPods.allSatisfy { $0.spec.nodeName == "b1" } && answers.count == 2)
    }

    @Test func `a proxy that no longer renews its lease is forgotten`() throws {
        let cluster = try TestCluster()
        defer { cluster.close() }
        cluster.create(.proxyStatuses, ["apiVersion": "steady.dev/v1", "kind": "ProxyStatus", "metadata": ["name": "p1"]])
        cluster.create(
            .leases,
            [
                "metadata": ["name": "p1"],
                "spec": ["holderIdentity": "p1", "leaseDurationSeconds": 1, "renewTime": .string(Clock.realtime().rfc3339Micro)],
            ], namespace: "steady-system")
        cluster.wait("its status is deleted") { cluster.storage.object(ObjectKey(.proxyStatuses, name: "p1")) == nil }
    }
}
