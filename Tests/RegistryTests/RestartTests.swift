import Formats
import Registry
import Resources
import Testing
import Timing

/// Leave to restart a container of a pod in place, against the same budget as evictions.
struct `A restart` {
    /// What is answered: `Permitted`, `ReplacedFirst`, or why not.
    private func ask(_ name: String, _ store: inout StoreFixture) -> String {
        do { return try store.perform(.restart(Sample.podKey(name))).object["reason"].string ?? "" } catch {
            let refusal = error as? StatusError
            return refusal?.details?.causes.first?.message ?? refusal?.message ?? "\(error)"
        }
    }

    private func restarted(_ name: String, _ store: inout StoreFixture, count: Int64 = 1, ready: Bool = true) throws {
        try store.report(name, ready: false, restarts: count - 1)
        try store.report(name, ready: ready, restarts: count)
    }

    @Test func `is permitted to one of all that fail alike, and to the next when that one has been watched for a minute`() throws {
        var store = try StoreFixture.workload(12)
        #expect(ask("w0", &store) == "Permitted")
        for index in 1..<12 { #expect(ask("w\(index)", &store).hasPrefix("pod w0 of the same workload is about to be restarted")) }
        try store.report("w0", ready: false)
        #expect(ask("w1", &store).hasPrefix("pod w0"))
        try restarted("w0", &store)
        store.now = store.now + .seconds(59)
        #expect(
            ask("w1", &store)
                == "pod w0 of the same workload was restarted and is ready again for less than 60 s: whether a restart helps is not known yet"
        )
        store.now = store.now + .seconds(1)
        #expect(ask("w1", &store) == "Permitted")
    }

    /// What each pod asks for every two seconds, for ten minutes: the program is Ready at once, and its probe fails again.
    @Test func `after which a program is Ready at once stays with one of all that fail alike`() throws {
        var store = try StoreFixture.workload(4)
        var counts: [Int64] = [0, 0, 0, 0]
        for _ in 0..<300 {
            for index in 0..<4 where ask("w\(index)", &store) == "Permitted" {
                counts[index] += 1
                try restarted("w\(index)", &store, count: counts[index])
            }
            store.now = store.now + .seconds(2)
        }
        #expect(counts == [300, 0, 0, 0])
    }

    @Test func `that does not help is the last one: what serves goes on serving`() throws {
        var store = try StoreFixture.workload(12)
        #expect(ask("w0", &store) == "Permitted")
        try restarted("w0", &store, ready: false)
        store.now = store.now + .seconds(3600)
        for index in 1..<12 { #expect(ask("w\(index)", &store).hasPrefix("pod w0 of the same workload")) }
        // What serves nothing is never held back.
        #expect(ask("w0", &store) == "Permitted")
    }

    @Test func `asked for again by the same pod is permitted still, and costs nothing more`() throws {
        var store = try StoreFixture.workload(3)
        #expect(ask("w0", &store) == "Permitted")
        let revision = store.registry.revision
        #expect(ask("w0", &store) == "Permitted")
        #expect(store.registry.revision == revision)
        #expect(store.object(Sample.podKey("w0"))?["metadata"]["annotations"][RestartPermit.annotation] == "2026-01-01T00:00:00Z/0")
    }

    @Test func `that was permitted and never came is forgotten after a minute`() throws {
        var store = try StoreFixture.workload(3)
        #expect(ask("w0", &store) == "Permitted")
        store.now = store.now + .seconds(59)
        #expect(ask("w1", &store).hasPrefix("pod w0"))
        store.now = store.now + .seconds(1)
        #expect(ask("w1", &store) == "Permitted")
    }

    @Test(arguments: [(1, 0, true), (3, 0, true), (3, 1, false), (8, 1, true), (8, 2, false), (12, 2, true), (12, 3, false)])
    func `leaves of a workload all but a quarter, counting what is missing for whatever reason`(
        replicas: Int, missing: Int, isPermitted: Bool
    )
        throws
    {
        var store = try StoreFixture.workload(replicas)
        for index in 0..<missing { try store.report("w\(replicas - 1 - index)", ready: false) }
        #expect((ask("w0", &store) == "Permitted") == isPermitted)
    }

    @Test func `and an eviction have one budget, whichever comes first`() throws {
        var store = try StoreFixture.workload(3)
        #expect(ask("w0", &store) == "Permitted")
        #expect(store.refusal(.evict(Sample.podKey("w1")))?.code == 429)
        var other = try StoreFixture.workload(3)
        try other.perform(.evict(Sample.podKey("w0")))
        #expect(ask("w1", &other).hasPrefix("No PodDisruptionBudget selects the pod: of 3 replicas 1 may be missing at a time, and 1 are"))
        var third = try StoreFixture.workload(3)
        try third.perform(.delete(Sample.podKey("w0")))
        #expect(ask("w1", &third).hasPrefix("No PodDisruptionBudget"))
    }

    /// In mid-roll no version has all its replicas, and none of them by itself is short of any.
    @Test func `and an eviction are judged over all versions of a Deployment`() throws {
        var store = StoreFixture()
        let deployment = try store.addDeployment("web", replicas: 3)
        let old = try store.addSet("web-1", replicas: 2, of: deployment)
        let new = try store.addSet("web-2", replicas: 1, of: deployment)
        for name in ["o1", "o2"] { try store.addPod(name, of: old) }
        try store.addPod("n1", of: new, ready: false)
        #expect(store.refusal(.evict(Sample.podKey("o1")))?.code == 429)
        #expect(ask("o1", &store).hasPrefix("No PodDisruptionBudget"))
        try store.report("n1", ready: true)
        #expect(ask("o1", &store) == "Permitted")
        #expect(ask("n1", &store).hasPrefix("No PodDisruptionBudget selects the pod: of 3 replicas 1 may be missing at a time, and 1 are"))
    }

    /// A release that fails its liveness again and again takes nothing from the version that serves.
    @Test func `waits for no trial of another version`() throws {
        var store = StoreFixture()
        let deployment = try store.addDeployment("web", replicas: 3)
        let old = try store.addSet("web-1", replicas: 2, of: deployment)
        let new = try store.addSet("web-2", replicas: 1, of: deployment)
        for name in ["o1", "o2"] { try store.addPod(name, of: old) }
        try store.addPod("n1", of: new)
        #expect(ask("n1", &store) == "Permitted")
        try restarted("n1", &store)
        #expect(ask("o1", &store) == "Permitted")
        try restarted("o1", &store)
        #expect(ask("o2", &store).hasPrefix("pod o1 of the same workload was restarted"))
    }

    @Test func `is taken off the PodDisruptionBudget that selects the pod`() throws {
        var store = try StoreFixture.workload(3)
        try store.budget(allowed: 1, healthy: 3, desired: 2)
        #expect(ask("w0", &store) == "Permitted")
        let status = try #require(store.object(StoreFixture.budgetKey)?["status"])
        #expect(status["disruptionsAllowed"] == 0 && status["disruptedPods"]["w0"].string == "2026-01-01T00:00:00Z")
        try restarted("w0", &store)
        store.now = store.now + RestartTrial.length
        #expect(ask("w1", &store) == "The disruption budget b needs 2 healthy pods and has 3 currently")
    }

    @Test func `that a budget never allows is a replacement after a minute, one at a time`() throws {
        var store = try StoreFixture.workload(3)
        try store.budget(allowed: 0, healthy: 3, desired: 3)
        for name in ["w0", "w1"] {
            try store.report(name, ready: true, heldSince: "2026-01-01T00:00:00Z")
            #expect(ask(name, &store).hasPrefix("The disruption budget b needs 3"))
        }
        store.now = store.now + .seconds(60)
        #expect(ask("w0", &store) == "ReplacedFirst")
        #expect(store.isEvictionRequested("w0"))
        #expect(ask("w0", &store) == "ReplacedFirst")
        #expect(ask("w1", &store).hasPrefix("The disruption budget b needs 3"))
        try store.perform(.delete(Sample.podKey("w0"), DeleteOptions(gracePeriodSeconds: 0)))
        #expect(ask("w1", &store) == "ReplacedFirst")
    }

    @Test func `of a pod that serves nothing, that is alone, or that is going, is never refused`() throws {
        var store = try StoreFixture.workload(2)
        try store.budget(allowed: 0, healthy: 2, desired: 2)
        try store.report("w0", ready: false)
        #expect(ask("w0", &store) == "Permitted")
        try store.perform(.delete(Sample.podKey("w1")))
        #expect(ask("w1", &store) == "Permitted")
        var bare = try StoreFixture.workload(2, owned: false)
        #expect(ask("w0", &bare) == "Permitted" && ask("w1", &bare) == "Permitted")
    }

    @Test func `is refused to an agent whose lease another one has, and is known of pods alone`() throws {
        var store = try StoreFixture.workload(3)
        _ = try store.create(
            ["metadata": ["name": "a1"], "spec": ["holderIdentity": "a1", "leaseTransitions": 4]], .leases, namespace: "kube-node-lease")
        let stale = store.refusal(.restart(Sample.podKey("w0"), LeaseEpoch(node: "a1", transitions: 3)))
        #expect(stale?.isStaleEpoch == true)
        try store.perform(.restart(Sample.podKey("w0"), LeaseEpoch(node: "a1", transitions: 4)))
        #expect(store.refusal(.restart(Sample.configMapKey("a")))?.code == 404)
        #expect(store.refusal(.restart(Sample.podKey("nobody")))?.code == 404)
    }

    @Test(arguments: ["2026-01-01T00:00:00Z/0", "2026-01-01T00:00:00Z/12", "2026-01-01T00:00:00Z/12/again"])
    func `is noted on the pod as it is read`(text: String) { #expect(RestartPermit(text)?.text == text) }

    @Test(arguments: [
        "", "now", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z/x", "/3", "2026-01-01T00:00:00Z/3/",
        "2026-01-01T00:00:00Z/3/once",
    ])
    func `that nobody could have noted counts for nothing`(text: String) { #expect(RestartPermit(text) == nil) }
}
