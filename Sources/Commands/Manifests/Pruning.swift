import APIClient
import Formats
import Resources

/// `apply --prune`: deletes what was applied before and stands in no manifest any more.
struct Pruning {
    private let namespacedTypes: [ResourceType]
    private let otherTypes: [ResourceType]
    private let selector: LabelSelector
    private let deletion: DeleteOptions

    /// kubectl's own list, as far as Steady has the kinds. Images are not in it: a rollback may still need one.
    static let defaultTypes: [ResourceType] = [.configMaps, .namespaces, .pods, .secrets, .services, .deployments, .replicaSets]

    static let flags = [
        Flag("prune", nil, .toggle, "delete what was applied before and is in no manifest now; needs -l or --all"),
        Flag(
            "prune-allowlist", nil, .value(placeholder: "GROUP/VERSION/KIND"), repeats: true,
            "the kinds to prune (default: ConfigMap, Namespace, Pod, Secret, Service, Deployment, ReplicaSet)"),
        Flag("all", nil, .toggle, "with --prune: whatever labels it has"),
    ]

    /// Nil without `--prune`.
    init?(_ invocation: Invocation, _ deletion: DeleteOptions) throws(CommandError) {
        guard invocation.isSet("prune") else { return nil }
        if invocation.isSet("all"), invocation.isGiven("selector") { throw .usage("cannot set --all and --selector at the same time") }
        guard invocation.isSet("all") || invocation.isGiven("selector") else {
            throw .usage(
                "all resources selected for prune without explicitly passing --all. To prune all resources, pass the --all flag. "
                    + "If you did not mean to prune all resources, specify a label selector")
        }
        do { selector = try invocation.value("selector").map { try LabelSelector(query: $0) } ?? .everything } catch {
            throw .usage("--selector: \(error)")
        }
        var types: [ResourceType] = []
        for text in invocation.all("prune-allowlist") { types.append(try Self.type(text)) }
        if types.isEmpty {
            // As kubectl: whoever names a namespace means what is in it.
            types = Self.defaultTypes.filter { $0.isNamespaced || !invocation.isGiven("namespace") }
        }
        namespacedTypes = types.filter(\.isNamespaced)
        otherTypes = types.filter { !$0.isNamespaced }
        self.deletion = deletion
    }

    /// `apps/v1/Deployment`, `core/v1/ConfigMap`.
    private static func type(_ text: String) throws(CommandError) -> ResourceType {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3 else {
            throw .usage(
                "--prune-allowlist: found \"\(text)\", allowed is GROUP/VERSION/KIND, such as apps/v1/Deployment or core/v1/ConfigMap")
        }
        let group = parts[0] == "core" ? "" : parts[0]
        guard let found = ResourceType.all.first(where: { $0.group == group && $0.version == parts[1] && $0.kind == parts[2] }) else {
            throw .usage("--prune-allowlist: no kind \(parts[2]) in \(parts[0])/\(parts[1])")
        }
        return found
    }

    /// What is to go: applied before, chosen by the labels, and not among what was applied now.
    func stale(_ applied: [ObjectKey], _ api: BlockingAPI) throws(CommandError) -> [(type: ResourceType, object: Value)] {
        let kept = Set(applied)
        var out: [(type: ResourceType, object: Value)] = []
        func look(_ type: ResourceType, _ namespace: String?) throws(CommandError) {
            for object in try api.all(ListRequest(type, namespace: namespace, labelSelector: selector))
            where Self.isStale(object, type, kept) { out.append((type, object)) }
        }
        for namespace in Set(applied.filter(\.type.isNamespaced).map(\.namespace)).sorted() {
            for type in namespacedTypes { try look(type, namespace) }
        }
        for type in otherTypes { try look(type, nil) }
        return out
    }

    /// Only what `apply` made carries the record of it.
    static func isStale(_ object: Value, _ type: ResourceType, _ kept: Set<ObjectKey>) -> Bool {
        !object["metadata"]["annotations"][Manifests.lastApplied].isNull && object["metadata"]["deletionTimestamp"].isNull
            && !kept.contains(ObjectKey(type, namespace: object.namespaceName, name: object.name))
    }

    func delete(_ object: Value, _ type: ResourceType, _ api: BlockingAPI, _ dryRun: DryRun) throws(CommandError) {
        var options = deletion
        options.isDryRun = dryRun.isOn
        do throws(StatusError) {
            _ = try api.perform(.delete(ObjectKey(type, namespace: object.namespaceName, name: object.name), options))
        } catch {
            if error.code != 404 { throw CommandError(error) }
        }
    }
}
