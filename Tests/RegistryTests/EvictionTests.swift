import Formats
import Registry
import Resources
import Testing

struct `An eviction` {
    @Test func `takes what it uses off the budget, and is refused when nothing is left`() throws {
        var store = try StoreFixture.workload(3)
        try store.budget(allowed: 1, healthy: 3, desired: 2)
        try store.perform(.evict(Sample.podKey("w0")))
        let status = try #require(store.object(StoreFixture.budgetKey)?["status"])
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
        #expect(store.isEvictionRequested("w0") && !store.isEvictionRequested("w1"))
    }

    @Test func `of a pod that is replaced asks for the replacement first, and of any other deletes it`() throws {
        var store = try StoreFixture.workload(2)
        try store.perform(.evict(Sample.podKey("w0")))
        #expect(store.isEvictionRequested("w0"))
        #expect(store.object(Sample.podKey("w0"))?["metadata"]["deletionTimestamp"].isNull == true)
        var now = try StoreFixture.workload(2)
        try now.perform(.evict(Sample.podKey("w0"), DeleteOptions(gracePeriodSeconds: 0)))
        #expect(now.object(Sample.podKey("w0")) == nil)
        var bare = try StoreFixture.workload(1, owned: false)
        try bare.perform(.evict(Sample.podKey("w0")))
        #expect(bare.object(Sample.podKey("w0"))?["metadata"]["deletionTimestamp"].string != nil)
    }

    @Test func `that is dry grants and refuses, and changes nothing`() throws {
        var store = try StoreFixture.workload(3)
        try store.budget(allowed: 1, healthy: 3, desired: 2)
        let revision = store.registry.revision
        for name in ["w0", "w1"] { try store.perform(.evict(Sample.podKey(name), DeleteOptions(isDryRun: true))) }
        #expect(store.registry.revision == revision)
    }

    @Test(arguments: [(1, 1), (2, 1), (4, 1), (7, 1), (8, 2), (12, 3)])
    func `without a budget leaves all but a quarter, and may always take one`(replicas: Int, most: Int) throws {
        var store = try StoreFixture.workload(replicas)
        var granted = 0
        for index in 0..<replicas {
            do {
                try store.perform(.evict(Sample.podKey("w\(index)")))
                granted += 1
            } catch { #expect((error as? StatusError)?.code == 429) }
        }
        #expect(granted == most)
        // What serves nothing is replaced all the same.
        try store.report("w\(replicas - 1)", ready: false)
        try store.perform(.evict(Sample.podKey("w\(replicas - 1)")))
    }

    @Test func `of a pod that is not ready heeds the policy`() throws {
        for (policy, healthy, isGranted) in [(nil, 2, true), (nil, 1, false), ("AlwaysAllow", 1, true), ("IfHealthyBudget", 1, false)]
            as [(String?, Int, Bool)]
        {
            var store = try StoreFixture.workload(3)
            try store.budget(allowed: 0, healthy: healthy, desired: 2, policy: policy)
            try store.report("w0", ready: false)
            let request = Request.evict(Sample.podKey("w0"))
            if isGranted { try store.perform(request) } else { #expect(store.refusal(request)?.code == 429) }
        }
    }

    @Test func `waits for a budget that was not counted yet, and cannot serve two`() throws {
        var store = try StoreFixture.workload(3)
        try store.budget(allowed: 3, healthy: 3, desired: 0)
        try store.perform(.patch(StoreFixture.budgetKey, .merge(["spec": ["minAvailable": 1]])))
        #expect(
            store.refusal(.evict(Sample.podKey("w0")))?.details?.causes.first?.message
                == "The disruption budget b is still being processed by the server.")
        try store.budget(name: "c", allowed: 3, healthy: 3, desired: 0)
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
