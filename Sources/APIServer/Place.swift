import Resources

/// What a path names, before method and parameters are looked at.
package enum Place: Hashable, Sendable {
    /// All objects of a kind, in one namespace or (nil) everywhere.
    case collection(ServedType, namespace: String?)
    case object(ServedType, namespace: String, name: String, subresource: ResourceType.Subresource?)
    /// Something that is answered and forgotten: `selfsubjectaccessreviews`.
    case review(Review)
    /// How a pod stands at the agent of its node: `/machines/NAMESPACE/POD`.
    case machine(ObjectKey)
    case document(Document)

    /// Nil: no such path. A trailing slash is the same place: Python's client sends it.
    package init?(path: String) {
        guard path.utf8.first == UInt8(ascii: "/") else { return nil }
        let segments = Self.segments(path)
        switch segments.first {
        case nil: self = .document(.paths)
        case "api":
            guard segments.count > 1 else {
                self = .document(.coreVersions)
                return
            }
            guard segments[1] == "v1" else { return nil }
            self.init(group: "", version: "v1", segments.dropFirst(2))
        case "apis":
            guard segments.count > 1 else {
                self = .document(.groups)
                return
            }
            guard Discovery.versions(of: segments[1]) != [] else { return nil }
            guard segments.count > 2 else {
                self = .document(.group(segments[1]))
                return
            }
            self.init(group: segments[1], version: segments[2], segments.dropFirst(3))
        case "openapi":
            switch segments.dropFirst().first {
            case "v2" where segments.count == 2: self = .document(.openAPIv2)
            case "v3" where segments.count == 2: self = .document(.openAPIv3Index)
            case "v3":
                let path = segments.dropFirst(2).joined(separator: "/")
                guard OpenAPI.paths.contains(path) else { return nil }
                self = .document(.openAPIv3(path: path))
            default: return nil
            }
        case "version" where segments.count == 1: self = .document(.version)
        case "metrics" where segments.count == 1: self = .document(.metrics)
        case "decisions" where segments.count == 1: self = .document(.decisions)
        case "machines" where segments.count == 3: self = .machine(ObjectKey(.pods, namespace: segments[1], name: segments[2]))
        case "snapshot" where segments.count == 1: self = .document(.snapshot)
        case "healthz", "livez", "readyz":
            guard let health = Health(segments) else { return nil }
            self = .document(.health(health))
        default: return nil
        }
    }

    /// What stands between the slashes; nothing for two in a row.
    private static func segments(_ path: String) -> [String] {
        var path = path
        return path.withUTF8 { bytes in
            var segments: [String] = []
            segments.reserveCapacity(8)
            var start = 0
            for at in 0...bytes.count where at == bytes.count || bytes[at] == UInt8(ascii: "/") {
                if at > start { segments.append(String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<at]), as: UTF8.self)) }
                start = at + 1
            }
            return segments
        }
    }

    private init?(group: String, version: String, _ rest: ArraySlice<String>) {
        let rest = Array(rest)
        guard let first = rest.first else {
            guard Discovery.groupVersions.contains(where: { $0.group == group && $0.version == version }) else { return nil }
            self = .document(.resources(group: group, version: version))
            return
        }
        if let review = Review(group: group, version: version, plural: first), rest.count == 1 {
            self = .review(review)
            return
        }
        // `namespaces/x` and `namespaces/x/status` are the namespace; `namespaces/x/pods` is inside of it.
        let isNamespaceItself = group.isEmpty && first == "namespaces" && (rest.count < 3 || ["status", "finalize"].contains(rest[2]))
        if first == "namespaces", !isNamespaceItself {
            guard rest.count >= 3, rest.count <= 5, let type = ServedType(group: group, version: version, plural: rest[2]),
                type.wire.isNamespaced
            else { return nil }
            self.init(type, namespace: rest[1], rest.dropFirst(3))
        } else {
            guard rest.count <= 3, let type = ServedType(group: group, version: version, plural: first) else { return nil }
            if type.wire.isNamespaced {
                guard rest.count == 1 else { return nil }
                self = .collection(type, namespace: nil)
            } else {
                self.init(type, namespace: nil, rest.dropFirst())
            }
        }
    }

    /// What follows the plural: nothing, a name, or a name and a subresource.
    private init?(_ type: ServedType, namespace: String?, _ rest: ArraySlice<String>) {
        guard let name = rest.first else {
            self = .collection(type, namespace: namespace)
            return
        }
        var subresource: ResourceType.Subresource?
        if let word = rest.dropFirst().first {
            guard let known = ResourceType.Subresource(rawValue: word), type.wire.subresources.contains(known) else { return nil }
            subresource = known
        }
        self = .object(type, namespace: namespace ?? "", name: name, subresource: subresource)
    }
}

/// Answers that are no objects of the store.
package enum Document: Hashable, Sendable {
    case paths
    case coreVersions
    case groups
    case group(String)
    case resources(group: String, version: String)
    case openAPIv2
    case openAPIv3Index
    /// `apis/apps/v1`.
    case openAPIv3(path: String)
    case version
    case metrics
    /// Why things were decided: `/decisions?kind=Pod&namespace=default&name=web-1`.
    case decisions
    /// The whole state, for keeping.
    case snapshot
    case health(Health)
}

/// A kind as it is asked for and as it is stored: the same, but for `events.k8s.io`, which shows the core events in other words, and Endpoints,
/// which are made from slices.
package struct ServedType: Hashable, Sendable {
    package var wire: ResourceType
    package var stored: ResourceType

    package init(_ type: ResourceType) {
        wire = type
        stored = type
    }

    /// Kinds that nobody stores under their own name.
    private static let views: [(wire: ResourceType, stored: ResourceType)] = [
        (Discovery.newerEvents, .events), (ServiceEndpoints.type, .endpointSlices),
    ]

    package init?(group: String, version: String, plural: String) {
        if let type = ResourceType.named(group: group, version: version, plural: plural) {
            wire = type
            stored = type
        } else if let view = Self.views.first(where: { $0.wire.group == group && $0.wire.version == version && $0.wire.plural == plural }) {
            wire = view.wire
            stored = view.stored
        } else {
            return nil
        }
    }

    /// The kind whose columns its tables have.
    var printed: ResourceType { isDerived ? wire : stored }
    /// Made from other objects at each reading: nothing but a reading is served.
    var isDerived: Bool { wire == ServiceEndpoints.type }
}
