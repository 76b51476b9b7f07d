import APIClient
import Formats
import Linux
import Resources
import Timing

/// Writes pod statuses: per pod at most one write is under way, and only the newest state waits behind it.
final class StatusWriter {
    private let api: any ResourceAPI
    private let node: String
    /// The lease's epoch; nil: writes wait.
    private(set) var epoch: Int64?
    private var entries: [ObjectKey: Entry] = [:]
    private var dirty: [ObjectKey] = []
    private var isFlushScheduled = false

    private var random = SystemRandomNumberGenerator()
    /// A status was refused for what it says; it is not written again until it changes.
    var onRefusal: (_ key: ObjectKey, _ uid: String, StatusError) -> Void = { _, _, _ in }

    private static let firstPause = Duration.milliseconds(100)
    private static let longestPause = Duration.seconds(5)

    private struct Entry {
        var uid: String
        var wanted: Value
        var isInFlight = false
        var isDirty = true
        /// The server does not take `wanted`: it is neither written again nor stored.
        var isRefused = false
        var delay = ReconnectDelay(first: StatusWriter.firstPause, longest: StatusWriter.longestPause)
        var retry: EventLoop.Timer?
        /// As the server has it.
        var written: Value?
        /// Called with the revision of the write that brought `wanted`.
        var waiters: [(Revision) -> Void] = []
        var revision = Revision.zero
    }

    init(api: any ResourceAPI, node: String) {
        self.api = api
        self.node = node
    }

    func begin(epoch: Int64) {
        self.epoch = epoch
        for key in entries.keys.sorted() where entries[key]?.isDirty == true { mark(key) }
    }

    /// Takes the newest status of a pod; it goes out at the end of this turn, or when the write before it has been answered.
    func submit(_ key: ObjectKey, uid: String, _ status: Value) {
        if var entry = entries[key], entry.uid == uid {
            guard entry.wanted != status else { return }
            entry.wanted = status
            entry.isDirty = true
            entry.isRefused = false
            entries[key] = entry
        } else {
            entries[key]?.retry?.cancel()
            entries[key] = Entry(uid: uid, wanted: status)
        }
        mark(key)
    }

    /// Nothing of the pod is written any more.
    func forget(_ key: ObjectKey, uid: String) {
        guard let entry = entries[key], entry.uid == uid else { return }
        entry.retry?.cancel()
        entries[key] = nil
    }

    /// Calls back with the revision of the stored status, once what was submitted is stored.
    func whenWritten(_ key: ObjectKey, _ body: @escaping (Revision) -> Void) {
        guard let entry = entries[key] else { return }
        if !entry.isDirty, !entry.isInFlight, !entry.isRefused { body(entry.revision) } else { entries[key]?.waiters.append(body) }
    }

    private func mark(_ key: ObjectKey) {
        dirty.append(key)
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        // At the end of the turn: what happens in one turn to a pod is one write.
        api.loop.later { [weak self] in self?.flush() }
    }

    private func flush() {
        isFlushScheduled = false
        let keys = dirty
        dirty = []
        for key in keys { write(key) }
    }

    private func write(_ key: ObjectKey) {
        guard let epoch, var entry = entries[key], entry.isDirty, !entry.isInFlight else { return }
        entry.isInFlight = true
        entry.isDirty = false
        entry.retry?.cancel()
        entry.retry = nil
        entries[key] = entry
        var patch: Value = ["status": entry.wanted]
        // Of another pod that has the name by now nothing is changed.
        patch["metadata"] = ["uid": .string(entry.uid)]
        let options = WriteOptions(leaseEpoch: LeaseEpoch(node: node, transitions: epoch))
        let uid = entry.uid
        let wanted = entry.wanted
        api.perform(.patch(key, .strategic(patch), .status, options)) { [weak self] result in
            self?.answered(key, uid, wanted, epoch, result)
        }
    }

    private func answered(_ key: ObjectKey, _ uid: String, _ wanted: Value, _ under: Int64, _ result: Result<Reply, StatusError>) {
        guard var entry = entries[key], entry.uid == uid else { return }
        entry.isInFlight = false
        switch result {
        case .success(let reply):
            entry.written = wanted
            entry.delay.reset()
            entry.revision = reply.object["metadata"]["resourceVersion"].string.flatMap { Revision($0) } ?? .zero
            let waiters = entry.isDirty ? [] : entry.waiters
            if !entry.isDirty { entry.waiters = [] }
            entries[key] = entry
            for waiter in waiters { waiter(entry.revision) }
            if entry.isDirty { write(key) }
        case .failure(let error) where error.code == 404:
            entries[key] = nil
        case .failure(let error) where [400, 403, 422].contains(error.code):
            // The same words would be refused again. What was submitted meanwhile may not be.
            entry.isRefused = !entry.isDirty
            entries[key] = entry
            onRefusal(key, uid, error)
            if entry.isDirty { write(key) }
        case .failure(let error):
            entry.isDirty = true
            // A conflict: the epoch is stale, so the write waits for the next one, which may have come while this was under way. The server may
            // have forgotten the lease that it compared with (leases live in memory), and then no other epoch comes: hence the longest pause.
            let pause = error.code == 409 ? Self.longestPause : entry.delay.next(using: &random)
            if error.code != 409 || under == epoch {
                entry.retry = api.loop.schedule(after: pause) { [weak self] in self?.write(key) }
            }
            entries[key] = entry
            if error.code == 409, under != epoch { write(key) }
        }
    }
}
