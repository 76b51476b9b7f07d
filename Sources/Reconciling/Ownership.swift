import Formats
import Resources

/// Who controls whom: objects that match a selector and have no controller are adopted, controlled ones that stopped matching are let go.
package enum Ownership {
    /// Whose a pod or replica set is.
    package enum Verdict: Sendable {
        /// Controlled already, and matching.
        case kept
        case adopted
        case released
        /// Somebody else's, or nobody's and not matching.
        case foreign
    }

    /// - Parameter canAdopt: false while the owner itself is being deleted.
    package static func verdict(_ meta: ObservedMeta, owner: ObservedMeta, selector: LabelSelector, canAdopt: Bool) -> Verdict {
        if let controller = meta.controller {
            guard controller.uid == owner.uid else { return .foreign }
            if selector.selects(meta.labels) { return .kept }
            return owner.isDeleting ? .kept : .released
        }
        return canAdopt && !meta.isDeleting && selector.selects(meta.labels) ? .adopted : .foreign
    }

    /// The write that adopts. The resourceVersion in it makes sure that nobody was faster.
    package static func adopt(_ meta: ObservedMeta, _ type: ResourceType, by owner: Owner) -> Change {
        references(meta, type, meta.owners.filter { $0.uid != owner.uid } + [owner])
    }

    /// The write that lets go.
    package static func release(_ meta: ObservedMeta, _ type: ResourceType, from ownerUID: String) -> Change {
        references(meta, type, meta.owners.filter { $0.uid != ownerUID })
    }

    static func references(_ meta: ObservedMeta, _ type: ResourceType, _ owners: [Owner]) -> Change {
        .patch(
            meta.key(type),
            [
                "metadata": [
                    "uid": .string(meta.uid), "resourceVersion": .string(meta.revision.description),
                    "ownerReferences": owners.isEmpty ? nil : .array(owners.map(\.value)),
                ]
            ])
    }
}
