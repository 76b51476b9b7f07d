import Formats
import Resources
import Timing

/// One entry of `metadata.ownerReferences`.
package struct Owner: Hashable, Sendable {
    package var apiVersion: String
    package var kind: String
    package var name: String
    package var uid: String
    package var isController: Bool
    /// `blockOwnerDeletion`: a foreground deletion of the owner waits for this dependent.
    package var blocksDeletion: Bool

    package init(apiVersion: String, kind: String, name: String, uid: String, isController: Bool = true, blocksDeletion: Bool = true) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.name = name
        self.uid = uid
        self.isController = isController
        self.blocksDeletion = blocksDeletion
    }

    package init(_ value: Value) {
        self.init(
            apiVersion: value["apiVersion"].string ?? "", kind: value["kind"].string ?? "", name: value["name"].string ?? "",
            uid: value["uid"].string ?? "", isController: value["controller"].bool ?? false,
            blocksDeletion: value["blockOwnerDeletion"].bool ?? false)
    }

    package var value: Value {
        var out: Value = ["apiVersion": .string(apiVersion), "kind": .string(kind), "name": .string(name), "uid": .string(uid)]
        if isController { out["controller"] = true }
        if blocksDeletion { out["blockOwnerDeletion"] = true }
        return out
    }
}

/// What plans read of an object's metadata; decoded once for each change of the object.
package struct ObservedMeta: Sendable {
    package var namespace: String
    package var name: String
    package var uid: String
    package var revision: Revision
    package var generation: Int64
    package var labels: [String: String]
    package var annotations: [String: String]
    package var creation: Timestamp
    package var deletion: Timestamp?
    package var finalizers: [String]
    package var owners: [Owner]

    package init(_ object: Value) {
        let metadata = object["metadata"]
        namespace = metadata["namespace"].string ?? ""
        name = metadata["name"].string ?? ""
        uid = metadata["uid"].string ?? ""
        revision = metadata["resourceVersion"].string.flatMap { Revision($0) } ?? .zero
        generation = metadata["generation"].int ?? 0
        labels = metadata["labels"].stringMap
        annotations = metadata["annotations"].stringMap
        creation = metadata["creationTimestamp"].timestamp ?? Timestamp(nanosecondsSince1970: 0)
        deletion = metadata["deletionTimestamp"].timestamp
        finalizers = metadata["finalizers"].elements.compactMap(\.string)
        owners = metadata["ownerReferences"].elements.map(Owner.init)
    }

    package var isDeleting: Bool { deletion != nil }
    package var controller: Owner? { owners.first { $0.isController } }

    /// Its key in the store.
    package func key(_ type: ResourceType) -> ObjectKey { ObjectKey(type, namespace: namespace, name: name) }
}

extension Value {
    /// The element of a conditions list that has this type.
    package func condition(_ type: String) -> Value? { elements.first { $0["type"].string == type } }
}

extension Owner {
    /// A reference that makes `object` the controller of what bears it.
    package static func controller(_ type: ResourceType, _ meta: ObservedMeta) -> Owner {
        Owner(apiVersion: type.apiVersion, kind: type.kind, name: meta.name, uid: meta.uid)
    }
}
