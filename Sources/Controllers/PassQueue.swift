import Linux
import Reconciling
import Resources
import Timing

/// The keys of one loop that have to be looked at: each at most once a turn, and never while its own writes are under way.
final class PassQueue<Key: Hashable & Comparable> {
    /// After a failed write the key is tried again after this long, doubled each time up to `longestDelay`.
    private static var shortestDelay: Duration { .milliseconds(5) }
    private static var longestDelay: Duration { .seconds(1) }

    private let loop: EventLoop
    private let pass: (Key, @escaping (Writing.Outcome) -> Void) -> Void
    private var ready: Set<Key> = []
    /// True: something changed meanwhile, so look again afterwards.
    private var busy: [Key: Bool] = [:]
    private var delays: [Key: Duration] = [:]
    private var timers: [Key: EventLoop.Timer] = [:]
    private var isScheduled = false
    private var isOpen = false
    /// Called after a key's pass has ended and its writes are visible.
    var onSettled: ((Key) -> Void)?

    /// - Parameter pass: plans and writes; calls back when the writes are visible, at once when there are none.
    init(loop: EventLoop, pass: @escaping (Key, @escaping (Writing.Outcome) -> Void) -> Void) {
        self.loop = loop
        self.pass = pass
    }

    /// Before this, marks are only collected: a plan must not see half a world.
    func open() {
        isOpen = true
        if !ready.isEmpty { schedule() }
    }

    func mark(_ key: Key) {
        if busy[key] != nil {
            busy[key] = true
        } else {
            ready.insert(key)
            schedule()
        }
    }

    /// Marks a key when time has come; an earlier appointment is kept.
    func mark(_ key: Key, after delay: Duration) {
        let at = loop.now + delay
        if let timer = timers[key], timer.isPending {
            if timer.at <= at { return }
            timer.cancel()
        }
        timers[key] = loop.schedule(at: at) { [unowned self] in
            timers[key] = nil
            mark(key)
        }
    }

    /// Whether a pass of the key is due or under way.
    func isUnsettled(_ key: Key) -> Bool { ready.contains(key) || busy[key] != nil }

    /// Lets go of what is remembered of a key that is gone.
    func forget(_ key: Key) {
        timers.removeValue(forKey: key)?.cancel()
        delays[key] = nil
    }

    private func schedule() {
        guard isOpen, !isScheduled else { return }
        isScheduled = true
        loop.later { [unowned self] in flush() }
    }

    private func flush() {
        isScheduled = false
        let keys = ready.sorted()
        ready.removeAll(keepingCapacity: true)
        for key in keys {
            busy[key] = false
            pass(key) { [unowned self] outcome in settle(key, outcome) }
        }
    }

    private func settle(_ key: Key, _ outcome: Writing.Outcome) {
        let isDirty = busy.removeValue(forKey: key) ?? false
        if outcome.failure != nil {
            let delay = delays[key] ?? Self.shortestDelay
            delays[key] = min(delay * 2, Self.longestDelay)
            // What changed meanwhile waits as well: a refusal that repeats must not spin.
            mark(key, after: delay)
        } else {
            delays[key] = nil
            if isDirty { mark(key) }
        }
        onSettled?(key)
    }
}
