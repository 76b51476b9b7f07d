import Formats
import Resources

/// One state of one object: the tree, the revision that wrote it (also in its `metadata.resourceVersion`), and, where they were made anyway,
/// its bytes.
///
/// Trees are copied on write, so states share what they have in common and a state costs little more than what changed.
struct StoredObject: Sendable {
    var value: Value
    var revision: Revision
}

/// Where an object is stored: the kind's row number in `ResourceType.all`, and its name. Smaller and quicker to hash than an `ObjectKey`.
struct Slot: Hashable, Sendable, Comparable {
    var kind: Int
    var namespace: String
    var name: String

    init(kind: Int, namespace: String, name: String) {
        self.kind = kind
        self.namespace = namespace
        self.name = name
    }

    init(_ key: ObjectKey) { self.init(kind: key.type.row, namespace: key.namespace, name: key.name) }

    var type: ResourceType { ResourceType.all[kind] }
    var key: ObjectKey { ObjectKey(type, namespace: namespace, name: name) }

    static func < (a: Slot, b: Slot) -> Bool { (a.kind, a.namespace, a.name) < (b.kind, b.namespace, b.name) }
}

extension ResourceType {
    /// The kind's row in `ResourceType.all`. Only kinds of that table are ever stored.
    var row: Int {
        guard let row = ResourceType.all.firstIndex(where: isKind) else {
            preconditionFailure("\(qualifiedName) is not in ResourceType.all")
        }
        return row
    }
}
