import Formats
import Reconciling
import Resources
import Testing
import Timing

@Suite struct LeaseWatchTests {
    func at(_ seconds: Int) -> Instant { .zero + .seconds(seconds) }

    func lease(_ name: String = "a", renewed second: Int, period: Int64? = 10, transitions: Int64 = 0) -> Lease {
        let renewTime = Timestamp(secondsSince1970: Int64(1_800_000_000 + second)).rfc3339Micro
        return Lease([
            "metadata": ["name": .string(name), "namespace": "kube-node-lease"],
            "spec": [
                "holderIdentity": "a-1", "leaseDurationSeconds": period.map { .int($0) } ?? .null, "renewTime": .string(renewTime),
                "leaseTransitions": .int(transitions),
            ],
        ])
    }

    @Test func `a lease runs out a whole period after its last renewal was seen`() {
        var watch = LeaseWatch(now: .zero)
        watch.observe(lease(renewed: 1), now: at(0))
        for second in 1...9 { #expect(watch.tick(now: at(second)) == []) }
        #expect(watch.tick(now: at(10)) == ["a"])
        watch.observe(lease(renewed: 2), now: at(11))
        #expect(watch.tick(now: at(11)) == [])
    }

    @Test func `the same renewal seen again is no renewal`() {
        var watch = LeaseWatch(now: .zero)
        watch.observe(lease(renewed: 1, period: 2), now: at(0))
        watch.observe(lease(renewed: 1, period: 2), now: at(1))
        #expect(watch.expired(now: at(2)) == ["a"])
    }

    @Test func `what is found at the start is no renewal, and one before the lease ran out counts no more`() {
        var watch = LeaseWatch(now: .zero)
        watch.expect("a", now: at(0))
        watch.observe(lease(renewed: 1, period: 2), now: at(0))
        #expect(!watch.isRenewed("a"))
        watch.observe(lease(renewed: 2, period: 2), now: at(1))
        #expect(watch.isRenewed("a"))
        for second in 1...2 { #expect(watch.tick(now: at(second)) == []) }
        #expect(watch.tick(now: at(3)) == ["a"])
        #expect(!watch.isRenewed("a"))
        watch.observe(lease(renewed: 2, period: 2), now: at(4))
        #expect(!watch.isRenewed("a") && watch.expired(now: at(4)) == ["a"])
        watch.observe(lease(renewed: 3, period: 2), now: at(5))
        #expect(watch.isRenewed("a"))
    }

    @Test func `after a pause of the watcher every lease gets a whole period`() {
        var watch = LeaseWatch(now: .zero)
        watch.observe(lease(renewed: 1), now: at(0))
        #expect(watch.tick(now: at(1)) == [])
        #expect(watch.tick(now: at(60)) == [])
        for second in 61...69 { #expect(watch.tick(now: at(second)) == []) }
        #expect(watch.tick(now: at(70)) == ["a"])
    }

    @Test func `a further pause gives no whole period again before there is a renewal, but does not count`() {
        for isRenewed in [false, true] {
            var watch = LeaseWatch(now: .zero)
            watch.observe(lease(renewed: 1), now: at(0))
            #expect(watch.tick(now: at(60)) == [])
            for second in 61...65 { #expect(watch.tick(now: at(second)) == []) }
            if isRenewed { watch.observe(lease(renewed: 2), now: at(65)) }
            #expect(watch.tick(now: at(120)) == [])
            // Five seconds before the pause, and one of it; or none of that.
            let end = 120 + (isRenewed ? 10 : 4)
            for second in 121..<end { #expect(watch.tick(now: at(second)) == []) }
            #expect(watch.tick(now: at(end)) == ["a"])
        }
    }

    /// Each look waits for two writes of the disk, and so does each renewal, three seconds after the one before was answered.
    @Test(arguments: [[1.2], [2.0], [0.4, 1.2], [1.1, 0.9, 0.9, 0.9], [5.0, 0.0], [30.0]])
    func `on a slow disk who is gone is given up, and who renews is not`(syncs: [Double]) {
        var watch = LeaseWatch(now: .zero)
        var (now, nextRenewal, lookCount) = (0.0, 0.0, 0)
        var isGivenUp = false
        watch.observe(lease("gone", renewed: 0), now: .zero)
        while !isGivenUp, lookCount < 100 {
            let sync = syncs[lookCount % syncs.count]
            now += 1 + 2 * sync
            while nextRenewal + 2 * sync <= now {
                let seen = nextRenewal + 2 * sync
                watch.observe(lease("lives", renewed: lookCount * 1000 + Int(nextRenewal)), now: .zero + .milliseconds(Int(seen * 1000)))
                nextRenewal = seen + 3
            }
            let expired = watch.tick(now: .zero + .milliseconds(Int(now * 1000)))
            lookCount += 1
            #expect(!expired.contains("lives"))
            isGivenUp = expired.contains("gone")
        }
        #expect(isGivenUp && lookCount <= 20, "after \(lookCount) looks, \(now) s")
        // Once it is back it is believed again.
        watch.observe(lease("gone", renewed: 1), now: .zero + .milliseconds(Int(now * 1000)))
        #expect(watch.isRenewed("gone") && watch.expired(now: .zero + .milliseconds(Int(now * 1000))) == [])
    }

    @Test func `what others change of a lease is no renewal, and one that tells no time has the usual one`() {
        var watch = LeaseWatch(now: .zero)
        watch.observe(lease(renewed: 1, period: nil), now: at(0))
        watch.observe(lease(renewed: 1, period: nil, transitions: 1), now: at(5))
        #expect(!watch.isRenewed("a"))
        #expect(watch.expired(now: at(9)) == [] && watch.expired(now: at(10)) == ["a"])
    }

    @Test func `what should have a lease and shows none runs out too`() {
        var watch = LeaseWatch(now: .zero)
        watch.expect("a", now: at(0))
        watch.expect("a", now: at(1))
        #expect(watch.expired(now: at(9)) == [] && watch.expired(now: at(10)) == ["a"])
        watch.forget("a")
        #expect(watch.expired(now: at(19)) == [])
    }
}

@Suite struct NodeHealthPlanTests {
    func node(ready: Value = "True", reason: Value = "KubeletReady", taints: [Value] = []) -> ObservedNode {
        ObservedNode([
            "metadata": ["name": "a1", "uid": "n-1"], "spec": ["taints": .array(taints)],
            "status": ["conditions": [["type": "Ready", "status": ready, "reason": reason]]],
        ])
    }

    func plan(_ node: ObservedNode?, expired: Bool, renewed: Bool = false, fenced: Bool = false, peer: Bool = true) -> (
        plan: Plan, fences: Bool
    ) {
        NodeHealthPlan.plan(
            .init(
                node: node, name: "a1", isExpired: expired, isRenewed: renewed, isFenced: fenced, hasLivingPeer: peer,
                pods: [pod("p"), pod("q", deleting: true)]),
            now: start)
    }

    @Test func `a lost node is marked, fenced once that is stored, and its pods stay until then`() {
        let (made, fences) = plan(node(), expired: true)
        #expect(made.deeds == ["status a1", "patch a1"] && !fences)
        #expect(made.body("status a1")["status"]["conditions"][0]["status"] == "Unknown")
        #expect(made.body("patch a1")["spec"]["taints"].elements.map { $0["effect"] } == ["NoSchedule", "NoExecute"])
        let marked = plan(node(ready: "Unknown", reason: "NodeStatusUnknown", taints: lostTaints), expired: true)
        #expect(marked.plan.changes.isEmpty && marked.fences)
    }

    private let lostTaints: [Value] = ["NoSchedule", "NoExecute"].map { ["key": .string(NodeHealthPlan.unreachable), "effect": $0] }

    @Test func `once fenced its pods are freed at once`() {
        let (made, fences) = plan(node(ready: "Unknown", reason: "NodeStatusUnknown", taints: lostTaints), expired: true, fenced: true)
        #expect(made.deeds == ["delete p now", "delete q now"] && !fences)
    }

    @Test func `when every node is lost nothing is given up`() {
        let (made, fences) = plan(node(), expired: true, fenced: true, peer: false)
        #expect(made.deeds == ["status a1", "patch a1"] && !fences)
    }

    @Test func `a node that renews again is trusted again, other taints stay`() {
        let taints: [Value] = [
            ["key": .string(NodeHealthPlan.unreachable), "effect": "NoExecute"], ["key": "mine", "effect": "NoSchedule"],
        ]
        let (made, _) = plan(node(ready: "Unknown", reason: "NodeStatusUnknown", taints: taints), expired: false, renewed: true)
        #expect(made.deeds == ["patch a1", "status a1"])
        #expect(made.body("patch a1")["spec"]["taints"] == [["key": "mine", "effect": "NoSchedule"]])
    }

    @Test func `a lost node stays lost when the server starts anew, though its lease has a whole period again`() {
        #expect(plan(node(ready: "Unknown", reason: "NodeStatusUnknown", taints: lostTaints), expired: false).plan.changes.isEmpty)
    }

    @Test func `pods of a node that does not exist are freed after fencing`() {
        #expect(plan(nil, expired: true).fences)
        #expect(plan(nil, expired: true, fenced: true).plan.deeds == ["delete p now", "delete q now"])
        #expect(plan(node(), expired: false).plan.changes.isEmpty)
    }
}
