import Formats
import Resources
import Timing

/// Brings the pods of a Deployment from one version of its template to the next, and keeps its history.
///
/// All state is in the objects: sizes of the sets, their annotations, the Deployment's status. So a pass after a restart goes on where the last
/// one ended, and undo is nothing but another template.
package struct DeploymentPlan {
    package static let component = "deployment-controller"

    /// What the plan looks at.
    package struct View {
        package var deployment: ObservedDeployment
        /// The sets that the Deployment controls, and those of its namespace without a controller that match.
        package var sets: [ObservedReplicaSet]
        /// Pods that exist, stopping ones included and finished ones not, by the uid of their set. Needed for Recreate.
        package var podCounts: [String: Int]
        /// The pods of its sets. Needed where `looksAtPods` says so.
        package var pods: [ObservedPod]
        /// Why the last write was refused; nil when it was not.
        package var failure: StatusError?

        package init(
            deployment: ObservedDeployment, sets: [ObservedReplicaSet], podCounts: [String: Int] = [:], pods: [ObservedPod] = [],
            failure: StatusError? = nil
        ) {
            self.deployment = deployment
            self.sets = sets
            self.podCounts = podCounts
            self.pods = pods
            self.failure = failure
        }
    }

    /// Whether the plan is to know the pods: where it goes back by itself, and where an old version that never was complete has to give way.
    package static func looksAtPods(of deployment: ObservedDeployment, _ sets: [ObservedReplicaSet]) -> Bool {
        if deployment.rollsBackOnFailure { return true }
        let failing = sets.filter { $0.status.ready < $0.replicas && $0.meta.annotations[Revisions.complete] == nil }
        return failing.contains { $0.meta.uid != Revisions.current(deployment, among: sets)?.meta.uid }
    }

    /// The next step of the deployment.
    package static func plan(_ view: View, now: Timestamp) -> Plan {
        var plan = Plan()
        let deployment = view.deployment
        let sets = claim(view, &plan)
        let current = Revisions.current(deployment, among: sets.filter { !$0.meta.isDeleting })
        let old = sets.filter { $0.meta.uid != current?.meta.uid }
        var status = DeploymentStatus(deployment, new: current, old: old, now: now)
        if let news = status.news {
            plan.events.append(
                EventNote(
                    ObjectReference(.deployments, deployment.meta), news.isOver ? .normal : .warning,
                    news.isOver ? "FailingAlikeNoLonger" : "FailingAlike", news.message, from: component))
        }
        guard !deployment.meta.isDeleting else {
            if let change = status.change { plan.changes.append(change) }
            return plan
        }
        status.notePause()

        var fleet = Fleet(old: old, new: current, pods: view.pods)
        if let current {
            fleet.new?.annotations = Revisions.annotations(of: deployment, on: current.meta.annotations, old: old)
            fleet.new?.minReadySeconds = deployment.minReadySeconds
            if status.conditions["Progressing"] == nil, deployment.progressDeadline != nil {
                status.progress("True", "FoundNewReplicaSet", "Found new replica set \"\(current.meta.name)\"")
            }
        }
        if status.isComplete, deployment.replicas > 0 { fleet.new?.annotations[Revisions.complete] = "true" }
        if deployment.meta.annotations[Revisions.rolledBackTo] != current?.meta.name { status.conditions.remove(Condition.rolledBack) }
        if let current, let step = Rollback.step(view, from: current, among: old, progress: status.conditions, &plan.explanation) {
            step.take(&plan, &status)
        } else if ProportionalScaling.isDue(fleet, deployment) {
            ProportionalScaling.scale(&fleet, deployment, &plan.explanation)
        } else if deployment.isPaused {
            ProportionalScaling.correct(&fleet, deployment)
        } else {
            roll(view, &fleet, &status, now, &plan)
        }
        plan.changes += fleet.changes(deployment)
        writeRevision(fleet, deployment, &plan)
        if let wait = status.judgeProgress(newName: fleet.new?.set.meta.name) { plan.lookAgain(after: wait) }
        if status.isComplete || deployment.isPaused {
            for set in Revisions.surplus(deployment, old: old) {
                plan.changes.append(.delete(set.key, uid: set.meta.uid, propagation: .background))
                plan.explanation.append("\(set.meta.name) is beyond the history limit")
            }
        }
        if let change = status.change { plan.changes.append(change) }
        return plan
    }

    private static func roll(_ view: View, _ fleet: inout Fleet, _ status: inout DeploymentStatus, _ now: Timestamp, _ plan: inout Plan) {
        let deployment = view.deployment
        let oldPodCount = fleet.old.reduce(0) { $0 + (view.podCounts[$1.set.meta.uid] ?? 0) }
        if fleet.new == nil {
            if view.failure?.reason == "AlreadyExists" {
                // Another template owns the name that the hash gives: the next pass tries another one.
                status.nameCollided()
                return
            }
            if let failure = view.failure {
                status.progress(
                    "False", "ReplicaSetCreateError", "Failed to create new replica set: \(failure.message)")
            }
            var fresh = Revisions.fresh(deployment, now: now)
            fresh.annotations = Revisions.annotations(of: deployment, on: [:], old: fleet.old.map(\.set))
            fresh.annotations.noteSizes(deployment)
            fleet.new = fresh
            if view.failure == nil, deployment.progressDeadline != nil {
                status.progress("True", "NewReplicaSetCreated", "Created new replica set \"\(fresh.set.meta.name)\"", isRenewed: true)
            }
        }
        switch deployment.strategy {
        case .rollingUpdate: Rollout.roll(&fleet, deployment, &plan.explanation)
        case .recreate:
            Rollout.recreate(&fleet, deployment, oldPodCount: oldPodCount, &plan.explanation)
            // Nothing of the new version is stored before the old one has ended.
            if fleet.new?.isFresh ?? false, fleet.new?.replicas == 0, deployment.replicas > 0 { fleet.new = nil }
        }
    }

    /// The sets that are the Deployment's, after adopting and letting go.
    private static func claim(_ view: View, _ plan: inout Plan) -> [ObservedReplicaSet] {
        let deployment = view.deployment
        let owner = Owner.controller(.deployments, deployment.meta)
        return view.sets.filter { set in
            switch Ownership.verdict(set.meta, owner: deployment.meta, selector: deployment.selector, canAdopt: !deployment.meta.isDeleting)
            {
            case .foreign: return false
            case .released:
                plan.changes.append(Ownership.release(set.meta, .replicaSets, from: deployment.meta.uid))
                return false
            case .adopted:
                plan.changes.append(Ownership.adopt(set.meta, .replicaSets, by: owner))
                return true
            case .kept: return true
            }
        }
    }

    private static func writeRevision(_ fleet: Fleet, _ deployment: ObservedDeployment, _ plan: inout Plan) {
        guard let revision = fleet.new?.annotations[Revisions.revision], deployment.meta.annotations[Revisions.revision] != revision else {
            return
        }
        plan.changes.append(.patch(deployment.key, ["metadata": ["annotations": [Revisions.revision: .string(revision)]]]))
    }
}
