import Formats
import Resources
import Timing

/// Going back by itself from a version that fails, where the Deployment was told to.
///
/// Only ever from a version that never was complete to the newest one that was, so it cannot go round in circles: what it goes back to is not left
/// again by itself, however it fares.
enum Rollback {
    /// After so many restarts of every pod of a new version the end of `progressDeadlineSeconds` is not waited for. A program that ends at once
    /// has had about six seconds by then: enough for what it depends on and was applied together with it.
    static let restartLimit: Int64 = 7

    /// A way back.
    struct Step {
        var deployment: ObservedDeployment
        var from: ObservedReplicaSet
        var target: ObservedReplicaSet
        /// `ProgressDeadlineExceeded`, `CrashLoopBackOff`.
        var reason: String
        var why: String
    }

    /// The way back that is due; nil when there is none.
    static func step(
        _ view: DeploymentPlan.View, from current: ObservedReplicaSet, among old: [ObservedReplicaSet], progress: Conditions,
        _ explanation: inout [String]
    ) -> Step? {
        let deployment = view.deployment
        guard deployment.rollsBackOnFailure, !deployment.isPaused, deployment.replicas > 0, !current.wasComplete,
            let (reason, why) = failure(of: current, view, progress)
        else { return nil }
        let stable = old.filter { $0.wasComplete && !$0.meta.isDeleting }
            .max { Revisions.number($0.meta.annotations) < Revisions.number($1.meta.annotations) }
        guard let stable else {
            explanation.append("\(why), and no earlier version that was complete is left to go back to")
            return nil
        }
        return Step(deployment: deployment, from: current, target: stable, reason: reason, why: why)
    }

    private static func failure(of set: ObservedReplicaSet, _ view: DeploymentPlan.View, _ progress: Conditions) -> (
        reason: String, why: String
    )? {
        if progress["Progressing"]?["reason"].string == "ProgressDeadlineExceeded" {
            let limit = view.deployment.progressDeadline.map { " for \($0.components.seconds) s" } ?? ""
            return ("ProgressDeadlineExceeded", "it made no progress\(limit)")
        }
        let pods = view.pods.filter { $0.isActive && $0.meta.controller?.uid == set.meta.uid }
        guard !pods.isEmpty, pods.allSatisfy({ $0.isCrashLooping && $0.restartCount >= restartLimit }) else { return nil }
        return (
            "CrashLoopBackOff",
            "its programs end again and again (\(pods.count) pods, \(pods.map(\.restartCount).min() ?? 0) restarts each)"
        )
    }
}

extension Rollback.Step {
    /// What a person would do with `rollout undo`, unless the template is another one by now.
    func take(_ plan: inout Plan, _ status: inout DeploymentStatus) {
        var template = target.template
        template["metadata"]["labels"][TemplateHash.label] = .null
        // A slash within a name, RFC 6901.
        let key = Revisions.rolledBackTo.split(separator: "/").joined(separator: "~1")
        var patch: [Value] = [
            ["op": "test", "path": "/spec/template", "value": deployment.template],
            ["op": "replace", "path": "/spec/template", "value": template],
        ]
        if deployment.meta.annotations.isEmpty { patch.append(["op": "add", "path": "/metadata/annotations", "value": [:]]) }
        patch.append(["op": "add", "path": .string("/metadata/annotations/\(key)"), "value": .string(target.meta.name)])
        plan.changes.append(Change(.patch(deployment.key, .json(.array(patch)))))
        let message =
            "Revision \(Revisions.number(from.meta.annotations)) failed: \(why). Went back to revision \(Revisions.number(target.meta.annotations)) (\(target.meta.name))"
        status.conditions.set(
            Condition.rolledBack, "True", reason: reason, message: message, now: status.now, hasUpdateTime: true, isRenewed: true)
        plan.events.append(
            EventNote(ObjectReference(.deployments, deployment.meta), .warning, "RolledBack", message, from: DeploymentPlan.component))
        plan.explanation.append(message)
    }
}
