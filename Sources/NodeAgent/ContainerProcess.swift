import Formats
import Linux
import Supervision
import Timing

/// The programs of one container on this machine: starts them, watches the first, answers their binds, stores their output, kills all.
final class ContainerProcess {
    let name: String
    let context: AgentContext
    let paths: PodPaths
    let podUID: String
    let log: ContainerLog
    var output: OutputPipe?
    var outputWatch: EventLoop.Watch?
    /// The output of a program that was adopted, which `up` still reads.
    struct WaitingOutput {
        /// As whom the program runs; nil: as the agent.
        var owner: Launch.User?
    }
    /// What is still to be taken over from `up`.
    var waitingOutput: WaitingOutput?
    var pidfd: Int32 = -1
    private var exitWatch: EventLoop.Watch?
    private var listener: HandOffListener?
    var identity: ProcessIdentity?
    private(set) var startedAt = Timestamp(nanosecondsSince1970: 0)
    /// Its orphans are not our children.
    var isAdopted = false
    /// Shared by the pod: a twin may be bound by another container.
    private let handOff: SharedHandOff
    var clearTimer: EventLoop.Timer?
    /// Whether it is in a control group of its own, and killed with it.
    var isGroupMember = false
    /// It may be in groups beside `group`, which hold it to its limits.
    var isLimited = false
    /// What was last said of limits that nobody enforces.
    var lastUnenforced: String?
    /// Of commands beside the program, by descriptor.
    private var listenersBeside: [Int32: HandOffListener] = [:]
    /// Who was told to end already.
    var told: Set<Int32> = []

    /// The first process is no more: known BEFORE how it ended.
    var onExit: () -> Void = {}
    /// The first process has ended.
    var onEnd: (Termination) -> Void = { _ in }
    var onNote: (PodNote) -> Void = { _ in }

    /// Programs get their own limit: the agent's is raised as far as it goes, and some programs touch every number up to it.
    private static let openFileLimit: UInt64 = 65_536

    init(_ name: String, context: AgentContext, paths: PodPaths, podUID: String, handOff: SharedHandOff) {
        self.name = name
        self.context = context
        self.paths = paths
        self.podUID = podUID
        self.handOff = handOff
        log = ContainerLog(paths, container: name)
    }

    var containerID: String { identity.map { "steady://\($0.pid)" } ?? "" }
    var groupName: String { "\(podUID).\(name)" }
    var group: ControlGroup? { context.controlGroup.map { ControlGroup(path: "\($0.path)/\(groupName)", kind: $0.kind) } }
    /// In the environment of every program: what it started is known by it.
    var marker: String { "STEADY_CONTAINER=\(podUID)/\(name)" }

    // MARK: - Start

    /// Starts the program; false when `steady up` cannot take what the program needs to outlive this agent just now, and it is to be tried again
    /// soon. AFTER it returns the exit is watched, so that Running may be reported.
    ///
    /// The program runs AFTER its record is written and AFTER what answers its binds is with `up`: when this agent dies meanwhile, either the next one
    /// takes it over or it never ran.
    func launch(
        _ plan: LaunchPlan, limits: ContainerLimits, user: Launch.User?, restartCount: Int, handOff calls: Launch.HandOff
    ) throws(LaunchProblem) -> Bool {
        do throws(LinuxError) {
            do throws(LinuxError) { try Files.makeDirectories(paths.containers) } catch {
                // Somebody has cleared the memory's files away under us.
                _ = try RunDirectory.prepare(context.configuration.nodeDirectory)
                try Files.makeDirectories(paths.containers)
            }
            try openOutput(owner: user)
        } catch {
            throw LaunchProblem("CreateContainerError", "container \(name): \(error)")
        }
        let executable = try plan.executable(for: user)
        log.open(run: restartCount)
        startedAt = Clock.realtime()
        let started: (process: LaunchedProcess, isInCustody: Bool)?
        do { started = try start(executable, plan, limits, user, restartCount, calls) } catch { throw plan.problem(error) }
        guard let (process, isInCustody) = started else { return false }
        do throws(LinuxError) { exitWatch = try watchExit(process.pidfd) } catch {
            callOff(process, isInCustody)
            throw LaunchProblem("CreateContainerError", "container \(name): its end cannot be watched, so it was killed: \(error)")
        }
        identity = ProcessIdentity(pid: process.pid, startTime: process.startTime)
        pidfd = process.pidfd
        context.leaders.insert(process.pid)
        isAdopted = false
        if let listener = process.listener {
            watch(listener: listener)
            if isInCustody {
                context.descriptors.isStored(listenerName, listener)
            } else {
                context.descriptors.store(listenerName, listener)
            }
        }
        return true
    }

    /// Nil: not at this moment.
    private func start(
        _ executable: String, _ plan: LaunchPlan, _ limits: ContainerLimits, _ user: Launch.User?, _ restartCount: Int,
        _ calls: Launch.HandOff
    ) throws -> (process: LaunchedProcess, isInCustody: Bool)? {
        guard let sink = try output?.openForProgram() else {
            throw LaunchProblem("CreateContainerError", "there is no pipe for the output")
        }
        defer { closeDescriptor(sink) }
        var launch = Launch(
            executable, arguments: plan.arguments, environment: plan.environmentLines + [marker], directory: plan.directory,
            input: context.null,
            output: sink, error: sink)
        launch.user = user
        launch.gainsNoPrivileges = true
        launch.openFileLimit = Self.openFileLimit
        launch.handOff = context.canHandOff ? calls : []
        launch.keepsListener = true
        var place: Int32?
        var limiting: [Int32] = []
        func leaveGroup() { for descriptor in limiting + [place].compactMap(\.self) { closeDescriptor(descriptor) } }
        defer { leaveGroup() }
        func enterGroup() {
            leaveGroup()
            let group = context.controlGroup?.emptyChild(groupName)
            place = group?.open()
            launch.enter(group, by: place)
            isGroupMember = place != nil
            limiting = limit(&launch, to: limits)
        }
        func attempt() throws -> (process: LaunchedProcess, isInCustody: Bool)? {
            launch.custody = nil
            if !launch.handOff.isEmpty {
                switch context.descriptors.custody(of: listenerName) {
                case .line(let socket, let message): launch.custody = Launch.Custody(socket: socket, message: message)
                case .later: return nil
                case .nowhere: break
                }
            }
            let record = try ContainerRecord.begin(
                paths.record(name), boot: context.bootIdentifier, restartCount: restartCount, startedAt: startedAt)
            defer { closeDescriptor(record.descriptor) }
            launch.record = record.descriptor
            launch.recordOffset = record.offset
            do throws(LaunchFailure) {
                return (try context.launcher.launch(launch), launch.custody != nil)
            } catch {
                if error.isCustodyRefused { return nil }
                if launch.custody != nil { context.descriptors.remove(listenerName) }
                throw error
            }
        }
        enterGroup()
        var wasMadeAnew = false
        while true {
            do {
                return try attempt()
            } catch let failure as LaunchFailure where failure.isGroupGone && isGroupMember && !wasMadeAnew {
                wasMadeAnew = true
                enterGroup()
            } catch let failure as LaunchFailure where failure.isOfGroup && isGroupMember {
                // The tree cannot be entered from where we are (a delegation that ends above us).
                context.giveUpControlGroups()
                enterGroup()
            } catch let failure as LaunchFailure where failure.step == .filter && !launch.handOff.isEmpty {
                context.canHandOff = false
                onNote(
                    PodNote(
                        "BindHandOffUnavailable",
                        "the kernel refuses to hand over bind calls (\(failure)); programs must bind $POD_IP themselves, and find Services by $NAME_SERVICE_HOST alone",
                        container: name,
                        isWarning: true))
                launch.handOff = []
            }
        }
    }

    /// The code of a program that was ended by KILL.
    private static let killed = 128 + 9

    private func watchExit(_ descriptor: Int32) throws(LinuxError) -> EventLoop.Watch {
        try context.loop.watch(descriptor, .read) { [weak self] _ in self?.didEnd() }
    }

    /// Ends what was started this moment; it leads a session of its own.
    private func callOff(_ process: LaunchedProcess, _ isInCustody: Bool) {
        _ = Survivors.signal(group: process.pid, Int32(Self.killed - 128))
        closeDescriptor(process.pidfd)
        if let listener = process.listener { closeDescriptor(listener) }
        if isInCustody { context.descriptors.remove(listenerName) }
    }

    static let attendPause: Duration = .seconds(1)

    /// Watches what was taken over. It lives already: what cannot be watched now is tried again, as long as it takes.
    private func attend(_ identity: ProcessIdentity) {
        guard self.identity == identity, pidfd >= 0, exitWatch == nil else { return }
        do throws(LinuxError) { exitWatch = try watchExit(pidfd) } catch {
            context.loop.schedule(after: Self.attendPause) { [weak self] in self?.attend(identity) }
        }
    }

    // MARK: - Held calls

    /// Of one launch, so that what a launch that was called off leaves behind is not taken for the next one's.
    private var listenerName: String { Self.listenerName(podUID, name, startedAt) }

    private func watch(listener descriptor: Int32) {
        listener = HandOffListener(
            descriptor, loop: context.loop, handOff: handOff, trouble: { [weak self] in self?.warn($0, $1) },
            ended: { [weak self] in self?.dropListener() })
    }

    /// A listener that a child of an earlier agent had under way when its agent died; false when it is not of what runs here. The descriptor is then
    /// still the caller's.
    func take(lateListener descriptor: Int32, named name: String) -> Bool {
        guard name == listenerName, pidfd >= 0 else { return false }
        guard listener == nil else {
            closeDescriptor(descriptor)
            return true
        }
        watch(listener: descriptor)
        context.descriptors.isStored(listenerName, descriptor)
        return true
    }

    func warn(_ reason: String, _ message: String) { onNote(PodNote(reason, message, container: name, isWarning: true)) }

    func dropListener() {
        guard let listener else { return }
        listener.close()
        self.listener = nil
        context.descriptors.remove(listenerName)
    }

    func closeListenersBeside() {
        for descriptor in listenersBeside.keys.sorted() { listenersBeside.removeValue(forKey: descriptor)?.close() }
    }

    // MARK: - End

    private func didEnd() {
        guard let identity else { return }
        switch Processes.reap(pidfd) {
        case .running: return
        case .ended(let status):
            onExit()
            ended(code: Int(status.code), identity)
        case .notOurs:
            onExit()
            exitWatch?.cancel()
            context.askExits([identity.pid]) { [weak self] exits in
                let found = exits.last { $0["pid"].int == Int64(identity.pid) }
                let code = found.flatMap { exit in exit["code"].int.map { Int($0) } ?? exit["signal"].int.map { 128 + Int($0) } }
                self?.ended(code: code, identity)
            }
        }
    }

    private func ended(code: Int?, _ identity: ProcessIdentity) {
        guard self.identity == identity else { return }
        exitWatch?.cancel()
        closeDescriptor(pidfd)
        pidfd = -1
        context.leaders.remove(identity.pid)
        if waitingOutput != nil { readOutput() }
        // What it printed last.
        while output?.store({ [log] in log.append($0, at: Clock.realtime()) }) == true {}
        let now = Clock.realtime()
        let id = containerID
        if let code {
            ContainerRecord.append(paths.record(name), code: code, at: now)
            let reason = code == Self.killed && context.limits.ranOutOfMemory(groupName) ? "OOMKilled" : nil
            onEnd(Termination(exitCode: code, reason: reason, startedAt: startedAt, finishedAt: now, containerID: id))
        } else {
            onEnd(.unseen(startedAt: startedAt, containerID: id))
        }
    }

    // MARK: - Adoption

    /// Takes over a process that an earlier agent started; false when it is gone. One that lives goes on being read by `up` until `readOutput`.
    func adopt(_ record: ContainerRecord, listener: Int32?, owner: Launch.User?) -> Bool {
        isAdopted = true
        isGroupMember = group?.exists ?? false
        isLimited = true
        startedAt = record.startedAt
        log.open(run: record.restartCount)
        waitingOutput = WaitingOutput(owner: owner)
        guard record.boot == context.bootIdentifier, let identity = record.identity, let descriptor = Processes.openDescriptor(identity)
        else {
            if let listener { closeDescriptor(listener) }
            context.descriptors.remove(listenerName)
            readOutput()
            return false
        }
        context.leaders.insert(identity.pid)
        self.identity = identity
        pidfd = descriptor
        attend(identity)
        if let listener {
            watch(listener: listener)
        } else if let kept = Launcher.keptListener(of: identity, descriptor) {
            // All who had it died at once.
            watch(listener: kept)
            context.descriptors.store(listenerName, kept)
        }
        return true
    }

    /// The agent ends; the program goes on, and the next agent takes it over.
    func abandon() {
        clearTimer?.cancel()
        exitWatch?.cancel()
        if pidfd >= 0 { closeDescriptor(pidfd) }
        pidfd = -1
        listener?.close()
        listener = nil
        closeListenersBeside()
        outputWatch?.cancel()
        output?.close()
        output = nil
        log.close()
    }

    /// Lets go of everything. AFTER the last process is gone.
    func close() {
        clearTimer?.cancel()
        exitWatch?.cancel()
        if pidfd >= 0 { closeDescriptor(pidfd) }
        pidfd = -1
        dropListener()
        outputWatch?.cancel()
        if let output {
            while output.store({ [log] in log.append($0, at: Clock.realtime()) }) {}
            output.close()
            context.descriptors.remove("output:\(podUID)/\(name)")
        }
        output = nil
        log.close()
        if isGroupMember { group?.remove() }
    }

    // MARK: - Beside the program

    /// Starts a command in the container's surroundings: for exec probes and hooks.
    func startBeside(_ plan: LaunchPlan, user: Launch.User?, output: Int32, handOff calls: Launch.HandOff) throws -> LaunchedProcess {
        let executable = try plan.executable(for: user)
        var launch = Launch(
            executable, arguments: plan.arguments, environment: plan.environmentLines + [marker], directory: plan.directory,
            input: context.null,
            output: output, error: output)
        launch.user = user
        launch.gainsNoPrivileges = true
        launch.handOff = context.canHandOff ? calls : []
        let place = isGroupMember ? group?.open() : nil
        defer { if let place { closeDescriptor(place) } }
        launch.enter(group, by: place)
        let members = isLimited ? context.limits.members(of: groupName) : []
        defer { for descriptor in members { closeDescriptor(descriptor) } }
        launch.cgroupMembers += members
        var process = try context.launcher.launch(launch)
        if let descriptor = process.listener.take() {
            let listener = HandOffListener(
                descriptor, loop: context.loop, handOff: handOff, trouble: { [weak self] in self?.warn($0, $1) },
                ended: { [weak self] in self?.listenersBeside[descriptor] = nil })
            listenersBeside[descriptor] = listener
        }
        return process
    }
}
