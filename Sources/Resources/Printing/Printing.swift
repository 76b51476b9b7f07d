import Formats
import Timing

/// What `get` shows of each kind: the columns and cells of Kubernetes' server-side tables.
package enum Printing {
    /// One column of a Table, as `meta.k8s.io/v1` defines it.
    package struct Column: Hashable, Sendable {
        package var name: String
        /// `string` or `integer`.
        package var type: String
        /// `name` for the first column.
        package var format: String
        /// 0: always shown; 1: with `-o wide`.
        package var priority: Int

        init(_ name: String, _ type: String = "string", format: String = "", wide: Bool = false) {
            self.name = name
            self.type = type
            self.format = format
            priority = wide ? 1 : 0
        }
    }

    /// The columns of a kind, in order; as many as `cells` has.
    package static func columns(_ type: ResourceType) -> [Column] { type == .events ? eventColumns : [name] + own(type) }

    private static let name = Column("Name", format: "name")
    private static let age = Column("Age")
    private static let wideTemplate = [Column("Containers", wide: true), Column("Images", wide: true), Column("Selector", wide: true)]

    private static func own(_ type: ResourceType) -> [Column] {
        switch (type.group, type.plural) {
        case ("", "pods"):
            [
                Column("Ready"), Column("Status"), Column("Restarts"), age, Column("IP", wide: true), Column("Node", wide: true),
                Column("Nominated Node", wide: true), Column("Readiness Gates", wide: true),
            ]
        case ("apps", "deployments"):
            [Column("Ready"), Column("Up-to-date", "integer"), Column("Available", "integer"), age] + wideTemplate
        case ("apps", "replicasets"):
            [Column("Desired", "integer"), Column("Current", "integer"), Column("Ready", "integer"), age] + wideTemplate
        case ("autoscaling", "scales"): [Column("Desired", "integer"), Column("Available", "integer"), age]
        case ("", "services"):
            [Column("Type"), Column("Cluster-IP"), Column("External-IP"), Column("Port(s)"), age, Column("Selector", wide: true)]
        case ("discovery.k8s.io", "endpointslices"): [Column("AddressType"), Column("Ports"), Column("Endpoints"), age]
        case ("", "endpoints"): [Column("Endpoints"), age]
        case ("", "nodes"):
            [
                Column("Status"), Column("Roles"), age, Column("Version"), Column("Internal-IP", wide: true),
                Column("External-IP", wide: true),
                Column("OS-Image", wide: true), Column("Kernel-Version", wide: true), Column("Container-Runtime", wide: true),
            ]
        case ("", "namespaces"): [Column("Status"), age]
        case ("", "configmaps"): [Column("Data", "integer"), age]
        case ("", "secrets"): [Column("Type"), Column("Data", "integer"), age]
        case ("coordination.k8s.io", "leases"): [Column("Holder"), age]
        case ("policy", "poddisruptionbudgets"):
            [Column("Min Available"), Column("Max Unavailable"), Column("Allowed Disruptions", "integer"), age]
        case ("steady.dev", "images"): [Column("Reference"), Column("Command"), age, Column("Working-Dir", wide: true)]
        case ("steady.dev", "trafficpolicies"): [Column("Targets"), Column("Rules"), Column("Status"), age]
        case ("steady.dev", "proxystatuses"): [Column("Route-Revision"), Column("Draining", "integer"), age]
        default: [age]
        }
    }

    /// Events begin with when and end with their name.
    private static let eventColumns = [
        Column("Last Seen"), Column("Type"), Column("Reason"), Column("Object"), Column("Subobject", wide: true),
        Column("Source", wide: true),
        Column("Message"), Column("First Seen", wide: true), Column("Count", wide: true), Column("Name", format: "name", wide: true),
    ]

    /// One row.
    package static func cells(_ value: Value, _ type: ResourceType, now: Timestamp) -> [Value] {
        let metadata = value["metadata"]
        let name = metadata["name"].string ?? ""
        let age = HumanDuration.age(metadata["creationTimestamp"].timestamp, now: now)
        switch (type.group, type.plural) {
        case ("", "pods"): return [.string(name)] + PodPrinting.cells(Pod(value), age: age, now: now)
        case ("apps", "deployments"):
            let deployment = Deployment(value)
            return [
                .string(name), "\(deployment.status.readyReplicas)/\(deployment.replicas)", .int(Int64(deployment.status.updatedReplicas)),
                .int(Int64(deployment.status.availableReplicas)), .string(age),
            ] + template(deployment.template, deployment.selector)
        case ("apps", "replicasets"):
            let set = ReplicaSet(value)
            return [
                .string(name), .int(Int64(set.replicas)), .int(Int64(set.status.replicas)), .int(Int64(set.status.readyReplicas)),
                .string(age),
            ] + template(set.template, set.selector)
        case ("autoscaling", "scales"):
            return [.string(name), .int(value["spec"]["replicas"].int ?? 0), .int(value["status"]["replicas"].int ?? 0), .string(age)]
        case ("", "services"): return [.string(name)] + ServicePrinting.cells(Service(value), age: age)
        case ("discovery.k8s.io", "endpointslices"): return [.string(name)] + ServicePrinting.cells(EndpointSlice(value), age: age)
        case ("", "endpoints"): return [.string(name), .string(ServicePrinting.addresses(ofEndpoints: value)), .string(age)]
        case ("", "nodes"): return [.string(name)] + ClusterPrinting.cells(Node(value), age: age)
        case ("", "events"): return ClusterPrinting.cells(Event(value), now: now)
        case ("", "namespaces"): return [.string(name), .string(Namespace(value).phase), .string(age)]
        case ("", "configmaps"): return [.string(name), .int(memberCount(value["data"]) + memberCount(value["binaryData"])), .string(age)]
        case ("", "secrets"):
            return [.string(name), .string(value["type"].string ?? "Opaque"), .int(memberCount(value["data"])), .string(age)]
        case ("policy", "poddisruptionbudgets"):
            let budget = DisruptionBudget(value)
            let bounds = [budget.minAvailable, budget.maxUnavailable].map { Value.string($0?.description ?? "N/A") }
            return [.string(name)] + bounds + [.int(Int64(budget.status.disruptionsAllowed)), .string(age)]
        case ("coordination.k8s.io", "leases"): return [.string(name), .string(value["spec"]["holderIdentity"].string ?? ""), .string(age)]
        case ("steady.dev", "images"):
            let image = Image(value)
            return [
                .string(name), .string(image.reference), .string((image.command + image.args).joined(separator: " ")), .string(age),
                .string(orNone(image.workingDir)),
            ]
        case ("steady.dev", "trafficpolicies"):
            let policy = TrafficPolicy(value)
            let conditions = [Condition](conditions: value["status"]["conditions"])
            let refused = [Condition.accepted, Condition.resolvedReferences].compactMap { conditions[$0] }.first { $0.status == .isFalse }
            return [
                .string(name), .string(policy.targets.map(\.description).joined(separator: ",")),
                .string(orNone(TrafficPolicy.ruleNames(of: value).joined(separator: ","))),
                .string((refused ?? conditions[Condition.accepted])?.reason ?? "Pending"),
                .string(age),
            ]
        case ("steady.dev", "proxystatuses"):
            let status = ProxyStatus(value)
            return [
                .string(name), .string(status.routeRevision.description), .int(Int64(status.activeExchanges.values.reduce(0, +))),
                .string(age),
            ]
        default: return [.string(name), .string(age)]
        }
    }

    private static func memberCount(_ value: Value) -> Int64 { Int64(value.object?.count ?? 0) }

    private static func template(_ template: PodTemplate, _ selector: LabelSelector) -> [Value] {
        [
            .string(template.spec.containers.map(\.name).joined(separator: ",")),
            .string(template.spec.containers.map(\.image).joined(separator: ",")), .string(orNone(selector.query)),
        ]
    }

    static func orNone(_ text: String) -> String { text.isEmpty ? "<none>" : text }
}
