import Formats
import Resources
import Testing
import Timing

@Suite struct TrafficPolicyTests {
    private func policy(_ spec: Value) -> Value {
        var spec = spec
        if spec["targetRefs"].isNull { spec["targetRefs"] = [["kind": "Service", "name": "web"]] }
        return ["apiVersion": "steady.dev/v1", "kind": "TrafficPolicy", "metadata": ["name": "p", "namespace": "default"], "spec": spec]
    }

    @Test func `get shows why a policy does not hold, or what it misses`() {
        func reason(_ conditions: [(type: String, status: String, reason: String)]) -> Value {
            let value: Value = [
                "metadata": ["name": "p"],
                "status": [
                    "conditions": .array(
                        conditions.map { ["type": .string($0.type), "status": .string($0.status), "reason": .string($0.reason)] })
                ],
            ]
            return Printing.cells(value, .trafficPolicies, now: Timestamp(secondsSince1970: 0))[3]
        }
        let (accepted, missed) = (("Accepted", "True", "Accepted"), ("ResolvedRefs", "False", "BackendNotFound"))
        #expect(reason([]) == "Pending")
        #expect(reason([accepted]) == "Accepted" && reason([accepted, missed]) == "BackendNotFound")
        #expect(reason([("Accepted", "False", "Conflicted"), missed]) == "Conflicted")
    }

    @Test(arguments: [
        ("500ms", Duration.milliseconds(500)), ("10s", .seconds(10)), ("1m30s", .seconds(90)), ("2h", .seconds(7200)), ("0s", .zero),
        ("", nil), ("5", nil), ("s", nil), ("1.5s", nil), ("-1s", nil), ("123456s", nil), ("1s1s1s1s1s", nil), ("1d", nil), ("1s ", nil),
    ])
    func `durations are the Gateway API's`(text: String, expected: Duration?) { #expect(GatewayDuration.parse(text) == expected) }

    @Test(arguments: [
        ("127.64.0.0/16", "127.64.9.1", true), ("127.64.0.0/16", "127.65.0.1", false), ("10.0.0.1/32", "10.0.0.1", true),
        ("10.0.0.1/32", "10.0.0.2", false), ("0.0.0.0/0", "1.2.3.4", true),
    ])
    func `a range of addresses has those that begin like it`(range: String, address: String, isIn: Bool) throws {
        let address = try #require(AddressRange.address(address))
        #expect(try #require(AddressRange(range)).contains(address) == isIn)
    }

    @Test(arguments: ["1.2.3", "1.2.3.4", "1.2.3.4/24", "1.2.3.4/33", "1.2.3.4/", "a", "1.2.3.4/08", "::1/64"])
    func `what is no range is none`(text: String) { #expect(AddressRange(text) == nil) }

    @Test func `every part of a policy is read`() {
        let rules = TrafficPolicy(
            policy([
                "loadBalancer": ["type": "ConsistentHash", "consistentHash": ["type": "Header", "header": ["name": "X-User"]]],
                "timeout": ["http": ["requestTimeout": "1m30s"]],
                "circuitBreaker": ["maxPendingRequests": 1, "maxParallelRequests": 2, "maxParallelRetries": 3],
                "retry": ["numRetries": 4, "budget": ["percent": 50, "minRetriesPerSecond": 5]],
                "rateLimit": [
                    "local": [
                        "rules": [
                            [
                                "clientSelectors": [
                                    [
                                        "headers": [["name": "A", "value": "b"], ["name": "C", "type": "Distinct"]],
                                        "path": ["type": "PathPrefix", "value": "/api"],
                                        "sourceCIDR": ["type": "Distinct", "value": "127.0.0.0/8"],
                                    ]
                                ],
                                "limit": ["requests": 7, "unit": "Minute"],
                            ]
                        ]
                    ]
                ],
                "faultInjection": ["delay": ["fixedDelay": "10ms"], "abort": ["httpStatus": 503, "percentage": 12.5]],
            ])
        ).rules
        #expect(rules.balancing == .consistentHash(.header("X-User")))
        #expect(rules.timeouts.request == .seconds(90))
        #expect(rules.limits == .init(pendingRequests: 1, parallelRequests: 2, parallelRetries: 3))
        #expect(rules.retries == .init(limit: 4, percent: 50, minPerSecond: 5))
        var selector = RateLimitRule.Selector()
        selector.headers = [.init("A", value: "b"), .init("C", value: nil)]
        selector.path = .prefix("/api")
        selector.source = .init(AddressRange("127.0.0.0/8")!, isDistinct: true)
        #expect(rules.rateLimits == [RateLimitRule(selectors: [selector], requests: 7, period: .seconds(60))])
        #expect(rules.faults.delay?.duration == .milliseconds(10) && rules.faults.delay?.percentage == 100)
        #expect(rules.faults.abort?.status == 503 && rules.faults.abort?.percentage == 12.5)
        #expect(TrafficPolicy(policy([:])).rules == TrafficRules())
    }

    @Test(
        arguments: [
            (["loadBalancer": ["type": "ConsistentHash"]], "spec.loadBalancer.consistentHash", "Required value"),
            (
                ["loadBalancer": ["type": "Random", "consistentHash": ["type": "SourceIP"]]], "spec.loadBalancer.consistentHash",
                "only for type ConsistentHash"
            ),
            (
                ["loadBalancer": ["type": "ConsistentHash", "consistentHash": ["type": "Cookie"]]],
                "spec.loadBalancer.consistentHash.cookie", "Required value"
            ),
            (["loadBalancer": ["type": "RoundRobbin"]], "spec.loadBalancer.type", "did you mean \"RoundRobin\"?"),
            (["targetRefs": []], "spec.targetRefs", "Required value"),
            (["targetRefs": [["kind": "Deployment", "name": "web"]]], "spec.targetRefs[0].kind", "supported values: \"Service\""),
            (
                ["targetRefs": [["kind": "Service", "name": "web"], ["kind": "Service", "name": "web"]]], "spec.targetRefs[1]",
                "Duplicate value"
            ),
            (["timeout": ["http": ["requestTimeout": "5"]]], "spec.timeout.http.requestTimeout", "must be a duration such as 500ms"),
            (["circuitBreaker": ["maxParallelRequests": -1]], "spec.circuitBreaker.maxParallelRequests", "must be between 0"),
            (["retry": ["numRetries": 99]], "spec.retry.numRetries", "must be between 0 and 10"),
            (["retry": ["budget": ["percent": 101]]], "spec.retry.budget.percent", "must be between 0 and 100"),
            (["rateLimit": ["type": "Local"]], "spec.rateLimit.local", "Required value"),
            (
                ["rateLimit": ["local": ["rules": [["limit": ["requests": 0, "unit": "Second"]]]]]],
                "spec.rateLimit.local.rules[0].limit.requests", "must be between 1"
            ),
            (
                ["rateLimit": ["local": ["rules": [["limit": ["requests": 1, "unit": "Second"], "clientSelectors": [[:]]]]]]],
                "spec.rateLimit.local.rules[0].clientSelectors[0]", "one of headers, path and sourceCIDR"
            ),
            (
                [
                    "rateLimit": [
                        "local": [
                            "rules": [["limit": ["requests": 1, "unit": "Second"], "clientSelectors": [["path": ["value": "api"]]]]]
                        ]
                    ]
                ], "spec.rateLimit.local.rules[0].clientSelectors[0].path.value", "must begin with a slash"
            ),
            (
                [
                    "rateLimit": [
                        "local": [
                            "rules": [["limit": ["requests": 1, "unit": "Second"], "clientSelectors": [["headers": [["name": "a b"]]]]]]
                        ]
                    ]
                ], "spec.rateLimit.local.rules[0].clientSelectors[0].headers[0].name", "must be a token"
            ),
            (["faultInjection": ["abort": ["httpStatus": 99]]], "spec.faultInjection.abort.httpStatus", "must be between 200 and 599"),
            (
                ["faultInjection": ["delay": ["fixedDelay": "1s", "percentage": 101]]], "spec.faultInjection.delay.percentage",
                "must be between 0 and 100"
            ),
        ] as [(Value, String, String)])
    func `what is wrong is named with its place`(spec: Value, field: String, message: String) {
        let causes = Validation.check(policy(spec), .trafficPolicies)
        #expect(causes.first?.field == field)
        #expect(causes.first?.message.contains(message) ?? false, "\(causes)")
    }
}
