import APIClient
import Linux
import Resources
import Supervision
import Timing

/// Brings the roles over to the program that this process runs, after it has become it: performs what `UpgradeMachine` says, and keeps the record.
final class RoleUpgrade {
    private unowned let host: HostRole
    private(set) var record: UpgradeRecord
    private var machine: UpgradeMachine
    private var timer: EventLoop.Timer?
    private var hasGathered = false
    /// The proxies that are to take the places of the current ones, by the current one's name, from their start until they have.
    private var successors: [String: RoleProcess] = [:]
    /// How often a role had died when it was told to move.
    private var deathCounts: [String: Int] = [:]

    init(_ host: HostRole, _ record: UpgradeRecord) {
        self.host = host
        self.record = record
        machine = UpgradeMachine(record.phase == .forward ? .forward : .back, now: host.loop.now)
    }

    /// Something about a role has changed, or time has passed.
    func look() {
        guard host.stop == nil, !record.phase.isOver else { return }
        timer?.cancel()
        let actions = machine.look(roles, now: host.loop.now)
        if !hasGathered, case .gathering = machine.state {} else { gathered() }
        for action in actions { perform(action) }
        if record.phase.isOver {
            // A way back that begins in this process has taken its place.
            if host.upgrade === self { host.upgrade = nil } else { host.upgrade?.look() }
            return
        }
        timer = machine.lookAgain.map { at in host.loop.schedule(at: at) { [weak self] in self?.look() } }
    }

    /// The instance is stopped: what runs next time is the program that starts it.
    func abandon() {
        timer?.cancel()
        guard !record.phase.isOver else { return }
        record.phase = .reverted
        if record.reason == nil { record.reason = "the instance was stopped during the upgrade" }
        save()
    }

    private func gathered() {
        guard !hasGathered else { return }
        hasGathered = true
        Processes.clearDeadline()
        // Over already: a role did not come back, and `up` goes back as well.
        if machine.state != .over { say("up runs steady \(Release.version) (pid \(Processes.current))") }
    }

    // MARK: - Roles

    /// Which process a name of the machine stands for. To it a proxy and its successor are one.
    private func process(_ name: String) -> RoleProcess? { successors[name] ?? host.roles.first { $0.name == name } }

    private var roles: [UpgradeMachine.Role] {
        let names = host.roles.map(\.name).filter { !RoleName.isProxy($0) } + host.configuration.proxies
        return names.compactMap { name in process(name).map { role(name, $0) } }
    }

    private func role(_ name: String, _ process: RoleProcess) -> UpgradeMachine.Role {
        let line = host.connection(process.name).flatMap { process.isRunning && $0.peer == process.pid ? $0 : nil }
        return UpgradeMachine.Role(
            name, hasMoved: line?.program == Release.program, isConnected: line != nil, isReady: line?.isReady ?? false,
            isExcused: process.machine.state == .failed, deathCount: process.machine.restartCount)
    }

    // MARK: - Actions

    private func perform(_ action: UpgradeMachine.Action) {
        if case .move(let name, _) = action, let process = process(name) { deathCounts[process.name] = process.machine.restartCount }
        switch action {
        case .move(let name, byForce: true): process(name)?.signal(9)
        case .move(let name, byForce: false) where host.configuration.proxies.contains(name):
            successors[name] = host.startProxy(after: name)
        case .move("server", byForce: false): process("server")?.handle(.replace)
        case .move(let name, byForce: false): replace(name)
        case .arrived(let name, let after):
            say("\(process(name)?.name ?? name) runs steady \(Release.version), healthy after \(Self.milliseconds(after)) ms")
        case .leave(let name): say("\(why(name)); it is tried again as often as it takes")
        case .succeed: succeed()
        case .fail(let name):
            let reason = why(name)
            // What hangs does not do as it is asked on the way back either. Its next process is the old program's.
            if let process = process(name), successors[name] == nil, !role(name, process).isConnected { process.signal(9) }
            goBack(because: reason)
        }
    }

    /// An agent becomes the program itself: so it stays the parent of what it runs, and hears how that ends.
    private func replace(_ name: String) {
        guard let process = process(name), let line = host.connection(name),
            let program = try? Processes.openProgram("/proc/self/exe")
        else { return }
        defer { closeDescriptor(program) }
        line.send(["op": "become", "arguments": .array((["steady"] + process.arguments).map { .string($0) })], descriptor: program)
    }

    private func succeed() {
        for (old, successor) in successors.sorted(by: { $0.key < $1.key }) {
            host.makeCurrent(successor, after: old)
            host.retire(old)
            say("\(successor.name) takes the connections from now on; \(old) finishes those it has")
        }
        successors = [:]
        let hasArrived = record.phase == .forward
        record.phase = hasArrived ? .done : .reverted
        say(hasArrived ? "the instance runs steady \(record.to.version)" : "the instance runs steady \(record.from.version) again")
        if hasArrived { ProgramShelf(directory: host.directory).keepOnly([record.from.path, record.to.path]) }
    }

    private func goBack(because reason: String) {
        // It has taken connections only once it was ready.
        for (_, successor) in successors.sorted(by: { $0.key < $1.key }) {
            if host.connection(successor.name)?.isReady == true {
                host.retire(successor.name)
            } else {
                successor.handle(.stop)
                successor.signal(9)
            }
        }
        successors = [:]
        host.goBack(record, because: reason)
        // Only reached where there is no way back.
        record = host.upgradeRecord ?? record
        record.phase = .reverted
    }

    private func why(_ name: String) -> String {
        guard let process = process(name) else { return "\(name) is not there" }
        let role = role(name, process)
        if role.isConnected {
            let what = role.hasMoved ? "runs, and does not become ready" : "still runs the other program"
            return "\(process.name) was not healthy within \(Int(UpgradeMachine.limit.inSeconds)) s: it \(what)"
        }
        let deathCount = process.machine.restartCount - (deathCounts[process.name] ?? 0)
        guard deathCount > 0 else {
            return "\(process.name) said nothing for \(Int(UpgradeMachine.silenceLimit.inSeconds)) s"
        }
        let said = ((try? Files.text(host.directory.roleLog(process.name))) ?? "").split(separator: "\n").last
        return "\(process.name) ended \(deathCount) times: \(process.failure ?? said.map { "the last line of its log is: \($0)" } ?? "")"
    }

    // MARK: - Words

    private func say(_ line: String) {
        RoleLog.say(.notice, "upgrade: \(line)")
        record.lines.append(line)
        save()
    }

    private func save() { host.keep(record) }

    private static func milliseconds(_ duration: Duration) -> Int { Int((duration.inSeconds * 1000).rounded()) }
}
