import Formats
import Resources
import Scheduling
import Testing

@Suite struct PlacementTests {
    @Test func `pods of a group lie over zones first and nodes second`() {
        var cluster = view([node("a1", zone: "a"), node("a2", zone: "a"), node("b1", zone: "b"), node("c1", zone: "c")])
        let found = places((0..<8).map { candidate("p\($0)") }, &cluster)
        #expect(found == ["a1", "b1", "c1", "a2", "b1", "c1", "a1", "b1"])
    }

    @Test func `groups do not count each other, the emptier node decides`() {
        var cluster = view([node("a1", zone: "a"), node("b1", zone: "b")])
        #expect(places([candidate("p", group: "x", cpu: "1")], &cluster) == ["a1"])
        #expect(places([candidate("q", group: "y", cpu: "1")], &cluster) == ["b1"])
    }

    @Test func `a pod that leaves gives its room back, one that is leaving no longer counts as a neighbour`() {
        var cluster = view([node("a1", zone: "a", cpu: "1"), node("b1", zone: "b", cpu: "2")])
        cluster.occupy(candidate("old", cpu: "1"), on: "a1", isLeaving: true)
        #expect(places([candidate("p", cpu: "1")], &cluster) == ["b1"])
        cluster.vacate(candidate("old").key)
        #expect(places([candidate("q", cpu: "1")], &cluster) == ["a1"])
    }

    @Test func `pods seen before their node count once it is there`() {
        var cluster = view([])
        cluster.occupy(candidate("p", cpu: "3"), on: "a1")
        cluster.setNode(node("a1", cpu: "4"))
        #expect(places([candidate("q", cpu: "2")], &cluster) == ["0/1 nodes are available: 1 Insufficient cpu."])
        #expect(places([candidate("r", cpu: "1")], &cluster) == ["a1"])
    }

    @Test func `higher priority goes first, then age, then name`() {
        var cluster = view([node("a1", pods: 1)])
        let found = Placement.place([candidate("a"), candidate("b", priority: 5)], in: &cluster)
        #expect(found.map(\.candidate.key.name) == ["b", "a"])
        #expect(found[1].verdict == .nowhere(explanation: "0/1 nodes are available: 1 Too many pods."))
    }

    @Test func `a limit of processes asks nothing of a node, also where a pod was stored with it as its request`() {
        var cluster = view([node("a1")])
        let resources: Value = ["limits": ["steady.dev/pids": "20"], "requests": ["steady.dev/pids": "20"]]
        let limited = candidate("p", spec: ["containers": [["name": "c", "image": "i", "resources": resources]]])
        #expect(places([limited], &cluster) == ["a1"])
    }

    /// One node that refuses, and what is said of it.
    @Test(arguments: [
        (node("n", unschedulable: true), candidate("p"), "node(s) were unschedulable"),
        (
            node("n", taints: [["key": "dedicated", "value": "db", "effect": "NoSchedule"]]), candidate("p"),
            "node(s) had untolerated taint {dedicated: db}"
        ),
        (
            node("n", taints: [["key": "node.kubernetes.io/unreachable", "effect": "NoExecute"]]), candidate("p"),
            "node(s) had untolerated taint {node.kubernetes.io/unreachable: }"
        ),
        (node("n", ready: false), candidate("p"), "node(s) were not ready"),
        (node("n"), candidate("p", spec: ["nodeSelector": ["disk": "ssd"]]), "node(s) didn't match Pod's node affinity/selector"),
        (node("n", cpu: "500m"), candidate("p", cpu: "600m"), "Insufficient cpu"),
        (node("n", pods: 0), candidate("p"), "Too many pods"),
        (
            node("n"),
            candidate(
                "p",
                spec: [
                    "topologySpreadConstraints": [
                        [
                            "maxSkew": 1, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule",
                            "labelSelector": ["matchLabels": ["app": "web"]],
                        ]
                    ]
                ]), "node(s) didn't match pod topology spread constraints (missing required label)"
        ),
    ])
    func `each filter says why in Kubernetes' words`(_ row: (Node, Candidate, String)) {
        var cluster = view([row.0])
        #expect(places([row.1], &cluster) == ["0/1 nodes are available: 1 \(row.2)."])
    }

    @Test func `a node whose agent is away gets nothing, whatever its zone lacks, until the agent is back`() {
        var cluster = view([node("a1", zone: "a"), node("a2", zone: "a"), node("b1", zone: "b"), node("b2", zone: "b")])
        cluster.setAway(["a1", "a2"])
        #expect(places((0..<3).map { candidate("p\($0)") }, &cluster) == ["b1", "b2", "b1"])
        cluster.setAway(["a1"])
        #expect(places([candidate("q")], &cluster) == ["a2"])
        cluster.setAway([])
        #expect(places([candidate("r")], &cluster) == ["a1"])
    }

    @Test func `an agent's absence is a reason like others, which nothing tolerates, and outlives what is written about the node`() {
        var cluster = view([node("b1")])
        cluster.setAway(["a1", "b1"])
        cluster.setNode(node("a1"))
        cluster.setNode(node("b1"))
        cluster.setNode(node("c1", unschedulable: true))
        let tolerant = candidate("p", spec: ["tolerations": [["operator": "Exists"]]])
        #expect(
            places([candidate("q")], &cluster) == [
                "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) whose agent is away."
            ])
        #expect(places([tolerant], &cluster) == ["c1"])
        cluster.setAway(["c1"])
        #expect(places([candidate("r")], &cluster) == ["a1"])
    }

    @Test func `what lies on a node is still weighed after the node was written anew`() {
        var cluster = view([node("a1"), node("b1")])
        cluster.occupy(candidate("big", group: "x", cpu: "3"), on: "a1")
        for index in 0..<2 { cluster.occupy(candidate("small\(index)", group: "y", cpu: "100m"), on: "b1") }
        cluster.setNode(node("a1"))
        #expect(places([candidate("p", group: "z", cpu: "100m")], &cluster) == ["b1"])
    }

    @Test func `reasons of several nodes are counted together`() {
        let taint: Value = ["key": "k", "value": "v", "effect": "NoSchedule"]
        var cluster = view([node("a", taints: [taint]), node("b", taints: [taint]), node("c", cpu: "1")])
        #expect(
            places([candidate("p", cpu: "2")], &cluster) == [
                "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {k: v}."
            ])
        var empty = view([])
        #expect(places([candidate("p")], &empty) == ["no nodes available to schedule pods"])
    }

    @Test func `tolerations let pods onto tainted nodes`() {
        var cluster = view([node("n", taints: [["key": "k", "value": "v", "effect": "NoSchedule"]])])
        let tolerant = candidate("p", spec: ["tolerations": [["key": "k", "operator": "Equal", "value": "v", "effect": "NoSchedule"]]])
        #expect(places([tolerant], &cluster) == ["n"])
    }

    @Test func `pods that ask for nothing are spread beside pods that ask for something`() {
        var cluster = view([node("a"), node("b"), node("c")])
        let small: Value = ["containers": [["name": "c", "resources": ["requests": ["cpu": "100m", "memory": "64Mi"]]]]]
        #expect(places([candidate("p0", spec: small), candidate("p1", spec: small)], &cluster) == ["a", "b"])
        let found = places((0..<6).map { candidate("q\($0)") }, &cluster)
        #expect(["a", "b", "c"].allSatisfy { name in found.count { $0 == name } >= 1 }, "\(found)")
        #expect(found.count { $0 == "c" } <= 3, "\(found)")
    }

    @Test func `a port of the host's network is taken once a node`() {
        var cluster = view([node("a"), node("b")])
        let wants: Value = ["hostNetwork": true, "containers": [["name": "c", "ports": [["containerPort": 80]]]]]
        #expect(
            places((0..<3).map { candidate("p\($0)", spec: wants) }, &cluster) == [
                "a", "b", "0/2 nodes are available: 2 node(s) didn't have free ports for the requested pod ports.",
            ])
    }

    @Test func `required affinity and preferences steer`() {
        var cluster = view([
            node("a", labels: ["gpu": "no"]), node("b", labels: ["gpu": "yes"]), node("c", labels: ["gpu": "yes", "fast": "1"]),
        ])
        let affinity: Value = [
            "nodeAffinity": [
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    "nodeSelectorTerms": [["matchExpressions": [["key": "gpu", "operator": "In", "values": ["yes"]]]]]
                ],
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    ["weight": 10, "preference": ["matchExpressions": [["key": "fast", "operator": "Exists"]]]]
                ],
            ]
        ]
        #expect(
            places([candidate("p", spec: ["affinity": affinity]), candidate("q", spec: ["affinity": affinity])], &cluster) == ["c", "c"])
    }

    private func spread(_ skew: Int64, _ when: Value = "DoNotSchedule", minDomains: Value = .null) -> Value {
        var constraint: Value = [
            "maxSkew": .int(skew), "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": when,
            "labelSelector": ["matchLabels": ["app": "web"]],
        ]
        if !minDomains.isNull { constraint["minDomains"] = minDomains }
        return ["topologySpreadConstraints": [constraint]]
    }

    @Test func `DoNotSchedule keeps the skew, ScheduleAnyway prefers it`() {
        let nodes = [node("a1", zone: "a", pods: 9), node("b1", zone: "b", pods: 1)]
        var hard = view(nodes)
        let found = places((0..<4).map { candidate("p\($0)", spec: spread(1)) }, &hard)
        #expect(found[0...2] == ["a1", "b1", "a1"])
        #expect(found[3] == "0/2 nodes are available: 1 Too many pods, 1 node(s) didn't match pod topology spread constraints.")
        var soft = view(nodes)
        #expect(places((0..<4).map { candidate("p\($0)", spec: spread(1, "ScheduleAnyway")) }, &soft) == ["a1", "b1", "a1", "a1"])
    }

    @Test func `fewer domains than minDomains count as empty ones`() {
        var cluster = view([node("a1", zone: "a"), node("b1", zone: "b")])
        let found = places((0..<3).map { candidate("p\($0)", spec: spread(1, minDomains: 3)) }, &cluster)
        #expect(found[0...1] == ["a1", "b1"])
        #expect(found[2] == "0/2 nodes are available: 2 node(s) didn't match pod topology spread constraints.")
    }

    @Test func `the order in which pods and nodes come changes nothing`() {
        let pods = (0..<12).map { candidate("p\($0 % 10)\($0)", group: "g\($0 % 3)", cpu: "100m") }
        let nodes = [node("a1", zone: "a"), node("b1", zone: "b"), node("b2", zone: "b"), node("c1", zone: "c")]
        var first = view(nodes)
        var second = view(nodes.reversed())
        #expect(places(pods, &first) == places(pods.reversed(), &second))
    }
}
