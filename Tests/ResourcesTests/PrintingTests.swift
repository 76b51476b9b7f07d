import Formats
import Testing
import Timing

@testable import Resources

@Suite struct PrintingTests {
    static let ages: [(Int64, String)] = [
        (-5, "<invalid>"), (-1, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (200, "3m20s"), (600, "10m"), (179 * 60, "179m"),
        (180 * 60, "3h"),
        (181 * 60, "3h1m"), (8 * 3600, "8h"), (47 * 3600, "47h"), (48 * 3600, "2d"), (51 * 3600, "2d3h"), (8 * 86400, "8d"),
        (729 * 86400, "729d"),
        (731 * 86400, "2y1d"), (730 * 86400, "2y"), (9 * 365 * 86400, "9y"),
    ]
    @Test(arguments: ages) func `ages read as kubectl shows them`(seconds: Int64, text: String) {
        #expect(HumanDuration.text(.seconds(seconds)) == text)
    }

    static let now = Timestamp(secondsSince1970: 1_000_000)
    static func pod(_ status: Value, spec: Value = ["containers": [["name": "a"]]], deleted: Bool = false) -> Pod {
        var metadata: Value = ["name": "p"]
        if deleted { metadata["deletionTimestamp"] = .string(now.rfc3339) }
        return Pod(["metadata": metadata, "spec": spec, "status": status])
    }
    static func container(_ state: Value, ready: Bool = false, restarts: Int64 = 0, started: Bool? = nil) -> Value {
        var out: Value = ["name": "a", "state": state, "ready": .bool(ready), "restartCount": .int(restarts)]
        if let started { out["started"] = .bool(started) }
        return out
    }

    static let podStateWordCases: [(Value, String)] = [
        (["phase": "Pending"], "0/1 Pending 0"), (["phase": "Failed", "reason": "Evicted"], "0/1 Evicted 0"),
        (["phase": "Running", "containerStatuses": [container(["running": [:]], ready: true)]], "1/1 Running 0"),
        (["phase": "Running", "containerStatuses": [container(["running": [:]])]], "0/1 Running 0"),
        (
            ["phase": "Running", "containerStatuses": [container(["waiting": ["reason": "CrashLoopBackOff"]], restarts: 3)]],
            "0/1 CrashLoopBackOff 3"
        ),
        (
            ["phase": "Succeeded", "containerStatuses": [container(["terminated": ["exitCode": 0, "reason": "Completed"]])]],
            "0/1 Completed 0"
        ),
        (["phase": "Failed", "containerStatuses": [container(["terminated": ["exitCode": 3]])]], "0/1 ExitCode:3 0"),
        (["phase": "Failed", "containerStatuses": [container(["terminated": ["exitCode": 137, "signal": 9]])]], "0/1 Signal:9 0"),
        (["phase": "Pending", "initContainerStatuses": [container(["running": [:]])]], "0/1 Init:0/0 0"),
        (
            ["phase": "Pending", "initContainerStatuses": [container(["terminated": ["exitCode": 1, "reason": "Error"]], restarts: 2)]],
            "0/1 Init:Error 2"
        ),
        (
            ["phase": "Pending", "initContainerStatuses": [container(["waiting": ["reason": "CrashLoopBackOff"]])]],
            "0/1 Init:CrashLoopBackOff 0"
        ),
        (
            ["phase": "Pending", "conditions": [["type": "PodScheduled", "status": "False", "reason": "SchedulingGated"]]],
            "0/1 SchedulingGated 0"
        ),
    ]
    @Test(arguments: podStateWordCases) func `a pod's state is one word`(status: Value, row: String) {
        let summary = PodPrinting.summary(Self.pod(status), now: Self.now)
        #expect("\(summary.ready) \(summary.status) \(summary.restarts)" == row)
    }

    @Test func `a deleted pod is terminating, and a lost one unknown`() {
        #expect(PodPrinting.summary(Self.pod(["phase": "Running"], deleted: true), now: Self.now).status == "Terminating")
        #expect(PodPrinting.summary(Self.pod(["phase": "Succeeded"], deleted: true), now: Self.now).status == "Succeeded")
        #expect(
            PodPrinting.summary(Self.pod(["phase": "Running", "reason": "NodeLost"], deleted: true), now: Self.now).status == "Unknown")
    }

    @Test func `restarts say how long ago the last one was`() {
        var status = Self.container(["running": [:]], ready: true, restarts: 3)
        status["lastState"] = ["terminated": ["exitCode": 1, "finishedAt": .string((Self.now + .seconds(-300)).rfc3339)]]
        #expect(PodPrinting.summary(Self.pod(["phase": "Running", "containerStatuses": [status]]), now: Self.now).restarts == "3 (5m ago)")
    }

    @Test func `sidecars count as containers once they started`() {
        let pod = Self.pod(
            [
                "phase": "Running", "initContainerStatuses": [Self.container(["running": [:]], ready: true, started: true)],
                "containerStatuses": [["name": "b", "state": ["running": [:]], "ready": true]],
            ], spec: ["initContainers": [["name": "a", "restartPolicy": "Always"]], "containers": [["name": "b"]]])
        #expect(PodPrinting.summary(pod, now: Self.now).ready == "2/2")
        #expect(PodPrinting.summary(pod, now: Self.now).status == "Running")
    }

    func row(_ value: Value, _ type: ResourceType) -> String {
        Printing.cells(value, type, now: Self.now).map { $0.string ?? $0.int.map { String($0) } ?? "?" }.joined(separator: "|")
    }

    static let serviceRowShowsCases: [(Value, String)] = [
        (
            ["type": "ClusterIP", "clusterIP": "127.32.0.5", "ports": [["port": 80]]],
            "s|ClusterIP|127.32.0.5|<none>|80/TCP|<unknown>|<none>"
        ),
        (
            [
                "type": "LoadBalancer", "clusterIP": "127.32.0.5",
                "ports": [["port": 80, "nodePort": 30080], ["port": 53, "protocol": "UDP"]], "selector": ["app": "web"],
            ],
            "s|LoadBalancer|127.32.0.5|<pending>|80:30080/TCP,53/UDP|<unknown>|app=web"
        ), (["type": "ExternalName", "externalName": "a.example"], "s|ExternalName|<none>|a.example|<none>|<unknown>|<none>"),
        (["clusterIP": "None"], "s|ClusterIP|None|<none>|<none>|<unknown>|<none>"),
    ]
    @Test(arguments: serviceRowShowsCases) func `a service's row shows where it is reached`(spec: Value, text: String) {
        #expect(row(["metadata": ["name": "s"], "spec": spec], .services) == text)
    }

    @Test func `other kinds have their rows`() {
        let created = Value.string((Self.now + .seconds(-45)).rfc3339)
        #expect(
            row(
                [
                    "metadata": ["name": "d", "creationTimestamp": created],
                    "spec": [
                        "replicas": 3, "selector": ["matchLabels": ["app": "web"]],
                        "template": ["spec": ["containers": [["name": "a", "image": "x"], ["name": "b", "image": "y"]]]],
                    ], "status": ["readyReplicas": 2, "updatedReplicas": 1, "availableReplicas": 2],
                ], .deployments) == "d|2/3|1|2|45s|a,b|x,y|app=web")
        #expect(
            row(
                [
                    "metadata": ["name": "n", "labels": ["node-role.kubernetes.io/worker": ""]], "spec": ["unschedulable": true],
                    "status": ["conditions": [["type": "Ready", "status": "Unknown"]], "nodeInfo": ["kubeletVersion": "v1"]],
                ], .nodes) == "n|NotReady,SchedulingDisabled|worker|<unknown>|v1|<none>|<none>|<unknown>|<unknown>|<unknown>")
        #expect(
            row(
                [
                    "metadata": ["name": "e"], "addressType": "IPv4", "ports": [["port": 8080]],
                    "endpoints": [["addresses": ["1"]], ["addresses": ["2"]], ["addresses": ["3"]], ["addresses": ["4"]]],
                ], .endpointSlices) == "e|IPv4|8080|1,2,3 + 1 more...|<unknown>")
        #expect(row(["metadata": ["name": "c"], "data": ["a": "", "b": ""], "binaryData": ["c": ""]], .configMaps) == "c|3|<unknown>")
        let event = Event.make(
            about: ["kind": "Pod", "metadata": ["name": "web", "namespace": "n"]], .normal, reason: "Started", message: "up\n",
            component: "agent",
            host: "a1", at: Self.now + .seconds(-10))
        #expect(row(event, .events) == "10s|Normal|Started|pod/web||agent, a1|up|10s|1|web.38d7c50ba9c00")
    }

    @Test(arguments: ResourceType.all) func `every row has as many cells as the kind has columns`(type: ResourceType) {
        #expect(Printing.cells(["metadata": ["name": "x"]], type, now: Self.now).count == Printing.columns(type).count)
        #expect(Printing.columns(type).contains { $0.format == "name" })
    }
}
