import Linux
import Timing

/// Kills what a node's records and control groups name, with all that it started: for `up` when a node fails, and for pods that are no more.
///
/// It works on the loop in short steps, since whoever runs it has others to answer: each reads at most `stepSize` records, control groups or processes
/// (about 2 ms). The machine is looked over for all pods at once: the cost grows with the processes of the machine, not with the pods of the node.
package final class Leftovers {
    private let loop: EventLoop
    private var whenDone: (() -> Void)?
    private var records: [String]
    private var groups: [ControlGroup]
    /// Killed groups whose last process may not have ended yet.
    private var dying: [ControlGroup] = []
    private let parent: ControlGroup?
    /// Also of pods without a record: it may be lost.
    private let markers: Set<ArraySlice<UInt8>>
    /// Processes that are still to be looked at in this round.
    private var candidates: [Int32] = []
    private var isRoundClean = true
    private var roundCount = 0
    private var groupsBy: Instant = .never
    private let boot = Processes.bootIdentifier()

    /// Records, groups or processes in one turn of the loop.
    private static let stepSize = 64
    /// How often the machine is looked over for processes that appear while others die: what forks faster than this is killed escapes.
    private static let roundLimit = 20
    private static let roundPause = Duration.milliseconds(2)
    /// A killed process that is in no uninterruptible wait is gone within a few milliseconds. All groups together are waited for at most this long.
    private static let deathLimit = Duration.seconds(1)

    /// Everything of a node, its control group as well. `done` is called once, AFTER the signals were sent and nothing more was found; at the latest
    /// when the limits above have run out.
    package static func kill(nodeDirectory: String, loop: EventLoop, _ done: @escaping () -> Void) {
        let group = group(of: nodeDirectory)
        let pods = Set(((try? Files.list(nodeDirectory + "/pods")) ?? []) + RunDirectory.pods(nodeDirectory))
        let groups = group.map { group in group.children.map { group.below($0) } } ?? []
        Leftovers(loop, pods: pods.sorted(), node: nodeDirectory, groups: groups, parent: group).begin(done)
    }

    /// What these pods of a node have, and what is in control groups of pods that are not `known`; `group` is the agent's.
    static func kill(
        pods: [String], node: String, group: ControlGroup?, except known: Set<String>, loop: EventLoop, _ done: @escaping () -> Void
    ) {
        let strange = group.map { group in
            group.children.filter { !known.contains(String($0.prefix { $0 != "." })) }.map { group.below($0) }
        }
        Leftovers(loop, pods: pods, node: node, groups: strange ?? [], parent: nil).begin(done)
    }

    private init(_ loop: EventLoop, pods: [String], node: String, groups: [ControlGroup], parent: ControlGroup?) {
        self.loop = loop
        self.groups = groups
        self.parent = parent
        markers = Set(pods.map { Array("STEADY_CONTAINER=\($0)".utf8)[...] })
        records = pods.flatMap { uid in
            let paths = PodPaths(node: node, uid: uid)
            return paths.containerNames.sorted().map { paths.record($0) }
        }
    }

    private func begin(_ done: @escaping () -> Void) {
        whenDone = done
        killGroups()
    }

    // MARK: - Steps

    private func next(after pause: Duration = .zero, _ step: @escaping (Leftovers) -> Void) {
        // It keeps itself until it is done.
        _ = loop.schedule(after: pause) { step(self) }
    }

    private func killGroups() {
        for group in groups.suffix(Self.stepSize).reversed() {
            if group.isPopulated { group.kill() }
            dying.append(group)
        }
        groups.removeLast(min(groups.count, Self.stepSize))
        groups.isEmpty ? killRecorded() : next { $0.killGroups() }
    }

    private func killRecorded() {
        for path in records.suffix(Self.stepSize) {
            guard let record = ContainerRecord.settle(path), record.boot == boot else { continue }
            guard let identity = record.identity, let descriptor = Processes.openDescriptor(identity) else { continue }
            Survivors.signal(group: identity.pid, 9)
            try? Processes.signal(descriptor, 9)
            closeDescriptor(descriptor)
        }
        records.removeLast(min(records.count, Self.stepSize))
        records.isEmpty ? beginRound() : next { $0.killRecorded() }
    }

    private func beginRound() {
        guard !markers.isEmpty, roundCount < Self.roundLimit else { return beginWaiting() }
        roundCount += 1
        isRoundClean = true
        candidates = Survivors.everybody()
        look()
    }

    private func look() {
        for pid in candidates.suffix(Self.stepSize) where Survivors.isMarked(pid, amongst: markers) {
            isRoundClean = false
            Survivors.signal(pid, 9)
        }
        candidates.removeLast(min(candidates.count, Self.stepSize))
        guard candidates.isEmpty else { return next { $0.look() } }
        isRoundClean ? beginWaiting() : next(after: Self.roundPause) { $0.beginRound() }
    }

    private func beginWaiting() {
        groupsBy = Clock.monotonic() + Self.deathLimit
        removeGroups()
    }

    private func removeGroups() {
        let isLate = Clock.monotonic() >= groupsBy
        dying.removeAll { group in
            guard isLate || !group.isPopulated else { return false }
            group.remove()
            return true
        }
        guard dying.isEmpty else { return next(after: Self.roundPause) { $0.removeGroups() } }
        parent?.remove()
        whenDone?()
        whenDone = nil
    }
}

/// Where a node's agents note their control group, for those who come when they are dead.
extension Leftovers {
    private static func groupNote(_ nodeDirectory: String) -> String { nodeDirectory + "/control-group" }

    static func note(_ group: ControlGroup, in nodeDirectory: String) {
        try? Files.replace(groupNote(nodeDirectory), with: "\(group.kind == .unified ? "unified" : "freezer") \(group.path)\n".utf8)
    }

    /// The group that the node's last agent had.
    static func group(of nodeDirectory: String) -> ControlGroup? {
        guard let fields = (try? Files.text(groupNote(nodeDirectory)))?.split(whereSeparator: { $0 == " " || $0 == "\n" }),
            fields.count == 2
        else { return nil }
        return ControlGroup(path: String(fields[1]), kind: fields[0] == "freezer" ? .freezer : .unified)
    }
}

extension ControlGroup {
    /// The group of this name in this one, whether it is there or not.
    fileprivate func below(_ name: String) -> ControlGroup { ControlGroup(path: "\(path)/\(name)", kind: kind) }
}
