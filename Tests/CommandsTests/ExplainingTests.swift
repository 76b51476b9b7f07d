import Formats
import Resources
import Testing
import Timing

@testable import Commands

/// Scenes as values: what `why` says of them.
struct ExplainingTests {
    private let now = Timestamp(rfc3339: "2026-01-01T00:01:00Z")!

    private func pod(_ name: String, ready: Bool, node: String = "a1", restarts: Int64 = 0) -> Value {
        [
            "metadata": ["name": .string(name), "namespace": "default", "ownerReferences": [["uid": "set-1"]]],
            "spec": ["nodeName": .string(node), "containers": [["name": "web"]]],
            "status": [
                "phase": "Running",
                "conditions": [
                    ["type": "Ready", "status": ready ? "True" : "False", "lastTransitionTime": "2026-01-01T00:00:48Z"]
                ],
                "containerStatuses": [
                    [
                        "name": "web", "ready": .bool(ready), "restartCount": .int(restarts),
                        "lastState": restarts == 0
                            ? [:]
                            : [
                                "terminated": [
                                    "exitCode": 137, "signal": 9, "reason": "Error", "startedAt": "2026-01-01T00:00:20Z",
                                    "finishedAt": "2026-01-01T00:00:50Z",
                                ]
                            ],
                    ]
                ],
            ],
        ]
    }

    private func decision(_ component: String, _ message: String, reason: String? = nil, at time: String = "00:00:30") -> Value {
        let at = Value.string("2026-01-01T\(time)Z")
        var out: Value = ["component": .string(component), "message": .string(message), "last": at]
        if let reason { out["reason"] = .string(reason) }
        return out
    }

    @Test func `a pod that is not ready is explained down to its probe, and why it is on its node`() {
        var scene = Scene(.pods, pod("web-1", ready: false), now: now)
        scene.machines["web-1"] = [["container": "web", "text": "readiness probe fails (statuscode: 503); next try in 4 s"]]
        scene.decisions = [decision("default-scheduler", "a1 of 3 fitting nodes (of 3): its zone has 0 of the pod's group")]
        #expect(
            scene.cause.lines == [
                "pod/web-1 is not ready since 12s",
                "<- container web: readiness probe fails (statuscode: 503); next try in 4 s",
                "<- it is on node a1",
                "   <- the scheduler chose a1 of 3 fitting nodes (of 3): its zone has 0 of the pod's group",
            ])
    }

    @Test func `a restart that is held back is told although the pod is ready, of its workload, too`() {
        var held = pod("web-1", ready: true)
        held["status"]["conditions"] = .array(
            held["status"]["conditions"].elements + [
                [
                    "type": "steady.dev/RestartHeldBack", "status": "True", "lastTransitionTime": "2026-01-01T00:00:58Z",
                    "message": "liveness probe of container web fails (timeout), but the budget is spent",
                ]
            ])
        let sentence = "<- its restart is held back since 2s: liveness probe of container web fails (timeout), but the budget is spent"
        #expect(Scene(.pods, held, now: now).cause.lines.prefix(2) == ["pod/web-1 is ready since 12s", sentence])
        let conditions: Value = [["type": "steady.dev/FailingAlike", "status": "True", "message": "2 of 3 replicas fail alike"]]
        var scene = Scene(
            .deployments,
            [
                "metadata": ["name": "web", "generation": 1], "spec": ["replicas": 3],
                "status": [
                    "observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3, "conditions": conditions,
                ],
            ], now: now)
        scene.pods = [held]
        #expect(scene.cause.lines.contains("<- 2 of 3 replicas fail alike") && scene.cause.lines.contains("   " + sentence))
    }

    @Test func `a deployment that went back by itself says why, though it is complete`() {
        let message = "Revision 2 failed: it made no progress for 600 s. Went back to revision 1 (web-1)"
        let scene = Scene(
            .deployments,
            [
                "metadata": ["name": "web", "generation": 3], "spec": ["replicas": 3],
                "status": [
                    "observedGeneration": 3, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3,
                    "conditions": [["type": "steady.dev/RolledBack", "status": "True", "message": .string(message)]],
                ],
            ], now: now)
        #expect(
            scene.cause.lines == [
                "deployment/web is complete: 3 of 3 replicas are available, all of one version", "<- it went back by itself: \(message)",
                "   <- it was told to by its annotation steady.dev/rollback-on-failure; a new template rolls forward",
            ])
    }

    @Test func `a restart by liveness names the probe and what it was answered`() {
        var scene = Scene(.pods, pod("web-1", ready: true, restarts: 2), now: now)
        scene.decisions = [
            decision("steady-agent", "Liveness probe failed: timeout", reason: "Unhealthy"),
            decision("steady-agent", "Container web failed liveness probe, will be restarted", reason: "Killing"),
        ]
        #expect(
            scene.cause.lines.suffix(3) == [
                "<- container web was restarted 2 times; it last ended 10s ago with exit code 137",
                "   <- Container web failed liveness probe, will be restarted",
                "      <- Liveness probe failed: timeout",
            ])
    }

    @Test(
        arguments: [
            ("Container web failed liveness probe, will be restarted", "00:00:19"),
            ("Container web failed liveness probe, will be restarted", "00:00:51"),
            ("Container we failed liveness probe, will be restarted", "00:00:30"),
            ("Container webs failed liveness probe, will be restarted", "00:00:30"),
            ("Stopping container web", "00:00:30"),
        ])
    func `no probe is blamed for an end that it did not ask for`(message: String, at time: String) {
        var scene = Scene(.pods, pod("web-1", ready: true, restarts: 2), now: now)
        scene.decisions = [
            decision("steady-agent", "Liveness probe failed: timeout", reason: "Unhealthy", at: time),
            decision("steady-agent", message, reason: "Killing", at: time),
        ]
        #expect(scene.cause.lines.last == "   <- signal 9 killed its program: no probe asked for it")
    }

    @Test func `a probe that fails once more meanwhile is still the cause of the last end`() {
        var scene = Scene(.pods, pod("web-1", ready: true, restarts: 1), now: now)
        var told = decision("steady-agent", "Container web failed liveness probe, will be restarted", reason: "Killing", at: "00:00:58")
        told["first"] = "2026-01-01T00:00:49Z"
        scene.decisions = [told]
        #expect(scene.cause.lines.last == "   <- Container web failed liveness probe, will be restarted")
    }

    @Test func `a restart by a startup probe names that one, though liveness failed earlier`() {
        var scene = Scene(.pods, pod("web-1", ready: true, restarts: 2), now: now)
        scene.decisions = [
            decision("steady-agent", "Liveness probe failed: timeout", reason: "Unhealthy", at: "00:00:05"),
            decision("steady-agent", "Container web failed liveness probe, will be restarted", reason: "Killing", at: "00:00:05"),
            decision("steady-agent", "Startup probe failed: refused", reason: "Unhealthy", at: "00:00:49"),
            decision("steady-agent", "Container web failed startup probe, will be restarted", reason: "Killing", at: "00:00:50.9"),
        ]
        #expect(
            scene.cause.lines.suffix(2) == [
                "   <- Container web failed startup probe, will be restarted", "      <- Startup probe failed: refused",
            ])
    }

    @Test func `a program that ends by itself was not asked to`() {
        var exited = pod("web-1", ready: true, restarts: 1)
        exited["status"]["containerStatuses"] = [
            ["name": "web", "restartCount": 1, "lastState": ["terminated": ["exitCode": 3, "finishedAt": "2026-01-01T00:00:50Z"]]]
        ]
        #expect(Scene(.pods, exited, now: now).cause.lines.last == "   <- its program ended by itself: nothing here asked it to")
    }

    @Test func `a program that wanted more memory than it may have was ended by the kernel`() {
        var victim = pod("web-1", ready: true, restarts: 1)
        victim["status"]["containerStatuses"] = [
            ["name": "web", "restartCount": 1, "lastState": ["terminated": ["exitCode": 137, "reason": "OOMKilled"]]]
        ]
        victim["spec"]["containers"] = [["name": "web", "resources": ["limits": ["memory": "64Mi"]]]]
        #expect(
            Scene(.pods, victim, now: now).cause.lines.last
                == "   <- the kernel ended it: it wanted more memory than its limit of 64Mi allows")
    }

    @Test func `a pod whose agent is silent is told of as it was last reported`() {
        var scene = Scene(.pods, pod("web-1", ready: false), now: now)
        scene.silences["web-1"] = "connection refused"
        #expect(scene.cause.lines[1] == "<- its agent was not reached (connection refused); what it last reported:")
        #expect(scene.cause.lines[2] == "<- container web is not ready")
    }

    @Test func `a pod without a node says why each node refuses it`() {
        var waiting = pod("web-1", ready: false, node: "")
        waiting["status"]["conditions"] = [
            ["type": "PodScheduled", "status": "False", "message": "0/3 nodes are available: 3 Insufficient cpu."]
        ]
        #expect(
            Scene(.pods, waiting, now: now).cause.lines == [
                "pod/web-1 waits for a node", "<- 0/3 nodes are available: 3 Insufficient cpu.",
                "   <- it is tried again whenever a node or a pod changes",
            ])
    }

    private func deployment(updated: Int64, available: Int64, reason: String = "ReplicaSetUpdated") -> Value {
        [
            "metadata": ["name": "web", "namespace": "default", "generation": 2],
            "spec": ["replicas": 3, "progressDeadlineSeconds": 60],
            "status": [
                "observedGeneration": 2, "replicas": 3, "updatedReplicas": .int(updated), "availableReplicas": .int(available),
                "conditions": [["type": "Progressing", "status": "False", "reason": .string(reason), "message": "timed out"]],
            ],
        ]
    }

    @Test func `a stuck rollout leads over its plan and its set to the pod, and says how to go on`() {
        var scene = Scene(.deployments, deployment(updated: 1, available: 2, reason: "ProgressDeadlineExceeded"), now: now)
        scene.sets = [
            [
                "metadata": ["name": "web-2", "uid": "set-1", "annotations": ["deployment.kubernetes.io/revision": "2"]],
                "spec": ["replicas": 1], "status": ["replicas": 1, "readyReplicas": 0],
            ]
        ]
        scene.pods = [pod("web-2-x", ready: false)]
        scene.machines["web-2-x"] = [["container": "web", "text": "is being started"]]
        scene.decisions = [decision("deployment-controller", "2 old replicas stay until 1 more of the new ones are available")]
        #expect(
            scene.cause.lines == [
                "deployment/web is not complete: 1 of 3 replicas are of the newest version, 2 are available, 3 exist",
                "<- its rollout made no progress for 60 s: timed out",
                "   <- what serves goes on serving; \"steady rollout undo\" goes back, a new template rolls forward",
                "<- its last plan, 30s ago: 2 old replicas stay until 1 more of the new ones are available",
                "<- replicaset/web-2 (revision 2): 0 of 1 wanted pods are ready, 1 exist",
                "   <- pod/web-2-x is not ready since 12s",
                "      <- container web: is being started",
            ])
    }

    @Test func `what was planned for a rollout that is over is no reason why replicas are not available`() {
        var scene = Scene(.deployments, deployment(updated: 3, available: 0), now: now)
        scene.decisions = [decision("deployment-controller", "2 old replicas stay until 1 more of the new ones are available")]
        let figures = "3 of 3 replicas are of the newest version, 0 are available, 3 exist"
        #expect(scene.cause.lines == ["deployment/web is not complete: \(figures)"])
    }

    @Test func `a Deployment that is complete has nothing to explain`() {
        let lines = Scene(.deployments, deployment(updated: 3, available: 3), now: now).cause.lines
        #expect(lines == ["deployment/web is complete: 3 of 3 replicas are available, all of the newest version"])
    }

    @Test func `a Service that selects nobody says so`() {
        let service: Value = ["metadata": ["name": "web"], "spec": ["selector": ["app": "web"]]]
        #expect(
            Scene(.services, service, now: now).cause.lines == [
                "service/web has nobody to send requests to", "<- no pod has the labels app=web",
            ])
    }

    /// A Service with one port, and two ready pods behind it with the port `http` or none.
    private func service(targetPort: Value, routed: [String]) -> Scene {
        var scene = Scene(
            .services,
            [
                "metadata": ["name": "web"],
                "spec": ["selector": ["app": "web"], "ports": [["name": "web", "port": 80, "targetPort": targetPort]]],
            ],
            now: now)
        scene.pods = ["web-1", "web-2"].map { name in
            var pod = pod(name, ready: true)
            pod["spec"]["containers"] = [["name": "web", "ports": [["name": "http", "containerPort": 8080]]]]
            return pod
        }
        let rest = ["web-1", "web-2"].filter { !routed.contains($0) }
        func slice(_ names: [String], _ ports: Value) -> Value {
            ["endpoints": .array(names.map { ["targetRef": ["name": .string($0)], "conditions": ["ready": true]] }), "ports": ports]
        }
        scene.slices = [slice(routed, [["name": "web", "port": 8080]]), slice(rest, [])]
        return scene
    }

    @Test func `a Service whose target port no container has sends requests to nobody, and says so`() {
        #expect(
            service(targetPort: "htpp", routed: []).cause.lines == [
                "service/web sends requests to 0 of the 2 pods with the labels app=web", "<- port 80 (web) leads to 0 endpoints",
                "   <- no container of the pods has a port named htpp; their ports are named http",
            ])
        #expect(
            service(targetPort: "http", routed: ["web-1"]).cause.lines.suffix(2) == [
                "<- port 80 (web) leads to 1 endpoints", "   <- only 1 of the 2 ready pods have a port named http",
            ])
        #expect(
            service(targetPort: 8081, routed: ["web-1", "web-2"]).cause.lines == [
                "service/web sends requests to 2 of the 2 pods with the labels app=web",
                "<- port 80 (web) leads to port 8081, which no container of the pods declares (they declare 8080); it is tried all the same",
            ])
        #expect(service(targetPort: 8080, routed: ["web-1", "web-2"]).cause.lines.count == 1)
        #expect(service(targetPort: "http", routed: ["web-1", "web-2"]).cause.lines.count == 1)
    }

    private func budget(allowed: Int64, healthy: Int64) -> Value {
        [
            "metadata": ["name": "web", "namespace": "default", "generation": 1],
            "spec": ["minAvailable": 3, "selector": ["matchLabels": [:]]],
            "status": [
                "observedGeneration": 1, "disruptionsAllowed": .int(allowed), "currentHealthy": .int(healthy), "desiredHealthy": 3,
                "expectedPods": 3,
            ],
        ]
    }

    @Test func `a budget says what it allows, and whom it keeps waiting`() {
        var scene = Scene(.disruptionBudgets, budget(allowed: 0, healthy: 3), now: now)
        var (held, leaving) = (pod("web-1", ready: true), pod("web-2", ready: true))
        held["status"]["conditions"] = [
            ["type": "Ready", "status": "True"],
            ["type": "steady.dev/RestartHeldBack", "status": "True", "message": "its probe fails, but …"],
        ]
        leaving["metadata"]["annotations"]["steady.dev/eviction-requested"] = "2026-01-01T00:00:00Z"
        scene.pods = [held, leaving, pod("web-3", ready: true, node: "b1")]
        scene.cordoned = ["b1"]
        #expect(
            scene.cause.lines == [
                "pdb/web lets none of its 3 pods go now: 3 have to be healthy, 3 are",
                "<- it needs every one of its pods: nothing may ever go but what is replaced first",
                "<- pod/web-1 waits for its restart: its probe fails, but …",
                "<- pod/web-2 is to go, and waits until its replacement is available",
                "<- a drain of node/b1, which is cordoned, waits for it: pod/web-3 runs there",
            ])
        scene.object = budget(allowed: 1, healthy: 4)
        #expect(scene.cause.lines == ["pdb/web lets 1 of its 3 pods go now: 3 have to be healthy, 4 are"])
        scene.pods = []
        #expect(scene.cause.lines == ["pdb/web holds for no pod", "<- no pod has the labels that it selects"])
    }

    @Test func `a node says whether a drill holds it, and which budget a drain of it waits for`() {
        let ready: Value = ["conditions": [["type": "Ready", "status": "True"]]]
        var scene = Scene(.nodes, ["metadata": ["name": "a1", "labels": ["topology.kubernetes.io/zone": "a"]], "status": ready], now: now)
        scene.isUnderDrill = true
        #expect(
            scene.cause.lines == [
                "node/a1 is ready, with 0 pods",
                "<- a drill holds it: its agent stays away until \"steady node recover a1\" (or \"steady zone recover a\") ends that",
            ])
        scene = Scene(.nodes, ["metadata": ["name": "a1"], "spec": ["unschedulable": true], "status": ready], now: now)
        scene.pods = [pod("web-1", ready: true)]
        scene.budgets = [budget(allowed: 0, healthy: 3)]
        #expect(
            scene.cause.lines.last
                == "<- a drain of it has to wait: pdb/web lets none of its pods go now (pod/web-1); \"steady drain a1\" replaces them first"
        )
        scene.budgets = [budget(allowed: 1, healthy: 4)]
        #expect(scene.cause.lines.count == 2)
    }

    @Test func `a cordoned node takes no pods`() {
        let node: Value = [
            "metadata": ["name": "a1"], "spec": ["unschedulable": true], "status": ["conditions": [["type": "Ready", "status": "True"]]],
        ]
        #expect(Scene(.nodes, node, now: now).cause.lines[1].hasPrefix("<- it is cordoned"))
    }
}
