/// One kind that the API serves: its names, where it lives and what may be done with it.
///
/// This table is the only list of kinds: discovery, routing, storage keys and the CLI are made from it. To add a kind, add a row here, a schema
/// (`Schema`), and, where it should print more than name and age, a row printer.
///
/// Every key, request and event carries one, so it is a single reference.
package struct ResourceType: Hashable, Sendable {
    private final class Definition: Sendable {
        let group: String
        let version: String
        let kind: String
        let plural: String
        let singular: String
        let shortNames: [String]
        let isNamespaced: Bool
        let subresources: [Subresource]
        let categories: [String]
        let isDurable: Bool

        init(
            group: String, version: String, kind: String, plural: String, shortNames: [String], isNamespaced: Bool,
            subresources: [Subresource], categories: [String], isDurable: Bool
        ) {
            self.group = group
            self.version = version
            self.kind = kind
            self.plural = plural
            self.singular = kind.lowercased()
            self.shortNames = shortNames
            self.isNamespaced = isNamespaced
            self.subresources = subresources
            self.categories = categories
            self.isDurable = isDurable
        }
    }

    private let definition: Definition

    /// `""` for the core group.
    package var group: String { definition.group }
    package var version: String { definition.version }
    package var kind: String { definition.kind }
    /// Lower-case plural, as in URLs and storage keys: `deployments`.
    package var plural: String { definition.plural }
    package var singular: String { definition.singular }
    package var shortNames: [String] { definition.shortNames }
    package var isNamespaced: Bool { definition.isNamespaced }
    /// In the order in which discovery lists them.
    package var subresources: [Subresource] { definition.subresources }
    /// `["all"]` puts it into `kubectl get all`.
    package var categories: [String] { definition.categories }
    /// Whether its commits are journalled; what lives in memory only is gone after a restart and is written anew by its owner.
    package var isDurable: Bool { definition.isDurable }

    /// A part of an object with a path of its own.
    package enum Subresource: String, Sendable, Hashable {
        case status, scale, log, eviction, binding
        /// Steady's own: leave to restart a pod's container in place, which a budget may refuse.
        case restart
    }

    package init(
        _ group: String, _ version: String, _ kind: String, _ plural: String, short: [String] = [], namespaced: Bool = true,
        subresources: [Subresource] = [], categories: [String] = [], durable: Bool = true
    ) {
        definition = Definition(
            group: group, version: version, kind: kind, plural: plural, shortNames: short, isNamespaced: namespaced,
            subresources: subresources, categories: categories, isDurable: durable)
    }

    package static func == (a: ResourceType, b: ResourceType) -> Bool {
        a.definition === b.definition
            || a.plural == b.plural && a.group == b.group && a.version == b.version && a.kind == b.kind
                && a.isNamespaced == b.isNamespaced && a.isDurable == b.isDurable && a.shortNames == b.shortNames
                && a.subresources == b.subresources && a.categories == b.categories
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(plural) }

    /// Whether both name one kind, whatever the version.
    package func isKind(of other: ResourceType) -> Bool {
        definition === other.definition || plural == other.plural && group == other.group
    }

    /// `v1`, `apps/v1`.
    package var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }
    /// `pods`, `deployments.apps`: how Kubernetes names it in messages.
    package var qualifiedName: String { group.isEmpty ? plural : "\(plural).\(group)" }

    package static let pods = ResourceType(
        "", "v1", "Pod", "pods", short: ["po"], subresources: [.log, .eviction, .restart, .status], categories: ["all"])
    package static let services = ResourceType(
        "", "v1", "Service", "services", short: ["svc"], subresources: [.status], categories: ["all"])
    package static let configMaps = ResourceType("", "v1", "ConfigMap", "configmaps", short: ["cm"])
    package static let secrets = ResourceType("", "v1", "Secret", "secrets")
    package static let namespaces = ResourceType(
        "", "v1", "Namespace", "namespaces", short: ["ns"], namespaced: false, subresources: [.status])
    package static let nodes = ResourceType("", "v1", "Node", "nodes", short: ["no"], namespaced: false, subresources: [.status])
    package static let events = ResourceType("", "v1", "Event", "events", short: ["ev"])
    package static let deployments = ResourceType(
        "apps", "v1", "Deployment", "deployments", short: ["deploy"], subresources: [.status, .scale], categories: ["all"])
    package static let replicaSets = ResourceType(
        "apps", "v1", "ReplicaSet", "replicasets", short: ["rs"], subresources: [.status, .scale], categories: ["all"])
    package static let endpointSlices = ResourceType("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices")
    package static let disruptionBudgets = ResourceType(
        "policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", short: ["pdb"], subresources: [.status])
    package static let leases = ResourceType("coordination.k8s.io", "v1", "Lease", "leases", durable: false)
    package static let images = ResourceType("steady.dev", "v1", "Image", "images", short: ["img"], namespaced: false)
    package static let trafficPolicies = ResourceType(
        "steady.dev", "v1", "TrafficPolicy", "trafficpolicies", short: ["tp"], subresources: [.status])
    package static let proxyStatuses = ResourceType("steady.dev", "v1", "ProxyStatus", "proxystatuses", namespaced: false, durable: false)
    /// The answer of `deployments/scale`: a view, which is not stored and not among `all`.
    package static let scales = ResourceType("autoscaling", "v1", "Scale", "scales")

    /// Made from EndpointSlices when they are read or listed: neither stored nor among `all`.
    package static let endpoints = ResourceType("", "v1", "Endpoints", "endpoints", short: ["ep"])

    /// Every kind, in the order of discovery (and so of `kubectl get all`).
    package static let all: [ResourceType] = [
        .pods, .services, .configMaps, .secrets, .namespaces, .nodes, .events, .deployments, .replicaSets, .endpointSlices, .leases,
        .disruptionBudgets, .images, .trafficPolicies, .proxyStatuses,
    ]

    /// By URL: group, version and plural.
    package static func named(group: String, version: String, plural: String) -> ResourceType? {
        all.first { $0.plural == plural && $0.group == group && $0.version == version }
    }

    /// By what a manifest says.
    package static func of(apiVersion: String, kind: String) -> ResourceType? {
        all.first { $0.kind == kind && $0.apiVersion == apiVersion }
    }
}

/// The name of one stored object. Cluster-scoped kinds have the empty namespace.
package struct ObjectKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    package var type: ResourceType
    package var namespace: String
    package var name: String

    package init(_ type: ResourceType, namespace: String = "", name: String) {
        self.type = type
        self.namespace = type.isNamespaced ? namespace : ""
        self.name = name
    }

    package static func == (a: ObjectKey, b: ObjectKey) -> Bool {
        a.name == b.name && a.namespace == b.namespace && a.type.isKind(of: b.type)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(namespace)
        hasher.combine(type.plural)
    }

    /// By kind, then namespace, then name: the order of lists.
    package static func < (a: ObjectKey, b: ObjectKey) -> Bool {
        (a.type.plural, a.namespace, a.name) < (b.type.plural, b.namespace, b.name)
    }

    package var description: String { namespace.isEmpty ? "\(type.plural)/\(name)" : "\(type.plural)/\(namespace)/\(name)" }
}
