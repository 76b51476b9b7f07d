import Formats
import Resources

/// The documents by which clients learn what is served, made from `ResourceType.all` once.
///
/// The shapes are Kubernetes': `apidiscovery.k8s.io` for kubectl, the legacy lists for clients that ask without naming it.
package enum Discovery {
    /// One version of one API group, as discovery lists it.
    package struct GroupVersion: Hashable, Sendable {
        package var group: String
        package var version: String
        /// `v1`, `apps/v1`.
        package var text: String { group.isEmpty ? version : "\(group)/\(version)" }
    }

    /// `events.k8s.io/v1`: the newer vocabulary for the same stored events.
    package static let newerEvents = ResourceType("events.k8s.io", "v1", "Event", "events", short: ["ev"])

    /// Every group and version, the core first; core events come before `events.k8s.io`, so that `kubectl get events` means the former.
    package static let groupVersions: [GroupVersion] = {
        var found: [GroupVersion] = []
        for type in types + Review.allCases.map(\.type) {
            let groupVersion = GroupVersion(group: type.group, version: type.version)
            if !found.contains(groupVersion) { found.append(groupVersion) }
        }
        return found
    }()

    package static let types: [ResourceType] = ResourceType.all + [ServiceEndpoints.type, newerEvents]

    /// The versions of a group that are served.
    package static func versions(of group: String) -> [String] { groupVersions.filter { $0.group == group }.map(\.version) }

    /// What may be done with objects, in the order of Kubernetes' own lists.
    private static func verbs(of type: ResourceType) -> Value {
        type == ServiceEndpoints.type
            ? ["get", "list"] : ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
    }

    // MARK: Aggregated

    /// `/api` (core) or `/apis` (the rest) as one document.
    package static func aggregated(core: Bool, version: String) -> Value {
        var items: [Value] = []
        for group in groups where group.isEmpty == core {
            let versions = versions(of: group).map { version -> Value in
                [
                    "version": .string(version), "freshness": "Current",
                    "resources": .array(aggregatedResources(group: group, version: version)),
                ]
            }
            items.append(["metadata": group.isEmpty ? [:] : ["name": .string(group)], "versions": .array(versions)])
        }
        return [
            "kind": "APIGroupDiscoveryList", "apiVersion": .string("apidiscovery.k8s.io/\(version)"), "metadata": [:],
            "items": .array(items),
        ]
    }

    private static func aggregatedResources(group: String, version: String) -> [Value] {
        var out: [Value] = types.filter { $0.group == group && $0.version == version }.map { type in
            var resource = aggregatedHead(type, verbs: verbs(of: type))
            if !type.shortNames.isEmpty { resource["shortNames"] = .array(type.shortNames.map { .string($0) }) }
            if !type.categories.isEmpty { resource["categories"] = .array(type.categories.map { .string($0) }) }
            let below = type.subresources.map { sub -> Value in
                let kind = responseKind(sub, of: type)
                return [
                    "subresource": .string(sub.rawValue),
                    "responseKind": ["group": .string(kind.group), "version": .string(kind.version), "kind": .string(kind.kind)],
                    "verbs": verbs(of: sub),
                ]
            }
            if !below.isEmpty { resource["subresources"] = .array(below) }
            return resource
        }
        for review in Review.allCases where review.type.group == group && review.type.version == version {
            out.append(aggregatedHead(review.type, verbs: ["create"]))
        }
        return out
    }

    private static func aggregatedHead(_ type: ResourceType, verbs: Value) -> Value {
        [
            "resource": .string(type.plural),
            "responseKind": ["group": .string(type.group), "version": .string(type.version), "kind": .string(type.kind)],
            "scope": type.isNamespaced ? "Namespaced" : "Cluster", "singularResource": .string(type.singular), "verbs": verbs,
        ]
    }

    // MARK: Legacy

    package static var coreVersions: Value {
        ["kind": "APIVersions", "versions": .array(versions(of: "").map { .string($0) }), "serverAddressByClientCIDRs": []]
    }

    package static var groupList: Value {
        [
            "kind": "APIGroupList", "apiVersion": "v1",
            "groups": .array(groups.filter { !$0.isEmpty }.map { groupBody($0) }),
        ]
    }

    /// The document at `/apis/GROUP`.
    package static func group(_ name: String) -> Value {
        var body: Value = ["kind": "APIGroup", "apiVersion": "v1"]
        if case .object(let members) = groupBody(name) { for (key, value) in members { body[key] = value } }
        return body
    }

    private static func groupBody(_ name: String) -> Value {
        let versions = versions(of: name).map { version -> Value in
            ["groupVersion": .string(GroupVersion(group: name, version: version).text), "version": .string(version)]
        }
        return ["name": .string(name), "versions": .array(versions), "preferredVersion": versions.first ?? .null]
    }

    /// The document at `/apis/GROUP/VERSION`.
    package static func resourceList(group: String, version: String) -> Value {
        var out: [Value] = []
        for type in types where type.group == group && type.version == version {
            var entry = legacyEntry(type, verbs: verbs(of: type))
            if !type.shortNames.isEmpty { entry["shortNames"] = .array(type.shortNames.map { .string($0) }) }
            if !type.categories.isEmpty { entry["categories"] = .array(type.categories.map { .string($0) }) }
            out.append(entry)
            for sub in type.subresources {
                let kind = responseKind(sub, of: type)
                var below: Value = [
                    "name": .string("\(type.plural)/\(sub.rawValue)"), "singularName": "", "namespaced": .bool(type.isNamespaced),
                    "kind": .string(kind.kind), "verbs": verbs(of: sub),
                ]
                // Group and version are given only where they differ from the list's own.
                if kind.group != group || kind.version != version {
                    below["group"] = .string(kind.group)
                    below["version"] = .string(kind.version)
                }
                out.append(below)
            }
        }
        for review in Review.allCases where review.type.group == group && review.type.version == version {
            out.append(legacyEntry(review.type, verbs: ["create"]))
        }
        return [
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": .string(GroupVersion(group: group, version: version).text),
            "resources": .array(out),
        ]
    }

    private static func legacyEntry(_ type: ResourceType, verbs: Value) -> Value {
        [
            "name": .string(type.plural), "singularName": .string(type.singular), "namespaced": .bool(type.isNamespaced),
            "kind": .string(type.kind), "verbs": verbs,
        ]
    }

    // MARK: Parts

    private static var groups: [String] {
        var names: [String] = []
        for groupVersion in groupVersions where !names.contains(groupVersion.group) { names.append(groupVersion.group) }
        return names
    }

    /// What a subresource answers with: `kubectl scale` looks for autoscaling/v1 Scale, `kubectl drain` for policy/v1 Eviction.
    private static func responseKind(
        _ sub: ResourceType.Subresource, of type: ResourceType
    ) -> (group: String, version: String, kind: String) {
        switch sub {
        case .status, .log, .restart: (type.group, type.version, type.kind)
        case .scale: ("autoscaling", "v1", "Scale")
        case .eviction: ("policy", "v1", "Eviction")
        case .binding: ("", "v1", "Binding")
        }
    }

    private static func verbs(of sub: ResourceType.Subresource) -> Value {
        switch sub {
        case .status, .scale: ["get", "patch", "update"]
        case .log: ["get"]
        case .eviction, .restart, .binding: ["create"]
        }
    }
}
