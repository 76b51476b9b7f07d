import Formats
import Resources
import Timing

/// When an agent writes the statuses of its pods, and what: per pod at most one write is under way, and only the newest state waits behind it, so that
/// what is held is one status for each pod of the node.
///
/// What the server has of a pod therefore only moves forward: a status that was submitted later is never overwritten by one from before. Between pods
/// there is no order but that in which they were submitted within a turn.
///
/// What is to be done is in the answers, to be done in their order. A `Waiter` is whoever has to know that a status is stored.
package struct PodStatusWriting<Waiter> {
    /// Between two attempts while the server does not take writes; doubled up to the last, each shortened by up to half at random.
    package static var firstPause: Duration { .milliseconds(100) }
    package static var longestPause: Duration { .seconds(5) }

    /// One attempt to write a pod's status.
    package struct Write: Sendable, Hashable {
        package var key: ObjectKey
        /// Of another pod that has the name by now nothing is changed.
        package var uid: String
        package var status: Value
        /// The lease under which it is written.
        package var epoch: LeaseEpoch
        fileprivate var number: Int

        /// What the server is asked for.
        package var request: Request {
            let patch: Value = ["status": status, "metadata": ["uid": .string(uid)]]
            return .patch(key, .strategic(patch), .status, WriteOptions(leaseEpoch: epoch))
        }
    }

    /// What is to be done.
    package enum Step {
        /// `turn` is to be called once this turn is over: what happens in one turn to a pod is one write.
        case plan
        /// Send its request; what comes of it goes to `answered`.
        case write(Write)
        /// Call `retry` after this time. A later one of the same pod takes its place.
        case wait(Duration, Write)
        /// What these waited for is stored as of this revision.
        case tell([Waiter], Revision)
        /// The server does not take this status for what it says: it is not written again until it changes.
        case refused(Write, StatusError)
    }

    fileprivate struct Entry {
        var uid: String
        var wanted: Value
        /// `wanted` is neither stored nor under way nor refused.
        var isDue = true
        /// Its turn is planned.
        var isPlanned = false
        var isRefused = false
        var underWay: Int?
        var lastWrite = 0
        var delay = ReconnectDelay(first: PodStatusWriting.firstPause, longest: PodStatusWriting.longestPause)
        var waiters: [Waiter] = []
        /// Of the last write that brought something.
        var revision = Revision.zero
    }

    private let node: String
    /// The lease's epoch; nil: writes wait.
    package private(set) var epoch: LeaseEpoch?
    private var entries: [ObjectKey: Entry] = [:]
    /// Whose turn is planned, in the order in which they were submitted.
    private var planned: [ObjectKey] = []
    private var isTurnPlanned = false
    private var writeCount = 0

    package init(node: String) { self.node = node }

    /// The lease is held, under this epoch from now on.
    package mutating func begin(epoch transitions: Int64) -> [Step] {
        epoch = LeaseEpoch(node: node, transitions: transitions)
        return entries.keys.sorted().filter { entries[$0]?.isDue == true }.flatMap { plan($0) }
    }

    /// Takes the newest status of a pod; it goes out at the end of this turn, or when the write before it has been answered. What was submitted before
    /// and is not yet under way is never written.
    package mutating func submit(_ key: ObjectKey, uid: String, _ status: Value) -> [Step] {
        if var entry = entries[key], entry.uid == uid {
            guard entry.wanted != status else { return [] }
            entry.wanted = status
            entry.isDue = true
            entry.isRefused = false
            entries[key] = entry
        } else {
            entries[key] = Entry(uid: uid, wanted: status)
        }
        return plan(key)
    }

    /// Nothing of the pod is written any more, and who waited is told nothing.
    package mutating func forget(_ key: ObjectKey, uid: String) {
        if entries[key]?.uid == uid { entries[key] = nil }
    }

    /// Tells the waiter once what was submitted, or what takes its place, is stored; never where nothing was.
    package mutating func whenWritten(_ key: ObjectKey, _ waiter: Waiter) -> [Step] {
        guard let entry = entries[key] else { return [] }
        if !entry.isDue, entry.underWay == nil, !entry.isRefused { return [.tell([waiter], entry.revision)] }
        entries[key]?.waiters.append(waiter)
        return []
    }

    /// The turn that was planned has come.
    package mutating func turn() -> [Step] {
        isTurnPlanned = false
        let keys = planned
        planned = []
        return keys.flatMap { key in
            entries[key]?.isPlanned = false
            return write(key)
        }
    }

    /// What the server says to a write.
    package mutating func answered(
        _ write: Write, _ result: Result<Reply, StatusError>, using random: inout some RandomNumberGenerator
    ) -> [Step] {
        let key = write.key
        guard var entry = entries[key], entry.underWay == write.number else { return [] }
        entry.underWay = nil
        switch result {
        case .success(let reply):
            entry.delay.reset()
            entry.revision = reply.object["metadata"]["resourceVersion"].string.flatMap { Revision($0) } ?? .zero
            let isLatest = !entry.isDue
            let waiters = isLatest ? entry.waiters : []
            if isLatest { entry.waiters = [] }
            entries[key] = entry
            return isLatest ? (waiters.isEmpty ? [] : [.tell(waiters, entry.revision)]) : self.write(key)
        case .failure(let error) where error.code == 404:
            entries[key] = nil
            return []
        case .failure(let error) where [400, 403, 422].contains(error.code):
            // The same words would be refused again. What was submitted meanwhile may not be.
            entry.isRefused = !entry.isDue
            entries[key] = entry
            return [.refused(write, error)] + self.write(key)
        case .failure(let error):
            entry.isDue = true
            let isConflict = error.code == 409
            // A conflict: the epoch is stale, so the write waits for the next one, which may have come while this was under way. The server may
            // have forgotten the lease that it compared with (leases live in memory), and then no other epoch comes: hence the longest pause.
            let pause = isConflict ? Self.longestPause : entry.delay.next(using: &random)
            entries[key] = entry
            return isConflict && write.epoch != epoch ? self.write(key) : [.wait(pause, write)]
        }
    }

    /// The pause after an attempt is over. Nothing happens where the pod was written since.
    package mutating func retry(_ attempt: Write) -> [Step] { entries[attempt.key]?.lastWrite == attempt.number ? write(attempt.key) : [] }

    private mutating func plan(_ key: ObjectKey) -> [Step] {
        guard entries[key]?.isPlanned == false else { return [] }
        entries[key]?.isPlanned = true
        planned.append(key)
        if isTurnPlanned { return [] }
        isTurnPlanned = true
        return [.plan]
    }

    private mutating func write(_ key: ObjectKey) -> [Step] {
        guard let epoch, var entry = entries[key], entry.isDue, entry.underWay == nil else { return [] }
        writeCount += 1
        entry.isDue = false
        entry.underWay = writeCount
        entry.lastWrite = writeCount
        entries[key] = entry
        return [.write(Write(key: key, uid: entry.uid, status: entry.wanted, epoch: epoch, number: writeCount))]
    }
}

extension PodStatusWriting: Sendable where Waiter: Sendable {}
extension PodStatusWriting.Entry: Sendable where Waiter: Sendable {}
extension PodStatusWriting.Step: Sendable where Waiter: Sendable {}
