import APIClient
import Formats
import Linux
import Resources
import Supervision
import Timing

/// One node's agent: runs the pods that are bound to its node, and tells the server how they are.
///
/// It may die at any time: what it started goes on, and the next agent takes it over from the records.
package final class AgentRole {
    package let loop: EventLoop
    private let configuration: AgentConfiguration
    private let api: any ResourceAPI
    let context: AgentContext
    private let world: NodeWorld
    private let pods: ObjectCache
    private let registration: NodeRegistration
    private let status: StatusWriter
    private let events: EventWriter
    private var endpoint: AgentEndpoint?
    private var drivers: [String: PodDriver] = [:]
    private var adoption: Adoption
    private var isReady = false
    private var isStopped = false
    private var node: Value = .null
    private var hasNode = false
    private var synced = 0
    private var whenShutDown: (() -> Void)?
    /// Called once it looks after the node's pods.
    package var onReady: () -> Void = {}
    private let takeOutput: (_ pod: String?, _ done: @escaping () -> Void) -> Void
    private var takeover: OutputTakeover?

    private static let removalRetryDelay = Duration.milliseconds(100)

    /// - Parameters:
    ///   - descriptors: where copies of bind listeners and output pipes are left; nil: nowhere, they die with the agent.
    ///   - askExits: asks `up` how processes ended that no agent saw.
    ///   - hintEnd: tells the proxies that a process of the pod at this address has ended. Called BEFORE anything is written about it; the server
    ///     hears of it as always, and alone decides what follows.
    ///   - takeOutput: asks `up` to leave a pod's output to this agent, or all of the node's; `done` is called AFTER it did.
    package init(
        loop: EventLoop, configuration: AgentConfiguration, api: any ResourceAPI, descriptors: (any DescriptorStore)? = nil,
        askExits: (([Int32], @escaping ([Value]) -> Void) -> Void)? = nil,
        hintEnd: ((_ podIP: String) -> Void)? = nil,
        takeOutput: @escaping (_ pod: String?, _ done: @escaping () -> Void) -> Void = { _, done in done() }
    ) throws {
        self.loop = loop
        self.configuration = configuration
        self.api = api
        try NodeFormat.claim(configuration.nodeDirectory)
        context = try AgentContext(loop: loop, configuration: configuration, descriptors: descriptors ?? NoDescriptorStore())
        if let askExits { context.askExits = askExits }
        if let hintEnd { context.hintEnd = hintEnd }
        self.takeOutput = takeOutput
        world = NodeWorld(api: api, proxyCount: configuration.proxyCount, nodeCount: configuration.nodeCount)
        let selector = FieldSelector([FieldSelector.Term(["spec", "nodeName"], configuration.nodeName)])
        pods = ObjectCache(api: api, list: ListRequest(.pods, fieldSelector: selector))
        registration = NodeRegistration(api: api, configuration: configuration)
        status = StatusWriter(api: api, node: configuration.nodeName)
        events = EventWriter(api: api, node: configuration.nodeName)
        adoption = Adoption(context: context)
        try Files.makeDirectories(configuration.directory.roles)
        endpoint = try AgentEndpoint(
            loop: loop, path: configuration.socket,
            find: { [unowned self] namespace, pod, container in log(namespace, pod, container) },
            explain: { [unowned self] namespace, pod in driver(namespace, pod)?.machine.explanation(now: loop.now) })
        // SIGCHLD: orphans of our programs become our children and are reaped here.
        try loop.onSignal(17) { [weak self] in
            // Until they are adopted, first processes of an agent that this process was before look like orphans.
            if let self, isReady { context.reapOrphans() }
        }
    }

    /// Which proxies may carry traffic: a drain waits for each of them.
    package func live(proxies: Set<String>) { world.drains.expect(proxies) }

    /// Begins to work on the loop.
    package func start() {
        registration.onNode = { [weak self] node in self?.received(node: node) }
        registration.onEpoch = { [weak self] epoch in self?.status.begin(epoch: epoch) }
        status.onRefusal = { [weak self] key, uid, error in
            let pod: Value = [
                "apiVersion": "v1", "kind": "Pod",
                "metadata": ["namespace": .string(key.namespace), "name": .string(key.name), "uid": .string(uid)],
            ]
            self?.events.record(
                PodNote(
                    "StatusRefused", "the server refuses the pod's status, which is not written until it changes: \(error.message)",
                    isWarning: true),
                about: pod)
        }
        world.onChange = { [weak self] key in
            guard let self, isReady else { return }
            for uid in drivers.keys.sorted() { drivers[uid]?.objectChanged(key) }
        }
        registration.start()
        world.start { [weak self] in self?.oneSynced() }
        pods.start(
            onChange: { [weak self] key, old, new in self?.podChanged(old: old, new: new) }, onSynced: { [weak self] in self?.oneSynced() })
    }

    /// Starts, and runs the loop until `stop`.
    package func run() {
        start()
        loop.run()
        close()
    }

    /// The processes go on; the lease runs out by itself unless another agent comes.
    package func stop() { loop.stop() }

    /// Lets go of everything but the processes.
    package func close() {
        guard !isStopped else { return }
        isStopped = true
        registration.stop()
        world.stop()
        pods.stop()
        endpoint?.close()
        for uid in drivers.keys.sorted() { drivers[uid]?.abandon() }
        // Goes only when nothing runs in it.
        context.limits.clear()
        context.controlGroup?.remove()
    }

    /// This agent was stopped and goes on: what `up` stored of its programs' output meanwhile is taken over.
    package func mergeSpills() {
        for uid in drivers.keys.sorted() { drivers[uid]?.mergeSpills() }
    }

    /// What a child of an earlier agent had under way to `up` when that agent died; or what this one has removed while `up` could not be told.
    package func received(descriptor: Int32, named name: String) {
        guard !isStopped else { return closeDescriptor(descriptor) }
        guard ContainerProcess.isListener(name) else {
            closeDescriptor(descriptor)
            return context.descriptors.remove(name)
        }
        if !isReady { return adoption.add(descriptor, named: name) }
        for uid in drivers.keys.sorted() where drivers[uid]?.take(lateListener: descriptor, named: name) == true { return }
        // Of a launch that was called off, or of a program that has ended.
        closeDescriptor(descriptor)
        context.descriptors.remove(name)
    }

    /// How many pods have something on this machine.
    package var podCount: Int { drivers.count }

    // MARK: - Start

    private func oneSynced() {
        synced += 1
        beginIfComplete()
    }

    private func received(node: Value) {
        self.node = node
        if world.addresses == nil, let cidr = node["spec"]["podCIDR"].string { world.addresses = AddressPool(cidr: cidr) }
        guard world.addresses != nil else { return }
        hasNode = true
        beginIfComplete()
    }

    /// Pods are looked after once everything that they refer to is known: a missing ConfigMap is then missing indeed.
    private func beginIfComplete() {
        guard hasNode, synced == 2, !isReady, !isBeginning else { return }
        isBeginning = true
        let all = pods.all.map { Pod($0) }.filter { !$0.isFinished }
        for pod in all { world.named.follow(pod) }
        world.named.whenKnown(to: all.map(\.meta.uid)) { [weak self] in self?.beginToAdopt() }
    }
    private var isBeginning = false

    private func beginToAdopt() {
        guard !isStopped else { return }
        let left = adoption.left
        adoption.learnEnds(of: left.keys.sorted()) { [weak self] in
            guard let self, !isReady, !isStopped else { return }
            endUnrecorded(left) { [weak self] in
                guard let self, !isReady, !isStopped else { return }
                isReady = true
                adopt(left)
            }
        }
    }

    private func endUnrecorded(_ left: [String: PodMemory], _ done: @escaping () -> Void) {
        guard context.hasLostRecords else { return done() }
        RoleLog.say(.warning, "the records of \(left.count) pods are lost: what may still run of them is ended, and they begin anew")
        Leftovers.kill(
            pods: left.keys.sorted(), node: configuration.nodeDirectory, group: context.controlGroup, except: [], loop: loop, done)
    }

    private func adopt(_ left: [String: PodMemory]) {
        if context.user == nil, Ownership.isRoot {
            let wanted = configuration.runAs ?? "steady"
            events.record(
                PodNote(
                    "RunsAsRoot",
                    "there is no user \"\(wanted)\": pods run as root. Make it (useradd --system steady) or name one with --run-as",
                    isWarning: true), about: node)
        }
        let all = pods.all.map { Pod($0) }
        let known = Set(all.map(\.meta.uid))
        for memory in left.values { if let address = memory.address { world.addresses?.claim(address) } }
        if let text = try? Files.text(addressFile), let cursor = AddressPool.parse(text) {
            savedCursor = cursor
            let noted = (try? Files.text(reserveFile)).flatMap { ReserveNote($0) }
            // An agent of an older version, which knows of no note, has moved the cursor by the first address that it took.
            world.addresses?.resume(
                at: cursor, reserve: noted?.cursor == cursor ? noted?.reserve : nil, withdrawnAt: pods.revision.number)
            // Where an older version will read it, it must be able to move it: see `ReserveNote.cursor`.
            if let next = world.addresses?.cursor, next < cursor { save(cursor: next) }
            // What pods have by now must not be in it for the next one.
            noteReserve()
        }
        world.onAddressTaken = { [weak self] in
            self?.saveCursor()
            self?.noteReserve()
        }
        // Removed while nobody was here.
        let strangers = left.keys.sorted().filter { !known.contains($0) }
        let node = configuration.nodeDirectory
        Leftovers.kill(pods: strangers, node: node, group: context.controlGroup, except: known, loop: loop) { [context, weak self] in
            for uid in strangers {
                PodPaths(node: node, uid: uid).remove()
                context.memories.forget(uid)
                self?.release(left[uid]?.address)
            }
        }
        for pod in all { begin(pod, left[pod.meta.uid]) }
        world.named.release(except: Set(drivers.keys))
        if !left.isEmpty { RoleLog.say(.information, "took over \(drivers.count) pods; directories of \(left.count) were found") }
        adoption.dropUnused()
        context.reapOrphans()
        // AFTER everything is adopted: until then `up` reads.
        takeover = OutputTakeover(
            loop: loop, pods: left.keys.sorted(), ask: { [weak self] pod, done in self?.takeOutput(pod, done) },
            read: { [weak self] in self?.drivers[$0]?.readOutput() },
            done: { [weak self] in self?.onReady() })
        takeover?.start()
    }

    // MARK: - Pods

    /// How far the node's addresses are used. Written when it has moved by a block, ahead by a block, so that it is never behind.
    private var addressFile: String { configuration.nodeDirectory + "/addresses" }
    private var savedCursor: AddressPool.Address = 0
    private static let cursorBlock: AddressPool.Address = 64

    private func saveCursor() {
        guard let cursor = world.addresses?.cursor, cursor > savedCursor else { return }
        save(cursor: cursor + Self.cursorBlock)
    }

    private func save(cursor: AddressPool.Address) {
        savedCursor = cursor
        try? Files.replace(addressFile, with: AddressPool.text(cursor).utf8)
    }

    /// The addresses that may be used at once after a restart: see `AddressPool.reserve`.
    private var reserveFile: String { configuration.nodeDirectory + "/addresses.reserve" }
    /// What the file says; nil: nothing that is known to be true.
    private var noted: ReserveNote?

    /// AFTER the cursor is saved.
    private func noteReserve() {
        guard let reserve = world.addresses?.reserve else { return }
        let note = ReserveNote(cursor: savedCursor, reserve: reserve)
        guard note != noted else { return }
        noted = nil
        // Without a note the next start waits; with an old one it could use an address too early. It is tried again with the next address.
        do throws(LinuxError) {
            try Files.replace(reserveFile, with: note.text.utf8)
            noted = note
        } catch { try? Files.removeTree(reserveFile) }
    }

    private func podChanged(old: Value?, new: Value?) {
        guard isReady, whenShutDown == nil else { return }
        if let old, old["metadata"]["uid"] != new?["metadata"]["uid"] ?? .null { drivers[old["metadata"]["uid"].string ?? ""]?.vanish() }
        guard let new else { return }
        let pod = Pod(new)
        if let driver = drivers[pod.meta.uid] { driver.update(pod) } else { begin(pod, nil) }
    }

    private func begin(_ pod: Pod, _ memory: PodMemory?) {
        // What has ended by itself is not begun again; its removal is all that is left to do.
        if pod.isFinished {
            if pod.isTerminating { remove(pod.key, uid: pod.meta.uid, address: memory?.address) }
            return
        }
        // Ended here before, or never begun: others have to let go of the object.
        if pod.isTerminating, pod.meta.deletionGracePeriodSeconds == 0, !pod.meta.finalizers.isEmpty, memory == nil { return }
        world.named.follow(pod)
        let driver = PodDriver(pod, context: context, world: world, status: status, events: events, memory: memory)
        drivers[pod.meta.uid] = driver
        driver.onFinished = { [weak self] driver in self?.finished(driver) }
        var found: [(String, Remains)] = []
        if memory != nil {
            for policy in driver.machine.policy.containers {
                if let remains = adoption.remains(of: policy.name, driver: driver) { found.append((policy.name, remains)) }
            }
        }
        driver.start(found: found)
    }

    /// Stops every pod in its grace period and calls back when no process is left. The pods' objects stay: the next start runs them again.
    package func shutDown(_ done: @escaping () -> Void) {
        whenShutDown = done
        for uid in drivers.keys.sorted() { drivers[uid]?.shutDown() }
        if drivers.isEmpty { done() }
    }

    private func finished(_ driver: PodDriver) {
        drivers[driver.uid] = nil
        world.named.release(driver.uid)
        if let whenShutDown {
            if drivers.isEmpty { whenShutDown() }
            return
        }
        if driver.isVanished {
            release(driver.memory.address)
        } else {
            remove(driver.key, uid: driver.uid, address: driver.memory.address)
        }
    }

    /// Every process is gone: the object may go, too. Repeated until the server has done it or has another pod of the name. What an agent says
    /// under a lease that it has lost does not count: somebody else may run the pod.
    private func remove(_ key: ObjectKey, uid: String, address: AddressPool.Address?) {
        let options = DeleteOptions(gracePeriodSeconds: 0, preconditionUID: uid, leaseEpoch: status.epoch)
        api.perform(.delete(key, options)) { [weak self] result in
            guard let self, !isStopped else { return }
            switch result {
            case .success: release(address)
            case .failure(let error) where error.isStaleEpoch:
                loop.schedule(after: Self.removalRetryDelay) { [weak self] in self?.remove(key, uid: uid, address: address) }
            case .failure(let error) where error.code == 404 || error.code == 409: release(address)
            case .failure:
                loop.schedule(after: Self.removalRetryDelay) { [weak self] in self?.remove(key, uid: uid, address: address) }
            }
        }
    }

    private func release(_ address: AddressPool.Address?) {
        // What the pods' watch has seen by now is not newer than the slice that lost the pod.
        if let address { world.addresses?.release(address, withdrawnAt: pods.revision.number) }
    }

    private func log(_ namespace: String, _ pod: String, _ container: String) -> (PodPaths, ContainerLog, waiting: String)? {
        guard let driver = driver(namespace, pod) else { return storedLog(ObjectKey(.pods, namespace: namespace, name: pod), container) }
        guard let log = driver.log(of: container) else { return nil }
        return (PodPaths(configuration, uid: driver.uid), log, driver.machine.waitingReason(of: container))
    }

    /// What a pod printed that had ended before this agent came.
    private func storedLog(_ key: ObjectKey, _ container: String) -> (PodPaths, ContainerLog, waiting: String)? {
        guard let object = pods[key], let uid = object["metadata"]["uid"].string else { return nil }
        let paths = PodPaths(configuration, uid: uid)
        let log = ContainerLog(paths, container: container)
        if let run = ContainerLog.newestRun(of: container, in: paths) { log.open(run: run) }
        log.complete()
        return (paths, log, "")
    }

    private func driver(_ namespace: String, _ pod: String) -> PodDriver? {
        drivers.values.first { $0.pod.meta.namespace == namespace && $0.pod.meta.name == pod }
    }
}
