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
        scenario.actions = [.apply, .scale, .roll, .undo, .drain, .upgrade]
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
        scenario.faults = Set(FaultKind.allCases).subtracting([.errors])
        // In a part of the seeds proxies follow one another as well.
        scenario.actions = Set(ActionKind.allCases).subtracting(seed % 4 == 0 ? [] : [.upgrade])
        return scenario
    }

    // MARK: With a TrafficPolicy

    private static func policy(_ spec: Value) -> Value {
        var spec = spec
        spec["targetRefs"] = [["kind": "Service", "name": "web"]]
        return ["apiVersion": "steady.dev/v1", "kind": "TrafficPolicy", "metadata": ["name": "web"], "spec": spec]
    }

    /// Endpoints that fail are ejected for a few seconds.
    private static let ejection: Value = [
        "passive": ["consecutive5XxErrors": 3, "interval": "2s", "baseEjectionTime": "5s", "maxEjectionTime": "20s"]
    ]

    /// Clients with a cookie, and pods that get their share slowly.
    package static func sessions() -> [Value] {
        web() + [
            policy([
                "sessionPersistence": ["type": "Cookie", "sessionName": "web"], "healthCheck": ejection,
                "loadBalancer": ["type": "LeastRequest", "slowStart": ["window": "5s"]],
            ])
        ]
    }

    /// A Service that is left in peace when it fails, and requests that are repeated or answered by somebody else.
    package static func breaker(hasFallback: Bool = false) -> [Value] {
        var spec: Value = [
            "circuitBreaker": ["trip": ["consecutiveErrors": 5, "openTime": "2s", "maxOpenTime": "8s"]],
            "retry": ["numRetries": 1, "retryOn": ["triggers": ["5xx", "reset"]], "perRetry": ["timeout": "2s"]],
            "timeout": ["http": ["requestTimeout": "5s"]],
        ]
        if hasFallback { spec["fallback"] = [["response": ["statusCode": 200, "body": ["type": "Inline", "inline": "later"]]]] }
        return web() + [policy(spec)]
    }

    /// Two Deployments behind one Service: the second serves when the first cannot.
    package static func standby(failBackDelay: String = "5s", replicas: Int = 3, livenessPeriod: Int64? = 2) -> [Value] {
        var objects = web(replicas: replicas, livenessPeriod: livenessPeriod)
        var spare = objects[0]
        objects[0]["spec"]["selector"]["matchLabels"]["role"] = "main"
        objects[0]["spec"]["template"]["metadata"]["labels"]["role"] = "main"
        spare["metadata"]["name"] = "spare"
        spare["spec"]["replicas"] = 2
        spare["spec"]["selector"]["matchLabels"]["role"] = "spare"
        spare["spec"]["template"]["metadata"]["labels"]["role"] = "spare"
        return objects + [
            spare,
            policy([
                "backends": [
                    ["selector": ["matchLabels": ["role": "main"]]], ["selector": ["matchLabels": ["role": "spare"]], "priority": 1],
                ],
                "failover": ["minHealthyPercent": 70, "failBackDelay": .string(failBackDelay)], "healthCheck": ejection,
            ]),
        ]
    }

    /// Clients are led to pods of their own zone, which the proxies ask by themselves too.
    package static func zoned() -> [Value] {
        var objects = web(replicas: 4)
        objects[1]["spec"]["trafficDistribution"] = "PreferClose"
        var health = ejection
        health["active"] = ["type": "HTTP", "interval": "1s", "timeout": "500ms", "http": ["path": "/health"]]
        health["panicThreshold"] = 30
        return objects + [policy(["healthCheck": health])]
    }

    /// What programs do and what fails around an application with a TrafficPolicy, another one from seed to seed.
    package static func policed(_ seed: UInt64) -> Scenario {
        let objects =
            switch seed % 5 {
            case 0: standby()
            case 1: breaker()
            case 2: sessions()
            case 3: zoned()
            default: breaker(hasFallback: true)
            }
        var scenario = Scenario("policed", objects: objects)
        scenario.proxyCount = Int(seed % 2) + 1
        scenario.requestsPerSecond = 20
        scenario.faults = [
            .errors, .processCrash, .processExit, .processHang, .slowStart, .neverReady, .flap, .sickness, .agentCrash, .proxyCrash,
            .serverCrash, .upCrash, .pause, .nodeLoss, .zoneLoss,
        ]
        scenario.actions = [.apply, .scale, .roll, .drain, .deletePod, .forceDelete, .upgrade]
        return scenario
    }
}
