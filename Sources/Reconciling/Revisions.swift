import Formats
import Resources
import Timing

/// The history of a Deployment, kept in annotations of its ReplicaSets as kubectl reads them.
package enum Revisions {
    package static let revision = "deployment.kubernetes.io/revision"
    package static let revisionHistory = "deployment.kubernetes.io/revision-history"
    package static let desiredReplicas = "deployment.kubernetes.io/desired-replicas"
    package static let maxReplicas = "deployment.kubernetes.io/max-replicas"
    /// On a set: its version has once run with all its replicas available. What bears it was good, whatever became of it.
    package static let complete = "steady.dev/complete"
    /// On a Deployment, by its user: "true" makes it go back by itself when a version fails.
    package static let rollbackOnFailure = DeploymentRollback.annotation
    /// On a Deployment: the set to which it went back by itself.
    package static let rolledBackTo = "steady.dev/rolled-back-to"
    /// Annotations of a Deployment that say something about the Deployment alone; the others (`kubernetes.io/change-cause`) go to its sets.
    private static let notCopied: Set<String> = [
        "kubectl.kubernetes.io/last-applied-configuration", revision, revisionHistory, desiredReplicas, maxReplicas, complete,
        rollbackOnFailure, rolledBackTo,
        "deprecated.deployment.rollback.to",
    ]

    static func number(_ annotations: [String: String]) -> Int64 { annotations[revision].flatMap(Int64.init) ?? 0 }

    /// The set that has the Deployment's template; the oldest, should there be several.
    static func current(_ deployment: ObservedDeployment, among sets: [ObservedReplicaSet]) -> ObservedReplicaSet? {
        sets.filter { TemplateHash.isSame($0.template, deployment.template) }
            .min { ($0.meta.creation, $0.meta.name) < ($1.meta.creation, $1.meta.name) }
    }

    /// The annotations that the current set shall have. A set that becomes current again (undo) takes the next number and remembers the old one.
    static func annotations(of deployment: ObservedDeployment, on present: [String: String], old: [ObservedReplicaSet]) -> [String: String]
    {
        var out = present
        for (key, value) in deployment.meta.annotations where !notCopied.contains(key) { out[key] = value }
        let next = (old.map { number($0.meta.annotations) }.max() ?? 0) + 1
        let had = number(present)
        if had < next {
            out[revision] = String(next)
            if had > 0 { out[revisionHistory] = present[revisionHistory].map { "\($0),\(had)" } ?? String(had) }
        }
        return out
    }

    /// A set for a template that has none yet; its size is decided by whoever asks.
    static func fresh(_ deployment: ObservedDeployment, now: Timestamp) -> Fleet.Member {
        let hash = TemplateHash.of(deployment.template, collisionCount: deployment.status.collisionCount)
        var template = deployment.template
        template["metadata"]["labels"][TemplateHash.label] = .string(hash)
        let described: Value = [
            "metadata": [
                "name": .string("\(deployment.meta.name)-\(hash)"), "namespace": .string(deployment.meta.namespace),
                "labels": template["metadata"]["labels"], "creationTimestamp": .string(now.rfc3339),
            ],
            "spec": ["replicas": 0, "minReadySeconds": .int(deployment.minReadySeconds), "template": template],
        ]
        return Fleet.Member(ObservedReplicaSet(described), isFresh: true)
    }

    /// Old sets beyond the history limit, oldest revision first; those that still have pods stay.
    static func surplus(_ deployment: ObservedDeployment, old: [ObservedReplicaSet]) -> [ObservedReplicaSet] {
        guard let limit = deployment.revisionHistoryLimit else { return [] }
        let living = old.filter { !$0.meta.isDeleting }
        guard living.count > limit else { return [] }
        return living.sorted { (number($0.meta.annotations), $0.meta.name) < (number($1.meta.annotations), $1.meta.name) }
            .prefix(living.count - limit)
            .filter { $0.replicas == 0 && $0.status.replicas == 0 && $0.status.observedGeneration >= $0.meta.generation }
    }
}
