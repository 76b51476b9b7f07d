import Formats
import Resources
import Timing

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
        /// `status.conditions`, as stored.
        var conditions: [Value]

        package init(namespace: Value, remaining: [(key: ObjectKey, meta: ObservedMeta)]) {
            self.namespace = ObservedMeta(namespace)
            finalizers = namespace["spec"]["finalizers"].elements.compactMap(\.string)
            self.remaining = remaining
            conditions = namespace["status"]["conditions"].elements
        }
    }

    /// What is still to be deleted in a namespace that goes.
    package static func plan(_ view: View, now: Timestamp) -> Plan {
        var plan = Plan()
        guard view.namespace.isDeleting else { return plan }
        guard view.remaining.isEmpty else {
            let open = view.remaining.filter { !$0.meta.isDeleting }.sorted { $0.key < $1.key }
            for entry in open.prefix(changeLimit) {
                plan.changes.append(.delete(entry.key, uid: entry.meta.uid, propagation: .background))
            }
            plan.explanation.append("\(view.remaining.count) objects are left in \(view.namespace.name)")
            // Nothing is to be done any more but to wait: whoever waits along learns for what.
            if open.isEmpty, let conditions = conditions(view, at: now) {
                plan.changes.append(.patchStatus(view.namespace.key(.namespaces), ["conditions": .array(conditions)]))
            }
            return plan
        }
        guard view.finalizers.contains("kubernetes") else { return plan }
        let rest = view.finalizers.filter { $0 != "kubernetes" }
        plan.changes.append(.patch(view.namespace.key(.namespaces), ["spec": ["finalizers": .array(rest.map { .string($0) })]]))
        plan.explanation.append("\(view.namespace.name) is empty")
        return plan
    }

    /// `NamespaceContentRemaining` and `NamespaceFinalizersRemaining` in Kubernetes' words; nil when they are stored so.
    private static func conditions(_ view: View, at now: Timestamp) -> [Value]? {
        var byType: [String: Int] = [:]
        var byFinalizer: [String: Int] = [:]
        for entry in view.remaining {
            byType[entry.key.type.qualifiedName, default: 0] += 1
            for finalizer in entry.meta.finalizers { byFinalizer[finalizer, default: 0] += 1 }
        }
        func list(_ counts: [String: Int], _ form: (String, Int) -> String) -> String {
            counts.sorted { $0.key < $1.key }.map(form).joined(separator: ", ")
        }
        let contents = "Some resources are remaining: \(list(byType) { "\($0) has \($1) resource instances" })"
        let finalizers =
            "Some content in the namespace has finalizers remaining: \(list(byFinalizer) { "\($0) in \($1) resource instances" })"
        var wanted = [("NamespaceContentRemaining", "SomeResourcesRemain", contents)]
        if !byFinalizer.isEmpty { wanted.append(("NamespaceFinalizersRemaining", "SomeFinalizersRemain", finalizers)) }
        guard wanted.count != view.conditions.count || zip(wanted, view.conditions).contains(where: { $0.2 != $1["message"].string }) else {
            return nil
        }
        return wanted.map { type, reason, message in
            [
                "type": .string(type), "status": "True", "reason": .string(reason), "message": .string(message),
                "lastTransitionTime": .string(now.rfc3339),
            ]
        }
    }
}
