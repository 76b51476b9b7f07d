import APIClient
import Formats
import Linux
import Reconciling
import Resources
import Scheduling

/// Places all pods that wait, together, whenever one comes or room was made.
final class SchedulingLoop {
    static let component = "default-scheduler"
    /// Before a binding is tried again that was refused for a reason of the store's own (a full disk, too many commits waiting).
    static let retryDelay: Duration = .milliseconds(100)

    private let api: any ResourceAPI
    private let mirror: ClusterMirror
    private let recorder: Recorder
    private var view = ClusterView()
    private var pending: [ObjectKey: Candidate] = [:]
    /// Bindings under way: the view has them on their nodes already.
    private var binding: Set<ObjectKey> = []
    /// What was last said about pods that fit nowhere; they are tried again when room may have been made.
    private var refused: [ObjectKey: String] = [:]
    private var isScheduled = false
    private var isOpen = false

    init(api: any ResourceAPI, mirror: ClusterMirror, recorder: Recorder) {
        self.api = api
        self.mirror = mirror
        self.recorder = recorder
        mirror.pods.onChange { [unowned self] key, old, new in podChanged(key, old, new) }
        mirror.nodes.onChange { [unowned self] key, old, new in
            guard new != nil, let node = mirror.nodes.cache[key] else { return removeNode(key.name) }
            view.setNode(Node(node))
            roomWasMade()
        }
    }

    func open() {
        isOpen = true
        schedule()
    }

    /// The nodes whose agents are away, all of them each time: they are passed over.
    func absent(_ nodes: Set<String>) {
        view.setAway(nodes)
        roomWasMade()
    }

    private func removeNode(_ name: String) { view.removeNode(name) }

    private func podChanged(_ key: ObjectKey, _ old: ObservedPod?, _ new: ObservedPod?) {
        guard let new, !new.isFinished else {
            pending[key] = nil
            refused[key] = nil
            binding.remove(key)
            if old != nil {
                view.vacate(key)
                roomWasMade()
            }
            return
        }
        if let old, old.meta.uid == new.meta.uid, old.nodeName == new.nodeName, old.meta.isDeleting == new.meta.isDeleting,
            old.meta.labels == new.meta.labels, !(pending[key] != nil && old.meta.generation != new.meta.generation)
        {
            return
        }
        guard let object = mirror.pods.cache[key] else { return }
        if !new.nodeName.isEmpty {
            pending[key] = nil
            refused[key] = nil
            binding.remove(key)
            view.occupy(Candidate(Pod(object)), on: new.nodeName, isLeaving: new.meta.isDeleting)
        } else if new.meta.isDeleting {
            pending[key] = nil
        } else if !binding.contains(key) {
            let pod = Pod(object)
            // A pod that names another scheduler is not ours to place.
            guard pod.spec.schedulerName == "default-scheduler" else { return }
            guard pod.spec.schedulingGates.isEmpty else { return hold(pod) }
            pending[key] = Candidate(pod)
            schedule()
        }
    }

    /// Pods that were refused may fit now.
    private func roomWasMade() { if !pending.isEmpty { schedule() } }

    private func schedule() {
        guard isOpen, !isScheduled, !pending.isEmpty else { return }
        isScheduled = true
        api.loop.later { [unowned self] in
            isScheduled = false
            pass()
        }
    }

    private func pass() {
        for placement in Placement.place(Array(pending.values), in: &view) {
            switch placement.verdict {
            case .node(let node):
                recorder.explain([placement.reason], about: DecidedObject(placement.candidate.key), by: Self.component)
                bind(placement.candidate, to: node)
            case .nowhere(let explanation): refuse(placement.candidate, explanation)
            }
        }
    }

    private func bind(_ candidate: Candidate, to node: String) {
        let key = candidate.key
        pending[key] = nil
        binding.insert(key)
        let body: Value = ["metadata": ["uid": .string(candidate.uid)], "spec": ["nodeName": .string(node)]]
        api.perform(.patch(key, .merge(body))) { [self] result in
            switch result {
            case .success:
                if let pod = mirror.pods[key] {
                    recorder.record(
                        EventNote(
                            ObjectReference(.pods, pod.meta), .normal, "Scheduled",
                            "Successfully assigned \(key.namespace)/\(key.name) to \(node)", from: Self.component))
                }
            case .failure(let error):
                guard binding.remove(key) != nil else { return }
                view.vacate(key)
                // Gone or changed meanwhile: its own event says what now. Else it waits for its turn again.
                guard error.reason != "NotFound", error.reason != "Conflict", mirror.pods[key]?.meta.uid == candidate.uid else { return }
                _ = api.loop.schedule(after: Self.retryDelay) { [self] in
                    guard let pod = mirror.pods[key], pod.meta.uid == candidate.uid, pod.nodeName.isEmpty, !pod.meta.isDeleting else {
                        return
                    }
                    pending[key] = candidate
                    schedule()
                }
            }
        }
    }

    private func refuse(_ candidate: Candidate, _ explanation: String) {
        guard refused[candidate.key] != explanation, let pod = mirror.pods[candidate.key] else { return }
        refused[candidate.key] = explanation
        recorder.record(EventNote(ObjectReference(.pods, pod.meta), .warning, "FailedScheduling", explanation, from: Self.component))
        say(candidate.key, candidate.uid, "Unschedulable", explanation)
    }

    /// Its gates are for others to take away.
    private func hold(_ pod: Pod) {
        guard pod.status.conditions[Condition.podScheduled]?.reason != "SchedulingGated" else { return }
        say(pod.key, pod.meta.uid, "SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates")
    }

    /// Writes why a pod has no node.
    private func say(_ key: ObjectKey, _ uid: String, _ reason: String, _ message: String) {
        let condition: Value = [
            "type": .string(Condition.podScheduled), "status": "False", "reason": .string(reason), "message": .string(message),
            "lastTransitionTime": .string(Clock.realtime().rfc3339),
        ]
        let body: Value = ["metadata": ["uid": .string(uid)], "status": ["conditions": [condition]]]
        api.perform(.patch(key, .strategic(body), .status)) { _ in }
    }
}
