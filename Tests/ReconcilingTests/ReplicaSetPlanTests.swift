import Formats
import Reconciling
import Resources
import Testing
import Timing

@Suite struct ReplicaSetPlanTests {
    func plan(_ replicas: Int64, _ pods: [ObservedPod], minReady: Int64 = 0, zones: [String: String] = [:]) -> Plan {
        ReplicaSetPlan.plan(.init(set: replicaSet(replicas: replicas, minReady: minReady), pods: pods, zoneOfNode: zones), now: start)
    }

    @Test func `missing pods are created from the template, with the set as their controller`() {
        let made = plan(2, [pod("a")])
        #expect(made.deeds == ["create pods", "status rs"])
        let body = made.body("create pods")
        #expect(body["metadata"]["generateName"] == "rs-")
        #expect(body["metadata"]["labels"] == ["app": "web"])
        #expect(body["metadata"]["ownerReferences"][0]["uid"] == "rs-1")
        #expect(made.changes[0].announcement?.reason == "SuccessfulCreate")
    }

    @Test func `one pass creates no more than its limit`() {
        #expect(plan(2000, []).deeds.filter { $0 == "create pods" }.count == ReplicaSetPlan.changeLimit)
    }

    /// Each row: the pods, and what is told of those that fail alike.
    @Test(arguments: [
        ([pod("a", held: true), pod("b"), pod("c")], nil),
        (
            [pod("a", held: true), pod("b", held: true), pod("c")],
            "2 of 3 replicas fail their liveness probes and go on serving: the restart that would end that is held back"
        ),
        (
            [pod("a", held: true), pod("b", held: true), pod("c", ready: false, restartedBefore: 59)],
            "2 of 3 replicas fail their liveness probes and go on serving until 1 more, restarted for that, shows whether a restart helps"
        ),
        (
            [pod("a", held: true), pod("b", ready: false, held: true), pod("c", readyFor: 1, restartedBefore: 2)],
            "1 of 3 replicas fails its liveness probe and goes on serving until 1 more, restarted for that, shows whether a restart helps"
        ),
        (
            [pod("a", held: true), pod("b", held: true), pod("c", ready: false, readyFor: 599, restartedBefore: 600, repeated: true)],
            "2 of 3 replicas fail their liveness probes and go on serving: 1 more failed again after a restart, which does not help, and it alone will be "
                + "restarted until one does"
        ),
        // Ready for a minute it has proved itself; of one that never comes back nothing is expected.
        ([pod("a", held: true), pod("b", readyFor: 60, restartedBefore: 65), pod("c", ready: false, held: true)], nil),
        ([pod("a", held: true), pod("b", ready: false, readyFor: 600, restartedBefore: 601)], nil),
    ])
    func `only of pods that serve it is said that they go on serving, though their probes fail`(_ row: ([ObservedPod], String?)) {
        let status = plan(3, row.0).body("status rs")["status"]
        #expect(status["conditions"].elements.first { $0["type"].string == Condition.failingAlike }?["message"].string == row.1)
    }

    /// Each row: of these two pods the first goes.
    @Test(arguments: [
        ("unassigned before assigned", pod("x", node: "", ready: false, phase: "Pending"), pod("y", ready: false, phase: "Pending")),
        ("pending before running", pod("x", ready: false, phase: "Pending"), pod("y", ready: false)),
        ("not ready before ready", pod("x", ready: false), pod("y")),
        ("cheap before dear", pod("x", age: 900, annotations: [ObservedPod.deletionCost: "-5"]), pod("y", age: 1)),
        ("ready last before ready long", pod("x", readyFor: 10), pod("y", readyFor: 20)),
        ("restarted before steady", pod("x", restarts: 3), pod("y")),
        ("young before old", pod("x", age: 10), pod("y", age: 20)),
        ("by name when all is equal", pod("y"), pod("x")),
    ])
    func `the less valuable pod goes first`(_ row: (String, ObservedPod, ObservedPod)) {
        #expect(plan(1, [row.2, row.1]).deeds.first == "delete \(row.1.meta.name)", "\(row.0)")
        #expect(plan(1, [row.1, row.2]).deeds.first == "delete \(row.1.meta.name)", "\(row.0)")
    }

    @Test func `what is kept is spread over zones first and nodes second`() {
        let zones = ["a1": "a", "a2": "a", "b1": "b", "c1": "c"]
        var pods: [ObservedPod] = []
        for (node, count) in [("a1", 4), ("a2", 2), ("b1", 4), ("c1", 2)] {
            for index in 0..<count { pods.append(pod("\(node)-\(index)", node: node)) }
        }
        let gone = Set(plan(6, pods, zones: zones).deeds.compactMap { $0.hasPrefix("delete ") ? String($0.dropFirst(7)) : nil })
        var left: [String: Int] = [:]
        for pod in pods where !gone.contains(pod.meta.name) { left[pod.nodeName, default: 0] += 1 }
        #expect(left == ["a1": 1, "a2": 1, "b1": 2, "c1": 2])
    }

    @Test func `a pod ready but not yet available goes before an available one`() {
        #expect(
            plan(1, [pod("fresh", node: "b1", readyFor: 1), pod("old", node: "a1", readyFor: 50)], minReady: 10).deeds.first
                == "delete fresh")
    }

    @Test func `matching pods without a controller are adopted and controlled ones that stopped matching are let go`() {
        let made = plan(2, [pod("free", owner: nil), pod("other", owner: "rs-2"), pod("lost", labels: ["app": "x"]), pod("mine")])
        #expect(made.deeds == ["patch free", "patch lost", "status rs"])
        #expect(made.body("patch free")["metadata"]["ownerReferences"][0]["controller"] == true)
        #expect(made.body("patch lost")["metadata"].object?["ownerReferences"] == .null)
        #expect(made.body("patch free")["metadata"]["resourceVersion"] == "5")
    }

    @Test func `finished and deleted pods are no replicas`() {
        let made = plan(2, [pod("done", ready: false, phase: "Failed"), pod("going", deleting: true), pod("here")])
        #expect(made.deeds == ["create pods", "status rs"])
        #expect(made.body("status rs")["status"]["replicas"] == 1)
    }

    @Test func `an eviction is asked for, the replacement comes first`() {
        let marked = pod("old", annotations: [EvictionRequest.annotation: "true"])
        #expect(plan(1, [marked]).deeds == ["create pods", "status rs"])
        #expect(plan(1, [marked, pod("new", ready: false)]).deeds.filter { $0.hasPrefix("delete") } == [])
        #expect(plan(1, [marked, pod("new")]).deeds.first == "delete old")
        #expect(plan(1, [marked, pod("new", readyFor: 3)], minReady: 5).deeds.filter { $0.hasPrefix("delete") } == [])
    }

    @Test func `an evicted pod that serves nobody goes at once`() {
        #expect(
            plan(1, [pod("old", ready: false, annotations: [EvictionRequest.annotation: ""])]).deeds == [
                "create pods", "delete old", "status rs",
            ])
    }

    @Test func `pods to be evicted count as available only in place of missing ones`() {
        let marks = [EvictionRequest.annotation: ""]
        let made = plan(3, [pod("a"), pod("b"), pod("c", ready: false), pod("x", annotations: marks), pod("y", annotations: marks)])
        #expect(made.body("status rs")["status"]["availableReplicas"] == 3)
        #expect(made.deeds.filter { $0.hasPrefix("delete") } == ["delete x"])
    }

    @Test func `availability waits for minReadySeconds and says when to look again`() {
        let made = plan(1, [pod("a", readyFor: 4)], minReady: 10)
        #expect(made.lookAgain == .seconds(6))
        #expect(made.body("status rs")["status"]["readyReplicas"] == 1)
        #expect(made.body("status rs")["status"]["availableReplicas"] == 0)
    }

    @Test func `a refused creation shows as ReplicaFailure`() {
        let view = ReplicaSetPlan.View(
            set: replicaSet(replicas: 1), pods: [], failure: .init(reason: "FailedCreate", message: "pods \"x\" is forbidden"))
        let condition = ReplicaSetPlan.plan(view, now: start).body("status rs")["status"]["conditions"][0]
        #expect(condition["type"] == "ReplicaFailure" && condition["reason"] == "FailedCreate")
    }
}
