import Formats
import Reconciling
import Resources
import Testing
import Timing

@Suite struct DisruptionPlanTests {
    func budget(_ spec: Value, status: Value = [:]) -> ObservedBudget {
        var spec = spec
        spec["selector"] = ["matchLabels": ["app": "web"]]
        return ObservedBudget([
            "metadata": ["name": "b", "namespace": "default", "generation": 2, "resourceVersion": "9"], "spec": spec, "status": status,
        ])
    }

    func status(_ spec: Value, _ pods: [ObservedPod], wanted: Int, was: Value = [:]) -> (value: Value, plan: Plan) {
        let plan = DisruptionPlan.plan(.init(budget: budget(spec, status: was), pods: pods, wantedReplicas: wanted), now: start)
        return (plan.body("status b")["status"], plan)
    }

    static let bounds: [(spec: Value, desired: Int, expected: Int, allowed: Int)] = [
        (["minAvailable": 2], 2, 3, 1), (["minAvailable": 5], 5, 3, 0), (["minAvailable": "50%"], 2, 4, 1),
        (["maxUnavailable": 1], 3, 4, 0), (["maxUnavailable": "30%"], 2, 4, 1), (["maxUnavailable": 9], 0, 4, 3), ([:], 0, 3, 3),
    ]

    @Test(arguments: bounds)
    func `so many pods must stay healthy`(spec: Value, desired: Int, expected: Int, allowed: Int) {
        // Three healthy pods of a workload that wants four; of a number, those that are there count.
        let status = status(spec, [pod("p"), pod("q"), pod("r")], wanted: 4).value
        #expect(status["desiredHealthy"].int == Int64(desired) && status["expectedPods"].int == Int64(expected))
        #expect(status["currentHealthy"] == 3 && status["disruptionsAllowed"].int == Int64(allowed))
        #expect(status["observedGeneration"] == 2)
        #expect(status["conditions"][0]["reason"] == (allowed > 0 ? "SufficientPods" : "InsufficientPods"))
    }

    @Test func `pods that are not ready, are going, or were evicted are not healthy; finished ones are none`() {
        let pods = [
            pod("p"), pod("q", ready: false), pod("r", deleting: true), pod("s"), pod("t", ready: false, phase: "Succeeded"),
        ]
        let was: Value = ["disruptedPods": ["s": .string((start + .seconds(-30)).rfc3339), "gone": .string(start.rfc3339)]]
        let (value, plan) = status(["minAvailable": 1], pods, wanted: 4, was: was)
        #expect(value["currentHealthy"] == 1 && value["expectedPods"] == 4 && value["disruptionsAllowed"] == 0)
        // One that is gone is taken out by name; the other counts again when it has not gone after two minutes.
        #expect(value["disruptedPods"]["s"] == .string((start + .seconds(-30)).rfc3339))
        #expect(value["disruptedPods"].object?["gone"] == .some(.null))
        #expect(plan.lookAgain == .seconds(90))
    }

    @Test func `an eviction that did not happen in two minutes is forgotten`() {
        let was: Value = ["disruptedPods": ["p": .string((start + .seconds(-120)).rfc3339)]]
        let (value, plan) = status(["minAvailable": 1], [pod("p"), pod("q")], wanted: 2, was: was)
        #expect(value["currentHealthy"] == 2 && value["disruptionsAllowed"] == 1 && plan.lookAgain == nil)
    }

    @Test func `a status that holds is not written again, and is written only onto what was seen`() {
        let (value, plan) = status(["minAvailable": 1], [pod("p"), pod("q")], wanted: 2)
        #expect(plan.body("status b")["metadata"]["resourceVersion"] == "9")
        var stored = value.object ?? [:]
        stored["disruptedPods"] = nil
        #expect(status(["minAvailable": 1], [pod("p"), pod("q")], wanted: 2, was: .object(stored)).plan.changes.isEmpty)
    }
}
