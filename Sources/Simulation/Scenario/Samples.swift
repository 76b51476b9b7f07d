import Formats

/// Applications that worlds are built around in tests and benchmarks.
package enum Samples {
    /// A web server behind a Service, as `Manifests/web.yaml` has it.
    package static func web(
        replicas: Int = 3, cpu: String? = nil, gracePeriodSeconds: Int64 = 10, livenessPeriod: Int64? = 2, readinessPeriod: Int64 = 1
    ) -> [Value] {
        var container: Value = [
            "name": "web", "image": "web:v1", "ports": [["name": "http", "containerPort": 8080]],
            "readinessProbe": ["httpGet": ["path": "/ready", "port": 8080], "periodSeconds": .int(readinessPeriod)],
        ]
        if let livenessPeriod {
            container["livenessProbe"] = ["httpGet": ["path": "/health", "port": 8080], "periodSeconds": .int(livenessPeriod)]
        }
        if let cpu { container["resources"] = ["requests": ["cpu": .string(cpu)]] }
        let pod: Value = ["terminationGracePeriodSeconds": .int(gracePeriodSeconds), "containers": [container]]
        return [
            [
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web"],
                "spec": [
                    "replicas": .int(Int64(replicas)), "selector": ["matchLabels": ["app": "web"]],
                    "template": ["metadata": ["labels": ["app": "web"]], "spec": pod],
                ],
            ],
            [
                "apiVersion": "v1", "kind": "Service", "metadata": ["name": "web"],
                "spec": ["selector": ["app": "web"], "ports": [["name": "http", "port": 80, "targetPort": 8080]]],
            ],
        ]
    }

    private static func budget(maxUnavailable: Int64) -> Value {
        [
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": ["name": "web"],
            "spec": ["maxUnavailable": .int(maxUnavailable), "selector": ["matchLabels": ["app": "web"]]],
        ]
    }

    /// What people alone do to it: nothing may be lost.
    package static var peopled: Scenario {
        var scenario = Scenario("people", objects: web())
        scenario.actions = [.apply, .scale, .roll, .undo, .drain]
        return scenario
    }

    /// Everything that may happen to it, in a world whose shape differs from seed to seed.
    package static func stormy(_ seed: UInt64) -> Scenario {
        var scenario = Scenario("stormy", objects: web(replicas: Int(seed % 4) + 1, gracePeriodSeconds: seed % 3 == 0 ? 4 : 10))
        scenario.proxyCount = Int(seed % 2) + 1
        scenario.nodesPerZone = seed % 5 == 0 ? 2 : 1
        scenario.standardProgram.finishesRequests = seed % 4 == 1
        if seed % 6 == 0 {
            // Few of everything: addresses come again soon, and pods wait for room.
            scenario.objects = web(replicas: 4, cpu: "3", livenessPeriod: 1, readinessPeriod: 5)
            scenario.addressesPerNode = 3
            scenario.watchWindow = 8
        }
        scenario.leavesZone = seed % 6 != 0
        if seed % 3 == 1 { scenario.objects.append(budget(maxUnavailable: 1)) }
        scenario.faults = Set(FaultKind.allCases)
        scenario.actions = Set(ActionKind.allCases)
        return scenario
    }
}
