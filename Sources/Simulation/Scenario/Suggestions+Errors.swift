import Formats
import Reconciling

/// What keeps clients from the errors of one replica.
extension Suggestions {
    /// Another replica that could answer, and a policy that leads requests away from the one that answers with errors.
    mutating func errors(_ index: Int, _ deployment: Value) {
        guard
            let verdict = verdicts.filter({ ($0.losses[.erring] ?? 0) > 0 }).max(by: { $0.losses[.erring] ?? 0 < $1.losses[.erring] ?? 0 })
        else { return }
        let count = verdict.losses[.erring] ?? 0
        let evidence = "\(verdict.drill.name): \(count) of \(verdict.sentCount) requests went on to who answered with errors"
        let replicas = ObservedDeployment(deployment).replicas
        if replicas == 1 {
            add(index, "spec.replicas", from: "1", to: "2", "\(evidence), because there is nobody else", verdict) {
                $0["spec"]["replicas"] = 2
            }
        }
        for service in objects where selects(service, deployment) && !isWatched(service) { eject(service, evidence, verdict) }
    }

    private mutating func eject(_ service: Value, _ evidence: String, _ verdict: Verdict) {
        let name = service["metadata"]["name"].string ?? ""
        let passive: Value = ["consecutive5XxErrors": 5]
        let existing = objects.firstIndex { isPolicy($0, of: service) }
        var policy: Value = [
            "apiVersion": "steady.dev/v1", "kind": "TrafficPolicy", "metadata": ["name": .string(name)],
            "spec": ["targetRefs": [["kind": "Service", "name": .string(name)]], "healthCheck": ["passive": passive]],
        ]
        policy["metadata"]["namespace"] = service["metadata"]["namespace"]
        let added = policy
        let field =
            existing.map { "trafficpolicy/\(objects[$0]["metadata"]["name"].string ?? "")" } ?? "service/\(name), by a TrafficPolicy"
        add(
            Suggestion(
                field: "\(field): spec.healthCheck.passive", from: "none", to: "consecutive5XxErrors 5",
                evidence: "nobody takes out of traffic who answers with errors; \(evidence)", drill: verdict.drill,
                change: { objects in
                    if let existing { objects[existing]["spec"]["healthCheck"]["passive"] = passive } else { objects.append(added) }
                }, before: verdict))
    }

    private func selects(_ service: Value, _ deployment: Value) -> Bool {
        guard service["kind"].string == "Service", let selector = service["spec"]["selector"].object, !selector.isEmpty,
            namespace(service) == namespace(deployment)
        else { return false }
        let labels = deployment["spec"]["template"]["metadata"]["labels"]
        return selector.entries.allSatisfy { labels[$0.key] == $0.value }
    }

    /// Whether a policy ejects its endpoints already.
    private func isWatched(_ service: Value) -> Bool {
        objects.contains { isPolicy($0, of: service) && !$0["spec"]["healthCheck"]["passive"].isNull }
    }

    private func isPolicy(_ object: Value, of service: Value) -> Bool {
        object["kind"].string == "TrafficPolicy" && namespace(object) == namespace(service)
            && object["spec"]["targetRefs"].elements.contains { $0["name"].string == service["metadata"]["name"].string }
    }

    private func namespace(_ object: Value) -> String { object["metadata"]["namespace"].string ?? "default" }

    /// A probe sees errors only where it asks for what clients ask for, which nobody can know here.
    static func errorRemark(_ verdicts: [Verdict]) -> String? {
        guard let verdict = verdicts.first(where: { ($0.losses[.erring] ?? 0) > 0 }) else { return nil }
        return
            "in \(verdict.drill.name) programs answer their probes; a readinessProbe that fails with what clients ask for takes them out of traffic too, "
            + "and where every replica answers with errors only a fallback of a TrafficPolicy can answer"
    }
}
