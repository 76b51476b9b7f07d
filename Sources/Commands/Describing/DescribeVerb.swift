import APIClient
import Formats
import Linux
import Resources
import Timing

/// `steady describe`: one object with what belongs to it, and its events, as kubectl lays it out.
enum DescribeVerb {
    static let verb = Verb(
        "describe", group: .looking, summary: "Show an object in full, with its events",
        usage: "(KIND [NAME ...] | KIND/NAME ... | KIND -l QUERY | -f FILE)",
        examples: [("why does it not start?", "steady describe pod web-7d9c-x2x4z"), ("a deployment", "steady describe deployment web")],
        flags: [
            Verb.namespaceFlag, .allNamespaces, .selector, .files, .recursive, .kustomize,
            Flag("show-events", nil, .optionalValue(placeholder: "true|false", alone: "true"), "with its events (default: true)"),
        ], run: { try run($0) })

    private static func run(_ invocation: Invocation) throws(CommandError) -> Int32 {
        let targets = try Targets(invocation.words, invocation)
        let api = try Instance.connect(invocation)
        let found = try targets.fetch(api)
        if found.isEmpty {
            invocation.terminal.complain(targets.namespace.map { "No resources found in \($0) namespace." } ?? "No resources found")
        }
        for (at, (type, object)) in found.enumerated() {
            if at > 0 { invocation.terminal.write("\n\n") }
            invocation.terminal.write(
                try text(type, object, api, showsEvents: !invocation.isGiven("show-events") || invocation.isSet("show-events")))
        }
        return 0
    }

    private static func text(_ type: ResourceType, _ object: Value, _ api: BlockingAPI, showsEvents: Bool) throws(CommandError) -> String {
        var out = Description()
        switch type {
        case .pods: out.pod(object)
        case .deployments: out.deployment(object, try owned(.replicaSets, by: object, api))
        case .replicaSets: out.replicaSet(object, try owned(.pods, by: object, api))
        case .services:
            let selector = LabelSelector(labels: ["kubernetes.io/service-name": object.name])
            out.service(object, try api.all(ListRequest(.endpointSlices, namespace: object.namespaceName, labelSelector: selector)))
            out.trafficPolicies(of: object, try api.all(ListRequest(.trafficPolicies, namespace: object.namespaceName)))
        case .nodes:
            let lease = try api.find(ObjectKey(.leases, namespace: "kube-node-lease", name: object.name))
            let pods = try api.all(ListRequest(.pods, fieldSelector: FieldSelector([.init(["spec", "nodeName"], object.name)])))
            out.node(object, lease ?? .null, pods, now: Clock.realtime())
        case .namespaces, .configMaps, .secrets: out.configuration(type, object)
        case .endpointSlices: out.endpointSlice(object)
        case .trafficPolicies: out.trafficPolicy(object, proxyCount: try api.all(ListRequest(.proxyStatuses)).count)
        case .disruptionBudgets: out.disruptionBudget(object)
        default: out.whole(object)
        }
        if showsEvents, type != .namespaces, type != .secrets { try events(type, object, api, &out) }
        return out.text
    }

    /// What an object controls, by its selector and the owner that is named.
    static func owned(_ type: ResourceType, by owner: Value, _ api: BlockingAPI) throws(CommandError) -> [Value] {
        let selector = LabelSelector(object: owner["spec"]["selector"])
        return try api.all(ListRequest(type, namespace: owner.namespaceName, labelSelector: selector)).filter { object in
            object["metadata"]["ownerReferences"].elements.contains { $0["uid"] == owner["metadata"]["uid"] }
        }
    }

    private static func events(_ type: ResourceType, _ object: Value, _ api: BlockingAPI, _ out: inout Description) throws(CommandError) {
        var terms: [FieldSelector.Term] = [.init(["involvedObject", "kind"], type.kind), .init(["involvedObject", "name"], object.name)]
        if type.isNamespaced { terms.append(.init(["involvedObject", "uid"], object["metadata"]["uid"].string ?? "")) }
        let events = try api.all(
            ListRequest(.events, namespace: type.isNamespaced ? object.namespaceName : nil, fieldSelector: FieldSelector(terms)))
        guard !events.isEmpty else { return out.field("Events", "<none>") }
        out.flush()
        out.line(0, "Events:\n  Type\tReason\tAge\tFrom\tMessage\n  ----\t------\t----\t----\t-------")
        for event in events.sorted(by: EventsVerb.isEarlier) {
            // Which container of a pod it is about.
            let field = event["involvedObject"]["fieldPath"].plainText
            let about = field.isEmpty ? "" : field + ": "
            let source = event["source"]["component"].string ?? event["reportingComponent"].plainText
            out.line(
                1,
                "\(event["type"].plainText)\t\(event["reason"].plainText)\t\(EventsVerb.age(event))\t\(source)\t\(about)\(event["message"].plainText)"
            )
        }
    }
}
