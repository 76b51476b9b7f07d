import Formats
import Resources
import Testing
import Timing

@testable import Reconciling

struct TrafficPolicyPlanTests {
    private static let now = Timestamp(secondsSince1970: 1_000_000)

    private static func policy(_ name: String, age: Int64 = 0, _ targets: [(service: String, port: String)], status: Value = .null)
        -> ObservedPolicy
    {
        ObservedPolicy([
            "apiVersion": "steady.dev/v1", "kind": "TrafficPolicy",
            "metadata": [
                "name": .string(name), "namespace": "default", "generation": 3,
                "creationTimestamp": .string(Timestamp(secondsSince1970: 900_000 - age).rfc3339),
            ],
            "spec": [
                "targetRefs": .array(
                    targets.map { target in
                        var object: Object = ["kind": "Service", "name": .string(target.service)]
                        if !target.port.isEmpty { object["sectionName"] = .string(target.port) }
                        return .object(object)
                    })
            ], "status": status,
        ])
    }

    private static func withFallback(_ service: String, port: Int64, status: Value = .null) -> ObservedPolicy {
        ObservedPolicy([
            "metadata": ["name": "a", "namespace": "default", "generation": 1],
            "spec": [
                "targetRefs": [["kind": "Service", "name": "web"]],
                "fallback": [["service": ["name": .string(service), "port": .int(port)]]],
            ], "status": status,
        ])
    }

    @Test func `a ConfigMap that a body is taken from is missed until it is there, with a body that can be sent`() {
        let policy = ObservedPolicy([
            "metadata": ["name": "a", "namespace": "default", "generation": 1],
            "spec": [
                "targetRefs": [["kind": "Service", "name": "web"]],
                "fallback": [["response": ["body": ["type": "ValueRef", "valueRef": ["kind": "ConfigMap", "name": "pages"]]]]],
            ],
        ])
        func words(_ bodySizes: [String: Int]) -> [String] {
            let view = TrafficPolicyPlan.View(
                policy: policy, all: [policy], services: [Self.service("web", ["http"])], bodySizes: bodySizes)
            guard case .patch(_, .merge(let body), .status, _)? = TrafficPolicyPlan.plan(view, now: Self.now).changes.first?.request else {
                return []
            }
            return Self.words(body["status"])
        }
        for (sizes, word) in [
            ([:], "False BodyNotFound"), (["other": 5], "False BodyNotFound"), (["pages": 0], "False BodyEmpty"),
            (["pages": 1], "True ResolvedRefs"), (["pages": FixedResponse.foreignBodyLimit], "True ResolvedRefs"),
            (["pages": FixedResponse.foreignBodyLimit + 1], "False BodyTooLong"),
        ] {
            #expect(words(sizes) == ["web: Accepted=True Accepted", "web: ResolvedRefs=\(word)"])
        }
        func size(_ data: Value) -> Int { ObservedConfigMap(["metadata": ["name": "pages"], "data": data]).bodySize }
        #expect(
            size(.null) == 0 && size(["a": ""]) == 0 && size(["b": "12", "a": "é"]) == 2 && size(["a": "1", "response.body": "123"]) == 3)
    }

    @Test func `a fallback that is not there, or has no such port, is named, until it is there`() throws {
        let web = Self.service("web", ["http"])
        let missing = Self.status(Self.withFallback("spare", port: 80), [web])
        #expect(Self.words(missing) == ["web: Accepted=True Accepted", "web: ResolvedRefs=False BackendNotFound"])
        #expect(missing?["conditions"][1]["message"].string == "fallback: there is no Service \"spare\"")
        let other = Self.status(Self.withFallback("spare", port: 81), [web, Self.service("spare", ["http"])])
        #expect(other?["conditions"][1]["message"].string == "fallback: Service \"spare\" has no port 81; its ports are 80")
        let known = try #require(missing)
        let there = Self.status(Self.withFallback("spare", port: 80, status: known), [web, Self.service("spare", ["http"])])
        #expect(Self.words(there) == ["web: Accepted=True Accepted", "web: ResolvedRefs=True ResolvedRefs"])
        let without = Self.status(Self.policy("a", [("web", "")], status: known), [web])
        #expect(Self.words(without) == ["web: Accepted=True Accepted"])
    }

    private static func service(_ name: String, _ ports: [String]) -> ObservedService {
        ObservedService([
            "metadata": ["name": .string(name), "namespace": "default"],
            "spec": ["ports": .array(ports.map { ["name": .string($0), "port": 80] })],
        ])
    }

    /// The status that the plan writes; nil where it writes none.
    private static func status(
        _ policy: ObservedPolicy, among others: [ObservedPolicy] = [], _ services: [ObservedService], at now: Timestamp = now
    )
        -> Value?
    {
        let plan = TrafficPolicyPlan.plan(.init(policy: policy, all: others + [policy], services: services), now: now)
        guard case .patch(_, .merge(let body), .status, _)? = plan.changes.first?.request else { return nil }
        return body["status"]
    }

    private static func words(_ status: Value?) -> [String] {
        (status?["ancestors"].elements ?? []).flatMap { ancestor in
            ancestor["conditions"].elements.map { condition in
                "\(ancestor["ancestorRef"]["name"].string ?? ""):\(ancestor["ancestorRef"]["sectionName"].string ?? "") "
                    + "\(condition["type"].string ?? "")=\(condition["status"].string ?? "") \(condition["reason"].string ?? "")"
            }
        }
    }

    @Test func `a policy whose targets are there and nobody else's is accepted`() {
        let status = Self.status(Self.policy("a", [("web", ""), ("web", "http")]), [Self.service("web", ["http"])])
        #expect(
            Self.words(status).filter { $0.contains("Accepted=") } == ["web: Accepted=True Accepted", "web:http Accepted=True Accepted"])
        #expect(status?["conditions"][0]["status"].string == "True")
        #expect(status?["conditions"][0]["observedGeneration"].int == 3)
    }

    @Test func `a Service or a port that is not there is named, with the ports that are`() {
        let status = Self.status(Self.policy("a", [("web", "htp"), ("gone", "")]), [Self.service("web", ["http", "admin"])])
        #expect(Self.words(status) == ["web:htp Accepted=False TargetNotFound", "gone: Accepted=False TargetNotFound"])
        #expect(
            status?["conditions"][0]["message"].string == "Service \"web\" has no port named \"htp\"; its ports are http, admin")
    }

    @Test func `of two policies for one target the older holds, then the first by name`() {
        let old = Self.policy("z", age: 10, [("web", "")])
        let (first, second) = (Self.policy("a", [("web", "")]), Self.policy("b", [("web", "")]))
        let services = [Self.service("web", ["http"])]
        #expect(Self.words(Self.status(old, among: [first, second], services)) == ["web: Accepted=True Accepted"])
        #expect(Self.words(Self.status(first, among: [second, old], services)) == ["web: Accepted=False Conflicted"])
        #expect(Self.words(Self.status(first, among: [second], services)) == ["web: Accepted=True Accepted"])
        #expect(Self.words(Self.status(second, among: [first], services)) == ["web: Accepted=False Conflicted"])
        #expect(
            Self.status(second, among: [first, old], services)?["conditions"][0]["message"].string
                == "TrafficPolicy \"z\" is older and holds for web")
    }

    @Test func `what names a port goes before what names the whole Service, and that says so`() {
        let whole = Self.policy("whole", age: 10, [("web", "")])
        let port = Self.policy("port", [("web", "http")])
        let services = [Self.service("web", ["http"])]
        #expect(
            Self.words(Self.status(whole, among: [port], services)) == ["web: Accepted=True Accepted", "web: Overridden=True Overridden"])
        #expect(Self.words(Self.status(port, among: [whole], services)) == ["web:http Accepted=True Accepted"])
    }

    @Test func `what is written already is not written again, and a condition's time moves with its status alone`() throws {
        let services = [Self.service("web", ["http"])]
        let first = try #require(Self.status(Self.policy("a", [("web", "")]), []))
        #expect(Self.status(Self.policy("a", [("web", "")], status: first), []) == nil)
        let later = Timestamp(secondsSince1970: 1_000_100)
        let second = try #require(Self.status(Self.policy("a", [("web", "")], status: first), services, at: later))
        #expect(second["conditions"][0]["lastTransitionTime"].string == later.rfc3339)
        #expect(Self.status(Self.policy("a", [("web", "")], status: second), services, at: Self.now) == nil)
    }
}
