import Formats
import Resources

/// Collects what lost its owners: the background, foreground and orphan deletions of Kubernetes.
package struct CollectionPlan {
    /// What is known about an owner.
    package enum OwnerState: Sendable {
        case living
        /// Being deleted in the foreground: it waits for its dependents.
        case waiting
        case absent
    }

    package static let foreground = "foregroundDeletion"
    package static let orphan = "orphan"
    /// Dependents touched in one pass.
    package static let changeLimit = 500

    /// What the plan looks at.
    package struct View {
        package var key: ObjectKey
        package var meta: ObservedMeta
        /// For each of `meta.owners`.
        package var owners: [OwnerState]
        /// Those that name this object as an owner.
        package var dependents: [(key: ObjectKey, meta: ObservedMeta)]

        package init(key: ObjectKey, meta: ObservedMeta, owners: [OwnerState], dependents: [(key: ObjectKey, meta: ObservedMeta)]) {
            self.key = key
            self.meta = meta
            self.owners = owners
            self.dependents = dependents
        }
    }

    /// What is to be deleted, orphaned or released.
    package static func plan(_ view: View) -> Plan {
        var plan = Plan()
        if view.meta.isDeleting {
            release(view, &plan)
            return plan
        }
        guard !view.meta.owners.isEmpty, view.owners.count == view.meta.owners.count else { return plan }
        let pairs = zip(view.meta.owners, view.owners)
        if view.owners.contains(.living) {
            let kept = pairs.filter { $0.1 == .living }.map(\.0)
            if kept.count < view.meta.owners.count { plan.changes.append(Ownership.references(view.meta, view.key.type, kept)) }
        } else {
            let isAwaited = view.owners.contains(.waiting) && !view.dependents.isEmpty
            plan.changes.append(.delete(view.key, uid: view.meta.uid, propagation: isAwaited ? .foreground : .background))
            plan.explanation.append("\(view.key) lost its last owner")
        }
        return plan
    }

    /// Lets an object go that waits for its dependents, or for their release.
    private static func release(_ view: View, _ plan: inout Plan) {
        let dependents = view.dependents.sorted { $0.key < $1.key }
        if view.meta.finalizers.contains(orphan) {
            for dependent in dependents.prefix(changeLimit) {
                plan.changes.append(Ownership.release(dependent.meta, dependent.key.type, from: view.meta.uid))
            }
            if dependents.isEmpty { plan.changes.append(without(orphan, view)) }
        } else if view.meta.finalizers.contains(foreground) {
            let blocking = dependents.filter { dependent in dependent.meta.owners.contains { $0.uid == view.meta.uid && $0.blocksDeletion }
            }
            if blocking.isEmpty {
                plan.changes.append(without(foreground, view))
            } else {
                plan.explanation.append("\(view.key) waits for \(blocking.count) dependents")
            }
        }
    }

    private static func without(_ finalizer: String, _ view: View) -> Change {
        let rest = view.meta.finalizers.filter { $0 != finalizer }
        return .patch(
            view.key,
            [
                "metadata": [
                    "uid": .string(view.meta.uid), "resourceVersion": .string(view.meta.revision.description),
                    "finalizers": rest.isEmpty ? nil : .array(rest.map { .string($0) }),
                ]
            ])
    }
}
