import Linux
import Reconciling
import Resources
import Timing

/// Runs the taint eviction plan for every node whose taints changed, or to which a pod came while it bore one.
///
/// Times are counted on the monotonic clock of this process: a restart of the server counts them anew, as in Kubernetes.
final class TaintEvictionLoop {
    private let loop: EventLoop
    private let mirror: ClusterMirror
    private let writing: Writing
    private let recorder: Recorder
    /// By node: since when its pods, by uid, bear a taint for a time.
    private var since: [String: [String: Instant]] = [:]
    private(set) lazy var queue = PassQueue<String>(loop: loop) { [unowned self] name, done in pass(name, done) }

    init(loop: EventLoop, mirror: ClusterMirror, writing: Writing, recorder: Recorder) {
        self.loop = loop
        self.mirror = mirror
        self.writing = writing
        self.recorder = recorder
        mirror.nodes.onChange { [unowned self] key, old, new in
            if old?.evictingTaints != new?.evictingTaints { queue.mark(key.name) }
        }
        mirror.pods.onChange { [unowned self] _, old, new in
            guard let new, old?.nodeName != new.nodeName || old?.tolerations != new.tolerations || old?.meta.uid != new.meta.uid else {
                return
            }
            if !(mirror.nodes[ObjectKey(.nodes, name: new.nodeName)]?.evictingTaints ?? []).isEmpty { queue.mark(new.nodeName) }
        }
    }

    private func pass(_ name: String, _ done: @escaping (Writing.Outcome) -> Void) {
        let node = mirror.nodes[ObjectKey(.nodes, name: name)]
        let view = TaintEvictionPlan.View(
            taints: node?.evictingTaints ?? [], pods: mirror.pods(onNode: name), since: since[name] ?? [:])
        let (plan, bearing) = TaintEvictionPlan.plan(view, now: loop.now)
        since[name] = bearing.isEmpty ? nil : bearing
        if node == nil { queue.forget(name) }
        if let delay = plan.lookAgain { queue.mark(name, after: delay) }
        recorder.record(plan.events)
        writing.perform(plan.changes, component: TaintEvictionPlan.component, done)
    }
}
