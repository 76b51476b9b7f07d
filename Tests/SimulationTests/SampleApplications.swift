import Formats
import Simulation

/// Applications that worlds are built around.
enum SampleApplications {
    static func web(
        replicas: Int = 3, cpu: String? = nil, readiness: Value = ["httpGet": ["path": "/ready", "port": 8080], "periodSeconds": 1],
        liveness: Value? = ["httpGet": ["path": "/health", "port": 8080], "periodSeconds": 2]
    ) -> [Value] {
        var container: Value = [
            "name": "web", "image": "web:v1", "ports": [["name": "http", "containerPort": 8080]], "readinessProbe": readiness,
        ]
        if let liveness { container["livenessProbe"] = liveness }
        if let cpu { container["resources"] = ["requests": ["cpu": .string(cpu)]] }
        return [
            [
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web"],
                "spec": [
                    "replicas": .int(Int64(replicas)), "selector": ["matchLabels": ["app": "web"]],
                    "template": [
                        "metadata": ["labels": ["app": "web"]],
                        "spec": ["terminationGracePeriodSeconds": 10, "containers": [container]],
                    ],
                ],
            ],
            [
                "apiVersion": "v1", "kind": "Service", "metadata": ["name": "web"],
                "spec": ["selector": ["app": "web"], "ports": [["name": "http", "port": 80, "targetPort": 8080]]],
            ],
        ]
    }

    /// Everything that may happen to it.
    static func stormy() -> Scenario {
        var scenario = Scenario("stormy", objects: web())
        scenario.faults = Set(FaultKind.allCases)
        scenario.actions = Set(ActionKind.allCases)
        return scenario
    }
}
