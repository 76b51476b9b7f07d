import Registry
import Resources
import Supervision
import Timing

/// The machine that all of it runs on: the nodes' processes and records, and `up`, which starts roles and starts them again.
final class SimulatedHost {
    /// The server's process: the store with the controllers over it.
    struct Server {
        let life: Life
        let store: SimulatedStore
        let plane: ControlPlane
    }

    struct Role {
        var machine: RoleMachine
        var life: Life?
        /// When the machine is to be looked at again.
        var tick: (at: Instant, appointment: Timeline.Appointment)?
        /// What the role's process thinks of `up`.
        var silence: HostSilence
        /// When the process looks whether another role is missed.
        var look: Timeline.Appointment?
    }
    /// How often a role says that it lives, and asks whether `up` does.
    private static let beatPeriod: Duration = .seconds(2)

    unowned let world: World
    private(set) var server: Server?
    private(set) var machines: [String: SimulatedMachine] = [:]
    private(set) var nodes: [String] = []
    private(set) var proxies: [String: SimulatedProxy] = [:]
    private(set) var agents: [String: SimulatedAgent] = [:]
    var links: [Link] = []
    var caches: [CacheUnderCheck] = []
    /// The machine has too little CPU for everybody: everything is slow, and probes time out.
    var isStarved = false
    /// Nodes that stay away for good.
    var givenUp: Set<String> = []
    var roles: [String: Role] = [:]
    /// The proxies that take new connections; `ProxySuccession.swift` writes these two.
    var currentProxies: [String] = []
    var retiredProxies: Set<String> = []
    private(set) var up = Life("up")
    private(set) lazy var absences = AbsenceWatch(world: world, up: up)
    private var listeners: [UInt32: [SimulatedProcess]] = [:]
    private var lastPID = 100
    /// Roles of past lives stay until the end: what was arranged for them refers to them.
    private var past: [AnyObject] = []

    init(world: World) { self.world = world }

    // MARK: Start

    func start() {
        for zone in world.scenario.zones {
            for index in 1...world.scenario.nodesPerZone {
                let name = "\(zone)\(index)"
                nodes.append(name)
                machines[name] = SimulatedMachine(world: world, node: name, zone: zone)
            }
        }
        currentProxies = (1...world.scenario.proxyCount).map { RoleName.proxy($0) }
        for name in [RoleName.server] + nodes.map({ RoleName.agent($0) }) + currentProxies {
            add(name)
            handle(name, .tick)
        }
    }

    func add(_ name: String) {
        roles[name] = Role(machine: machine(of: name), silence: HostSilence(period: Self.beatPeriod, now: world.now))
    }

    func index(of node: String) -> Int { nodes.firstIndex(of: node) ?? 0 }
    var roleNames: [String] { roles.keys.sorted() }
    func life(of role: String) -> Life? { roles[role]?.life }
    func isRunning(_ role: String) -> Bool { roles[role]?.life.map { !$0.isOver } ?? false }

    func nextPID() -> Int {
        repeat { lastPID = lastPID % world.scenario.processNumberCount + 1 } while process(lastPID) != nil
        return lastPID
    }

    func process(_ pid: Int) -> SimulatedProcess? {
        for node in nodes { if let process = machines[node]?.processes[pid] { return process } }
        return nil
    }

    var processes: [SimulatedProcess] {
        nodes.flatMap { node in (machines[node]?.processes ?? [:]).sorted { $0.key < $1.key }.map(\.value) }
    }

    // MARK: Roles, as `up` sees them

    func machine(of role: String) -> RoleMachine {
        RoleMachine(now: world.now, silenceLimit: RoleMachine.silenceLimit(of: role))
    }

    func handle(_ name: String, _ event: RoleMachine.Event) {
        guard var role = roles[name] else { return }
        let actions = role.machine.handle(event, now: world.now)
        roles[name] = role
        for action in actions {
            switch action {
            case .start:
                begin(name)
                roles[name]?.machine.handle(.started, now: world.now).ignore()
            case .end, .kill:
                if role.life?.isPaused ?? false { world.sometimes(.silentRoleKilled) }
                kill(name)
            }
        }
        arm(name)
    }

    private func arm(_ name: String) {
        guard let role = roles[name], var at = role.machine.lookAgain else { return }
        if let tick = role.tick {
            if tick.at <= at, world.isPending(tick.appointment) { return }
            world.callOff(tick.appointment)
        }
        if case .waiting = role.machine.state { at += world.length(.milliseconds(1)...(.milliseconds(5))) }
        roles[name]?.tick = (at, world.schedule(at: at, for: up) { [self] in handle(name, .tick) })
    }

    private func beat(_ name: String, _ life: Life) {
        world.schedule(after: Self.beatPeriod, for: life) { [self] in
            world.later(for: up) { [self] in
                guard roles[name]?.life === life else { return }
                handle(name, .heard)
                world.later(for: life) { [self] in
                    roles[name]?.silence.heard(now: world.now)
                    planLook(name, life)
                }
            }
            if roles[name]?.silence.asked(now: world.now) ?? false { killSilentUp(name) }
            planLook(name, life)
            beat(name, life)
        }
    }

    private func planLook(_ name: String, _ life: Life) {
        if let look = roles[name]?.look { world.callOff(look) }
        let look = roles[name]?.silence.lookAgain.map { at in
            world.schedule(at: at, for: life) { [self] in
                guard var silence = roles[name]?.silence else { return }
                let isHung = silence.looked(now: world.now, isMissed: { isAnybodyMissed })
                roles[name]?.silence = silence
                if isHung { killSilentUp(name) }
                planLook(name, life)
            }
        }
        roles[name]?.look = look
    }

    /// A role is dead or stopped that is to run.
    private var isAnybodyMissed: Bool {
        roleNames.contains { name in
            guard let role = roles[name], role.machine.state != .failed, !retiredProxies.contains(name) else { return false }
            return role.life.map { $0.isOver || $0.isPaused } ?? true
        }
    }

    private func killSilentUp(_ name: String) {
        world.sometimes(.silentUpKilled)
        world.note(name, "kills up, which is silent", isTurningPoint: true)
        killUp()
    }

    private func begin(_ name: String) {
        let life = Life(name)
        roles[name]?.life = life
        roles[name]?.silence = HostSilence(period: Self.beatPeriod, now: world.now)
        roles[name]?.silence.welcomed(answersBeats: true, now: world.now)
        world.note("up", "starts \(name)")
        beat(name, life)
        if name == RoleName.server {
            startServer(life)
        } else if let machine = RoleName.node(ofAgent: name).flatMap({ machines[$0] }) {
            let agent = SimulatedAgent(world: world, life: life, machine: machine)
            agents[name] = agent
            past.append(agent)
            agent.start()
            tellProxies()
            absences.handle(.came, of: machine.node)
        } else {
            let proxy = SimulatedProxy(world: world, life: life)
            proxies[name] = proxy
            past.append(proxy)
            proxy.start()
            absences.tell()
            world.clients.proxyStarted()
        }
    }

    private func startServer(_ life: Life) {
        do {
            let store = try SimulatedStore(world: world, life: life)
            let plane = ControlPlane(world: world, life: life, store: store)
            past.append(store)
            past.append(plane)
            server = Server(life: life, store: store, plane: plane)
            plane.start()
            absences.tell()
        } catch let error as RecoveryError {
            world.violate("acknowledged writes survive", "the store cannot be recovered: \(error)")
        } catch {
            // It says why and ends; `up` tries again.
            if let damage = error as? SimulatedDisk.Damage {
                world.sometimes(.damageNamed)
                world.note(RoleName.server, "does not start: the record of \(damage.revision) is damaged", isTurningPoint: true)
            }
            life.end()
            world.schedule(after: .milliseconds(5), for: up) { [self] in handle(RoleName.server, .exited) }
        }
    }

    /// SIGKILL to a role, by whomever.
    func kill(_ name: String) {
        guard let life = roles[name]?.life, !life.isOver else { return }
        life.end()
        if name == RoleName.server {
            if world.disk.crash(keeping: { world.number($0) }) { world.sometimes(.tailTorn) }
            server = nil
            links.removeAll { $0.life.isOver }
            for link in links { link.serverDied() }
        }
        if let proxy = proxies[name], proxy.life === life {
            proxies[name] = nil
            proxy.died()
        }
        agents[name] = agents[name]?.life === life ? nil : agents[name]
        if let node = RoleName.node(ofAgent: name) { absences.handle(.went, of: node) }
        caches.removeAll { $0.life.isOver }
        // News of this process, not of its successor.
        world.schedule(after: .milliseconds(1), for: up) { [self] in if roles[name]?.life === life { ended(name) } }
    }

    private func ended(_ name: String) {
        if retiredProxies.contains(name) { forget(retired: name) } else { handle(name, .exited) }
    }

    func pause(_ name: String) {
        guard let life = roles[name]?.life, !life.isOver else { return }
        life.pause()
    }

    /// `up` is stopped: what roles tell it lies in its sockets.
    func pauseUp() {
        if !up.isOver { up.pause() }
    }

    func goOnUp() {
        guard up.isPaused, !up.isOver else { return }
        world.sometimes(.pausedUpWentOn)
        world.goOn(up)
    }

    func goOn(_ name: String) {
        guard let life = roles[name]?.life, !life.isOver, life.isPaused else { return }
        world.sometimes(.pausedRoleWentOn)
        world.goOn(life)
    }

    // MARK: `up` itself

    /// Dies; the first role that notices starts another one, or, where none lives, whoever looks after the machine does.
    func killUp() {
        guard !up.isOver else { return }
        up.end()
        for name in roleNames { roles[name]?.silence.lost() }
        // What it knew of ends that nobody else has seen.
        for machine in machines.values { machine.unseenExits = [:] }
        let isAnybodyLeft = roles.values.contains { $0.life.map { !$0.isOver } ?? false }
        let delay = isAnybodyLeft ? world.length(.milliseconds(10)...(.milliseconds(100))) : .seconds(1)
        world.schedule(after: delay, for: nil) { [self] in
            up = Life("up")
            world.sometimes(.upStartedAgain)
            world.note("up", "begins again")
            absences.begin(up, down: nodes.filter { isFailed(node: $0) }, running: nodes.filter { isRunning(RoleName.agent($0)) })
            adoptRetired()
            for name in roleNames {
                guard let role = roles[name] else { continue }
                roles[name]?.tick = nil
                roles[name]?.silence.welcomed(answersBeats: true, now: world.now)
                // Who has failed on purpose stays down, and nobody looks after who is retired.
                if role.machine.state == .failed || role.machine.state == .stopped { continue }
                roles[name]?.machine = machine(of: name)
                if let life = role.life, !life.isOver {
                    handle(name, .started)
                } else {
                    handle(name, .tick)
                }
            }
        }
    }

    // MARK: Nodes

    func fail(node: String) {
        world.note("up", "node \(node) fails", isTurningPoint: true)
        handle(RoleName.agent(node), .fail)
        machines[node]?.killEverything()
    }

    func recover(node: String) {
        guard roles[RoleName.agent(node)]?.machine.state == .failed else { return }
        world.note("up", "node \(node) is recovered", isTurningPoint: true)
        handle(RoleName.agent(node), .recover)
    }

    /// Whether the role is to run: not on a node that stays away.
    func isExpected(_ role: String) -> Bool { RoleName.node(ofAgent: role).map { !givenUp.contains($0) } ?? true }

    func isFailed(node: String) -> Bool { roles[RoleName.agent(node)]?.machine.state == .failed }

    /// What the controllers ask of `up`: the agent, then everything that the records name, is killed. Asked again until it answers, or it is not wanted
    /// any more.
    func fence(_ node: String, for asker: Life, while isWanted: @escaping () -> Bool, _ done: @escaping (_ isFenced: Bool) -> Void) {
        guard isWanted() else { return done(false) }
        guard !up.isOver, !up.isPaused else {
            world.schedule(after: .milliseconds(100), for: asker) { [self] in fence(node, for: asker, while: isWanted, done) }
            return
        }
        world.schedule(after: .milliseconds(1), for: asker) { [self] in
            world.note("up", "fences \(node)", isTurningPoint: true)
            if !isFailed(node: node) { kill(RoleName.agent(node)) }
            machines[node]?.killEverything()
            done(true)
        }
    }

    // MARK: Addresses

    func listen(_ process: SimulatedProcess) { listeners[process.address, default: []].append(process) }

    func unlisten(_ process: SimulatedProcess) {
        listeners[process.address]?.removeAll { $0 === process }
        if listeners[process.address]?.isEmpty ?? false { listeners[process.address] = nil }
    }

    /// Who would get a connection to the address.
    func listener(at host: UInt32, port: UInt16) -> SimulatedProcess? {
        guard let all = listeners[host] else { return nil }
        if all.count == 1 { return all[0] }
        return all.first { $0.ports.contains(port) && $0.isListening } ?? all.first { $0.isListening }
    }
}

extension [RoleMachine.Action] {
    func ignore() {}
}
