import Formats
import Resources

/// Empties a namespace that is being deleted, then lets it go.
package struct NamespacePlan {
    /// Deletions in one pass.
    package static let changeLimit = 500

    /// What the plan looks at.
    package struct View {
        package var namespace: ObservedMeta
        /// `spec.finalizers`.
        package var finalizers: [String]
        /// What is left in it.
        package var remaining: [(key: ObjectKey, meta: ObservedMeta)]

        package init(namespace: Value, remaining: [(key: ObjectKey, meta: ObservedMeta)]) {
            self.namespace = ObservedMeta(namespace)
            finalizers = namespace["spec"]["finalizers"].elements.compactMap(\.string)
            self.remaining = remaining
        }
    }

    /// What is still to be deleted in a namespace that goes.
    package static func plan(_ view: View) -> Plan {
        var plan = Plan()
        guard view.namespace.isDeleting else { return plan }
        guard view.remaining.isEmpty else {
            let open = view.remaining.filter { !$0.meta.isDeleting }.sorted { $0.key < $1.key }
            for entry in open.prefix(changeLimit) {
                plan.changes.append(.delete(entry.key, uid: entry.meta.uid, propagation: .background))
            }
            plan.explanation.append("\(view.remaining.count) objects are left in \(view.namespace.name)")
            return plan
        }
        guard view.finalizers.contains("kubernetes") else { return plan }
        let rest = view.finalizers.filter { $0 != "kubernetes" }
        plan.changes.append(.patch(view.namespace.key(.namespaces), ["spec": ["finalizers": .array(rest.map { .string($0) })]]))
        plan.explanation.append("\(view.namespace.name) is empty")
        return plan
    }
}
