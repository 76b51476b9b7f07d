import Formats
import Reconciling
import Resources
import Testing
import Timing

@Suite struct TaintEvictionPlanTests {
    func at(_ seconds: Int) -> Instant { .zero + .seconds(seconds) }
    let gpu = Taint("gpu", value: "broken", .noExecute)
    let disk = Taint("disk", .noExecute)

    @Test(
        arguments: [
            ([], "no toleration", 0),
            ([["key": "gpu", "operator": "Exists", "effect": "NoSchedule"]], "one for another effect", 0),
            ([["key": "gpu", "value": "fine", "effect": "NoExecute"]], "one for another value", 0),
            ([["operator": "Exists"]], "one for everything", nil),
            ([["key": "gpu", "value": "broken"], ["key": "disk", "operator": "Exists"]], "one for each", nil),
            ([["key": "gpu", "value": "broken"]], "one for one of two", 0),
            (
                [
                    ["key": "gpu", "value": "broken", "effect": "NoExecute", "tolerationSeconds": 60],
                    ["key": "disk", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 20],
                ], "the shortest of two times", 20
            ),
            (
                [
                    ["operator": "Exists", "effect": "NoExecute"],
                    ["key": "disk", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30],
                ], "a time, and another one for ever", 30
            ),
            ([["operator": "Exists", "effect": "NoExecute", "tolerationSeconds": -5]], "a negative time", 0),
        ] as [([Value], String, Int?)])
    func `the shortest matching toleration says how long a pod stays`(_ tolerations: [Value], _ what: String, _ seconds: Int?) {
        let stay = TaintEvictionPlan.stay(with: [gpu, disk], tolerations.map { Toleration($0) })
        #expect(stay == (seconds.map { .limited(.seconds($0)) } ?? .forever), "\(what)")
    }

    @Test func `who does not tolerate goes at once, with its grace, and who is going is left alone`() {
        let (made, since) = TaintEvictionPlan.plan(
            .init(
                taints: [gpu],
                pods: [pod("p"), pod("q", tolerations: [["key": "gpu", "operator": "Exists"]]), pod("r", deleting: true)]),
            now: at(5))
        #expect(made.deeds == ["delete p"])
        #expect(made.events.map(\.reason) == ["TaintManagerEviction"])
        #expect(made.lookAgain == nil && since == ["uid-p": at(5)])
    }

    @Test func `a time is counted from when the taint was first seen`() {
        let patient = pod("p", tolerations: [["key": "gpu", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30]])
        let first = TaintEvictionPlan.plan(.init(taints: [gpu], pods: [patient]), now: at(100))
        #expect(first.plan.changes.isEmpty && first.plan.lookAgain == .seconds(30))
        let second = TaintEvictionPlan.plan(.init(taints: [gpu], pods: [patient], since: first.since), now: at(129))
        #expect(second.plan.changes.isEmpty && second.plan.lookAgain == .seconds(1))
        let third = TaintEvictionPlan.plan(.init(taints: [gpu], pods: [patient], since: second.since), now: at(130))
        #expect(third.plan.deeds == ["delete p"])
        // The deletion was refused: the next pass does not begin to count again.
        #expect(TaintEvictionPlan.plan(.init(taints: [gpu], pods: [patient], since: third.since), now: at(131)).plan.deeds == ["delete p"])
    }

    @Test func `a taint that goes in time takes its threat with it`() {
        let patient = pod("p", tolerations: [["key": "gpu", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30]])
        let (made, since) = TaintEvictionPlan.plan(.init(taints: [], pods: [patient], since: ["uid-p": at(100)]), now: at(110))
        #expect(made.changes.isEmpty && made.lookAgain == nil && since.isEmpty)
        #expect(made.events.map(\.message) == ["Cancelling deletion of Pod default/p"])
        #expect(TaintEvictionPlan.plan(.init(taints: [], pods: [patient]), now: at(110)).plan.events.isEmpty)
    }

    @Test func `only NoExecute taints that somebody set drive pods off`() {
        let node = ObservedNode([
            "metadata": ["name": "a1"],
            "spec": [
                "taints": [
                    ["key": "gpu", "value": "broken", "effect": "NoExecute"], ["key": "new", "effect": "NoSchedule"],
                    ["key": .string(NodeHealthPlan.unreachable), "effect": "NoExecute"],
                ]
            ],
        ])
        #expect(node.evictingTaints == [gpu])
    }
}
