import Formats
import Resources
import Timing

/// Writes pod statuses as the agent does: at most one write of a pod under way, and only the newest state behind it.
final class SimulatedStatusWriter {
    private static let firstPause = Duration.milliseconds(100)
    private static let longestPause = Duration.seconds(5)

    private let api: any SimulatedAPI
    private let node: String
    private var epoch: Int64?
    private var entries: [ObjectKey: Entry] = [:]

    private struct Entry {
        var uid: String
        var wanted: Value
        var isInFlight = false
        var isDirty = true
        var isPlanned = false
        var pause = SimulatedStatusWriter.firstPause
        var waiters: [() -> Void] = []
    }

    init(_ api: any SimulatedAPI, node: String) {
        self.api = api
        self.node = node
    }

    func begin(epoch: Int64) {
        self.epoch = epoch
        for key in entries.keys.sorted() where entries[key]?.isDirty == true { plan(key) }
    }

    func submit(_ key: ObjectKey, uid: String, _ status: Value) {
        if var entry = entries[key], entry.uid == uid {
            guard entry.wanted != status else { return }
            entry.wanted = status
            entry.isDirty = true
            entries[key] = entry
        } else {
            entries[key] = Entry(uid: uid, wanted: status)
        }
        plan(key)
    }

    func forget(_ key: ObjectKey, uid: String) { if entries[key]?.uid == uid { entries[key] = nil } }

    func whenWritten(_ key: ObjectKey, _ body: @escaping () -> Void) {
        guard let entry = entries[key] else { return }
        if !entry.isDirty, !entry.isInFlight { body() } else { entries[key]?.waiters.append(body) }
    }

    private func plan(_ key: ObjectKey) {
        guard entries[key]?.isPlanned == false else { return }
        entries[key]?.isPlanned = true
        api.world.later(for: api.life) { [self] in
            entries[key]?.isPlanned = false
            write(key)
        }
    }

    private func write(_ key: ObjectKey) {
        guard let epoch, var entry = entries[key], entry.isDirty, !entry.isInFlight else { return }
        entry.isInFlight = true
        entry.isDirty = false
        entries[key] = entry
        let patch: Value = ["status": entry.wanted, "metadata": ["uid": .string(entry.uid)]]
        let uid = entry.uid
        api.perform(
            .patch(key, .strategic(patch), .status, WriteOptions(leaseEpoch: LeaseEpoch(node: node, transitions: epoch))), by: .nodeAgent
        ) { [self] in answered(key, uid, under: epoch, $0) }
    }

    private func answered(_ key: ObjectKey, _ uid: String, under: Int64, _ result: Result<Reply, StatusError>) {
        guard var entry = entries[key], entry.uid == uid else { return }
        entry.isInFlight = false
        switch result {
        case .success:
            entry.pause = Self.firstPause
            let waiters = entry.isDirty ? [] : entry.waiters
            if !entry.isDirty { entry.waiters = [] }
            entries[key] = entry
            for waiter in waiters { waiter() }
            if entry.isDirty { write(key) }
        case .failure(let error) where error.code == 404:
            entries[key] = nil
        case .failure(let error):
            entry.isDirty = true
            let pause = error.code == 409 ? Self.longestPause : entry.pause
            entry.pause = min(entry.pause * 2, Self.longestPause)
            entries[key] = entry
            if error.code == 409, under != epoch { return write(key) }
            api.world.schedule(after: pause, for: api.life) { [self] in write(key) }
        }
    }
}
