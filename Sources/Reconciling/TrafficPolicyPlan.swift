import Formats
import Resources
import Timing

/// What plans read of a TrafficPolicy.
package struct ObservedPolicy: Sendable {
    package var meta: ObservedMeta
    package var policy: TrafficPolicy
    /// `status` as stored.
    package var status: Value

    package init(_ value: Value) {
        meta = ObservedMeta(value)
        policy = TrafficPolicy(value)
        status = value["status"]
    }

    package var key: ObjectKey { meta.key(.trafficPolicies) }
    /// Whether it says anything of the Service: as a target, or as one that answers in place of others.
    package func names(_ service: String) -> Bool { services.contains(service) }
    /// The Services that it names.
    package var services: Set<String> { Set(policy.targets.map(\.service) + fallbacks.map(\.name)) }
    var fallbacks: [(name: String, port: UInt16)] {
        policy.rules.fallbacks.compactMap { if case .service(let name, let port) = $0 { (name, port) } else { nil } }
    }
}

/// Says of a TrafficPolicy whether it holds, target by target, in the Gateway API's words (GEP-713, and `Overridden` of Envoy Gateway).
///
/// Written by the controller and by no proxy: it follows from the stored objects alone, by the order in which every proxy applies them.
package struct TrafficPolicyPlan {
    package static let component = "traffic-policy-controller"
    package static let controllerName = "steady.dev/traffic-policy-controller"

    /// What the plan looks at.
    package struct View {
        package var policy: ObservedPolicy
        /// Those of its namespace, itself among them.
        package var all: [ObservedPolicy]
        /// Of its namespace, those that it names.
        package var services: [ObservedService]
        /// Of the ConfigMaps that it names those that there are, with the length of the bodies that they hold.
        package var bodySizes: [String: Int]

        package init(policy: ObservedPolicy, all: [ObservedPolicy], services: [ObservedService], bodySizes: [String: Int] = [:]) {
            self.bodySizes = bodySizes
            self.policy = policy
            self.all = all
            self.services = services
        }
    }

    private struct Verdict {
        var isAccepted: Bool
        var reason: String
        var message: String
    }

    /// The status as it should be.
    package static func plan(_ view: View, now: Timestamp) -> Plan {
        var plan = Plan()
        let before = view.policy.status
        let verdicts = view.policy.policy.targets.map { ($0, verdict($0, view), overriding($0, view)) }
        let references = references(view)
        let ancestors = verdicts.map { target, verdict, overriding -> Value in
            let known = before["ancestors"].elements.first { $0["ancestorRef"] == reference(target) }
            var conditions = [Condition](conditions: known?["conditions"] ?? .null)
            set(Condition.accepted, verdict, &conditions, view, now)
            let overridden = overriding.isEmpty ? nil : Verdict(isAccepted: true, reason: "Overridden", message: overriding)
            set(Condition.overridden, overridden, &conditions, view, now)
            set(Condition.resolvedReferences, references, &conditions, view, now)
            return [
                "ancestorRef": reference(target), "controllerName": .string(controllerName), "conditions": conditions.value,
            ]
        }
        var whole = [Condition](conditions: before["conditions"])
        let refused = verdicts.first { !$0.1.isAccepted }?.1
        set(
            Condition.accepted, refused ?? Verdict(isAccepted: true, reason: "Accepted", message: "it holds for all of its targets"),
            &whole, view,
            now)
        set(Condition.resolvedReferences, references, &whole, view, now)
        let status: Value = ["conditions": whole.value, "ancestors": .array(ancestors)]
        if status == before { return plan }
        plan.explanation.append(refused.map { "does not hold everywhere: \($0.message)" } ?? "holds for all of its targets")
        if let references, !references.isAccepted { plan.explanation.append(references.message) }
        plan.changes.append(.patchStatus(view.policy.key, status))
        return plan
    }

    /// Whether who is to answer in place of others is there; nil where nobody is named.
    private static func references(_ view: View) -> Verdict? {
        let fallbacks = view.policy.fallbacks
        let bodySources = view.policy.policy.bodySources.sorted()
        if fallbacks.isEmpty, bodySources.isEmpty { return nil }
        for (name, port) in fallbacks {
            guard let service = view.services.first(where: { $0.meta.name == name && !$0.meta.isDeleting }) else {
                return Verdict(isAccepted: false, reason: "BackendNotFound", message: "fallback: there is no Service \"\(name)\"")
            }
            if !service.ports.contains(where: { $0.number == Int64(port) }) {
                let known = service.ports.map { "\($0.number)" }.joined(separator: ", ")
                return Verdict(
                    isAccepted: false, reason: "BackendNotFound",
                    message: "fallback: Service \"\(name)\" has no port \(port); its ports are \(known)")
            }
        }
        for name in bodySources {
            if let problem = bodyProblem(name, view.bodySizes[name]) { return problem }
        }
        return Verdict(isAccepted: true, reason: "ResolvedRefs", message: "what fallback names is there")
    }

    /// Why a response has no body although the policy names one.
    private static func bodyProblem(_ name: String, _ size: Int?) -> Verdict? {
        guard let size else {
            return Verdict(isAccepted: false, reason: "BodyNotFound", message: "fallback: there is no ConfigMap \"\(name)\"")
        }
        if size == 0 {
            return Verdict(
                isAccepted: false, reason: "BodyEmpty",
                message: "fallback: ConfigMap \"\(name)\" holds no text in \(FixedResponse.bodyKey), or without that key in its first one")
        }
        if size > FixedResponse.foreignBodyLimit {
            return Verdict(
                isAccepted: false, reason: "BodyTooLong",
                message:
                    "fallback: the body in ConfigMap \"\(name)\" has \(size) bytes, at most \(FixedResponse.foreignBodyLimit) are sent; "
                    + "the response has none")
        }
        return nil
    }

    private static func verdict(_ target: TrafficPolicy.Target, _ view: View) -> Verdict {
        guard let service = view.services.first(where: { $0.meta.name == target.service && !$0.meta.isDeleting }) else {
            return Verdict(isAccepted: false, reason: "TargetNotFound", message: "there is no Service \"\(target.service)\"")
        }
        if !target.port.isEmpty, !service.ports.contains(where: { $0.name == target.port }) {
            let names = service.ports.map(\.name).filter { !$0.isEmpty }
            let known = names.isEmpty ? "its ports have no names" : "its ports are \(names.joined(separator: ", "))"
            return Verdict(
                isAccepted: false, reason: "TargetNotFound",
                message: "Service \"\(target.service)\" has no port named \"\(target.port)\"; \(known)")
        }
        let rivals = view.all.filter {
            $0.meta.name != view.policy.meta.name && $0.policy.targets.contains(target) && $0.policy.goesBefore(view.policy.policy)
        }
        if let first = rivals.min(by: { $0.policy.goesBefore($1.policy) }) {
            return Verdict(
                isAccepted: false, reason: "Conflicted",
                message: "TrafficPolicy \"\(first.meta.name)\" is older and holds for \(target)")
        }
        return Verdict(isAccepted: true, reason: "Accepted", message: "it holds for \(target)")
    }

    /// Which ports of a Service others name, so that their rules hold there instead.
    private static func overriding(_ target: TrafficPolicy.Target, _ view: View) -> String {
        guard target.port.isEmpty else { return "" }
        var policies: [String: String] = [:]
        for other in view.all.sorted(by: { $0.policy.goesBefore($1.policy) }) {
            for named in other.policy.targets where named.service == target.service && !named.port.isEmpty {
                if policies[named.port] == nil { policies[named.port] = other.meta.name }
            }
        }
        return policies.sorted { $0.key < $1.key }.map { "TrafficPolicy \"\($0.value)\" holds for port \($0.key)" }.joined(separator: "; ")
    }

    private static func reference(_ target: TrafficPolicy.Target) -> Value {
        var reference: Object = ["group": "", "kind": "Service", "name": .string(target.service)]
        if !target.port.isEmpty { reference["sectionName"] = .string(target.port) }
        return .object(reference)
    }

    /// A condition without a verdict goes.
    private static func set(_ type: String, _ verdict: Verdict?, _ conditions: inout [Condition], _ view: View, _ now: Timestamp) {
        guard let verdict else { return conditions.removeAll { $0.type == type } }
        conditions.set(
            Condition(
                type, verdict.isAccepted ? .isTrue : .isFalse, reason: verdict.reason, message: verdict.message,
                observedGeneration: view.policy.meta.generation), now: now)
    }
}
