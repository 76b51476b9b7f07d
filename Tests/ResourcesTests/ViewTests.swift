import Formats
import Testing
import Timing

@testable import Resources

@Suite struct ViewTests {
    @Test func `a pod is read with its containers, probes and status`() {
        let pod = Pod([
            "metadata": ["name": "web-1", "namespace": "shop", "uid": "u", "resourceVersion": "12", "labels": ["app": "web"]],
            "spec": [
                "terminationGracePeriodSeconds": 5, "nodeName": "a1",
                "containers": [
                    [
                        "name": "web", "image": "web:v1", "ports": [["name": "http", "containerPort": 8080]],
                        "readinessProbe": ["httpGet": ["path": "ready", "port": "http"], "periodSeconds": 5],
                        "resources": ["requests": ["cpu": "250m", "memory": "64Mi"]],
                        "env": [["name": "IP", "valueFrom": ["fieldRef": ["fieldPath": "status.podIP"]]]],
                    ]
                ],
            ],
            "status": ["phase": "Running", "conditions": [["type": "Ready", "status": "True"]]],
        ])
        #expect(pod.key.description == "pods/shop/web-1")
        #expect(pod.meta.resourceVersion == Revision(12))
        #expect(pod.spec.terminationGracePeriod == .seconds(5))
        #expect(pod.isReady && !pod.isTerminating && !pod.isFinished)
        let container = pod.spec.containers[0]
        #expect(container.env[0].source == .field(path: "status.podIP"))
        #expect(pod.spec.requests == ["cpu": Quantity(milli: 250), "memory": Quantity(67_108_864)])
        guard case .httpGet(let get) = container.readinessProbe?.action else {
            Issue.record("no probe")
            return
        }
        #expect(get.path == "/ready")
        #expect(get.port.resolved(in: container) == 8080)
        #expect(container.readinessProbe?.failureThreshold == 3)
    }

    @Test func `a pod requests what its containers and sidecars need together or its largest init container if that is more`() {
        func container(_ cpu: String, sidecar: Bool = false) -> Value {
            var out: Value = ["resources": ["requests": ["cpu": .string(cpu)]]]
            if sidecar { out["restartPolicy"] = "Always" }
            return out
        }
        func cpu(_ containers: [Value], _ initContainers: [Value]) -> String? {
            PodSpec(["containers": .array(containers), "initContainers": .array(initContainers)]).requests["cpu"]?.description
        }
        #expect(cpu([container("1"), container("500m")], []) == "1500m")
        #expect(cpu([container("1")], [container("3")]) == "3")
        #expect(cpu([container("1")], [container("1", sidecar: true), container("3")]) == "4")
        #expect(cpu([container("1")], [container("3"), container("500m", sidecar: true)]) == "3")
    }

    @Test func `a condition keeps the moment of its last change while its status stays`() {
        var conditions: [Condition] = []
        let first = Timestamp(secondsSince1970: 10)
        var changes: [Bool] = []
        changes.append(conditions.set(Condition("Ready", .isFalse, reason: "Starting"), now: first))
        changes.append(conditions.set(Condition("Ready", .isFalse, reason: "Starting"), now: first + .seconds(5)))
        changes.append(conditions.set(Condition("Ready", .isFalse, reason: "Probing"), now: first + .seconds(6)))
        #expect(conditions["Ready"]?.lastTransitionTime == first)
        changes.append(conditions.set(Condition("Ready", .isTrue), now: first + .seconds(7)))
        #expect(changes == [true, false, true, true])
        #expect(conditions["Ready"]?.lastTransitionTime == first + .seconds(7))
        #expect([Condition](conditions: conditions.value) == conditions)
    }

    @Test(arguments: [
        (10, "25%", "25%", 3, 2), (3, "25%", "25%", 1, 0), (1, "25%", "25%", 1, 0), (4, "50%", "0%", 2, 0), (3, "0%", "1%", 0, 1),
        (0, "25%", "25%", 0, 0),
    ]) func `surge is rounded up and unavailable down, and both zero leaves one`(
        replicas: Int, surge: String, unavailable: String, expectedSurge: Int, expectedUnavailable: Int
    ) {
        let deployment = Deployment([
            "spec": [
                "replicas": .int(Int64(replicas)),
                "strategy": ["rollingUpdate": ["maxSurge": .string(surge), "maxUnavailable": .string(unavailable)]],
            ]
        ])
        #expect(deployment.bounds.surge == expectedSurge)
        #expect(deployment.bounds.unavailable == expectedUnavailable)
    }

    @Test func `an absent endpoint condition means ready, and serving follows ready`() {
        let plain = Endpoint(["addresses": ["127.64.0.2"]])
        #expect(plain.isReady && plain.isServing && !plain.isTerminating)
        let gone = Endpoint(["conditions": ["ready": false]])
        #expect(!gone.isReady && !gone.isServing)
        let whole = Endpoint(
            addresses: ["127.64.0.2"], isReady: true, isServing: true, isTerminating: false, nodeName: "a1", targetName: "p",
            targetNamespace: "n", targetUID: "u")
        #expect(Endpoint(whole.value) == whole)
    }

    @Test func `container states and statuses come back as they were written`() {
        let now = Timestamp(secondsSince1970: 1_000_000)
        for state: ContainerState in [
            .none, .waiting(reason: "CrashLoopBackOff", message: "m"), .running(startedAt: now),
            .terminated(.init(exitCode: 137, signal: 9, reason: "Error", startedAt: now, finishedAt: now)),
        ] {
            let status = ContainerStatus(name: "c", image: "i", isReady: true, isStarted: true, restartCount: 2, state: state)
            #expect(ContainerStatus(status.value) == status)
        }
    }

    @Test func `an event names its object and itself`() {
        let event = Event.make(
            about: ["apiVersion": "v1", "kind": "Pod", "metadata": ["name": "web-1", "namespace": "shop", "uid": "u"]], .warning,
            reason: "BackOff",
            message: "again", component: "agent", host: "a1", at: Timestamp(nanosecondsSince1970: 255))
        #expect(event["metadata"]["name"] == "web-1.ff")
        #expect(event["metadata"]["namespace"] == "shop")
        let view = Event(event)
        #expect(view.involvedUID == "u" && view.severity == .warning && view.count == 1 && view.host == "a1")
    }

    @Test func `secrets and binary data are decoded and what is no base64 is left out`() {
        #expect(Secret(["data": ["a": "aGk=", "b": "?"]]).data == ["a": Array("hi".utf8)])
        #expect(ConfigMap(["data": ["t": "x"], "binaryData": ["b": "AP8="]]).bytes == ["t": [120], "b": [0, 255]])
        for length in 0..<20 {
            let bytes = [UInt8](repeating: 0xA7, count: length)
            let decoded = Base64.decode(Base64.encode(bytes))
            #expect(decoded == bytes)
        }
    }

    static let tolerationBearsTaintsCases: [(Value, Bool)] = [
        (["key": "dedicated", "operator": "Exists"], true), (["key": "dedicated", "value": "web"], true),
        (["key": "dedicated", "value": "db"], false),
        (["operator": "Exists"], true), (["key": "dedicated", "operator": "Exists", "effect": "NoExecute"], false), ([:], false),
    ]
    @Test(arguments: tolerationBearsTaintsCases) func `a toleration bears the taints it matches`(toleration: Value, bears: Bool) {
        #expect(Toleration(toleration).tolerates(Taint("dedicated", value: "web", .noSchedule)) == bears)
    }
}
