import Formats
import Resources
import Testing

@Suite struct `What a policy says about an exchange` {
    private func policy(_ spec: Value) -> Value {
        var spec = spec
        spec["targetRefs"] = [["kind": "Service", "name": "web"]]
        return ["apiVersion": "steady.dev/v1", "kind": "TrafficPolicy", "metadata": ["name": "p", "namespace": "default"], "spec": spec]
    }

    @Test func `times, repeats, fallbacks and priorities are read`() {
        let value = policy([
            "timeout": [
                "tcp": ["connectTimeout": "200ms"],
                "http": [
                    "requestTimeout": "5s", "streamIdleTimeout": "2s", "connectionIdleTimeout": "1m", "maxConnectionDuration": "1h",
                    "propagateDeadline": false,
                ],
            ],
            "retry": [
                "numRetries": 3, "retryOn": ["triggers": ["gateway-error", "reset"], "httpStatusCodes": [599, 429]],
                "perRetry": ["timeout": "250ms", "backOff": ["baseInterval": "10ms"]], "nonIdempotentRequests": "WithIdempotencyKey",
                "hedging": ["delay": "50ms", "percentile": 95],
            ],
            "loadShedding": [
                "maxParallelRequests": 8, "maxQueueAge": "50ms",
                "priorities": [["clientSelectors": [["path": ["value": "/pay"]]], "priority": 9], ["priority": 1]],
            ],
            "fallback": [
                ["service": ["name": "spare", "port": 81]],
                ["response": ["statusCode": 200, "contentType": "application/json", "body": ["type": "Inline", "inline": "{}"]]],
            ],
        ])
        #expect(Validation.check(value, .trafficPolicies).isEmpty)
        let rules = TrafficPolicy(value).rules
        #expect(rules.timeouts.connect == .milliseconds(200) && rules.timeouts.request == .seconds(5))
        #expect(rules.timeouts.streamIdle == .seconds(2) && rules.timeouts.connectionIdle == .seconds(60))
        #expect(rules.timeouts.connectionAge == .seconds(3600) && !rules.timeouts.propagatesDeadline)
        #expect(rules.retries.triggers == [.gatewayError, .reset, .statusCodes] && rules.retries.statusCodes == [429, 599])
        #expect(rules.retries.tryTimeout == .milliseconds(250) && rules.retries.notIdempotent == .withKey)
        #expect(rules.retries.backOff == .init(base: .milliseconds(10), longest: .milliseconds(100)))
        #expect(rules.retries.hedging == .init(delay: .milliseconds(50), percentile: 95))
        #expect(rules.loadShedding?.parallelRequests == 8 && rules.loadShedding?.queueAge == .milliseconds(50))
        #expect(rules.loadShedding?.priorities.map(\.priority) == [9, 1])
        #expect(
            rules.fallbacks == [
                .service(name: "spare", port: 81), .response(.init(status: 200, contentType: "application/json", body: "{}")),
            ])
    }

    @Test func `what answers in place of a Service is not that Service`() {
        let fallback: Value = ["fallback": [["service": ["name": "web", "port": 80]]]]
        #expect(
            Validation.check(policy(fallback), .trafficPolicies).map { "\($0.field): \($0.message)" }.first?
                .hasPrefix("spec.fallback[0].service.name: Invalid value: \"web\": must be another Service") == true)
        // One that was stored before there was this rule may be labelled; who changes its spec has to obey it.
        var labelled = policy(fallback)
        labelled["metadata"]["labels"] = ["tier": "front"]
        #expect(Validation.check(labelled, .trafficPolicies, old: policy(fallback)).isEmpty)
        var changed = labelled
        changed["spec"]["timeout"] = ["tcp": ["connectTimeout": "1s"]]
        #expect(Validation.check(changed, .trafficPolicies, old: labelled).map(\.field) == ["spec.fallback[0].service.name"])
        var ofPort = policy(fallback)
        ofPort["spec"]["targetRefs"] = [["kind": "Service", "name": "web", "sectionName": "http"]]
        #expect(Validation.check(ofPort, .trafficPolicies).isEmpty, "another port of the same Service may answer")
    }

    @Test func `a body may stand in a ConfigMap, and then nowhere else`() {
        func fallback(_ body: Value) -> Value { policy(["fallback": [["response": ["statusCode": 200, "body": body]]]]) }
        func fields(_ body: Value) -> [String] { Validation.check(fallback(body), .trafficPolicies).map(\.field) }
        let there: Value = ["type": "ValueRef", "valueRef": ["kind": "ConfigMap", "name": "pages"]]
        #expect(fields(there).isEmpty && TrafficPolicy(fallback(there)).bodySources == ["pages"])
        #expect(fields(["type": "ValueRef"]) == ["spec.fallback[0].response.body.valueRef"])
        #expect(
            fields(["inline": "x", "valueRef": ["kind": "ConfigMap", "name": "pages"]]) == ["spec.fallback[0].response.body.valueRef"])
        #expect(TrafficPolicy(fallback(["inline": "x"])).bodySources.isEmpty)
        let response = FixedResponse(status: 200, body: "")
        #expect(response.taking(["a": "first", "response.body": "named"]).body == "named")
        #expect(response.taking(["b": "second", "a": "first"]).body == "first")
        #expect(response.taking(nil).body.isEmpty)
        #expect(response.taking(["a": String(repeating: "x", count: FixedResponse.foreignBodyLimit + 1)]).body.isEmpty)
    }

    @Test func `that no pod has a weight is said when it is written`() {
        func cautions(_ groups: Value) -> [String] { Cautions.check(policy(["backends": groups]), .trafficPolicies, mayChangeUser: true) }
        #expect(cautions([["weight": 0]]).first?.contains("no pod gets new traffic") == true)
        #expect(cautions([["weight": 0, "selector": ["matchLabels": ["a": "b"]]]]).isEmpty, "pods of no group have weight 1")
        #expect(cautions([["weight": 0, "selector": ["matchLabels": ["a": "b"]]], ["weight": 1]]).isEmpty)
        #expect(cautions(.null).isEmpty)
    }

    @Test func `where a request's time is limited its deadline is passed on, unless the policy says no`() {
        func isPropagated(_ http: Value) -> Bool { TrafficPolicy(policy(["timeout": ["http": http]])).rules.timeouts.propagatesDeadline }
        #expect(isPropagated(["requestTimeout": "1s"]))
        #expect(isPropagated(["propagateDeadline": true]))
        #expect(!isPropagated(["requestTimeout": "1s", "propagateDeadline": false]))
        #expect(!isPropagated(["requestTimeout": "0s"]))
        #expect(!isPropagated([:]))
    }

    @Test(
        arguments: [
            (["timeout": ["tcp": ["connectTimeout": "1"]]], "spec.timeout.tcp.connectTimeout", "must be a duration"),
            (["retry": ["retryOn": ["triggers": ["6xx"]]]], "spec.retry.retryOn.triggers[0]", "supported values: \"5xx\""),
            (
                ["retry": ["retryOn": ["triggers": ["retriable-status-codes"]]]], "spec.retry.retryOn.httpStatusCodes",
                "for retriable-status-codes"
            ),
            (["retry": ["retryOn": ["httpStatusCodes": [200]]]], "spec.retry.retryOn.httpStatusCodes[0]", "must be between 400 and 599"),
            (
                ["retry": ["perRetry": ["backOff": ["baseInterval": "1s", "maxInterval": "1ms"]]]],
                "spec.retry.perRetry.backOff.maxInterval", "must not be less than baseInterval"
            ),
            (["retry": ["nonIdempotentRequests": "Allways"]], "spec.retry.nonIdempotentRequests", "did you mean \"Always\"?"),
            (["retry": ["hedging": ["percentile": 99]]], "spec.retry.hedging.delay", "Required value"),
            (["retry": ["hedging": ["delay": "1s", "percentile": 100]]], "spec.retry.hedging.percentile", "must be between 50 and 99"),
            (["loadShedding": ["maxParallelRequests": 0]], "spec.loadShedding.maxParallelRequests", "must be between 1"),
            (["loadShedding": ["priorities": [["priority": 10]]]], "spec.loadShedding.priorities[0].priority", "must be between 0 and 9"),
            (
                ["loadShedding": ["priorities": [["priority": 1, "clientSelectors": [[:]]]]]],
                "spec.loadShedding.priorities[0].clientSelectors[0]", "one of headers, path and sourceCIDR"
            ),
            (["fallback": [[:]]], "spec.fallback[0]", "one of service and response"),
            (["fallback": [["response": [:], "service": ["name": "a", "port": 1]]]], "spec.fallback[0]", "one of service and response"),
            (["fallback": [["service": ["name": "A", "port": 1]]]], "spec.fallback[0].service.name", "lower case"),
            (["fallback": [["service": ["name": "a", "port": 0]]]], "spec.fallback[0].service.port", "must be between 1 and 65535"),
            (["fallback": [["response": ["statusCode": 99]]]], "spec.fallback[0].response.statusCode", "must be between 200 and 599"),
            (
                ["fallback": [["response": ["statusCode": 200]], ["service": ["name": "a", "port": 1]]]], "spec.fallback[1]",
                "a response comes before it"
            ),
            (
                ["fallback": [["response": ["contentType": "a\r\nb: c"]]]], "spec.fallback[0].response.contentType",
                "must be printable ASCII"
            ),
            (
                ["fallback": [["response": ["body": ["inline": .string(String(repeating: "x", count: 5000))]]]]],
                "spec.fallback[0].response.body.inline", "may not be more than 4096 bytes"
            ),
        ] as [(Value, String, String)])
    func `what is wrong is named with its place`(spec: Value, field: String, message: String) {
        let causes = Validation.check(policy(spec), .trafficPolicies)
        #expect(causes.first?.field == field, "\(causes)")
        #expect(causes.first?.message.contains(message) ?? false, "\(causes)")
    }
}
