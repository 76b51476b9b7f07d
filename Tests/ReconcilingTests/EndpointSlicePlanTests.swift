import Formats
import Reconciling
import Resources
import Testing
import Timing

@Suite struct EndpointSlicePlanTests {
    func service(target: Value = 8080, selector: [String: String] = ["app": "web"], publishNotReady: Bool = false, headless: Bool = false)
        -> ObservedService
    {
        ObservedService([
            "metadata": ["name": "web", "namespace": "default", "uid": "s-1", "labels": ["team": "x"]],
            "spec": [
                "selector": .strings(selector), "clusterIP": headless ? "None" : "127.32.0.5",
                "publishNotReadyAddresses": .bool(publishNotReady),
                "ports": [["name": "http", "port": 80, "targetPort": target, "appProtocol": "http"]],
            ],
        ])
    }

    func plan(_ service: ObservedService, _ pods: [ObservedPod], _ slices: [ObservedSlice] = []) -> Plan {
        EndpointSlicePlan.plan(.init(service: service, pods: pods, slices: slices, zoneOfNode: ["a1": "a"]))
    }

    /// The slice that a creation makes.
    func stored(_ body: Value, name: String = "web-1", revision: Int = 20) -> ObservedSlice {
        var body = body
        body["metadata"]["name"] = .string(name)
        body["metadata"]["uid"] = .string("uid-" + name)
        body["metadata"]["resourceVersion"] = .string("\(revision)")
        return ObservedSlice(body)
    }

    @Test func `the first slice says everything about its pods`() {
        let made = plan(service(), [pod("a", ip: "127.64.0.1")]).body("create endpointslices")
        #expect(made["metadata"]["labels"]["kubernetes.io/service-name"] == "web")
        #expect(made["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"] == "endpointslice-controller.k8s.io")
        #expect(made["metadata"]["labels"]["team"] == "x")
        #expect(made["metadata"]["ownerReferences"][0]["kind"] == "Service")
        #expect(made["addressType"] == "IPv4")
        #expect(made["ports"] == [["name": "http", "port": 8080, "protocol": "TCP", "appProtocol": "http"]])
        #expect(
            made["endpoints"] == [
                [
                    "addresses": ["127.64.0.1"], "conditions": ["ready": true, "serving": true, "terminating": false], "nodeName": "a1",
                    "zone": "a",
                    "targetRef": ["kind": "Pod", "namespace": "default", "name": "a", "uid": "uid-a"],
                ]
            ])
    }

    @Test func `the labels that policies select by are written beside the address, and no others`() {
        let labels: Value = ["app": "web", "track": "canary", "example.org/role": "backup", "hash": "x"]
        let labelled = ObservedPod([
            "metadata": ["name": "a", "namespace": "default", "uid": "uid-a", "labels": labels], "spec": ["nodeName": "a1"],
            "status": ["podIP": "127.64.0.1"],
        ])
        func plan(_ keys: Set<String>, _ slices: [ObservedSlice] = []) -> Plan {
            EndpointSlicePlan.plan(.init(service: service(), pods: [labelled], slices: slices, labelKeys: keys))
        }
        #expect(plan([]).body("create endpointslices")["endpoints"][0]["deprecatedTopology"].isNull)
        let made = plan(["track", "example.org/role", "absent"]).body("create endpointslices")
        #expect(made["endpoints"][0]["deprecatedTopology"] == ["steady.dev/labels": "example.org/role=backup,track=canary"])
        #expect(plan(["track", "example.org/role", "absent"], [stored(made)]).changes.isEmpty)
        #expect(plan(["track"], [stored(made)]).changes.count == 1, "a policy that asks for less changes the slice")
        #expect(SelectedLabels(endpoint: made["endpoints"][0]).labels == ["example.org/role": "backup", "track": "canary"])
    }

    @Test func `who may listen for a pod is written beside its address, and a change of that is written`() {
        func withUsers(_ users: Value) -> ObservedPod {
            ObservedPod([
                "metadata": ["name": "a", "namespace": "default", "uid": "uid-a"], "spec": ["nodeName": "a1"],
                "status": ["podIP": "127.64.0.1", "containerStatuses": [["name": "main", "user": ["listeners": users]]]],
            ])
        }
        let first = plan(service(), [withUsers([0])]).body("create endpointslices")
        #expect(first["endpoints"][0]["deprecatedTopology"] == ["steady.dev/listener-users": "0"])
        let slices = [stored(first)]
        #expect(plan(service(), [withUsers([0])], slices).changes.isEmpty)
        let second = plan(service(), [withUsers([33, 0])], slices)
        #expect(second.body("patch web-1")["endpoints"][0]["deprecatedTopology"] == ["steady.dev/listener-users": "0,33"])
    }

    /// ready, serving, terminating.
    @Test(
        arguments: [
            ("ready", pod("p", ip: "1"), false, [true, true, false]),
            ("not ready", pod("p", ready: false, ip: "1"), false, [false, false, false]),
            ("deleted", pod("p", ip: "1", deleting: true), false, [false, true, true]),
            ("published though not ready", pod("p", ready: false, ip: "1"), true, [true, false, false]),
            ("deleted, never published", pod("p", ip: "1", deleting: true), true, [false, true, true]),
        ] as [(String, ObservedPod, Bool, [Bool])])
    func `conditions follow the pod`(_ row: (String, ObservedPod, Bool, [Bool])) {
        let conditions = plan(service(publishNotReady: row.2), [row.1]).body("create endpointslices")["endpoints"][0]["conditions"]
        #expect([conditions["ready"].bool, conditions["serving"].bool, conditions["terminating"].bool] == row.3, "\(row.0)")
    }

    @Test func `pods without an address and finished ones are not listed, and an empty Service has an empty slice`() {
        let made = plan(service(), [pod("a"), pod("b", phase: "Failed", ip: "1")])
        #expect(made.body("create endpointslices")["endpoints"] == [])
    }

    @Test func `named ports that mean different numbers are in different slices`() {
        let pods = [
            pod("a", ip: "1", ports: [["name": "web", "containerPort": 8080]]),
            pod("b", ip: "2", ports: [["name": "web", "containerPort": 9090]]),
        ]
        let made = plan(service(target: "web"), pods)
        #expect(made.deeds == ["create endpointslices", "create endpointslices"])
    }

    @Test func `a change of one pod writes one slice, and pods stay where they are`() {
        let pods = (0..<150).map { pod("p\(1000 + $0)", ip: "ip\($0)") }
        let made = plan(service(), pods)
        #expect(made.deeds.count == 2)
        var slices: [ObservedSlice] = []
        for (index, change) in made.changes.enumerated() {
            if case .create(let body, _, _, _) = change.request { slices.append(stored(body, name: "web-\(index)")) }
        }
        #expect(slices.map(\.endpoints.count) == [100, 50])
        #expect(plan(service(), pods, slices).changes.isEmpty)
        var changed = pods
        changed[120] = pod("p1120", ready: false, ip: "ip120")
        #expect(plan(service(), changed, slices).deeds == ["patch web-1"])
        #expect(plan(service(), Array(pods.dropFirst(100)), slices).deeds == ["delete web-0"])
    }

    @Test func `other ports rewrite the slice in place, so that no moment is without endpoints`() {
        let pods = [pod("a", ip: "1")]
        let slice = stored(plan(service(), pods).body("create endpointslices"))
        let made = plan(service(target: 9000), pods, [slice])
        #expect(made.deeds == ["patch web-1"])
        #expect(made.body("patch web-1")["ports"][0]["port"] == 9000)
    }

    @Test func `Services without a selector and slices of others are left alone`() {
        #expect(plan(service(selector: [:]), [pod("a", ip: "1")]).changes.isEmpty)
        let foreign = ObservedSlice([
            "metadata": ["name": "x", "uid": "x", "labels": ["kubernetes.io/service-name": "web"]], "ports": [], "endpoints": [],
        ])
        #expect(plan(service(), [], [foreign]).deeds == ["create endpointslices"])
    }

    @Test(
        arguments: [
            ("offered", [WithdrawalPlan.Mention(isReady: true, isTerminating: false, revision: Revision(7))], 9, nil, nil),
            (
                "withdrawn", [WithdrawalPlan.Mention(isReady: false, isTerminating: true, revision: Revision(7))], 9, "7",
                "EndpointsWithdrawn"
            ),
            ("taken out before", [], 9, "9", "EndpointsWithdrawn"), ("never routed", [], 0, "0", "NoService"),
        ] as [(String, [WithdrawalPlan.Mention], UInt64, String?, String?)])
    func `a deleted pod is told from which revision on it is in no route`(
        _ row: (String, [WithdrawalPlan.Mention], UInt64, String?, String?)
    ) {
        let view = WithdrawalPlan.View(pod: pod("a", ip: "1", deleting: true), mentions: row.1, lastSliceRevision: Revision(row.2))
        let condition = WithdrawalPlan.plan(view, now: start).body("status a")["status"]["conditions"][0]
        #expect(condition["observedRevision"].string == row.3, "\(row.0)")
        #expect(condition["reason"].string == row.4, "\(row.0)")
    }

    @Test func `pods that stay, and pods that were told, are told nothing`() {
        for quiet in [pod("a", ip: "1"), pod("a", ip: "1", deleting: true, withdrawn: true), pod("a", node: "", deleting: true)] {
            #expect(WithdrawalPlan.plan(.init(pod: quiet, mentions: [], lastSliceRevision: .zero), now: start).changes.isEmpty)
        }
    }
}
