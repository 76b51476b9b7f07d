import APIClient
import Formats
import Linux
import Resources
import Supervision
import Timing

/// Performs what a pod's machine decides, and tells it what came of it.
final class PodDriver {
    private(set) var pod: Pod
    let context: AgentContext
    let world: NodeWorld
    let status: StatusWriter
    private let events: EventWriter
    let paths: PodPaths
    private(set) var machine: PodMachine
    private var report: PodStatusReport
    var memory: PodMemory
    var processes: [String: ContainerProcess] = [:]
    var handOff: SharedHandOff?
    var plans: [String: LaunchPlan] = [:]
    var mounts: [String: [(String, String)]] = [:]
    /// Probes and hooks under way, by container and kind.
    var actions: [String: Cancellation] = [:]
    /// Why the restart of a container that a liveness probe asks for is not carried out, by container.
    var restraints: [String: String] = [:]
    private var drainWait: Cancellation?
    private var timer: EventLoop.Timer?
    private var pending: [PodEvent] = []
    private var isHandling = false
    private var isReportScheduled = false
    private let startTime: Timestamp
    /// The ConfigMaps and Secrets that it names, which nobody can change.
    private let references: Set<ObjectKey>
    private(set) var volumes: PodVolumes
    /// As whom programs that began as root have bound their sockets.
    var seenListeners: Set<UInt32>
    /// Nothing of the pod is left on this machine.
    var onFinished: (PodDriver) -> Void = { _ in }

    var key: ObjectKey { pod.key }
    var uid: String { pod.meta.uid }
    var podIP: String { memory.address.map { AddressPool.text($0) } ?? "" }
    var address: IPv4Address { IPv4Address(bits: memory.address ?? 0x7F00_0001) }

    init(
        _ pod: Pod, context: AgentContext, world: NodeWorld, status: StatusWriter, events: EventWriter, memory: PodMemory? = nil
    ) {
        self.pod = pod
        self.context = context
        self.world = world
        self.status = status
        self.events = events
        paths = PodPaths(context.configuration, uid: pod.meta.uid)
        machine = PodMachine(PodPolicy(pod.value))
        report = PodStatusReport(stored: pod.value["status"])
        self.memory = memory ?? PodMemory(namespace: pod.meta.namespace, name: pod.meta.name)
        startTime = pod.status.startTime ?? Clock.realtime()
        references = Set(pod.references)
        seenListeners = Set(ListenerUsers(podStatus: pod.value["status"])?.all ?? [])
        volumes = PodVolumes(paths: paths, owner: pod.spec.containers.first.flatMap { context.user(for: pod.spec, $0) })
        let containers = pod.spec.initContainers + pod.spec.containers
        let users = Set(containers.map { context.user(for: pod.spec, $0) ?? Ownership.own })
        volumes.hasSeveralUsers = Set(users.map(\.user)).count > 1
        volumes.letsOthersPass = users.count > 1 || users.contains { $0.user == 0 }
        for container in containers { processes[container.name] = process(container.name) }
    }

    private func process(_ name: String) -> ContainerProcess {
        // Before there is an address nothing is launched, so nothing binds.
        let shared = handOff ?? SharedHandOff(podAddress: memory.address ?? 0, detours: detours(nameLookup))
        if handOff == nil { watchListeners(shared) }
        handOff = shared
        let process = ContainerProcess(name, context: context, paths: paths, podUID: pod.meta.uid, handOff: shared)
        process.onExit = { [weak self] in self?.hintEnd(of: name) }
        process.onEnd = { [weak self] how in self?.handle(.container(name, .ended(how))) }
        process.onNote = { [weak self] note in self?.record(note) }
        return process
    }

    /// A pod of which one container has died is not ready as a whole. An address that pods share says nothing about one of them.
    private func hintEnd(of name: String) {
        guard memory.address != nil, !pod.spec.isHostNetwork, !machine.isDeleting, machine[name]?.policy.role != .initial else { return }
        context.hintEnd(podIP)
    }

    func container(_ name: String) -> Container? { (pod.spec.initContainers + pod.spec.containers).first { $0.name == name } }
    func log(of container: String) -> ContainerLog? { processes[container]?.log }

    // MARK: - Life

    /// Begins; `found` is what an earlier agent left, by container.
    func start(found: [(String, Remains)] = []) {
        for (name, remains) in found { handle(.found(name, remains)) }
        // A pod that is deleted and has nothing here is not begun, or it would run once more while its finalizers keep the object.
        guard !pod.isTerminating || machine.hasProcess else { return update(pod, isStart: true) }
        perform(machine.begin())
        armDeadline()
        // What changed while nobody was here, and what an agent that died left undone.
        if !found.isEmpty { refreshVolumes() }
        // The deletion may have been asked for before we came.
        update(pod, isStart: true)
    }

    /// Takes over a process that runs; false when it is gone.
    func adopt(_ name: String, _ record: ContainerRecord, listener: Int32?) -> Bool {
        guard let container = container(name) else { return false }
        return processes[name]?.adopt(record, listener: listener, owner: context.user(for: pod.spec, container)) ?? false
    }

    func take(lateListener descriptor: Int32, named name: String) -> Bool {
        processes.keys.sorted().contains { processes[$0]?.take(lateListener: descriptor, named: name) ?? false }
    }

    /// Reads, from now on, what the programs print that were taken over; see `OutputTakeover`.
    func readOutput() {
        for name in processes.keys.sorted() { processes[name]?.readOutput() }
    }

    func mergeSpills() {
        for name in processes.keys.sorted() { processes[name]?.mergeSpill() }
    }

    /// The pod object has changed.
    func update(_ new: Pod, isStart: Bool = false) {
        let old = pod
        pod = new
        if old.spec.activeDeadline != new.spec.activeDeadline { armDeadline() }
        if !new.spec.readinessGates.isEmpty { scheduleReport() }
        if old.meta.labels != new.meta.labels || old.meta.annotations != new.meta.annotations { refreshVolumes() }
        guard let deletion = new.meta.deletionTimestamp else { return }
        if !machine.isDeleting {
            deletionGrace = new.meta.deletionGracePeriodSeconds
            handle(.delete(within: Self.graceLeft(.seconds(deletionGrace ?? 30), until: deletion, isStart: isStart, at: Clock.realtime())))
        } else if let grace = new.meta.deletionGracePeriodSeconds, let before = deletionGrace, grace < before {
            deletionGrace = grace
            handle(.delete(within: .seconds(grace)))
        }
        watchWithdrawal()
    }
    private var deletionGrace: Int64?

    /// `activeDeadlineSeconds` counts from the pod's start on the node, over restarts of the agent.
    private func armDeadline() {
        deadlineTimer?.cancel()
        deadlineTimer = pod.spec.activeDeadline.map { limit in
            context.loop.schedule(after: max(.zero, startTime + limit - Clock.realtime())) { [weak self] in self?.handle(.deadlineExceeded)
            }
        }
    }
    private var deadlineTimer: EventLoop.Timer?

    /// What is left of the grace period for an agent that comes in the midst of it. One that was there when the deletion was asked for gives all of
    /// it: the time of the deletion is in whole seconds, and a second may be everything.
    static func graceLeft(_ grace: Duration, until deletion: Timestamp, isStart: Bool, at now: Timestamp) -> Duration {
        isStart && deletion > now ? min(grace, deletion - now) : grace
    }

    /// The object is gone: what is left is killed at once.
    func vanish() {
        isVanished = true
        handle(.delete(within: .zero))
    }
    private(set) var isVanished = false

    /// The instance stops: the pod ends in its grace period, and what it has on disk stays for the next start. Nobody is routed here any more.
    func shutDown() {
        isShuttingDown = true
        handle(.delete(within: pod.spec.terminationGracePeriod))
        handle(.drained)
    }
    private(set) var isShuttingDown = false

    /// A ConfigMap, a Secret or an Image has changed.
    func objectChanged(_ key: ObjectKey) {
        guard !machine.isDeleting else { return }
        if key.type == .images || references.contains(key) {
            if case .preparing(let retryAt) = machine.phase, retryAt != .never { return prepare() }
            if key.type != .images { refreshVolumes() }
            for container in machine.containers {
                if case .waiting(_, _, let retryAt) = container.state, retryAt != .never {
                    handle(.container(container.policy.name, .retry))
                }
            }
        }
    }

    // MARK: - The machine

    func handle(_ event: PodEvent) {
        pending.append(event)
        guard !isHandling else { return }
        isHandling = true
        defer { isHandling = false }
        while !pending.isEmpty {
            let next = pending.removeFirst()
            perform(machine.handle(next, now: context.loop.now, at: Clock.realtime()))
        }
        if machine.isReady { context.brake.becameReady(pod: uid, workload: pod.meta.controller?.uid, now: context.loop.now) }
        rearm()
        scheduleReport()
    }

    private func rearm() {
        let next = machine.nextDeadline
        if let timer, timer.isPending, timer.at == next { return }
        timer?.cancel()
        timer = next == .never ? nil : context.loop.schedule(at: next) { [weak self] in self?.handle(.tick) }
    }

    private func perform(_ list: [PodAction]) {
        for action in list {
            switch action {
            case .prepare: world.named.whenKnown(to: [uid]) { [weak self] in self?.prepare() }
            case .launch(let name): handle(.container(name, launch(name)))
            case .probe(let name, let kind): probe(name, kind)
            case .runHook(let name, let kind): runHook(name, kind)
            case .terminate(let name): processes[name]?.terminate(signal: stopSignal(name))
            case .kill(let name): processes[name]?.killAll()
            case .clear(let name, let patience):
                cancelActions(of: name)
                release(name)
                processes[name]?.clear(within: patience) { [weak self] in
                    self?.processes[name]?.log.complete()
                    self?.handle(.container(name, .cleared))
                }
            case .awaitDrain: watchWithdrawal()
            case .awaitWithdrawal(let name): awaitRestartWithdrawal(name)
            case .record(let note): record(note)
            case .finished: finish()
            }
        }
    }

    func record(_ note: PodNote) { events.record(note, about: pod.value) }

    private func stopSignal(_ name: String) -> Int32 { container(name)?.lifecycle.stopSignal.flatMap { StopSignal.number($0) } ?? 15 }

    // MARK: - Preparation

    private func prepare() {
        // It may have been deleted while it waited for what it names.
        guard case .preparing = machine.phase else { return }
        do throws(LaunchProblem) {
            if memory.address == nil {
                guard let address = world.takeAddress(ports: PortHolder.ports(of: pod)) else {
                    throw LaunchProblem(
                        "FailedCreatePodSandBox", "no pod address is free on this node: every one is used, or a proxy may still route to it"
                    )
                }
                memory.address = address
            }
            handOff?.podAddress = memory.address ?? 0
            try pinImages()
            do throws(LinuxError) {
                try Files.makeDirectories(paths.root)
                Ownership.share(paths.root, with: volumes.owner)
                if volumes.letsOthersPass { Ownership.openPassage(paths.root) }
                for directory in pod.spec.volumes.isEmpty ? [] : [paths.volumes, paths.tree] {
                    try Files.makeDirectories(directory, mode: 0o755)
                    Ownership.setMode(directory, 0o755)
                }
                try context.memories.save(memory, of: uid)
            } catch { throw LaunchProblem("FailedCreatePodSandBox", "\(error)") }
            try provideVolumes()
        } catch {
            return handle(.preparationFailed(reason: error.reason, message: error.message))
        }
        handle(.prepared)
    }

    /// Keeps what the images mean now. A container without an Image and without a command waits for one later, by itself.
    private func pinImages() throws(LaunchProblem) {
        for container in pod.spec.initContainers + pod.spec.containers where memory.images[container.name] == nil {
            memory.images[container.name] = world.image(container.image)?.value
        }
    }

    // MARK: - Withdrawal

    /// Waits for the proxies once the endpoint plan has said from which revision on no route leads here.
    private func watchWithdrawal() {
        guard case .stopping(let deletion) = machine.phase, deletion.stage < .idle, drainWait == nil,
            let revision = Withdrawal.announced(by: pod.value)
        else { return }
        drainWait = world.drains.wait(for: podIP, from: revision, until: .idle) { [weak self] stage in
            self?.handle(stage == .idle ? .drained : .withdrawn)
        }
    }

    /// A liveness restart: once the server has stored that the pod is not ready, the slices are followed until they say so, then the proxies are
    /// waited for, and the requests that they have open there. The machine bounds all of it.
    private func awaitRestartWithdrawal(_ name: String) {
        report(now: true)
        status.whenWritten(key) { [weak self] _ in self?.followSlices(name) }
    }

    /// For as long as the restart waits: a list, and then what changes.
    private func followSlices(_ name: String) {
        guard case .running(let run) = machine[name]?.state, run.stop != nil else { return }
        let slices = ObjectCache(api: world.api, list: ListRequest(.endpointSlices, namespace: pod.meta.namespace))
        let slot = "\(name)/slices"
        actions[slot] = Cancellation { slices.stop() }
        let look = { [weak self, weak slices] in
            guard let self, let slices, slices.isSynced, let revision = Withdrawal.revision(of: podIP, in: slices.all) else { return }
            actions.removeValue(forKey: slot)?.cancel()
            let wait = "\(name)/withdrawal"
            actions[wait] = world.drains.wait(for: podIP, from: revision, until: .idle) { [weak self] stage in
                if stage == .idle { self?.actions[wait] = nil }
                self?.handle(.container(name, stage == .idle ? .drained : .withdrawn))
            }
        }
        slices.start(onChange: { _, _, _ in look() }, onSynced: look)
    }

    // MARK: - Status

    func scheduleReport() {
        guard !isReportScheduled else { return }
        isReportScheduled = true
        context.loop.later { [weak self] in
            self?.isReportScheduled = false
            self?.report(now: false)
        }
    }

    private func report(now: Bool) {
        // A pod on its way out is reported by its removal.
        guard !machine.isDeleting, !isVanished else { return }
        submitStatus()
    }

    private func submitStatus() {
        var surroundings = PodStatusReport.Surroundings(
            podIP: memory.address == nil ? nil : pod.spec.isHostNetwork ? "\(context.configuration.nodeAddress)" : podIP,
            hostIP: "\(context.configuration.nodeAddress)", startTime: startTime,
            imageIDs: memory.images.mapValues { "steady://" + Fingerprint.text(of: JSON.serialize($0)) })
        surroundings.unmetGates = PodStatusReport.unmetGates(of: pod.value)
        surroundings.users = users
        surroundings.heldBack = restraints.isEmpty ? nil : restraints.sorted { $0.key < $1.key }.map(\.value).joined(separator: "; ")
        status.submit(key, uid: uid, report.status(of: machine, in: surroundings, at: Clock.realtime()))
    }

    /// AFTER the last process is gone: everything that was held for the pod is let go.
    private func finish() {
        timer?.cancel()
        deadlineTimer?.cancel()
        drainWait?.cancel()
        for name in processes.keys.sorted() {
            cancelActions(of: name)
            processes[name]?.close()
        }
        if !pod.meta.finalizers.isEmpty, !isVanished, !isShuttingDown {
            // The object stays, so it is to say what became of the pod.
            submitStatus()
            status.whenWritten(key) { [status, key, uid] _ in status.forget(key, uid: uid) }
        } else {
            status.forget(key, uid: uid)
        }
        context.brake.removed(pod: uid, workload: pod.meta.controller?.uid)
        onFinished(self)
        // Behind the removal of the object, which others wait for. A directory that stays is cleared away by the next agent.
        guard !isShuttingDown else { return }
        context.memories.forget(uid)
        context.loop.schedule(after: .milliseconds(1)) { [paths] in paths.remove() }
    }

    /// The agent ends: the processes go on, for the next agent.
    func abandon() {
        timer?.cancel()
        deadlineTimer?.cancel()
        drainWait?.cancel()
        for slot in actions.keys.sorted() { actions[slot]?.cancel() }
        actions = [:]
        for name in processes.keys.sorted() { processes[name]?.abandon() }
    }
}
