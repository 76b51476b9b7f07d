import Formats
import Resources
import Testing

@Suite struct `What a policy says about balancing` {
    private func policy(_ spec: Value) -> Value {
        var spec = spec
        spec["targetRefs"] = [["kind": "Service", "name": "web"]]
        return ["apiVersion": "steady.dev/v1", "kind": "TrafficPolicy", "metadata": ["name": "p", "namespace": "default"], "spec": spec]
    }

    private func problems(_ spec: Value) -> [String] {
        Validation.check(policy(spec), .trafficPolicies).map { "\($0.field): \($0.message)" }
    }

    @Test func `weights, priorities, slow start and sessions are read`() {
        let value = policy([
            "loadBalancer": ["type": "RoundRobin", "slowStart": ["window": "30s"]],
            "backends": [
                ["selector": ["matchLabels": ["track": "canary"]], "weight": 10],
                ["selector": ["matchLabels": ["role": "backup"]], "priority": 1],
                ["weight": 90],
            ],
            "failover": ["minHealthyPercent": 50, "failBackDelay": "1m"],
            "sessionPersistence": [
                "sessionName": "shop", "type": "Cookie", "absoluteTimeout": "1h", "idleTimeout": "10m",
                "cookieConfig": ["lifetimeType": "Permanent"],
            ],
        ])
        #expect(Validation.check(value, .trafficPolicies).isEmpty)
        let rules = TrafficPolicy(value).rules.balance
        #expect(rules.slowStart == .seconds(30))
        #expect(rules.groups.map(\.weight) == [10, 1, 90] && rules.groups.map(\.priority) == [0, 1, 0])
        #expect(rules.failover == FailoverRules(minHealthyPercent: 50, failBackDelay: .seconds(60)))
        #expect(
            rules.session
                == SessionRules(.cookie(isPermanent: true), name: "shop", absoluteTimeout: .seconds(3600), idleTimeout: .seconds(600)))
        #expect(rules.selectorKeys == ["role", "track"])
        let groups = [["track": "canary", "role": "backup"], ["role": "backup"], [:]].map { rules.group(of: $0) }
        #expect(groups == [0, 1, 2], "the first that selects a pod holds")
    }

    @Test func `nothing is other where nothing is said`() {
        #expect(TrafficPolicy(policy([:])).rules.balance == BalancingRules())
        #expect(TrafficPolicy(policy(["sessionPersistence": [:]])).rules.balance.session == SessionRules(.cookie(isPermanent: false)))
        #expect(BalancingRules().group(of: ["a": "b"]) == 0)
    }

    @Test(
        arguments: [
            (
                ["loadBalancer": ["type": "Random", "slowStart": ["window": "30s"]]],
                "spec.loadBalancer.slowStart: Forbidden: only for types"
            ),
            (
                ["loadBalancer": ["type": "RoundRobin", "slowStart": ["window": "30"]]],
                "spec.loadBalancer.slowStart.window: Invalid value: \"30\""
            ),
            (["backends": [["weight": -1]]], "spec.backends[0].weight: Invalid value: -1: must be between 0 and 1000000"),
            (
                ["backends": [["weight": 1], ["selector": ["matchLabels": ["a": "b"]]]]],
                "spec.backends[0].selector: Required value: the entries"
            ),
            (["backends": [["priority": 8]]], "spec.backends[0].priority: Invalid value: 8: must be between 0 and 7"),
            (["failover": ["minHealthyPercent": 0]], "spec.failover.minHealthyPercent: Invalid value: 0: must be between 1 and 100"),
            (["failover": ["failBackDelay": "soon"]], "spec.failover.failBackDelay: Invalid value: \"soon\": must be a duration"),
            (
                ["sessionPersistence": ["sessionName": "a b"]],
                "spec.sessionPersistence.sessionName: Invalid value: \"a b\": must be a token"
            ),
            (
                ["sessionPersistence": ["type": "Header", "sessionName": "Content-Length"]],
                "spec.sessionPersistence.sessionName: Invalid value: \"Content-Length\": must be a field that means nothing else"
            ),
            (
                ["sessionPersistence": ["cookieConfig": ["lifetimeType": "Permanent"]]],
                "spec.sessionPersistence.absoluteTimeout: Required value: a permanent cookie needs a time to end"
            ),
            (
                ["sessionPersistence": ["type": "Header", "cookieConfig": ["lifetimeType": "Session"]]],
                "spec.sessionPersistence.cookieConfig: Forbidden: only for type Cookie"
            ),
            (
                ["sessionPersistence": ["type": "SourceIP", "absoluteTimeout": "1h"]],
                "spec.sessionPersistence.absoluteTimeout: Forbidden: not for type SourceIP"
            ),
        ] as [(Value, String)])
    func `bad values get one error that says what is allowed`(spec: Value, expected: String) {
        let found = problems(spec)
        #expect(found.count == 1 && found[0].hasPrefix(expected), "\(found)")
    }

    @Test(arguments: [("PreferSameZone", true), ("PreferSameNode", true), ("PreferClose", true), ("PreferSamezone", false)])
    func `a Service's traffic distribution is one of those that are known`(word: String, isRight: Bool) {
        let service: Value = [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": "web", "namespace": "default"],
            "spec": [
                "type": "ClusterIP", "clusterIP": "127.32.0.1", "trafficDistribution": .string(word),
                "ports": [["port": 80, "protocol": "TCP", "targetPort": 80]],
            ],
        ]
        let found = Validation.check(service, .services).map { "\($0.field): \($0.message)" }
        #expect(found.isEmpty == isRight, "\(found)")
        if !isRight { #expect(found[0].contains("did you mean \"PreferSameZone\"")) }
    }
}
