import Supervision
import Timing

/// What a node has apart from its agent: processes, and the records of them on its disk. It outlives agents.
final class SimulatedMachine {
    /// Which process a container has, as the agent wrote it down before the program ran.
    struct Record {
        var pid: Int
        var startedAt: Instant
        var startTime: Timestamp
        var restartCount: Int
        var isOutOfMemory = false
        /// How it ended, when somebody saw it.
        var end: (code: Int, at: Timestamp)?
    }

    /// What an agent keeps of a pod for the next one.
    struct PodMemory {
        var namespace: String
        var name: String
        var address: UInt32?
        var records: [String: Record] = [:]
    }

    private unowned let world: World
    let node: String
    let zone: String
    private(set) var processes: [Int: SimulatedProcess] = [:]
    var pods: [String: PodMemory] = [:]
    /// A container of a pod.
    struct ContainerName: Hashable, Comparable {
        var podUID: String
        var container: String
        static func < (a: Self, b: Self) -> Bool { (a.podUID, a.container) < (b.podUID, b.container) }
    }
    /// How many processes live that programs have started besides themselves.
    private(set) var children: [ContainerName: Int] = [:]
    var addressCursor: AddressPool.Address?
    var addressReserve: [AddressPool.Address]?
    /// Exit codes that no agent has seen yet: what it has not when it dies is `up`'s to see, and to keep.
    var unseenExits: [Int: (startedAt: Instant, code: Int, at: Timestamp)] = [:]
    /// The agent that looks after this node now.
    weak var agent: SimulatedAgent?

    init(world: World, node: String, zone: String) {
        self.world = world
        self.node = node
        self.zone = zone
    }

    /// Starts a program AFTER its record is written.
    func launch(
        podUID: String, podName: String, container: String, address: UInt32, ports: Set<UInt16>, program: Program, restartCount: Int
    ) -> SimulatedProcess {
        let process = SimulatedProcess(
            world: world, pid: world.host.nextPID(), node: node, podUID: podUID, podName: podName, container: container, address: address,
            ports: ports, program: program)
        if !world.isPlanted(.programBeforeRecord) || world.chance(0.7) {
            pods[podUID]?.records[container] = Record(
                pid: process.pid, startedAt: process.startedAt, startTime: world.wallClock(of: node), restartCount: restartCount)
        }
        processes[process.pid] = process
        process.onEnd = { [unowned self, unowned process] code in ended(process, code) }
        process.onFork = { [unowned self, unowned process] in
            children[ContainerName(podUID: podUID, container: container)] = process.program.childCount
        }
        world.host.listen(process)
        world.note(node, "starts \(process.name) as \(process.pid)")
        world.observe(.started(process))
        process.start()
        return process
    }

    /// The process that a record names; nil when it is gone, and its number is another's perhaps.
    func process(of record: Record) -> SimulatedProcess? {
        guard let process = processes[record.pid] else { return world.isPlanted(.pidReuse) ? world.host.process(record.pid) : nil }
        return world.isPlanted(.pidReuse) || process.startedAt == record.startedAt ? process : nil
    }

    private func ended(_ process: SimulatedProcess, _ code: Int) {
        processes[process.pid] = nil
        world.host.unlisten(process)
        world.note(node, "\(process.name) (\(process.pid)) ended with \(code)")
        world.observe(.ended(process, code: code))
        unseenExits[process.pid] = (process.startedAt, code, world.wallClock(of: node))
        guard let agent, !agent.life.isOver else { return }
        world.schedule(after: world.length(.microseconds(20)...(.microseconds(200))), for: agent.life) { [self] in
            if unseenExits[process.pid]?.startedAt == process.startedAt { unseenExits[process.pid] = nil }
            agent.ended(process, code)
        }
    }

    /// Kills whatever runs here.
    func killEverything() {
        children = [:]
        for pid in processes.keys.sorted() { processes[pid]?.kill() }
    }

    func isSick(podUID: String, container: String) -> Bool {
        processes.values.contains { $0.podUID == podUID && $0.container == container && $0.isSick }
    }

    // MARK: What programs leave behind

    func killChildren(podUID: String, container: String? = nil) {
        if world.isPlanted(.childrenForgotten) { return }
        children = children.filter { $0.key.podUID != podUID || container != nil && $0.key.container != container }
    }

    /// The first process of a container has ended: the others get this long to end by themselves, and are killed then. Some end at once.
    func clear(podUID: String, container: String, within patience: Duration, for life: Life, _ done: @escaping () -> Void) {
        guard children[ContainerName(podUID: podUID, container: container)] != nil else { return world.later(for: life, done) }
        world.schedule(after: world.chance(0.5) ? .milliseconds(1) : patience, for: life) { [self] in
            world.sometimes(.childrenCleared)
            killChildren(podUID: podUID, container: container)
            done()
        }
    }
}
