import Formats
import Resources

/// All objects of one kind at the tip, found by namespace and name, and for Pods by the node they are bound to.
struct KindTable: Sendable {
    private(set) var namespaces: [String: [String: StoredObject]] = [:]
    /// Pods only: node name to the pods bound to it.
    private var byNode: [String: Set<Place>] = [:]
    private let isIndexedByNode: Bool

    struct Place: Hashable, Sendable {
        var namespace: String
        var name: String
    }

    init(kind: Int) { isIndexedByNode = ResourceType.all[kind].plural == ResourceType.pods.plural }

    subscript(namespace: String, name: String) -> StoredObject? { namespaces[namespace]?[name] }

    /// Puts a state in the place of another (nil: there is none) and keeps the index.
    mutating func replace(_ namespace: String, _ name: String, with object: StoredObject?) {
        if isIndexedByNode {
            let before = namespaces[namespace]?[name].map { $0.value.nodeName } ?? ""
            let after = object.map { $0.value.nodeName } ?? ""
            if before != after {
                let place = Place(namespace: namespace, name: name)
                if !before.isEmpty {
                    byNode[before]?.remove(place)
                    if byNode[before]?.isEmpty == true { byNode[before] = nil }
                }
                if !after.isEmpty { byNode[after, default: []].insert(place) }
            }
        }
        if let object {
            namespaces[namespace, default: [:]][name] = object
        } else {
            namespaces[namespace]?[name] = nil
            if namespaces[namespace]?.isEmpty == true { namespaces[namespace] = nil }
        }
    }

    /// The places that can hold what a list asks for; unsorted. Costs what is found, not what is stored.
    func places(matching list: ListRequest) -> [Place] {
        let equal = list.fieldSelector.terms.filter(\.isEqual)
        if let name = equal.first(where: { $0.path == ["metadata", "name"] })?.value {
            if let namespace = list.namespace { return [Place(namespace: namespace, name: name)] }
            return namespaces.keys.map { Place(namespace: $0, name: name) }
        }
        if isIndexedByNode, let node = equal.first(where: { $0.path == ["spec", "nodeName"] })?.value, !node.isEmpty {
            return Array(byNode[node] ?? [])
        }
        if let namespace = list.namespace { return (namespaces[namespace] ?? [:]).keys.map { Place(namespace: namespace, name: $0) } }
        return namespaces.flatMap { namespace, objects in objects.keys.map { Place(namespace: namespace, name: $0) } }
    }

    /// Every object with where it is; unsorted.
    func forEach(_ body: (_ namespace: String, _ name: String, StoredObject) -> Void) {
        for (namespace, objects) in namespaces {
            for (name, object) in objects { body(namespace, name, object) }
        }
    }

    func isEmpty(namespace: String) -> Bool { namespaces[namespace] == nil }
    var count: Int { namespaces.values.reduce(0) { $0 + $1.count } }
}

extension Value {
    /// A pod's `spec.nodeName`, empty when it is not bound.
    var nodeName: String { self["spec"]["nodeName"].string ?? "" }
}
