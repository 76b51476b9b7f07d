import Timing

/// One running program on a node. Its identity is its number together with its start: numbers come again.
final class SimulatedProcess {
    /// What tells it from all others of its world, also after its end: the object's own address is given to another one then.
    struct Identity: Hashable {
        let pid: Int
        let startedAt: Instant
    }

    let pid: Int
    let startedAt: Instant
    let node: String
    let podUID: String
    let podName: String
    let container: String
    let address: UInt32
    let ports: Set<UInt16>
    let program: Program
    let life: Life
    private unowned let world: World
    private(set) var isListening = false
    private(set) var listeningSince: Instant?
    private(set) var readySince: Instant?
    private(set) var isReady = false
    private(set) var isHung = false
    private(set) var isStopping = false
    /// It serves, and its liveness probe says no.
    var isSick = false
    /// It answers its probes, and every request with an error.
    var isErring = false
    private(set) var isOutOfMemory = false
    /// Called once, when it starts processes of its own.
    var onFork: () -> Void = {}
    /// What it has accepted and not answered, by number, with what is told when it ends before.
    private var open: [Int: () -> Void] = [:]
    /// Called once, at its end.
    var onEnd: (Int) -> Void = { _ in }

    init(
        world: World, pid: Int, node: String, podUID: String, podName: String, container: String, address: UInt32, ports: Set<UInt16>,
        program: Program
    ) {
        self.world = world
        self.pid = pid
        startedAt = world.now
        self.node = node
        self.podUID = podUID
        self.podName = podName
        self.container = container
        self.address = address
        self.ports = ports
        self.program = program
        life = Life("\(podName)/\(container)")
    }

    var name: String { life.name }
    var identity: Identity { Identity(pid: pid, startedAt: startedAt) }
    var isAlive: Bool { !life.isOver }
    var openCount: Int { open.count }

    private var isFateful: Bool { !world.isCalm || program.isIncurable }

    func start() {
        if isFateful, case .exitsAtOnce(let code) = program.fate {
            world.schedule(after: world.length(.milliseconds(2)...(.milliseconds(30))), for: life) { [self] in end(code) }
            return
        }
        if case .completesAfter(let length) = program.fate {
            world.schedule(after: length, for: life) { [self] in end(0) }
            return
        }
        world.schedule(after: world.length(program.startTime), for: life) { [self] in
            isListening = true
            if program.childCount > 0 { onFork() }
            listeningSince = world.now
            world.schedule(after: world.length(program.warmUpTime), for: life) { [self] in
                isReady = true
                readySince = world.now
                meetFate()
            }
        }
    }

    /// In a calm world programs behave.
    private func meetFate() {
        guard isFateful else { return }
        func about(_ length: Duration) -> Duration { world.length(length / 2...length * 3 / 2) }
        switch program.fate {
        case .serves, .completesAfter: break
        case .exitsAtOnce(let code): end(code)
        case .neverReady: isReady = false
        case .crashesAfter(let length):
            world.schedule(after: about(length), for: life) { [self] in if isFateful { end(1) } }
        case .leaks(let length):
            world.schedule(after: about(length), for: life) { [self] in
                guard isFateful else { return }
                isOutOfMemory = true
                world.sometimes(.outOfMemory)
                end(137)
            }
        case .hangsAfter(let length):
            world.schedule(after: about(length), for: life) { [self] in if isFateful { hang() } }
        case .sickensAfter(let length):
            world.schedule(after: about(length), for: life) { [self] in if isFateful { isSick = true } }
        case .flaps(let period):
            world.schedule(after: about(period), for: life) { [self] in
                isReady = false
                world.schedule(after: about(period), for: life) { [self] in
                    isReady = true
                    meetFate()
                }
            }
        }
    }

    /// The faults are over: what was wrong with it is so no longer. What hangs is not cured.
    func calmDown() {
        if !program.isIncurable { isSick = false }
        isErring = false
        if isListening, !isHung, !program.isIncurable { isReady = true }
    }

    func hang() {
        guard isAlive, !isHung else { return }
        world.note(name, "hangs", isTurningPoint: true)
        isHung = true
    }

    // MARK: What is asked of it

    /// Takes a request: `answered` after its service time, `broken` when the process ends before. False: nobody accepts.
    func accept(_ number: Int, answered: @escaping (_ status: Int) -> Void, broken: @escaping () -> Void) -> Bool {
        guard isAlive, isListening, !(isStopping && program.finishesRequests) else { return false }
        open[number] = broken
        guard !isHung else { return true }
        var time = world.length(program.serviceTime)
        if world.host.isStarved { time = time * 20 }
        world.schedule(after: time, for: life) { [self] in
            guard !isHung, open.removeValue(forKey: number) != nil else { return }
            answered(isErring ? 503 : 200)
            if isStopping, open.isEmpty, program.finishesRequests { end(0) }
        }
        return true
    }

    // MARK: Signals

    func terminate() {
        guard isAlive, !isStopping else { return }
        if program.ignoresTerm || isHung, !world.isCalm || isHung { return world.sometimes(.termIgnored) }
        isStopping = true
        world.schedule(after: world.length(program.stopTime), for: life) { [self] in
            if open.isEmpty || !program.finishesRequests { end(0) }
        }
    }

    func kill() { end(137) }

    func end(_ code: Int) {
        guard isAlive else { return }
        life.end()
        isListening = false
        let lost = open.sorted { $0.key < $1.key }
        open = [:]
        onEnd(code)
        for (_, broken) in lost { broken() }
    }
}
