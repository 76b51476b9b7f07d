import Formats
import Resources
import Testing
import Timing

@testable import Commands

/// What a drill may take, and when it is refused.
struct DrillBudgetTests {
    /// `spread`: on which node each pod of the Deployment `web` is; lower case letters are pods that are not Ready.
    private func refusals(
        _ spread: String, replicas: Int64? = nil, failing: Set<String> = ["B"], lost: Set<String> = [], allowed: Int64? = nil
    ) -> [String] {
        drill(spread, replicas: replicas, failing: failing, lost: lost, allowed: allowed).refusals
    }

    /// - Parameter disrupted: pods of the budget that are taken off it already.
    private func drill(
        _ spread: String, replicas: Int64? = nil, failing: Set<String> = ["B"], lost: Set<String> = [], allowed: Int64? = nil,
        disrupted: [String] = [], generation: Int64 = 1
    ) -> DrillBudget {
        let pods = spread.enumerated().map { index, node -> Value in
            [
                "metadata": [
                    "name": .string("web-\(index)"), "namespace": "default", "uid": .string("p\(index)"), "labels": ["app": "web"],
                    "ownerReferences": [["uid": .string(index % 2 == 0 ? "old" : "new"), "controller": true]],
                ],
                "spec": ["nodeName": .string(node.uppercased())],
                "status": ["conditions": [["type": "Ready", "status": node.isUppercase ? "True" : "False"]]],
            ]
        }
        let sets = ["old", "new"].map { uid -> Value in
            [
                "metadata": [
                    "name": .string(uid), "namespace": "default", "uid": .string(uid),
                    "ownerReferences": [["uid": "d", "controller": true]],
                ]
            ]
        }
        let deployment: Value = [
            "metadata": ["name": "web", "namespace": "default", "uid": "d"], "spec": ["replicas": .int(replicas ?? Int64(spread.count))],
        ]
        var budgets: [Value] = []
        if let allowed {
            budgets = [
                [
                    "metadata": ["name": "b", "namespace": "default", "resourceVersion": "7", "generation": .int(generation)],
                    "spec": ["selector": ["matchLabels": ["app": "web"]]],
                    "status": [
                        "disruptionsAllowed": .int(allowed), "observedGeneration": 1,
                        "disruptedPods": .object(Object(disrupted.map { ($0, "2026-01-01T00:00:00Z") })),
                    ],
                ]
            ]
        }
        return DrillBudget(nodes: failing, lost: lost, pods: pods, sets: sets, deployments: [deployment], budgets: budgets)
    }

    @Test(arguments: ["ABC", "ABCABCABCABC", "B", "BBB", "AAA", "AaC"])
    func `what is whole, or loses nothing more, may be tried`(spread: String) { #expect(refusals(spread) == []) }

    @Test(
        arguments: [
            ("aBC", nil, "of default/web 1 of 3 replicas are missing already, and 1 run there"),
            ("AB", 3, "of default/web 1 of 3 replicas are missing already, and 1 run there"),
            ("aBCABCABCABC", nil, "of default/web 1 of 12 replicas are missing already, and 4 run there"),
        ] as [(String, Int64?, String)])
    func `of what misses some already no more is taken than the standard share`(spread: String, replicas: Int64?, refusal: String) {
        #expect(refusals(spread, replicas: replicas) == [refusal])
    }

    @Test func `within the standard share it may be tried although some are missing`() {
        #expect(refusals("aAABCCACC" + "CCC") == [])
    }

    @Test func `what has just failed is missing, though nobody has noticed yet`() {
        #expect(refusals("ABC", lost: ["A"]) == ["of default/web 1 of 3 replicas are missing already, and 1 run there"])
        #expect(refusals("ABC", lost: ["B"]) == [])
    }

    @Test func `a disruption budget holds as it stands`() {
        #expect(refusals("ABCB", allowed: 2) == [])
        #expect(
            refusals("ABCB", allowed: 1) == [
                "the disruption budget default/b allows 1 pods to be missing now, and 2 of its pods run there"
            ])
        // What a budget covers is not counted a second time.
        #expect(refusals("aBC", allowed: 1) == [])
    }

    @Test func `a disruption budget that its controller has not seen yet allows no drill`() {
        #expect(
            drill("ABC", allowed: 2, generation: 2).refusals == ["the disruption budget default/b is still being processed by the server"])
    }

    @Test func `what a drill takes is taken off the budget as it was judged, pod by pod`() throws {
        let now = Timestamp(rfc3339: "2026-01-02T00:00:00Z")
        let requests = try drill("ABCB", allowed: 3, disrupted: ["web-0"]).reservations(now: #require(now))
        try #require(requests.count == 1)
        guard case .patch(let key, .merge(let body), .status, _) = requests[0] else {
            Issue.record("\(requests[0])")
            return
        }
        #expect(key == ObjectKey(.disruptionBudgets, namespace: "default", name: "b"))
        #expect(body["metadata"]["resourceVersion"].string == "7")
        #expect(body["status"]["disruptionsAllowed"].int == 1)
        #expect(
            body["status"]["disruptedPods"] == [
                "web-0": "2026-01-01T00:00:00Z", "web-1": "2026-01-02T00:00:00Z", "web-3": "2026-01-02T00:00:00Z",
            ])
    }

    @Test func `what is taken off already is not taken twice`() throws {
        let again = drill("ABC", allowed: 0, disrupted: ["web-1"])
        #expect(again.refusals == [])
        #expect(try again.reservations(now: #require(Timestamp(rfc3339: "2026-01-02T00:00:00Z"))).isEmpty)
    }
}
