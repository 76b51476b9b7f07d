import Reconciling
import Resources
import Timing

/// The keys of one controller that have to be looked at: each once, never while its own writes are under way and not yet seen.
///
/// Does what the controllers' queue, their expectations and their writing do together.
final class Passes<Key: Hashable & Comparable> {
    private static var shortestDelay: Duration { .milliseconds(5) }
    private static var longestDelay: Duration { .seconds(1) }
    /// Writes that the caches have not shown after this long are waited for no longer.
    private static var patience: Duration { .seconds(5) }

    private let plane: ControlPlane
    private let writer: Writers.Writer
    private let plan: (Key) -> Plan
    private var ready: Set<Key> = []
    /// True: something changed meanwhile.
    private var busy: [Key: Bool] = [:]
    private var delays: [Key: Duration] = [:]
    private var appointments: [Key: (at: Instant, appointment: Timeline.Appointment)] = [:]
    private var isScheduled = false
    /// Called after the writes of a pass are seen, or at once where there are none.
    var onSettled: ((Key) -> Void)?
    /// Called with the refusal of a pass, nil after one without.
    var onOutcome: ((Key, StatusError?, _ isCreate: Bool) -> Void)?

    init(_ plane: ControlPlane, _ writer: Writers.Writer, plan: @escaping (Key) -> Plan) {
        self.plane = plane
        self.writer = writer
        self.plan = plan
    }

    func open() { if !ready.isEmpty { schedule() } }

    func mark(_ key: Key) {
        if busy[key] != nil {
            if !plane.world.isPlanted(.lostWakeUp) { busy[key] = true }
            return
        }
        ready.insert(key)
        schedule()
    }

    func mark(_ key: Key, after delay: Duration) {
        let at = plane.world.now + delay
        if let (earlier, appointment) = appointments[key], plane.world.isPending(appointment) {
            if earlier <= at { return }
            plane.world.callOff(appointment)
        }
        let appointment = plane.world.schedule(at: at, for: plane.life) { [unowned self] in
            appointments[key] = nil
            mark(key)
        }
        appointments[key] = (at, appointment)
    }

    func isUnsettled(_ key: Key) -> Bool { ready.contains(key) || busy[key] != nil }

    private func schedule() {
        guard plane.isOpen, !isScheduled else { return }
        isScheduled = true
        plane.world.later(for: plane.life) { [unowned self] in
            isScheduled = false
            let keys = ready.sorted()
            ready.removeAll(keepingCapacity: true)
            for key in keys { pass(key) }
        }
    }

    private func pass(_ key: Key) {
        let plan = plan(key)
        if let delay = plan.lookAgain { mark(key, after: delay) }
        busy[key] = false
        guard !plan.changes.isEmpty else { return settle(key, nil) }
        var open = plan.changes.count
        var refusal: StatusError?
        var isCreate = false
        var written: [ResourceType: Revision] = [:]
        for change in plan.changes {
            plane.store.perform(change.request, by: writer) { [unowned self] result in
                switch result {
                case .success(let reply):
                    if let type = change.request.type,
                        let revision = reply.object["metadata"]["resourceVersion"].string.flatMap({ Revision($0) })
                    {
                        written[type] = max(written[type] ?? .zero, revision)
                    }
                case .failure(let error):
                    var isLasting = error.reason != "NotFound"
                    if case .create = change.request { isLasting = true; isCreate = true }
                    if isLasting { refusal = refusal ?? error }
                }
                open -= 1
                guard open == 0 else { return }
                plane.awaitSight(of: written, within: Self.patience) { [unowned self] in
                    onOutcome?(key, refusal, isCreate)
                    settle(key, refusal)
                }
            }
        }
    }

    private func settle(_ key: Key, _ failure: StatusError?) {
        let isDirty = busy.removeValue(forKey: key) ?? false
        if failure != nil {
            let delay = delays[key] ?? Self.shortestDelay
            delays[key] = min(delay * 2, Self.longestDelay)
            mark(key, after: delay)
        } else {
            delays[key] = nil
            if isDirty { mark(key) }
        }
        onSettled?(key)
    }
}

extension Request {
    /// The kind that is asked about.
    var type: ResourceType? {
        switch self {
        case .get(let key, _), .update(let key, _, _, _), .patch(let key, _, _, _), .delete(let key, _), .evict(let key, _),
            .restart(let key, _):
            key.type
        case .create(_, let type, _, _): type
        case .list(let list), .deleteCollection(let list, _): list.type
        }
    }
}
