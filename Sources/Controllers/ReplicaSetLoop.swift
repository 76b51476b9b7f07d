import Linux
import Reconciling
import Resources

/// Runs the ReplicaSet plan for every set that changed, or whose pods did.
final class ReplicaSetLoop {
    private let mirror: ClusterMirror
    private let writing: Writing
    private let recorder: Recorder
    private var failures: [ObjectKey: ReplicaSetPlan.Failure] = [:]
    private(set) lazy var queue = PassQueue<ObjectKey>(loop: loop) { [unowned self] key, done in pass(key, done) }
    private let loop: EventLoop

    init(loop: EventLoop, mirror: ClusterMirror, writing: Writing, recorder: Recorder) {
        self.loop = loop
        self.mirror = mirror
        self.writing = writing
        self.recorder = recorder
        mirror.replicaSets.onChange { [unowned self] key, _, new in
            queue.mark(key)
            if new == nil { failures[key] = nil }
        }
        mirror.pods.onChange { [unowned self] _, old, new in
            markOwner(old)
            if new?.meta.controller?.uid != old?.meta.controller?.uid || old == nil { markOwner(new) }
            if let new, new.meta.controller == nil { markAdopters(new) }
        }
    }

    private func markOwner(_ pod: ObservedPod?) {
        guard let pod, let owner = pod.meta.controller, owner.kind == "ReplicaSet" else { return }
        queue.mark(ObjectKey(.replicaSets, namespace: pod.meta.namespace, name: owner.name))
    }

    /// Rare: pods without a controller are made by hand.
    private func markAdopters(_ pod: ObservedPod) {
        for (key, set) in mirror.replicaSets.views where key.namespace == pod.meta.namespace && set.selector.selects(pod.meta.labels) {
            queue.mark(key)
        }
    }

    private func pass(_ key: ObjectKey, _ done: @escaping (Writing.Outcome) -> Void) {
        guard let set = mirror.replicaSets[key] else {
            queue.forget(key)
            return done(.init())
        }
        let view = ReplicaSetPlan.View(
            set: set, pods: mirror.pods(of: set.meta, selector: set.selector), zoneOfNode: mirror.zoneOfNode, failure: failures[key])
        let plan = ReplicaSetPlan.plan(view, now: Clock.realtime())
        if let delay = plan.lookAgain { queue.mark(key, after: delay) }
        recorder.record(plan.events)
        recorder.explain(plan.explanation, about: DecidedObject(key), by: ReplicaSetPlan.component)
        writing.perform(plan.changes, component: ReplicaSetPlan.component) { [unowned self] outcome in
            failures[key] = outcome.failure.flatMap { error in
                outcome.failedReason.map { ReplicaSetPlan.Failure(reason: $0, message: error.message) }
            }
            done(outcome)
        }
    }
}
