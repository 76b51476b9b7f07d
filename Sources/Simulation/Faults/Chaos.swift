import Resources
import Timing

/// Makes a part of the faults and actions happen at random moments: which part, and how often, is drawn for each seed (a swarm finds more than a
/// crowd that always does everything).
final class Chaos {
    private unowned let world: World
    private let people: People
    private let faults: [FaultKind]
    private let actions: [ActionKind]
    private let life = Life("chaos")
    private var mean: Duration
    private var hasBegun = false
    /// When the last of what goes on for a while by itself is over.
    private(set) var actsUntil = Instant.zero
    /// Whom a fault has made ill.
    private(set) var sickened: [SimulatedProcess] = []

    init(world: World, people: People) {
        self.world = world
        self.people = people
        // Each kind takes part in about half of the seeds; a kind that is alone always does.
        faults = world.scenario.faults.sorted { $0.rawValue < $1.rawValue }.filter { _ in
            world.scenario.faults.count == 1 || world.chance(0.4)
        }
        actions = world.scenario.actions.sorted { $0.rawValue < $1.rawValue }.filter { _ in
            world.scenario.actions.count == 1 || world.chance(0.6)
        }
        mean = world.length(.milliseconds(500)...(.seconds(15)))
    }

    var isHarmless: Bool {
        faults.isEmpty && !actions.contains(.rollToBroken) && !actions.contains(.deletePod)
            && !actions.contains(.forceDelete)
    }

    func start() {
        hasBegun = true
        world.note("chaos", "faults: \(faults.map(\.rawValue).joined(separator: ", "))", isTurningPoint: true)
        if !faults.isEmpty { nextFault() }
        if !actions.isEmpty { nextAction() }
        guard faults.contains(.clockDrift) else { return }
        for place in world.host.nodes + [RoleName.server] {
            world.clocks.set(place, ahead: world.length(.seconds(-3)...(.seconds(3))), now: world.now)
            world.clocks.drift(place, by: Int64(world.number(-20_000...20_000)), now: world.now)
        }
    }

    private func nextFault() {
        world.schedule(after: world.length(mean / 4...mean * 2), for: life) { [self] in
            if let fault = world.pick(faults) { strike(fault) }
            nextFault()
        }
    }

    private func nextAction() {
        world.schedule(after: world.length(.milliseconds(200)...(.seconds(20))), for: life) { [self] in
            if let action = world.pick(actions) { people.act(action) }
            nextAction()
        }
    }

    /// Ends what was wrong for a while.
    private func after(_ range: ClosedRange<Duration>, _ body: @escaping () -> Void) {
        let length = world.length(range)
        actsUntil = max(actsUntil, world.now + length)
        world.schedule(after: length, for: life, body)
    }

    private func say(_ what: String) { world.note("fault", what, isTurningPoint: true) }

    /// Lets it happen now. False: nothing of the kind can happen at this moment, because what it strikes is not there.
    ///
    /// - Parameters:
    ///   - isWide: whether all replicas answer with errors, or one of them; nil: as chance has it.
    ///   - length: for how long they do.
    @discardableResult
    func strike(_ fault: FaultKind, isWide: Bool? = nil, for length: Duration? = nil) -> Bool {
        let host = world.host
        switch fault {
        case .processCrash:
            guard let process = world.pick(host.processes) else { return false }
            say("\(process.name) crashes")
            process.end(world.pick([1, 134, 139]) ?? 1)
        case .processExit:
            guard let process = world.pick(host.processes) else { return false }
            say("\(process.name) exits")
            world.sometimes(.exited)
            process.end(0)
        case .sickness:
            guard let first = world.pick(host.processes.filter(\.isListening)) else { return false }
            // One, or all alike.
            let all = world.chance(0.5) ? [first] : host.processes.filter { $0.isListening && $0.container == first.container }
            say("\(all.count == 1 ? first.name : "every \(first.container)") fails its liveness probe")
            for process in all { process.isSick = true }
            sickened += all
        case .processHang:
            guard let process = world.pick(host.processes.filter(\.isListening)), !process.isHung else { return false }
            process.hang()
        case .errors:
            guard let first = world.pick(host.processes.filter(\.isListening)) else { return false }
            let isAlone = isWide.map { !$0 } ?? world.chance(0.7)
            let all = isAlone ? [first] : host.processes.filter { $0.isListening && $0.container == first.container }
            say("\(all.count == 1 ? first.name : "every \(first.container)") answers with errors")
            for process in all { process.isErring = true }
            after(length.map { $0...$0 } ?? .seconds(2)...(.seconds(20))) { for process in all { process.isErring = false } }
        // These live in the programs, see `twist`; clocks are off from the start.
        case .ignoreTerm, .slowStart, .neverReady, .flap, .fork, .leak, .clockDrift: return false
        case .serverCrash:
            if world.chance(0.5) {
                crash(RoleName.server)
                return true
            }
            // The worst moment: something is on its way to the disk.
            world.disk.onNextAppend = { [self] in
                world.schedule(after: world.length(.zero...(.milliseconds(1))), for: life) { [self] in crash(RoleName.server) }
            }
        case .agentCrash:
            guard let role = world.pick(host.roleNames.filter { RoleName.isAgent($0) }) else { return false }
            crash(role)
        case .proxyCrash:
            guard let role = world.pick(host.roleNames.filter { RoleName.isProxy($0) }) else { return false }
            crash(role)
        case .upCrash:
            say("up crashes")
            host.killUp()
        case .pause:
            guard let role = world.chance(0.3) ? "up" : world.pick(host.roleNames) else { return false }
            say("\(role) is stopped")
            if role == "up" {
                host.pauseUp()
                after(.milliseconds(100)...(.seconds(20))) { host.goOnUp() }
                return true
            }
            host.pause(role)
            after(.milliseconds(100)...(.seconds(15))) { [self] in
                say("\(role) goes on")
                host.goOn(role)
            }
        case .nodeLoss:
            guard let node = world.pick(host.nodes) else { return false }
            return lose([node])
        case .zoneLoss:
            guard world.scenario.zones.count > 1, let zone = world.pick(world.scenario.zones) else { return false }
            return lose(host.nodes.filter { host.machines[$0]?.zone == zone })
        case .starvation:
            guard !host.isStarved else { return false }
            say("the machine is starved of CPU")
            host.isStarved = true
            after(.seconds(5)...(.seconds(60))) { host.isStarved = false }
        case .slowNetwork:
            world.network.delay = .milliseconds(1)...world.length(.milliseconds(10)...(.milliseconds(800)))
            say("the network is slow")
            after(.seconds(1)...(.seconds(20))) { [self] in world.network.delay = .microseconds(30)...(.microseconds(300)) }
        case .brokenConnections:
            say("connections break")
            world.network.lossProbability = Double(world.number(1...20)) / 100
            after(.seconds(1)...(.seconds(20))) { [self] in world.network.lossProbability = 0 }
        case .lostMessages:
            say("messages are lost")
            world.network.vanishProbability = Double(world.number(1...5)) / 100
            after(.seconds(1)...(.seconds(10))) { [self] in world.network.vanishProbability = 0 }
        case .duplicatedMessages:
            say("requests arrive twice")
            world.network.duplicateProbability = Double(world.number(5...50)) / 100
            after(.seconds(1)...(.seconds(20))) { [self] in world.network.duplicateProbability = 0 }
        case .reorderedMessages:
            say("messages overtake each other")
            world.network.straggleProbability = Double(world.number(5...50)) / 100
            after(.seconds(1)...(.seconds(20))) { [self] in world.network.straggleProbability = 0 }
        case .partition: return partition()
        case .syncFailure:
            say("the disk cannot be synced")
            world.disk.condition = .failing
            after(.milliseconds(50)...(.seconds(5))) { [self] in world.disk.condition = .healthy }
        case .slowDisk:
            // Other programs' writes may hold up a sync for longer than a lease lasts.
            let hangs = world.chance(0.2)
            say(hangs ? "the disk hangs" : "the disk is slow")
            world.disk.condition = .slow(world.length(hangs ? .seconds(11)...(.seconds(40)) : .milliseconds(10)...(.milliseconds(900))))
            after(.seconds(1)...(.seconds(15))) { [self] in world.disk.condition = .healthy }
        case .fullDisk:
            say("the disk is full")
            world.disk.condition = .full
            after(.seconds(1)...(.seconds(20))) { [self] in world.disk.condition = .healthy }
        case .flippedBit:
            say("a bit changes on the disk")
            world.disk.flipBit { world.number($0) }
            // Nobody sees it before the next recovery.
            if world.chance(0.7) { crash(RoleName.server) }
            after(.seconds(5)...(.seconds(40))) { [self] in restoreDisk() }
        case .clockJump:
            let length =
                world.pick([.seconds(1), .seconds(30), .seconds(600), .seconds(3600), .seconds(86_400)] as [Duration]) ?? .seconds(1)
            let isBack = world.chance(0.5)
            say("the clock jumps \(length.inSeconds) s \(isBack ? "back" : "ahead")")
            world.sometimes(.clockJumped)
            world.clocks.jump(by: isBack ? .zero - length : length)
        }
        return true
    }

    /// Somebody puts back what was damaged.
    private func restoreDisk() {
        world.note("user", "restores what was damaged on the disk")
        world.disk.restore()
    }

    /// A program as one process of it turns out to be.
    func twist(_ program: Program, isBroken: Bool) -> Program {
        var program = program
        if isBroken {
            program.isIncurable = true
            program.fate =
                world.pick([.exitsAtOnce(code: 1), .neverReady, .crashesAfter(.seconds(2)), .hangsAfter(.milliseconds(300))]) ?? .neverReady
        }
        guard !world.isCalm, !isBroken else { return program }
        if faults.contains(.ignoreTerm), world.chance(0.3) { program.ignoresTerm = true }
        if faults.contains(.slowStart), world.chance(0.3) { program.startTime = .seconds(1)...(.seconds(12)) }
        if faults.contains(.fork), world.chance(0.5) { program.childCount = world.number(1...5) }
        if hasBegun, faults.contains(.neverReady), world.chance(0.2) { program.fate = .neverReady }
        if faults.contains(.leak), world.chance(0.3) { program.fate = .leaks(.seconds(10)) }
        if faults.contains(.flap), world.chance(0.3) {
            program.fate = world.pick([.flaps(.seconds(5)), .crashesAfter(.seconds(8)), .hangsAfter(.seconds(15))]) ?? .flaps(.seconds(5))
        }
        return program
    }

    private func crash(_ role: String) {
        say("\(role) crashes")
        world.host.kill(role)
    }

    private func lose(_ nodes: [String]) -> Bool {
        let lost = nodes.filter { !world.host.isFailed(node: $0) }
        // One place at a time: when all are gone nothing is proved.
        guard world.host.nodes.count(where: { world.host.isFailed(node: $0) }) + lost.count < world.host.nodes.count else { return false }
        for node in lost { world.host.fail(node: node) }
        after(.seconds(1)...(.seconds(40))) { [self] in for node in lost { world.host.recover(node: node) } }
        return !lost.isEmpty
    }

    private func partition() -> Bool {
        guard let role = world.pick(world.host.roleNames.filter { $0 != RoleName.server }) else { return false }
        let ways = world.number(1...3)
        say("\(role) is cut off (\(ways == 1 ? "to the server" : ways == 2 ? "from the server" : "both ways"))")
        if ways & 1 > 0 { world.network.cutToServer.insert(role) }
        if ways & 2 > 0 { world.network.cutFromServer.insert(role) }
        after(.seconds(1)...(.seconds(25))) { [self] in
            world.network.cutToServer.remove(role)
            world.network.cutFromServer.remove(role)
        }
        return true
    }

    /// Ends every fault: nothing goes wrong any more by itself. A zone may stay away for good: then the others have to do without it.
    func stop(leaving zone: String? = nil) {
        life.end()
        world.note("chaos", "faults are over\(zone.map { ", but for zone \($0)" } ?? "")", isTurningPoint: true)
        world.isCalm = true
        world.network.heal()
        world.disk.condition = .healthy
        world.disk.restore()
        world.clocks.settle(now: world.now)
        world.host.isStarved = false
        world.host.goOnUp()
        let away = Set(world.host.nodes.filter { zone != nil && world.host.machines[$0]?.zone == zone })
        leave(away)
        for node in world.host.nodes where !away.contains(node) { world.host.recover(node: node) }
        for role in world.host.roleNames { world.host.goOn(role) }
        // What hangs for ever, or does not listen to TERM, is somebody's to kill.
        for process in world.host.processes { process.isHung ? process.end(137) : process.calmDown() }
        people.restore()
    }

    /// They fail, or nobody hears of them any more.
    private func leave(_ nodes: Set<String>) {
        guard !nodes.isEmpty else { return }
        world.sometimes(.zoneStayedAway)
        let isCutOff = world.chance(0.5)
        for node in nodes.sorted() {
            world.host.givenUp.insert(node)
            guard isCutOff else {
                if !world.host.isFailed(node: node) { world.host.fail(node: node) }
                continue
            }
            world.network.cutToServer.insert(RoleName.agent(node))
            world.network.cutFromServer.insert(RoleName.agent(node))
        }
    }
}
