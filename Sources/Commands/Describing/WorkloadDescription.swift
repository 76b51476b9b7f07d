import Formats
import Resources
import Timing

/// `describe` of what runs pods and of what leads to them.
extension Description {
    private mutating func head(_ object: Value) {
        field("Name", object.name)
        field("Namespace", object.namespaceName)
    }

    mutating func deployment(_ deployment: Value, _ sets: [Value]) {
        let (meta, spec, status) = (deployment["metadata"], deployment["spec"], deployment["status"])
        head(deployment)
        field("CreationTimestamp", Self.time(meta["creationTimestamp"]))
        labels("Labels", meta["labels"].stringMap)
        annotations(meta["annotations"].stringMap)
        field("Selector", LabelSelector(object: spec["selector"]).query)
        field(
            "Replicas",
            "\(spec["replicas"].int ?? 1) desired | \(status["updatedReplicas"].int ?? 0) updated | \(status["replicas"].int ?? 0) total | "
                + "\(status["availableReplicas"].int ?? 0) available | \(status["unavailableReplicas"].int ?? 0) unavailable")
        field("StrategyType", spec["strategy"]["type"].plainText)
        field("MinReadySeconds", "\(spec["minReadySeconds"].int ?? 0)")
        let rolling = spec["strategy"]["rollingUpdate"]
        if !rolling.isNull {
            field(
                "RollingUpdateStrategy",
                "\(rolling["maxUnavailable"].plainText) max unavailable, \(rolling["maxSurge"].plainText) max surge")
        }
        template(spec["template"])
        conditions(status)
        let revision = "deployment.kubernetes.io/revision"
        let current = sets.first { $0["metadata"]["annotations"][revision] == meta["annotations"][revision] }
        func words(_ sets: [Value]) -> String {
            let texts = sets.map { "\($0.name) (\($0["status"]["replicas"].int ?? 0)/\($0["spec"]["replicas"].int ?? 0) replicas created)" }
            return texts.isEmpty ? "<none>" : texts.joined(separator: ", ")
        }
        field("OldReplicaSets", words(sets.filter { $0.name != current?.name }))
        field("NewReplicaSet", words(current.map { [$0] } ?? []))
    }

    private mutating func conditions(_ status: Value) {
        let conditions = status["conditions"].elements
        guard !conditions.isEmpty else { return }
        line(0, "Conditions:\n  Type\tStatus\tReason\n  ----\t------\t------")
        for condition in conditions {
            line(1, "\(condition["type"].plainText) \t\(condition["status"].plainText)\t\(condition["reason"].plainText)")
        }
    }

    mutating func replicaSet(_ set: Value, _ pods: [Value]) {
        head(set)
        field("Selector", LabelSelector(object: set["spec"]["selector"]).query)
        labels("Labels", set["metadata"]["labels"].stringMap)
        annotations(set["metadata"]["annotations"].stringMap)
        controller(set["metadata"])
        field("Replicas", "\(set["status"]["replicas"].int ?? 0) current / \(set["spec"]["replicas"].int ?? 1) desired")
        func count(_ phase: String) -> Int { pods.filter { $0["status"]["phase"].string == phase }.count }
        field(
            "Pods Status",
            "\(count("Running")) Running / \(count("Pending")) Waiting / \(count("Succeeded")) Succeeded / \(count("Failed")) Failed")
        template(set["spec"]["template"])
        conditions(set["status"])
    }

    /// Endpoints beyond these are only counted.
    private static let endpointLimit = 3

    mutating func service(_ service: Value, _ slices: [Value]) {
        let spec = service["spec"]
        head(service)
        labels("Labels", service["metadata"]["labels"].stringMap)
        annotations(service["metadata"]["annotations"].stringMap)
        let selector = LabelSelector(labels: spec["selector"].stringMap).query
        field("Selector", selector.isEmpty ? "<none>" : selector)
        field("Type", spec["type"].plainText)
        optional("IP Family Policy", spec["ipFamilyPolicy"])
        func list(_ value: Value) -> String { value.elements.isEmpty ? "<none>" : value.elements.map(\.plainText).joined(separator: ",") }
        field("IP Families", list(spec["ipFamilies"]))
        field("IP", spec["clusterIP"].plainText)
        field("IPs", list(spec["clusterIPs"]))
        let ingress = service["status"]["loadBalancer"]["ingress"].elements.map { $0["ip"].string ?? $0["hostname"].plainText }
        if !ingress.isEmpty { field("LoadBalancer Ingress", ingress.joined(separator: ", ")) }
        for port in spec["ports"].elements {
            let (name, kind) = (port["name"].string ?? "<unset>", port["protocol"].string ?? "TCP")
            field("Port", "\(name)\t\(port["port"].plainText)/\(kind)")
            field("TargetPort", "\(port["targetPort"].plainText)/\(kind)")
            if let number = port["nodePort"].int { field("NodePort", "\(name)\t\(number)/\(kind)") }
            let ready = Self.ready(slices, port["name"].string ?? "")
            let shown = ready.prefix(Self.endpointLimit).joined(separator: ",")
            field("Endpoints", shown + (ready.count > Self.endpointLimit ? " + \(ready.count - Self.endpointLimit) more..." : ""))
        }
        field("Session Affinity", spec["sessionAffinity"].string ?? "None")
        optional("External Traffic Policy", spec["externalTrafficPolicy"])
        optional("Internal Traffic Policy", spec["internalTrafficPolicy"])
    }

    /// Those that name the Service, with what each rules, in the order in which they hold; nothing where there is none, as kubectl.
    mutating func trafficPolicies(of service: Value, _ policies: [Value]) {
        let named = policies.map { (policy: TrafficPolicy($0), value: $0) }.filter { $0.policy.targets(service.name) }
            .sorted { $0.policy.goesBefore($1.policy) }
        for (policy, value) in named {
            let ports = policy.targets.filter { $0.service == service.name }.map(\.port)
            let place = ports.contains("") ? "" : " for \(ports.joined(separator: ", "))"
            let rules = TrafficPolicy.ruleNames(of: value).joined(separator: ", ")
            let ancestors = value["status"]["ancestors"].elements.filter { $0["ancestorRef"]["name"].string == service.name }
            let obstacle = ancestors.lazy.compactMap { ancestor in
                let conditions = [Condition](conditions: ancestor["conditions"])
                return [Condition.accepted, Condition.resolvedReferences].lazy.compactMap { conditions[$0] }.first { $0.status == .isFalse }
            }.first
            field("Traffic Policy", "\(policy.meta.name)\(place): \(obstacle?.message ?? rules)")
        }
    }

    private static func ready(_ slices: [Value], _ portName: String) -> [String] {
        slices.flatMap { slice -> [String] in
            guard let port = slice["ports"].elements.first(where: { ($0["name"].string ?? "") == portName })?["port"].plainText else {
                return []
            }
            return slice["endpoints"].elements.filter { $0["conditions"]["ready"].bool != false }
                .flatMap { endpoint in endpoint["addresses"].elements.map { "\($0.plainText):\(port)" } }
        }
    }
}
