import Formats
import Resources
import Supervision
import Timing

/// One node's agent: registers the node, holds its lease, runs its pods, takes over what an earlier agent left.
final class SimulatedAgent {
    unowned let world: World
    let life: Life
    let machine: SimulatedMachine
    let link: Link
    let status: SimulatedStatusWriter
    let drains: DrainAcknowledgements
    private let pods: FollowedObjects
    private let lease: Renewal
    private var drivers: [String: SimulatedPod] = [:]
    private var addresses: AddressPool?
    private var savedCursor: AddressPool.Address = 0
    private var unsynced = 2
    private var isReady = false
    /// Whether it has taken over its pods: it looks after none before the server has told it of all of them.
    var isSupervising: Bool { isReady }
    /// Keeps liveness probes from doing harm.
    var brake = HealingBrake()
    private var plantedDelays: [String: Duration] = [:]

    private static let statusPeriod = Duration.seconds(60)
    private static let retryDelay = Duration.milliseconds(100)
    private static let cursorBlock: AddressPool.Address = 64

    var name: String { life.name }
    private var node: String { machine.node }
    private var nodeKey: ObjectKey { ObjectKey(.nodes, name: node) }
    var hostIP: String { "127.16.0.\(world.host.index(of: node) + 1)" }
    var wallClock: Timestamp { world.wallClock(of: node) }

    init(world: World, life: Life, machine: SimulatedMachine) {
        self.world = world
        self.life = life
        self.machine = machine
        link = Link(world: world, life: life, client: life.name)
        status = SimulatedStatusWriter(link, node: machine.node)
        drains = DrainAcknowledgements(link, proxyCount: world.scenario.proxyCount)
        let selector = FieldSelector([FieldSelector.Term(["spec", "nodeName"], machine.node)])
        pods = FollowedObjects(link, ListRequest(.pods, fieldSelector: selector))
        lease = Renewal(
            link, namespace: "kube-node-lease", name: machine.node, holder: "\(life.name)-\(world.now.nanoseconds)", period: .seconds(2),
            writer: .nodeAgent)
    }

    func start() {
        machine.agent = self
        lease.onEpoch = { [unowned self] epoch in
            status.begin(epoch: epoch)
            writeStatus()
        }
        register()
        lease.start()
        drains.start { [unowned self] in oneSynced() }
        pods.start(
            onChange: { [unowned self] key, old, new in podChanged(old, new) }, onSynced: { [unowned self] in oneSynced() })
    }

    // MARK: The node

    private func register() {
        let labels: Value = ["topology.kubernetes.io/zone": .string(machine.zone), "kubernetes.io/hostname": .string(node)]
        let object: Value = [
            "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(node), "labels": labels], "spec": [:],
        ]
        link.perform(.create(object, type: .nodes, namespace: ""), by: .nodeAgent) { [self] result in
            switch result {
            case .success: writeStatus()
            case .failure(let error) where error.code == 409: writeStatus()
            case .failure: world.schedule(after: Self.retryDelay, for: life) { [self] in register() }
            }
        }
    }

    private var isStatusPlanned = false

    private func writeStatus() {
        let resources: Value = [
            "cpu": .string("\(world.scenario.coresPerNode)"), "memory": .string("\(world.scenario.memoryPerNode)Gi"),
            // No more than it can give addresses to: what is placed on a full node would wait there for ever.
            "pods": .string("\(world.scenario.addressesPerNode ?? 1000)"),
        ]
        let ready: Value = [
            "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status",
            "lastHeartbeatTime": .string(wallClock.rfc3339), "lastTransitionTime": .string(wallClock.rfc3339),
        ]
        let body: Value = ["status": ["capacity": resources, "allocatable": resources, "conditions": [ready]]]
        link.perform(.patch(nodeKey, .strategic(body), .status), by: .nodeAgent) { [self] result in
            switch result {
            case .success(let reply):
                received(reply.object)
                guard !isStatusPlanned else { return }
                isStatusPlanned = true
                world.schedule(after: Self.statusPeriod, for: life) { [self] in
                    isStatusPlanned = false
                    writeStatus()
                }
            case .failure(let error):
                world.schedule(after: Self.retryDelay, for: life) { [self] in error.code == 404 ? register() : writeStatus() }
            }
        }
    }

    private func received(_ object: Value) {
        guard addresses == nil, let cidr = object["spec"]["podCIDR"].string else { return }
        addresses =
            world.scenario.addressesPerNode.flatMap { count in
                AddressPool(cidr: cidr).map { AddressPool(first: $0.cursor, end: $0.cursor + AddressPool.Address(count)) }
            } ?? AddressPool(cidr: cidr)
        beginIfComplete()
    }

    private func oneSynced() {
        unsynced -= 1
        beginIfComplete()
    }

    private func beginIfComplete() {
        guard unsynced == 0, addresses != nil, !isReady else { return }
        // `up` is asked how processes ended that nobody saw.
        world.schedule(after: .microseconds(200), for: life) { [self] in
            guard !isReady else { return }
            isReady = true
            adopt()
        }
    }

    // MARK: Adoption

    private func adopt() {
        let left = machine.pods
        if !left.isEmpty { world.sometimes(.podsAdopted) }
        for uid in left.keys.sorted() { if let address = left[uid]?.address { addresses?.claim(address) } }
        if let cursor = machine.addressCursor {
            addresses?.resume(at: cursor, reserve: machine.addressReserve, withdrawnAt: pods.revision.number)
        }
        let all = pods.all.map { Pod($0) }
        let known = Set(all.map(\.meta.uid))
        for uid in left.keys.sorted() where !known.contains(uid) {
            world.sometimes(.leftoverFound)
            if !world.isPlanted(.orphanAfterAdoption) { killLeftovers(uid) }
            machine.pods[uid] = nil
            release(left[uid]?.address)
        }
        for pod in all { begin(pod) }
    }

    private func killLeftovers(_ uid: String) {
        for record in (machine.pods[uid]?.records ?? [:]).sorted(by: { $0.key < $1.key }).map(\.value) {
            guard record.end == nil, let process = machine.process(of: record) else { continue }
            world.observe(.leftoverKilled(process, podUID: uid))
            process.kill()
        }
        machine.killChildren(podUID: uid)
    }

    private func remains(of pod: Pod) -> [(String, Remains, SimulatedProcess?)] {
        var found: [(String, Remains, SimulatedProcess?)] = []
        for container in pod.spec.initContainers + pod.spec.containers {
            guard var record = machine.pods[pod.meta.uid]?.records[container.name] else { continue }
            if record.end == nil, let process = machine.process(of: record) {
                world.observe(.adopted(process, podUID: pod.meta.uid, container: container.name))
                let stored = pod.value["status"]["containerStatuses"].elements.first { $0["name"].string == container.name } ?? .null
                let progress = Remains.Progress(isStarted: stored["started"].bool ?? false, isReady: stored["ready"].bool ?? false)
                let running = Remains.Process.running(since: record.startTime, containerID: "steady://\(record.pid)", progress)
                found.append((container.name, Remains(running, restartCount: record.restartCount), process))
                continue
            }
            if record.end == nil, let exit = machine.unseenExits[record.pid], exit.startedAt == record.startedAt {
                world.sometimes(.exitLearntFromUp)
                record.end = (exit.code, exit.at)
                machine.pods[pod.meta.uid]?.records[container.name] = record
            }
            let id = "steady://\(record.pid)"
            let how =
                record.end.map {
                    Termination(
                        exitCode: $0.code, reason: record.isOutOfMemory ? "OOMKilled" : nil, startedAt: record.startTime, finishedAt: $0.at,
                        containerID: id)
                }
                ?? .unseen(startedAt: record.startTime, containerID: id)
            found.append((container.name, Remains(.ended(how), restartCount: record.restartCount), nil))
        }
        return found
    }

    // MARK: Pods

    private func podChanged(_ old: Value?, _ new: Value?) {
        guard isReady else { return }
        if let old, old["metadata"]["uid"] != new?["metadata"]["uid"] ?? .null { drivers[old["metadata"]["uid"].string ?? ""]?.vanish() }
        guard let new else { return }
        let pod = Pod(new)
        if let driver = drivers[pod.meta.uid] { driver.update(pod) } else { begin(pod) }
    }

    private func begin(_ pod: Pod) {
        let uid = pod.meta.uid
        if pod.isFinished {
            if pod.isTerminating { remove(pod.key, uid: uid, address: machine.pods[uid]?.address) }
            return
        }
        let found = remains(of: pod)
        if machine.pods[uid] == nil { machine.pods[uid] = .init(namespace: pod.meta.namespace, name: pod.meta.name) }
        let driver = SimulatedPod(pod, agent: self)
        drivers[uid] = driver
        driver.start(found: found)
        if let cursor = addresses?.cursor, cursor > savedCursor {
            savedCursor = cursor + Self.cursorBlock
            machine.addressCursor = savedCursor
        }
    }

    func takeAddress() -> AddressPool.Address? {
        defer { machine.addressReserve = addresses?.reserve }
        return addresses?.take(acknowledged: world.isPlanted(.addressReusedEarly) ? nil : drains.acknowledged?.number)
    }

    func ended(_ process: SimulatedProcess, _ code: Int) {
        for uid in drivers.keys.sorted() { drivers[uid]?.ended(process, code) }
    }

    func finished(_ driver: SimulatedPod) {
        let address = driver.address
        drivers[driver.uid] = nil
        machine.pods[driver.uid] = nil
        if driver.isVanished { release(address) } else { remove(driver.key, uid: driver.uid, address: address) }
    }

    private func remove(_ key: ObjectKey, uid: String, address: AddressPool.Address?) {
        link.perform(.delete(key, DeleteOptions(gracePeriodSeconds: 0, preconditionUID: uid)), by: .nodeAgent) { [self] result in
            switch result {
            case .success: release(address)
            case .failure(let error) where error.code == 404 || error.code == 409: release(address)
            case .failure:
                world.schedule(after: Self.retryDelay, for: life) { [self] in remove(key, uid: uid, address: address) }
            }
        }
    }

    private func release(_ address: AddressPool.Address?) {
        if let address { addresses?.release(address, withdrawnAt: pods.revision.number) }
    }

    // MARK: Probes

    func probe(_ pod: SimulatedPod, _ name: String, _ kind: ProbeKind, _ process: SimulatedProcess?) {
        guard let container = (pod.pod.spec.initContainers + pod.pod.spec.containers).first(where: { $0.name == name }) else { return }
        let probe: Probe? =
            switch kind {
            case .startup: container.startupProbe
            case .liveness: container.livenessProbe
            case .readiness: container.readinessProbe
            }
        guard let probe, let process else {
            return world.later(for: life) { pod.answer(name, .probeSkipped(kind)) }
        }
        var time = world.length(.microseconds(100)...(.milliseconds(2)))
        // Whoever waits for a processor answers late, or too late.
        if world.host.isStarved { time = world.length(process.program.serviceTime) * world.number(10...60) }
        let isLastTry = kind == .liveness && pod.machine[name]?.isRestartedByFailure(now: world.now) == true
        let pressureBefore = pressure
        let patience = HealingBrake.patience(
            timeout: probe.timeout, isLastTry: isLastTry, hasReadinessProbe: container.readinessProbe != nil, pressure: pressureBefore)
        let isLate = time >= probe.timeout
        let isSilent = process.isHung || time >= patience
        world.schedule(after: isSilent ? patience : time, for: life) { [self] in
            let answer = !isSilent && Self.succeeds(probe, kind, process)
            let succeeded = answer && !isLate
            if !succeeded, kind == .liveness, !pod.isOver {
                let failure = HealingBrake.Failure(
                    succeeded: answer, took: isSilent ? patience : time, timeout: probe.timeout, patience: patience,
                    isReadyByProbe: container.readinessProbe != nil && pod.machine[name]?.isReady == true)
                return judge(pod, name, failure, pressureBefore) { held in
                    if pod.processes[name] !== process { return }
                    pod.hold(name, held)
                    if held != nil { return pod.answer(name, .probeSkipped(kind)) }
                    pod.answer(name, .probed(kind, succeeded: false, message: isSilent || isLate ? "timed out" : "refused"))
                }
            }
            if succeeded, kind == .liveness { pod.hold(name, nil) }
            pod.answer(name, .probed(kind, succeeded: succeeded, message: isSilent || isLate ? "timed out" : "refused"))
        }
    }

    /// As the kernel would tell it.
    private var pressure: Double? {
        world.isPlanted(.livenessUnderStarvation) ? nil : world.host.isStarved ? 95 : 2
    }

    /// How long the server is waited for, as real agents do.
    private static let leavePatience = Duration.seconds(1)

    /// Why the restart that a liveness probe asks for is not to be now; nil: it is to be.
    ///
    /// - Parameter pressureBefore: when the probe was begun. It may have been late by a starvation that is over.
    private func judge(
        _ pod: SimulatedPod, _ name: String, _ failure: HealingBrake.Failure, _ pressureBefore: Double?, _ done: @escaping (String?) -> Void
    ) {
        guard let container = pod.machine[name], container.isRestartedByFailure(now: world.now) else { return done(nil) }
        let plea = HealingBrake.Plea(
            workload: pod.pod.meta.controller?.uid, pod: pod.uid, container: name, failure: failure, answersTraffic: container.isReady,
            timeToFail: container.policy.liveness?.timeToFail ?? .zero)
        func hold(_ reason: String) {
            world.sometimes(.livenessHeldBack)
            world.note(self.name, "does not restart \(pod.key.name): \(reason)")
            done(reason)
        }
        func decide(_ word: HealingBrake.ServerWord) {
            switch brake.judge(plea, word, now: world.now) {
            case .restart:
                if machine.isSick(podUID: pod.uid, container: name) { world.sometimes(.restartedBySickness) }
                world.observe(.restartDecided(pod, isServing: container.isReady))
                done(nil)
            case .hold(let reason): hold(reason)
            }
        }
        let pressure = [pressureBefore, failure == .refused ? nil : pressure].compactMap(\.self).max()
        if let excuse = brake.excuse(plea, pressure: pressure, now: world.now) { return hold(excuse) }
        guard plea.needsLeave else { return decide(.silence) }
        askLeave(pod.key, decide)
    }

    /// The server's word, which counts the restart against the workload's budget; none, when it takes too long or nobody is there.
    private func askLeave(_ key: ObjectKey, _ decide: @escaping (HealingBrake.ServerWord) -> Void) {
        var isOver = false
        func finish(_ word: HealingBrake.ServerWord) {
            if isOver || life.isOver { return }
            isOver = true
            decide(word)
        }
        func withoutAnswer() -> HealingBrake.ServerWord { pods.isConnected ? .undecided : .silence }
        world.schedule(after: Self.leavePatience, for: life) { finish(withoutAnswer()) }
        link.perform(.restart(key, lease.epoch.map { LeaseEpoch(node: node, transitions: $0) }), by: .nodeAgent) { result in
            switch result {
            case .success(let reply):
                finish(RestartAnswer(reply.object) == .replaced ? .refused(reason: "a replacement is made first") : .permitted)
            case .failure(let error) where error.code == 429 || error.isStaleEpoch:
                finish(.refused(reason: error.details?.causes.first?.message ?? error.message))
            case .failure: finish(withoutAnswer())
            }
        }
    }

    private static func isWell(_ process: SimulatedProcess, _ kind: ProbeKind) -> Bool {
        switch kind {
        case .readiness: process.isReady
        case .liveness: !process.isSick
        case .startup: true
        }
    }

    private static func succeeds(_ probe: Probe, _ kind: ProbeKind, _ process: SimulatedProcess) -> Bool {
        guard process.isAlive else { return false }
        return switch probe.action {
        case .httpGet: process.isListening && isWell(process, kind)
        case .tcpSocket, .grpc: process.isListening
        case .exec: isWell(process, kind)
        case .sleep: true
        }
    }

    /// The planted bug: waits double with every restart and nothing ever forgives.
    func plantedDelay(_ uid: String) -> Duration {
        let delay = min((plantedDelays[uid] ?? .milliseconds(500)) * 2, .seconds(300))
        plantedDelays[uid] = delay
        return delay
    }
}

extension SimulatedPod {
    /// The answer of a probe; a pod that is over hears nothing.
    func answer(_ container: String, _ event: ContainerEvent) { if !isOver { handle(.container(container, event)) } }
}
