import Formats
import Registry
import Resources
import Testing

struct `An eviction` {
    /// A ReplicaSet with Ready pods w0, w1, … on node a1.
    private func workload(_ replicas: Int, owned: Bool = true) throws -> StoreFixture {
        var store = StoreFixture()
        let labels: Value = ["app": "web"]
        let set = try store.create(
            [
                "metadata": ["name": "web"],
                "spec": [
                    "replicas": .int(Int64(replicas)), "selector": ["matchLabels": labels],
                    "template": ["metadata": ["labels": labels], "spec": ["containers": [["name": "c", "image": "web"]]]],
                ],
            ], .replicaSets)
        for index in 0..<replicas {
            var pod = Sample.pod("w\(index)", node: "a1", labels: ["app": "web"])
            if owned {
                pod["metadata"]["ownerReferences"] = [
                    ["apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": set["metadata"]["uid"], "controller": true]
                ]
            }
            _ = try store.create(pod, .pods)
            try report("w\(index)", ready: true, &store)
        }
        return store
    }

    private func report(_ name: String, ready: Bool, _ store: inout StoreFixture) throws {
        let status: Value = ["phase": "Running", "conditions": [["type": "Ready", "status": ready ? "True" : "False"]]]
        try store.perform(.patch(Sample.podKey(name), .merge(["status": status]), .status))
    }

    private func budget(_ store: inout StoreFixture, name: String = "b", allowed: Int, healthy: Int, desired: Int, policy: String? = nil)
        throws
    {
        var spec: Value = ["minAvailable": .int(Int64(desired)), "selector": ["matchLabels": ["app": "web"]]]
        if let policy { spec["unhealthyPodEvictionPolicy"] = .string(policy) }
        _ = try store.create(["metadata": ["name": .string(name)], "spec": spec], .disruptionBudgets)
        let status: Value = [
            "observedGeneration": 1, "disruptionsAllowed": .int(Int64(allowed)), "currentHealthy": .int(Int64(healthy)),
            "desiredHealthy": .int(Int64(desired)), "expectedPods": 3,
        ]
        let key = ObjectKey(.disruptionBudgets, namespace: "default", name: name)
        try store.perform(.patch(key, .merge(["status": status]), .status))
    }

    private let key = ObjectKey(.disruptionBudgets, namespace: "default", name: "b")
    private func isAsked(_ name: String, _ store: StoreFixture) -> Bool {
        store.object(Sample.podKey(name))?["metadata"]["annotations"]["steady.dev/eviction-requested"].string != nil
    }

    @Test func `takes what it uses off the budget, and is refused when nothing is left`() throws {
        var store = try workload(3)
        try budget(&store, allowed: 1, healthy: 3, desired: 2)
        try store.perform(.evict(Sample.podKey("w0")))
        let status = try #require(store.object(key)?["status"])
        #expect(status["disruptionsAllowed"] == 0)
        #expect(status["disruptedPods"]["w0"].string == "2026-01-01T00:00:00Z")
        #expect(status["conditions"][0]["reason"] == "InsufficientPods")
        let refusal = store.refusal(.evict(Sample.podKey("w1")))
        #expect(refusal?.code == 429 && refusal?.reason == "TooManyRequests")
        #expect(refusal?.message == "Cannot evict pod as it would violate the pod's disruption budget.")
        #expect(
            refusal?.details?.causes == [
                .init(reason: "DisruptionBudget", message: "The disruption budget b needs 2 healthy pods and has 3 currently", field: "")
            ])
        // Asked again for the same pod: that was granted already.
        try store.perform(.evict(Sample.podKey("w0")))
        #expect(isAsked("w0", store) && !isAsked("w1", store))
    }

    @Test func `of a pod that is replaced asks for the replacement first, and of any other deletes it`() throws {
        var store = try workload(2)
        try store.perform(.evict(Sample.podKey("w0")))
        #expect(isAsked("w0", store))
        #expect(store.object(Sample.podKey("w0"))?["metadata"]["deletionTimestamp"].isNull == true)
        var now = try workload(2)
        try now.perform(.evict(Sample.podKey("w0"), DeleteOptions(gracePeriodSeconds: 0)))
        #expect(now.object(Sample.podKey("w0")) == nil)
        var bare = try workload(1, owned: false)
        try bare.perform(.evict(Sample.podKey("w0")))
        #expect(bare.object(Sample.podKey("w0"))?["metadata"]["deletionTimestamp"].string != nil)
    }

    @Test func `that is dry grants and refuses, and changes nothing`() throws {
        var store = try workload(3)
        try budget(&store, allowed: 1, healthy: 3, desired: 2)
        let revision = store.registry.revision
        for name in ["w0", "w1"] { try store.perform(.evict(Sample.podKey(name), DeleteOptions(isDryRun: true))) }
        #expect(store.registry.revision == revision)
    }

    @Test(arguments: [(1, 1), (2, 1), (4, 1), (7, 1), (8, 2), (12, 3)])
    func `without a budget leaves all but a quarter, and may always take one`(replicas: Int, most: Int) throws {
        var store = try workload(replicas)
        var granted = 0
        for index in 0..<replicas {
            do {
                try store.perform(.evict(Sample.podKey("w\(index)")))
                granted += 1
            } catch { #expect((error as? StatusError)?.code == 429) }
        }
        #expect(granted == most)
        // What serves nothing is replaced all the same.
        try report("w\(replicas - 1)", ready: false, &store)
        try store.perform(.evict(Sample.podKey("w\(replicas - 1)")))
    }

    @Test func `of a pod that is not ready heeds the policy`() throws {
        for (policy, healthy, isGranted) in [(nil, 2, true), (nil, 1, false), ("AlwaysAllow", 1, true), ("IfHealthyBudget", 1, false)]
            as [(String?, Int, Bool)]
        {
            var store = try workload(3)
            try budget(&store, allowed: 0, healthy: healthy, desired: 2, policy: policy)
            try report("w0", ready: false, &store)
            let request = Request.evict(Sample.podKey("w0"))
            if isGranted { try store.perform(request) } else { #expect(store.refusal(request)?.code == 429) }
        }
    }

    @Test func `waits for a budget that was not counted yet, and cannot serve two`() throws {
        var store = try workload(3)
        try budget(&store, allowed: 3, healthy: 3, desired: 0)
        try store.perform(.patch(key, .merge(["spec": ["minAvailable": 1]])))
        #expect(
            store.refusal(.evict(Sample.podKey("w0")))?.details?.causes.first?.message
                == "The disruption budget b is still being processed by the server.")
        try budget(&store, name: "c", allowed: 3, healthy: 3, desired: 0)
        #expect(store.refusal(.evict(Sample.podKey("w0")))?.code == 500)
    }

    static let wrongSpecs: [(spec: Value, field: String)] = [
        (["minAvailable": 1, "maxUnavailable": 1], "spec"), (["minAvailable": -1], "spec.minAvailable"),
        (["maxUnavailable": "120%"], "spec.maxUnavailable"), (["minAvailable": "many"], "spec.minAvailable"),
        (["unhealthyPodEvictionPolicy": "Never"], "spec.unhealthyPodEvictionPolicy"),
    ]

    @Test(arguments: wrongSpecs)
    func `knows no budget that cannot be meant`(spec: Value, field: String) {
        var store = StoreFixture()
        let body: Value = ["metadata": ["name": "b"], "spec": spec]
        let refusal = store.refusal(.create(body, type: .disruptionBudgets, namespace: "default"))
        #expect(refusal?.code == 422 && refusal?.details?.causes.map(\.field) == [field])
    }
}
