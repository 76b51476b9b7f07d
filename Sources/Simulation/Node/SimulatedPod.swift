import Formats
import Resources
import Supervision
import Timing

/// Performs what a pod's machine decides, and tells it what came of it: the real machine, and a driver without a system below it.
final class SimulatedPod {
    unowned let agent: SimulatedAgent
    private var world: World { agent.world }
    private(set) var pod: Pod
    private(set) var machine: PodMachine
    private var report: PodStatusReport
    private(set) var processes: [String: SimulatedProcess] = [:]
    private var pending: [PodEvent] = []
    private var isHandling = false
    private var isReportPlanned = false
    private var deadline: (at: Instant, appointment: Timeline.Appointment)?
    private var isDrainAwaited = false
    private var deletionGrace: Int64?
    private let startTime: Timestamp
    private(set) var isVanished = false
    private(set) var isOver = false
    private var restarting: Set<String> = []
    /// Why a restart that a liveness probe asks for is not carried out, by container.
    private var restraints: [String: String] = [:]
    /// By the container that is to be restarted.
    private var followedSlices: [String: FollowedObjects] = [:]
    /// When this agent first heard that the pod is to go.
    private(set) var deletionSeenAt: Instant?

    var key: ObjectKey { pod.key }
    var uid: String { pod.meta.uid }
    var address: UInt32? { agent.machine.pods[uid]?.address }
    private var podIP: String { address.map { AddressPool.text($0) } ?? "" }

    init(_ pod: Pod, agent: SimulatedAgent) {
        self.pod = pod
        self.agent = agent
        machine = PodMachine(PodPolicy(pod.value))
        report = PodStatusReport(stored: pod.value["status"])
        startTime = pod.status.startTime ?? agent.wallClock
    }

    func start(found: [(String, Remains, SimulatedProcess?)]) {
        for (name, remains, process) in found {
            processes[name] = process
            handle(.found(name, remains))
        }
        // A pod that is deleted and has nothing here is not begun, or it would run once more while its removal is under way.
        if !pod.isTerminating || machine.hasProcess { perform(machine.begin()) }
        update(pod, isStart: true)
    }

    func update(_ new: Pod, isStart: Bool = false) {
        pod = new
        guard let deletion = new.meta.deletionTimestamp else { return }
        if !machine.isDeleting {
            deletionGrace = new.meta.deletionGracePeriodSeconds
            deletionSeenAt = world.now
            let grace = Duration.seconds(deletionGrace ?? 30)
            let left = isStart && deletion > agent.wallClock ? min(grace, deletion - agent.wallClock) : grace
            handle(.delete(within: left))
        } else if let grace = new.meta.deletionGracePeriodSeconds, let before = deletionGrace, grace < before {
            deletionGrace = grace
            handle(.delete(within: .seconds(grace)))
        }
        watchWithdrawal()
    }

    func vanish() {
        isVanished = true
        handle(.delete(within: .zero))
    }

    func ended(_ process: SimulatedProcess, _ code: Int) {
        guard processes[process.container] === process else { return }
        note(end: code, of: process.container)
        agent.machine.pods[uid]?.records[process.container]?.isOutOfMemory = process.isOutOfMemory
        handle(
            .container(
                process.container,
                .ended(
                    Termination(
                        exitCode: code, reason: process.isOutOfMemory ? "OOMKilled" : nil, finishedAt: agent.wallClock,
                        containerID: "steady://\(process.pid)"))))
    }

    private func note(end code: Int, of container: String) {
        agent.machine.pods[uid]?.records[container]?.end = (code, agent.wallClock)
    }

    // MARK: The machine

    func handle(_ event: PodEvent) {
        pending.append(event)
        guard !isHandling else { return }
        isHandling = true
        let before = summary
        while !pending.isEmpty, !isOver {
            let next = pending.removeFirst()
            perform(machine.handle(next, now: world.now, at: agent.wallClock))
        }
        isHandling = false
        rearm()
        // Most events are probes that found what the last ones found: nothing to report.
        if summary != before {
            if machine.containers.allSatisfy(\.isReady) {
                agent.brake.becameReady(pod: uid, workload: pod.meta.controller?.uid, now: world.now)
            }
            planReport()
        }
    }

    /// What a report is made from, as far as events change it.
    private struct Summary: Equatable {
        struct Container: Equatable {
            var isReady: Bool
            var restartCount: Int
            var step: Int
            var isStarted: Bool
        }
        var containers: [Container]
        var isDeleting: Bool
        var failure: PodNote?
    }

    private var summary: Summary {
        Summary(
            containers: machine.containers.map { container in
                switch container.state {
                case .waiting: .init(isReady: false, restartCount: container.restartCount, step: 0, isStarted: false)
                case .launching: .init(isReady: false, restartCount: container.restartCount, step: 1, isStarted: false)
                case .running(let run):
                    .init(isReady: container.isReady, restartCount: container.restartCount, step: 2, isStarted: run.isStarted)
                case .clearing: .init(isReady: false, restartCount: container.restartCount, step: 3, isStarted: false)
                case .backingOff: .init(isReady: false, restartCount: container.restartCount, step: 4, isStarted: false)
                case .terminated: .init(isReady: false, restartCount: container.restartCount, step: 5, isStarted: false)
                }
            }, isDeleting: machine.isDeleting, failure: machine.preparationFailure)
    }

    private func rearm() {
        let next = machine.nextDeadline
        if let deadline {
            if deadline.at == next, world.isPending(deadline.appointment) { return }
            world.callOff(deadline.appointment)
        }
        deadline = nil
        guard next != .never, !isOver else { return }
        var at = next
        if world.isPlanted(.backoffNeverResets),
            machine.containers.contains(where: { if case .backingOff = $0.state { true } else { false } })
        {
            at = world.now + agent.plantedDelay(uid)
        }
        deadline = (next, world.schedule(at: at, for: agent.life) { [self] in handle(.tick) })
    }

    private func perform(_ actions: [PodAction]) {
        for action in actions {
            switch action {
            case .prepare: prepare()
            case .launch(let name): launch(name)
            case .probe(let name, let kind): agent.probe(self, name, kind, processes[name])
            case .runHook(let name, let kind): runHook(name, kind)
            case .terminate(let name): signal(name, isKill: false)
            case .kill(let name): signal(name, isKill: true)
            case .clear(let name, let patience):
                processes[name] = nil
                followedSlices.removeValue(forKey: name)?.stop()
                agent.machine.clear(podUID: uid, container: name, within: patience, for: agent.life) { [self] in
                    handle(.container(name, .cleared))
                }
            case .awaitDrain: watchWithdrawal()
            case .awaitWithdrawal(let name):
                restarting.insert(name)
                awaitRestartWithdrawal(name)
            case .record: break
            case .finished: finish()
            }
        }
    }

    private func prepare() {
        if address == nil {
            guard let taken = agent.takeAddress() else {
                world.sometimes(.noAddressFree)
                return handle(.preparationFailed(reason: "FailedCreatePodSandBox", message: "no pod address is free on this node"))
            }
            agent.machine.pods[uid]?.address = taken
            world.observe(.addressTaken(taken, podUID: uid))
        }
        handle(.prepared)
    }

    private func launch(_ name: String) {
        guard let container = (pod.spec.initContainers + pod.spec.containers).first(where: { $0.name == name }), let address else {
            return handle(.container(name, .launchFailed(reason: "CreateContainerError", message: "there is no container \(name)")))
        }
        let process = agent.machine.launch(
            podUID: uid, podName: pod.meta.name, container: name, address: address,
            ports: Set(container.ports.compactMap { $0.containerPort?.number }), program: program(of: container),
            restartCount: machine[name]?.restartCount ?? 0)
        processes[name] = process
        restarting.remove(name)
        handle(.container(name, .launched(containerID: "steady://\(process.pid)")))
    }

    private func program(of container: Container) -> Program {
        var program = world.scenario.program(of: container)
        if machine[container.name]?.policy.role == .initial { program.fate = .completesAfter(.milliseconds(100)) }
        return world.twist(program, container.image == People.brokenImage)
    }

    private func signal(_ name: String, isKill: Bool) {
        guard let process = processes[name] else { return }
        let isForDeletion = machine.isDeleting
        world.note(agent.name, "sends \(isKill ? "KILL" : "TERM") to \(process.name) (\(process.pid))")
        world.observe(.signalled(process, isKill: isKill, by: self, isForDeletion: isForDeletion))
        guard isKill else { return process.terminate() }
        agent.machine.killChildren(podUID: uid, container: name)
        process.kill()
    }

    private func runHook(_ name: String, _ kind: HookKind) {
        let lifecycle = (pod.spec.initContainers + pod.spec.containers).first { $0.name == name }?.lifecycle
        var length = world.length(.milliseconds(1)...(.milliseconds(20)))
        if case .sleep(let pause) = kind == .postStart ? lifecycle?.postStart : lifecycle?.preStop { length = pause }
        world.schedule(after: length, for: agent.life) { [self] in
            if !isOver { handle(.container(name, .hookFinished(kind, failure: nil))) }
        }
    }

    /// A restart of the container is under way, which had its own drain.
    func isRestarting(_ container: String) -> Bool { restarting.contains(container) }

    // MARK: Withdrawal

    private func watchWithdrawal() {
        guard case .stopping(let deletion) = machine.phase, deletion.stage < .idle, !isDrainAwaited else { return }
        if world.isPlanted(.killBeforeDrain) {
            isDrainAwaited = true
            return world.later(for: agent.life) { [self] in handle(.drained) }
        }
        guard let revision = Withdrawal.announced(by: pod.value) else { return }
        isDrainAwaited = true
        agent.drains.wait(for: podIP, from: revision, until: .idle) { [weak self] stage in
            guard let self, !isOver else { return }
            guard stage == .idle else {
                world.sometimes(.requestsOutlastedWithdrawal)
                return handle(.withdrawn)
            }
            world.sometimes(.drainAcknowledged)
            world.observe(.drained(self))
            handle(.drained)
        }
    }

    /// A liveness restart: the slices are followed until they say that the pod is not ready, then the proxies are waited for.
    private func awaitRestartWithdrawal(_ name: String) {
        planReport()
        world.later(for: agent.life) { [weak self] in
            guard let self else { return }
            agent.status.whenWritten(key) { [weak self] in self?.followSlices(name) }
        }
    }

    private func followSlices(_ name: String) {
        guard !isOver, case .running(let run) = machine[name]?.state, run.stop != nil else { return }
        let slices = FollowedObjects(agent.link, ListRequest(.endpointSlices, namespace: pod.meta.namespace))
        followedSlices[name]?.stop()
        followedSlices[name] = slices
        let look = { [weak self, weak slices] in
            guard let self, let slices, slices.isSynced, let revision = Withdrawal.revision(of: podIP, in: slices.all) else { return }
            followedSlices.removeValue(forKey: name)?.stop()
            guard !isOver else { return }
            agent.drains.wait(for: podIP, from: revision, until: .idle) { [weak self] stage in
                guard let self, !isOver else { return }
                world.sometimes(.restartWithdrawn)
                handle(.container(name, stage == .idle ? .drained : .withdrawn))
            }
        }
        slices.start(onChange: { _, _, _ in look() }, onSynced: look)
    }

    // MARK: Status

    /// The restart of a container is held back, or, with nil, no longer.
    func hold(_ container: String, _ reason: String?) {
        guard restraints[container] != reason else { return }
        restraints[container] = reason
        planReport()
    }

    private func planReport() {
        guard !isReportPlanned else { return }
        isReportPlanned = true
        world.later(for: agent.life) { [weak self] in
            guard let self else { return }
            isReportPlanned = false
            guard !machine.isDeleting, !isVanished, !isOver else { return }
            var surroundings = PodStatusReport.Surroundings(
                podIP: address == nil ? nil : podIP, hostIP: agent.hostIP, startTime: startTime)
            surroundings.heldBack = restraints.isEmpty ? nil : restraints.sorted { $0.key < $1.key }.map(\.value).joined(separator: "; ")
            agent.status.submit(key, uid: uid, report.status(of: machine, in: surroundings, at: agent.wallClock))
        }
    }

    private func finish() {
        isOver = true
        for name in followedSlices.keys.sorted() { followedSlices[name]?.stop() }
        if let deadline { world.callOff(deadline.appointment) }
        agent.status.forget(key, uid: uid)
        agent.brake.removed(pod: uid, workload: pod.meta.controller?.uid)
        world.observe(.cleared(self))
        agent.finished(self)
    }
}
