import APIClient
import Formats
import Resources

/// The objects that a command line names: `pods`, `deploy/web`, `deploy web api`, `pods,services -l app=web`.
struct Targets {
    var types: [ResourceType]
    /// Named objects, in the order of naming; empty: all of the types.
    var keys: [ObjectKey]
    var namespace: String?
    var selector: LabelSelector
    var fieldSelector: FieldSelector

    /// - Parameter words: what the command line has, less what is not about targets.
    init(_ words: [String], _ invocation: Invocation) throws(CommandError) {
        let isEverywhere = invocation.isSet("all-namespaces")
        namespace = isEverywhere ? nil : invocation.namespace
        keys = []
        types = []
        do {
            selector = try invocation.value("selector").map { try LabelSelector(query: $0) } ?? .everything
        } catch {
            throw .usage("--selector: \(error)")
        }
        fieldSelector = .everything
        if invocation.isGiven("filename") {
            guard words.isEmpty else {
                throw .usage("found \(words.joined(separator: " ")) beside -f: name objects, or a manifest of them")
            }
            for manifest in try Manifests.selected(try Manifests.named(invocation), invocation) {
                keys.append(manifest.key)
                if !types.contains(manifest.type) { types.append(manifest.type) }
            }
            return
        }
        guard let first = words.first else { throw .usage("name what: a kind (pods), or kind and name (pods/web, deployment web)") }
        if first.contains("/") {
            for word in words {
                let parts = word.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
                guard parts.count == 2, !parts[1].isEmpty else { throw .usage("found \"\(word)\", allowed is KIND/NAME") }
                let type = try Self.type(parts[0])
                keys.append(ObjectKey(type, namespace: invocation.namespace, name: parts[1]))
                if !types.contains(type) { types.append(type) }
            }
        } else {
            types = try Self.types(first)
            for name in words.dropFirst() {
                guard types.count == 1 else { throw .usage("several kinds and a name cannot go together; write KIND/NAME") }
                keys.append(ObjectKey(types[0], namespace: invocation.namespace, name: name))
            }
        }
        if !keys.isEmpty, isEverywhere { throw .usage("a name cannot be looked for in all namespaces; name one with -n") }
        if let text = invocation.value("field-selector") {
            do { fieldSelector = try FieldSelector(query: text, for: types[0]) } catch { throw .usage("--field-selector: \(error)") }
        }
    }

    /// A kind alone means all its objects only where that is said.
    func requireChoice(_ invocation: Invocation) throws(CommandError) {
        guard keys.isEmpty else { return }
        guard ["all", "selector", "field-selector"].contains(where: { $0 == "all" ? invocation.isSet($0) : invocation.isGiven($0) }) else {
            throw .usage("which ones? name them, choose by -l QUERY, or say --all")
        }
    }

    func list(_ type: ResourceType) -> ListRequest {
        ListRequest(type, namespace: namespace, labelSelector: selector, fieldSelector: fieldSelector)
    }

    /// Every object that is meant, by kind.
    func fetch(_ api: BlockingAPI) throws(CommandError) -> [(type: ResourceType, object: Value)] {
        var out: [(type: ResourceType, object: Value)] = []
        if keys.isEmpty {
            for type in types { out += try api.all(list(type)).map { (type: type, object: $0) } }
        } else {
            for key in keys { out.append((type: key.type, object: try api.ask(.get(key)).object)) }
        }
        return out
    }

    /// `pods,svc`, `all`.
    static func types(_ text: String) throws(CommandError) -> [ResourceType] {
        if text == "all" { return ResourceType.all.filter { $0.categories.contains("all") } }
        var out: [ResourceType] = []
        for word in text.split(separator: ",") { out.append(try type(String(word))) }
        return out
    }

    /// `po`, `pod`, `pods`, `Pod`, `deployments.apps`.
    static func type(_ word: String) throws(CommandError) -> ResourceType {
        let name = word.lowercased()
        func matches(_ type: ResourceType) -> Bool {
            let names = [type.plural, type.singular] + type.shortNames
            return names.contains(name) || names.contains { "\($0).\(type.group)" == name || "\($0).\(type.version).\(type.group)" == name }
        }
        if let found = (ResourceType.all + [.endpoints]).first(where: matches) { return found }
        let near = nearest(name, among: ResourceType.all.flatMap { [$0.plural, $0.singular] + $0.shortNames })
        throw CommandError("the server doesn't have a resource type \"\(word)\"" + (near.map { "; did you mean \"\($0)\"?" } ?? ""))
    }
}

extension ResourceType {
    /// `deployment.apps/web`, `pod/x`: how kubectl names an object.
    func shown(_ name: String) -> String { group.isEmpty ? "\(singular)/\(name)" : "\(singular).\(group)/\(name)" }
}

extension Value {
    var name: String { self["metadata"]["name"].string ?? "" }
    var namespaceName: String { self["metadata"]["namespace"].string ?? "" }
}
