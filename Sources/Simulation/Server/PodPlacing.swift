import Formats
import Reconciling
import Resources
import Scheduling

/// Places all pods that wait, together, whenever one comes or room was made.
final class PodPlacing {
    private unowned let plane: ControlPlane
    /// The planted bug: another scheduler, with a view of its own.
    private let isSecond: Bool
    private var view = ClusterView()
    private var pending: [ObjectKey: Candidate] = [:]
    private var binding: Set<ObjectKey> = []
    private var isScheduled = false
    /// Why pods that wait fit nowhere: of those that still wait.
    private(set) var explanations: [ObjectKey: String] = [:]

    init(_ plane: ControlPlane, isSecond: Bool = false) {
        self.plane = plane
        self.isSecond = isSecond
    }

    func open() { schedule() }

    func nodeChanged(_ key: ObjectKey, _ new: Value?) {
        guard let new else { return view.removeNode(key.name) }
        view.setNode(Node(new))
        schedule()
    }

    /// The nodes whose agents are away: they are passed over.
    func absent(_ nodes: Set<String>) {
        if plane.world.isPlanted(.absenceIgnored) { return }
        view.setAway(nodes)
        schedule()
    }

    func podChanged(_ key: ObjectKey, _ old: ObservedPod?, _ new: ObservedPod?, _ object: Value?) {
        if new == nil || new?.meta.uid != old?.meta.uid || new?.nodeName.isEmpty == false { explanations[key] = nil }
        guard let new, let object, !new.isFinished else {
            pending[key] = nil
            binding.remove(key)
            if old != nil {
                view.vacate(key)
                schedule()
            }
            return
        }
        if let old, old.meta.uid == new.meta.uid, old.nodeName == new.nodeName, old.meta.isDeleting == new.meta.isDeleting { return }
        if !new.nodeName.isEmpty {
            pending[key] = nil
            binding.remove(key)
            // Two schedulers that do not see each other's pods in time believe in room that is not there.
            view.occupy(Candidate(Pod(object)), on: new.nodeName, isLeaving: new.meta.isDeleting)
        } else if new.meta.isDeleting {
            pending[key] = nil
        } else if !binding.contains(key) {
            // Each of the two takes the pods whose names are its own.
            if plane.world.isPlanted(.twoSchedulers), (key.name.utf8.last ?? 0) % 2 == (isSecond ? 0 : 1) { return }
            pending[key] = Candidate(Pod(object))
            schedule()
        }
    }

    private func schedule() {
        guard plane.isOpen, !isScheduled, !pending.isEmpty else { return }
        isScheduled = true
        plane.world.later(for: plane.life) { [unowned self] in
            isScheduled = false
            for placement in Placement.place(Array(pending.values), in: &view) {
                switch placement.verdict {
                case .node(let node): bind(placement.candidate, to: node)
                case .nowhere(let explanation):
                    explanations[placement.candidate.key] = explanation
                    plane.world.sometimes(.podFitsNowhere)
                }
            }
        }
    }

    private func bind(_ candidate: Candidate, to node: String) {
        let key = candidate.key
        pending[key] = nil
        binding.insert(key)
        let body: Value = ["metadata": ["uid": .string(candidate.uid)], "spec": ["nodeName": .string(node)]]
        plane.store.perform(.patch(key, .merge(body)), by: .scheduler) { [unowned self] result in
            guard case .failure(let error) = result, binding.remove(key) != nil else { return }
            view.vacate(key)
            guard error.reason != "NotFound", error.reason != "Conflict", plane.pods[key]?.meta.uid == candidate.uid else { return }
            plane.world.schedule(after: .milliseconds(100), for: plane.life) { [unowned self] in
                guard let pod = plane.pods[key], pod.meta.uid == candidate.uid, pod.nodeName.isEmpty, !pod.meta.isDeleting else { return }
                pending[key] = candidate
                schedule()
            }
        }
    }
}
