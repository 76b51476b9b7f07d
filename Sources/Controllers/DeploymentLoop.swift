import Linux
import Reconciling
import Resources

/// Runs the Deployment plan for every Deployment that changed, or whose sets did; with Recreate also when one of its pods ended, and where it goes
/// back by itself also when one of them fails again.
final class DeploymentLoop {
    private let mirror: ClusterMirror
    private let writing: Writing
    private let recorder: Recorder
    private var failures: [ObjectKey: StatusError] = [:]
    private(set) lazy var queue = PassQueue<ObjectKey>(loop: loop) { [unowned self] key, done in pass(key, done) }
    private let loop: EventLoop

    init(loop: EventLoop, mirror: ClusterMirror, writing: Writing, recorder: Recorder) {
        self.loop = loop
        self.mirror = mirror
        self.writing = writing
        self.recorder = recorder
        mirror.deployments.onChange { [unowned self] key, _, new in
            queue.mark(key)
            if new == nil { failures[key] = nil }
        }
        mirror.replicaSets.onChange { [unowned self] key, old, new in
            markOwner(old?.meta)
            markOwner(new?.meta)
            if let new, new.meta.controller == nil {
                for (key, deployment) in mirror.deployments.views
                where key.namespace == new.meta.namespace && deployment.selector.selects(new.meta.labels) { queue.mark(key) }
            }
        }
        mirror.pods.onChange { [unowned self] _, old, new in
            if let new, new.isCrashLooping, new.restartCount != old?.restartCount || !(old?.isCrashLooping ?? false) {
                markDeployment(of: new) { $0.rollsBackOnFailure }
            }
            guard let old, new.map(\.isFinished) ?? true else { return }
            markDeployment(of: old) { $0.strategy == .recreate }
        }
    }

    private func markOwner(_ meta: ObservedMeta?) {
        guard let meta, let owner = meta.controller, owner.kind == "Deployment" else { return }
        queue.mark(ObjectKey(.deployments, namespace: meta.namespace, name: owner.name))
    }

    private func markDeployment(of pod: ObservedPod, where isConcerned: (ObservedDeployment) -> Bool) {
        guard let owner = pod.meta.controller, owner.kind == "ReplicaSet",
            let set = mirror.replicaSets[ObjectKey(.replicaSets, namespace: pod.meta.namespace, name: owner.name)],
            let above = set.meta.controller,
            let deployment = mirror.deployments[ObjectKey(.deployments, namespace: pod.meta.namespace, name: above.name)],
            isConcerned(deployment)
        else { return }
        queue.mark(deployment.key)
    }

    private func pass(_ key: ObjectKey, _ done: @escaping (Writing.Outcome) -> Void) {
        guard let deployment = mirror.deployments[key] else {
            queue.forget(key)
            return done(.init())
        }
        let sets = mirror.sets(of: deployment)
        var podCounts: [String: Int] = [:]
        if deployment.strategy == .recreate {
            for set in sets { podCounts[set.meta.uid] = mirror.podCount(ofController: set.meta.uid) }
        }
        let pods = DeploymentPlan.looksAtPods(of: deployment, sets) ? sets.flatMap { mirror.pods(of: $0.meta, selector: $0.selector) } : []
        let view = DeploymentPlan.View(deployment: deployment, sets: sets, podCounts: podCounts, pods: pods, failure: failures[key])
        let plan = DeploymentPlan.plan(view, now: Clock.realtime())
        if let delay = plan.lookAgain { queue.mark(key, after: delay) }
        recorder.record(plan.events)
        recorder.explain(plan.explanation, about: DecidedObject(key), by: DeploymentPlan.component)
        writing.perform(plan.changes, component: DeploymentPlan.component) { [unowned self] outcome in
            failures[key] = outcome.failure
            done(outcome)
        }
    }
}
