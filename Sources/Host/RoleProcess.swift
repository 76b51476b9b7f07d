import APIClient
import Linux
import Supervision
import Timing

/// Runs one role as its machine says: starts the process, watches it through a pidfd, kills it.
final class RoleProcess {
    let name: String
    /// Of the next process.
    var arguments: [String]
    private(set) var machine: RoleMachine
    private(set) var pid: Int32 = 0
    private(set) var startedAt: Timestamp?
    /// Why the last start failed.
    private(set) var failure: String?
    private let loop: EventLoop
    private let launcher: Launcher
    private let directory: DataDirectory
    /// What every role runs: this program itself.
    private let program: String
    private var endStatus: ExitStatus?
    private var descriptor: Int32 = -1
    private var watch: EventLoop.Watch?
    private var trials: StartTrials
    private var timer: EventLoop.Timer?
    /// Its stops and continuations are told by SIGCHLD; one that an earlier `up` started is no child.
    private(set) var isChild = false
    /// Its process was started by an earlier `up`.
    private(set) var isTakenOver = false
    private var holdCount = 0
    private var whenGone: [() -> Void] = []
    /// Called BEFORE its process is started: what it will ask for must be there.
    var beforeStart: () throws -> Void = {}
    /// Called when its process has ended.
    var onExit: () -> Void = {}
    /// Called when it has failed too often to be waited for by who starts the instance.
    var onHopeless: () -> Void = {}
    /// Called when a process that an earlier `up` started was taken over.
    var onAdopted: () -> Void = {}

    init(name: String, arguments: [String], loop: EventLoop, launcher: Launcher, directory: DataDirectory, program: String) {
        self.name = name
        self.arguments = arguments
        self.loop = loop
        self.launcher = launcher
        self.directory = directory
        self.program = program
        machine = RoleMachine(now: loop.now, silenceLimit: RoleMachine.silenceLimit(of: name))
        trials = StartTrials(now: loop.now)
    }

    var isRunning: Bool { descriptor >= 0 }

    /// A short word for `steady status`.
    var stateText: String {
        switch machine.state {
        case .waiting: isRunning ? "Starting" : "Waiting"
        case .running: "Running"
        case .ending: "Ending"
        case .replacing: "Replacing"
        case .failed: "Failed"
        case .stopped: isRunning ? "Stopping" : "Stopped"
        }
    }

    /// How often it ended, or could not be started, before it ever worked.
    var failedStartCount: Int { trials.failureCount }

    func handle(_ event: RoleMachine.Event) {
        if event == .heard { trials.heard(now: loop.now) }
        for action in machine.handle(event, now: loop.now) {
            switch action {
            case .start: start()
            case .end: signal(15)
            case .kill:
                if machine.state != .failed { RoleLog.say(.warning, "\(name) (pid \(pid)) is silent: killed") }
                signal(9)
            }
        }
        timer?.cancel()
        // While it is held it has no process, and its release looks again.
        guard holdCount == 0 || isRunning else { return }
        timer = machine.lookAgain.map { at in loop.schedule(at: at) { [weak self] in self?.handle(.tick) } }
    }

    /// Watches a process of this role that an earlier `up` started. False where there is no such process: the role is to be started then.
    @discardableResult
    func adopt(_ pid: Int32) -> Bool {
        if isRunning { return true }
        guard let descriptor = try? Processes.openDescriptor(pid) else { return false }
        // An `up` that was upgraded in place still is the parent.
        isChild = Processes.parent(of: pid) == Processes.current
        isTakenOver = true
        do throws(LinuxError) { try observe(pid, descriptor) } catch {
            failure = "\(error)"
            RoleLog.say(.error, "\(name) (pid \(pid)) cannot be watched, so it is killed: \(error)")
            handle(.startFailed)
            return true
        }
        handle(.started)
        if machine.state == .failed {
            RoleLog.say(.notice, "\(name) (pid \(pid)) is to be down: killed")
            return true
        }
        RoleLog.say(.information, "\(name) (pid \(pid)) taken over")
        onAdopted()
        return true
    }

    /// Sends the signal, if it runs.
    func signal(_ number: Int32) {
        if descriptor >= 0 { try? Processes.signal(descriptor, number) }
    }

    /// Keeps the role from being started until it is released as often; `body` is called once it has no process.
    func hold(_ body: @escaping () -> Void) {
        holdCount += 1
        if isRunning { whenGone.append(body) } else { body() }
    }

    /// Whether no process may be this role now: it has failed, or what the last one left is being cleared away.
    var isBarred: Bool { machine.state == .failed || holdCount > 0 }

    func release() {
        holdCount -= 1
        if holdCount == 0 { handle(.tick) }
    }

    private func start() {
        if holdCount > 0 { return }
        // A process of ours that still holds the role's lock has not said hello yet: it is waited for, never doubled.
        if isRunning { return }
        do {
            try beforeStart()
            let null = try Files.open("/dev/null", 2)
            defer { closeDescriptor(null) }
            let log = try openLog()
            defer { closeDescriptor(log) }
            var launch = Launch(
                program, arguments: ["steady"] + arguments, environment: Processes.environmentList(), directory: "/", input: null,
                output: log, error: RoleLog.isJournal(2) ? 2 : log)
            launch.openFileLimit = Limits.raiseOpenFiles()
            let process = try launcher.launch(launch)
            failure = nil
            (isChild, isTakenOver) = (true, false)
            try observe(process.pid, process.pidfd)
            handle(.started)
            RoleLog.say(.information, "\(name) started (pid \(process.pid))")
        } catch {
            failure = "\(error)"
            RoleLog.say(.error, "\(name) cannot be started: \(error)")
            handle(.startFailed)
            tell(wasKilled: false)
        }
    }

    /// Watches for its end. A process whose end would not be seen would never be started again: it is killed instead.
    private func observe(_ pid: Int32, _ descriptor: Int32) throws(LinuxError) {
        do throws(LinuxError) {
            watch = try loop.watch(descriptor, .read) { [weak self] _ in self?.ended() }
        } catch {
            try? Processes.signal(descriptor, 9)
            closeDescriptor(descriptor)
            throw error
        }
        self.pid = pid
        self.descriptor = descriptor
        startedAt = Clock.realtime()
        trials.started(now: loop.now)
    }

    /// It said itself why it cannot start; its process ends now.
    func failed(because reason: String) { failure = reason }

    /// How its process ended, where it was reaped on another way.
    func reaped(_ status: ExitStatus) { endStatus = status }

    private func ended() {
        watch?.cancel()
        watch = nil
        if case .ended(let status) = Processes.reap(descriptor) { endStatus = status }
        RoleLog.say(machine.isExpectedToEnd ? .information : .warning, "\(name) (pid \(pid)) \(endStatus?.words ?? "ended")")
        // By KILL or TERM it ends for somebody; of any other signal it dies itself.
        let wasKilled = machine.isExpectedToEnd || [.killed(signal: 9), .killed(signal: 15)].contains(endStatus)
        endStatus = nil
        closeDescriptor(descriptor)
        descriptor = -1
        pid = 0
        handle(.exited)
        onExit()
        tell(wasKilled: wasKilled)
        let waiting = whenGone
        whenGone = []
        for body in waiting { body() }
    }

    private func tell(wasKilled: Bool) {
        trials.ended(wasKilled: wasKilled)
        if trials.isHopeless(now: loop.now) { onHopeless() }
    }

    private func openLog() throws(LinuxError) -> Int32 {
        let path = directory.roleLog(name)
        // Append only: all writers of the file add to its end.
        return try Files.open(path, Files.appending)
    }
}
