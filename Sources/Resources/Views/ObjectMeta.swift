import Formats
import Timing

/// What every object bears: its names, its owner, its life.
package struct ObjectMeta: Hashable, Sendable {
    package var name: String
    package var namespace: String
    package var uid: String
    package var resourceVersion: Revision
    package var generation: Int64
    package var labels: [String: String]
    package var annotations: [String: String]
    package var creationTimestamp: Timestamp?
    /// Set from the moment its deletion was asked for; for pods it already contains the grace period, as in Kubernetes.
    package var deletionTimestamp: Timestamp?
    package var deletionGracePeriodSeconds: Int64?
    package var finalizers: [String]
    package var ownerReferences: [OwnerReference]

    /// Reads the member `metadata` of an object.
    package init(of object: Value) { self.init(object["metadata"]) }

    /// Reads a `metadata` value.
    package init(_ metadata: Value) {
        name = metadata["name"].string ?? ""
        namespace = metadata["namespace"].string ?? ""
        uid = metadata["uid"].string ?? ""
        resourceVersion = metadata["resourceVersion"].string.flatMap { Revision($0) } ?? .zero
        generation = metadata["generation"].int ?? 0
        labels = metadata["labels"].stringMap
        annotations = metadata["annotations"].stringMap
        creationTimestamp = metadata["creationTimestamp"].timestamp
        deletionTimestamp = metadata["deletionTimestamp"].timestamp
        deletionGracePeriodSeconds = metadata["deletionGracePeriodSeconds"].int
        finalizers = metadata["finalizers"].strings
        ownerReferences = metadata["ownerReferences"].elements.map { OwnerReference($0) }
    }

    /// The one owner that manages this object.
    package var controller: OwnerReference? { ownerReferences.first { $0.isController } }
    package var isTerminating: Bool { deletionTimestamp != nil }
}

/// Points at the object that this one belongs to: when that one goes, this one goes.
package struct OwnerReference: Hashable, Sendable {
    package var apiVersion: String
    package var kind: String
    package var name: String
    package var uid: String
    package var isController: Bool
    package var blocksOwnerDeletion: Bool

    package init(apiVersion: String, kind: String, name: String, uid: String, isController: Bool = false, blocksOwnerDeletion: Bool = false)
    {
        self.apiVersion = apiVersion
        self.kind = kind
        self.name = name
        self.uid = uid
        self.isController = isController
        self.blocksOwnerDeletion = blocksOwnerDeletion
    }

    /// The reference by which a workload's controller owns what it creates.
    package init(controller type: ResourceType, _ meta: ObjectMeta) {
        self.init(
            apiVersion: type.apiVersion, kind: type.kind, name: meta.name, uid: meta.uid, isController: true, blocksOwnerDeletion: true)
    }

    package init(_ value: Value) {
        self.init(
            apiVersion: value["apiVersion"].string ?? "", kind: value["kind"].string ?? "", name: value["name"].string ?? "",
            uid: value["uid"].string ?? "", isController: value["controller"].bool ?? false,
            blocksOwnerDeletion: value["blockOwnerDeletion"].bool ?? false)
    }

    package var value: Value {
        var out: Value = ["apiVersion": .string(apiVersion), "kind": .string(kind), "name": .string(name), "uid": .string(uid)]
        if isController { out["controller"] = true }
        if blocksOwnerDeletion { out["blockOwnerDeletion"] = true }
        return out
    }
}

extension Value {
    /// RFC 3339 text as a moment; nil for anything else.
    package var timestamp: Timestamp? { string.flatMap { Timestamp(rfc3339: $0) } }
    /// The strings of an array; what is not a string is left out.
    package var strings: [String] { elements.compactMap(\.string) }
    /// A whole number as a length in seconds.
    var seconds: Duration? { int.map { .seconds($0) } }
}
