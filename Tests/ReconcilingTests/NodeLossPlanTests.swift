import Formats
import Reconciling
import Resources
import Testing

@Suite struct NodeLossPlanTests {
    /// `10 b1@7`: it routes by revision 10 and finds, in absence 7 of b1's agent, that nobody accepts there.
    private func proxy(_ words: String, _ name: String = "proxy-1") -> ObservedProxy {
        let parts = words.split(separator: " ")
        let refusals: [Value] = parts.dropFirst().map { part in
            let halves = part.split(separator: "@")
            return ["node": .string(String(halves[0])), "absence": .string(String(halves[1]))]
        }
        return ObservedProxy([
            "metadata": ["name": .string(name)], "status": ["routeRevision": .string(String(parts[0])), "refusals": .array(refusals)],
        ])
    }

    private func verdict(
        absence: String? = "7", hasAgent: Bool = true, offered: UInt64? = 10, pods: [Value] = [], isOwned: Bool = true, _ proxies: [String],
        count: Int = 1,
        live: Set<String> = []
    ) -> NodeLossPlan.Verdict {
        let proxies = proxies.enumerated().map { proxy($1, "proxy-\($0 + 1)") }
        let owner = Owner(apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: "rs-1").value
        let metadata: Value = isOwned ? ["ownerReferences": [owner]] : [:]
        return NodeLossPlan.verdict(
            .init(
                name: "b1", absence: absence, hasAgent: hasAgent, offered: offered.map { Revision($0) },
                pods: pods.map { ObservedPod(["metadata": metadata, "status": $0]) }, proxies: proxies, proxyCount: count, live: live))
    }

    @Test func `a node is lost when its agent is away and every proxy finds nobody there`() {
        #expect(verdict(["10 b1@7"]) == .lost(.nobodyThere))
        #expect(verdict(["12 a1@3 b1@7", "10 b1@7"], count: 2) == .lost(.nobodyThere))
    }

    @Test func `a node that nobody has an agent for is lost, whatever is believed of its pods`() {
        #expect(verdict(hasAgent: false, []) == .lost(.noAgent))
        #expect(verdict(hasAgent: false, offered: nil, ["10"]) == .lost(.noAgent))
        #expect(verdict(absence: nil, hasAgent: false, ["10 b1@7"]) == .unsuspected)
    }

    @Test func `an agent that is away is not enough`() {
        #expect(verdict(["10"]) == .suspected(because: "proxy-1 has not found its endpoints refused"))
        #expect(verdict(["10 a1@7"]) == .suspected(because: "proxy-1 has not found its endpoints refused"))
        #expect(
            verdict(["10", "10 b1@7", "10"], count: 3) == .suspected(because: "proxy-1, proxy-3 has not found its endpoints refused"))
    }

    @Test func `the word of each proxy that up knows is waited for`() {
        #expect(verdict(["10 b1@7"], live: ["proxy-1", "proxy-2"]) == .suspected(because: "proxy-2 is silent"))
        #expect(verdict(["10 b1@7"], live: ["proxy-2"]) == .suspected(because: "proxy-2 is silent"))
        #expect(verdict(["10 b1@7", "10 b1@7"], live: ["proxy-2"]) == .lost(.nobodyThere))
        #expect(verdict(["10", "10 b1@7"], live: ["proxy-2"]) == .suspected(because: "proxy-1 has not found its endpoints refused"))
    }

    @Test func `endpoints that refuse are not enough`() { #expect(verdict(absence: nil, ["10 b1@7"]) == .unsuspected) }

    @Test func `what was found in an earlier absence is no news of this one`() {
        #expect(verdict(["10 b1@6"]) == .suspected(because: "proxy-1 has not found its endpoints refused"))
    }

    @Test func `a proxy whose table does not know all that is offered there cannot tell`() {
        #expect(verdict(offered: 11, ["10 b1@7"]) == .suspected(because: "proxy-1 has not found its endpoints refused"))
        #expect(verdict(offered: 11, ["11 b1@7"]) == .lost(.nobodyThere))
    }

    @Test func `a proxy that says nothing may be one that still reaches it`() {
        #expect(verdict([]) == .suspected(because: "a proxy is silent"))
        #expect(verdict(["10 b1@7"], count: 2) == .suspected(because: "a proxy is silent"))
    }

    @Test func `where nothing is offered nobody can tell, and the lease decides`() {
        #expect(
            verdict(offered: nil, ["10 b1@7"]) == .suspected(because: "no Service offers anything there that could tell whether it lives"))
    }

    /// What is bound to a node on which nothing is offered, and whether that is given up at once.
    @Test(
        arguments: [
            ([[:]], true),
            // What the scheduler writes is no word of an agent.
            ([["phase": "Pending", "conditions": [["type": "PodScheduled", "status": "True"]]], [:]], true),
            ([], false),
            ([["phase": "Pending", "hostIP": "127.16.0.2"]], false),
            ([["phase": "Pending", "podIP": "127.64.0.2"]], false),
            ([["containerStatuses": [["name": "main"]]]], false),
            ([["initContainerStatuses": [["name": "main"]]]], false),
            ([["phase": "Running"]], false),
            ([[:], ["phase": "Running"]], false),
            ([["phase": "Succeeded"], [:]], false),
        ] as [([Value], Bool)])
    func `a node is lost by the absence alone where its agent has begun nothing of what is bound to it`(_ row: ([Value], Bool)) {
        let silence = NodeLossPlan.Verdict.suspected(because: "no Service offers anything there that could tell whether it lives")
        #expect(verdict(offered: nil, pods: row.0, []) == (row.1 ? .lost(.nothingBegun) : silence))
        #expect(verdict(absence: nil, offered: nil, pods: row.0, []) == .unsuspected)
    }

    @Test func `a pod that nobody would make again keeps its node until the lease is out`() {
        #expect(
            verdict(offered: nil, pods: [[:]], isOwned: false, [])
                == .suspected(because: "one of its pods has nobody who would make it again"))
    }
}
