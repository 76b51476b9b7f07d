import Formats
import Resources
import Testing

@Suite struct `What a policy says about health` {
    private func policy(_ spec: Value) -> Value {
        var spec = spec
        spec["targetRefs"] = [["kind": "Service", "name": "web"]]
        return ["apiVersion": "steady.dev/v1", "kind": "TrafficPolicy", "metadata": ["name": "p", "namespace": "default"], "spec": spec]
    }

    @Test func `passive and active checks, the breaker and the limits of connections are read`() {
        let value = policy([
            "healthCheck": [
                "panicThreshold": 40,
                "passive": [
                    "consecutive5XxErrors": 3, "consecutiveGatewayErrors": 2, "consecutiveLocalOriginFailures": 4,
                    "splitExternalLocalOriginErrors": true, "failurePercentageThreshold": 60, "failurePercentageRequestVolume": 10,
                    "interval": "1s", "baseEjectionTime": "10s", "maxEjectionTime": "1m", "maxEjectionPercent": 34,
                ],
                "active": [
                    "type": "HTTP",
                    "http": [
                        "path": "/live", "method": "HEAD", "hostname": "shop.example", "expectedStatuses": [200, 204],
                        "expectedResponse": ["type": "Text", "text": "ok"],
                    ], "interval": "500ms", "timeout": "200ms", "initialJitter": "0s", "unhealthyThreshold": 2, "healthyThreshold": 4,
                    "checks": [
                        ["name": "db", "depth": "Deep", "type": "HTTP", "http": ["path": "/deep"], "interval": "10s"],
                        ["name": "port", "type": "TCP", "tcp": ["send": ["text": "ping"], "receive": ["text": "pong"]]],
                    ],
                ],
            ],
            "circuitBreaker": [
                "maxConnections": 100, "perEndpoint": ["maxConnections": 10],
                "trip": [
                    "consecutiveErrors": 7, "failurePercentage": 50, "requestVolume": 30, "interval": "2s", "openTime": "1s",
                    "maxOpenTime": "30s", "trialRequests": 3,
                ],
            ],
        ])
        #expect(Validation.check(value, .trafficPolicies).isEmpty)
        let rules = TrafficPolicy(value).rules
        var passive = PassiveHealth()
        passive.consecutive5XxErrors = 3
        passive.consecutiveGatewayErrors = 2
        passive.consecutiveLocalOriginFailures = 4
        passive.splitExternalLocalOriginErrors = true
        passive.failurePercentageThreshold = 60
        passive.failurePercentageRequestVolume = 10
        passive.interval = .seconds(1)
        passive.baseEjectionTime = .seconds(10)
        passive.maxEjectionTime = .seconds(60)
        passive.maxEjectionPercent = 34
        var live = HealthCheckRule(
            name: "active",
            .http(.init(path: "/live", method: "HEAD", hostname: "shop.example", expectedStatuses: [200, 204], expectedText: "ok")))
        live.interval = .milliseconds(500)
        live.timeout = .milliseconds(200)
        live.initialJitter = .zero
        live.unhealthyThreshold = 2
        live.healthyThreshold = 4
        var deep = HealthCheckRule(name: "db", depth: .deep, .http(.init(path: "/deep")))
        deep.interval = .seconds(10)
        let port = HealthCheckRule(name: "port", .tcp(.init(send: "ping", receive: "pong")))
        #expect(rules.health == HealthRules(passive: passive, checks: [live, deep, port], panicThreshold: 40))
        var breaker = BreakerRules()
        breaker.consecutiveErrors = 7
        breaker.failurePercentage = 50
        breaker.requestVolume = 30
        breaker.interval = .seconds(2)
        breaker.openTime = .seconds(1)
        breaker.maxOpenTime = .seconds(30)
        breaker.trialRequests = 3
        #expect(rules.breaker == breaker)
        #expect(rules.limits == .init(connections: 100, endpointConnections: 10))
    }

    @Test func `an empty part has the defaults, and a missing one does nothing`() {
        let rules = TrafficPolicy(policy(["healthCheck": ["passive": [:]], "circuitBreaker": ["trip": [:]]])).rules
        #expect(rules.health == HealthRules(passive: PassiveHealth()) && rules.breaker == BreakerRules())
        let none = TrafficPolicy(policy(["circuitBreaker": ["maxConnections": 1]])).rules
        #expect(none.health.isEmpty && none.breaker == nil)
    }

    @Test(
        arguments: [
            (["healthCheck": ["panicThreshold": 101]], "spec.healthCheck.panicThreshold", "must be between 0 and 100"),
            (
                ["healthCheck": ["passive": ["maxEjectionPercent": 101]]], "spec.healthCheck.passive.maxEjectionPercent",
                "must be between 0 and 100"
            ),
            (
                ["healthCheck": ["passive": ["baseEjectionTime": "0s"]]], "spec.healthCheck.passive.baseEjectionTime",
                "must be longer than 0s"
            ),
            (["healthCheck": ["passive": ["interval": "5"]]], "spec.healthCheck.passive.interval", "must be a duration such as 500ms"),
            (
                ["healthCheck": ["passive": ["consecutiveLocalOriginFailures": 3]]],
                "spec.healthCheck.passive.consecutiveLocalOriginFailures", "only with splitExternalLocalOriginErrors"
            ),
            (["healthCheck": ["active": ["interval": "1s"]]], "spec.healthCheck.active.type", "HTTP or TCP, or a list of checks"),
            (["healthCheck": ["active": ["type": "HTTP"]]], "spec.healthCheck.active.http", "Required value"),
            (
                ["healthCheck": ["active": ["type": "TCP", "http": ["path": "/"]]]], "spec.healthCheck.active.http", "only for type HTTP"
            ),
            (
                ["healthCheck": ["active": ["type": "HTTP", "http": ["path": "live"]]]], "spec.healthCheck.active.http.path",
                "must begin with a slash"
            ),
            (
                ["healthCheck": ["active": ["type": "HTTP", "http": ["path": "/", "expectedStatuses": [99]]]]],
                "spec.healthCheck.active.http.expectedStatuses[0]", "must be between 100 and 599"
            ),
            (
                [
                    "healthCheck": [
                        "active": ["checks": [["name": "a", "type": "TCP"], ["name": "a", "type": "TCP"]]]
                    ]
                ], "spec.healthCheck.active.checks[1].name", "Duplicate value"
            ),
            (
                ["healthCheck": ["active": ["checks": [["name": "a", "type": "TCP", "depth": "Deap"]]]]],
                "spec.healthCheck.active.checks[0].depth", "did you mean \"Deep\"?"
            ),
            (
                ["healthCheck": ["active": ["checks": [["name": "a", "type": "TCP", "unhealthyThreshold": 0]]]]],
                "spec.healthCheck.active.checks[0].unhealthyThreshold", "must be between 1"
            ),
            (["circuitBreaker": ["maxConnections": 0]], "spec.circuitBreaker.maxConnections", "must be between 1"),
            (
                ["circuitBreaker": ["perEndpoint": ["maxConnections": 0]]], "spec.circuitBreaker.perEndpoint.maxConnections",
                "must be between 1"
            ),
            (["circuitBreaker": ["trip": ["openTime": "soon"]]], "spec.circuitBreaker.trip.openTime", "must be a duration"),
            (["circuitBreaker": ["trip": ["trialRequests": 0]]], "spec.circuitBreaker.trip.trialRequests", "must be between 1"),
        ] as [(Value, String, String)])
    func `what is wrong is named with its place`(spec: Value, field: String, message: String) {
        let causes = Validation.check(policy(spec), .trafficPolicies)
        #expect(causes.first?.field == field, "\(causes)")
        #expect(causes.first?.message.contains(message) ?? false, "\(causes)")
    }
}
