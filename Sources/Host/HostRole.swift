import APIClient
import Formats
import Linux
import Resources
import Supervision
import Timing

/// `steady up`: starts the roles, starts again what dies, keeps their descriptors, fails and recovers nodes, and stops everything in order.
///
/// It decides nothing about workloads. Everything it knows is in the data directory or comes back from the roles, so it may die at any time.
package final class HostRole {
    package let loop: EventLoop
    package let directory: DataDirectory
    package internal(set) var configuration: HostConfiguration
    /// What this program says of itself to whoever wants to upgrade to another one.
    package var statement = ProgramStatement(version: Release.version, formats: [])
    /// Called once the API's listeners hold early connections, with its TCP address.
    package var onReady: (SocketAddress) -> Void = { _ in }
    /// Called once the server answers, with the API's TCP address.
    package var onServing: (SocketAddress) -> Void = { _ in }
    /// Why the instance could not be started; known BEFORE `onStopped`.
    package internal(set) var failure: String?
    /// Called when everything has stopped.
    package var onStopped: () -> Void = {}
    /// Progress of a stop, for a person to read.
    package var onProgress: (String) -> Void = { _ in }

    private let launcher = Launcher()
    let lock: FileLock
    /// Nil: the roles that were taken over hold it.
    private let claim: BlockClaim?
    let deputy: AgentDeputy
    private let program: String
    private let reapsOrphans: Bool
    var custodies: [String: OutputCustody] = [:]
    var roles: [RoleProcess] = []
    var connections: [ObjectIdentifier: RoleConnection] = [:]
    /// The newest line of each role: an older one may still be open, held by a child of a dead process.
    var lines: [String: RoleConnection] = [:]
    var kept = KeptDescriptors()
    var exits = ExitLedger()
    let agents: AgentWatch
    var listener: Int32 = -1
    var stop: StopSequence?
    /// What the instance kept is deleted at the end of the stop.
    var isPurging = false
    /// The upgrade that is under way.
    var upgrade: RoleUpgrade?
    /// How the last upgrade of this process went, or goes: as on disk, where that takes it.
    var upgradeRecord: UpgradeRecord?
    /// This process is about to become another program.
    var isGoingOver = false
    /// Proxies that finish what they have.
    var retired: Set<String> = []
    var hasServed = false
    /// What the server found damaged or cut off when it read the store, and could deal with.
    package internal(set) var storeNotices: [String] = []
    /// No process of the instance can have lived on until this start. Until it has served once, its server is told.
    var nothingRuns = false
    let isResuming: Bool
    /// What could not be written when this process came back, and stays as an earlier one wrote it; for the log, once there is one.
    private var unwritten: [String] = []

    /// Takes the instance over, or says why it cannot.
    ///
    /// - Parameters:
    ///   - program: what the roles run; another one in tests.
    ///   - reapsOrphans: whether all children of this process but the roles are orphans of ours; false where others have children in it.
    ///   - blocks: which blocks stopped instances keep; nil: nothing is known of any.
    ///   - inheritedLock: the instance's lock, when a role that noticed the death of `up` took it and started this process.
    package init(
        loop: EventLoop, directory: DataDirectory, requested: HostConfiguration, isResuming: Bool, inheritedLock: Int32?,
        deputy: AgentDeputy, reapsOrphans: Bool, blocks: BlockMemory? = nil, program: String = "/proc/self/exe"
    ) throws {
        self.loop = loop
        self.directory = directory
        self.deputy = deputy
        self.program = program
        self.reapsOrphans = reapsOrphans
        self.isResuming = isResuming
        agents = AgentWatch(loop: loop)
        let longest = directory.roleSocket(RoleName.agent(requested.nodes.map(\.name).max { $0.utf8.count < $1.utf8.count } ?? ""))
        guard longest.utf8.count <= SocketAddress.unixPathLimit else {
            throw HostError(
                "the data directory \(directory.path) is too long: its sockets need a path of \(longest.utf8.count) bytes, and Linux allows "
                    + "\(SocketAddress.unixPathLimit); choose a shorter one with --data-dir or STEADY_DATA_DIR")
        }
        guard requested.nodes.count <= HostConfiguration.nodeLimit else {
            throw HostError("\(requested.nodes.count) nodes were asked for; one instance has room for \(HostConfiguration.nodeLimit)")
        }
        if let bytes = try? Files.read(directory.hostRecord), let format = (try? JSON.parse(bytes))?["format"].int,
            format > HostConfiguration.format
        {
            throw HostError(
                "\(directory.hostRecord) was written by a newer Steady (format \(format); this one reads up to \(HostConfiguration.format)); "
                    + "start the instance with that one")
        }
        lock = try inheritedLock.map { FileLock(fd: $0) } ?? Self.lock(directory)
        Files.overwrite(lock.fd, with: "\(Processes.current)\n")
        var configuration = requested
        if let recorded = Self.recorded(directory) {
            if isResuming { configuration = recorded }
            configuration.hasState = recorded.hasState
            // What other machines and kubeconfigs already know stays as it was, unless it is asked for otherwise.
            if configuration.block == nil { configuration.block = recorded.block }
            if configuration.apiAddress.port == 0 { configuration.apiAddress = recorded.apiAddress }
        }
        if !isResuming { configuration.chooseProxies { Self.lockHolder(directory.roleLock($0)) != nil } }
        if !isResuming { nothingRuns = Self.nothingCanRun(directory) }
        (configuration.boot, configuration.isStopped) = (Processes.bootIdentity(), nothingRuns)
        let names = ["server"] + configuration.nodes.map { RoleName.agent($0.name) } + configuration.proxies
        do throws(HostError) {
            let claim = try BlockClaim.take(configuration.block, order: blocks?.order(for: directory))
            for name in names {
                if let copy = try? Sockets.duplicate(claim.descriptor) { kept.keep(copy, role: name, name: Self.heldClaim) }
            }
            configuration.block = claim.block
            self.claim = claim
        } catch {
            // Roles of an earlier `up` hold the claim, and bring it.
            guard configuration.block == Self.recorded(directory)?.block,
                names.contains(where: { Self.lockHolder(directory.roleLock($0)) != nil })
            else { throw error }
            claim = nil
        }
        self.configuration = configuration
        if reapsOrphans { try Processes.becomeSubreaper() }
        listener = try Sockets.listen(unix: directory.hostSocket, type: .sequencedPackets)
        // A server that runs has the listeners, and hands them over when it says hello.
        if Self.lockHolder(directory.roleLock("server")) == nil { try openAPIListeners() }
        // BEFORE the record says that a version ran which keeps that note.
        do throws(LinuxError) { try Self.forgetForeignReach(directory) } catch {
            unwritten.append("\(directory.journalReached) cannot be removed: \(error)")
        }
        try recordConfiguration()
        if let claim { blocks?.remember(claim.block, for: directory) }
        try settle(directory.kubeconfig, Array(Kubeconfig.text(server: self.configuration.apiAddress).utf8))
        _ = try loop.watch(listener, .read) { [unowned self] _ in acceptAll() }
        try loop.onSignal(17) { [unowned self] in reap() }
    }

    deinit {
        for descriptor in [listener, claim?.descriptor ?? -1, lock.fd] where descriptor >= 0 { closeDescriptor(descriptor) }
        for role in roles { kept.removeAll(role: role.name) }
    }

    /// The arguments of an instance in this directory, as its last `up` recorded them.
    package static func recorded(_ directory: DataDirectory) -> HostConfiguration? {
        guard let bytes = try? Files.read(directory.hostRecord), let value = try? JSON.parse(bytes) else { return nil }
        return HostConfiguration(value)
    }

    func recordConfiguration() throws(LinuxError) {
        try settle(directory.hostRecord, JSON.serialize(configuration.value, pretty: true), durably: true)
    }

    /// Writes a file of the instance. One that comes back needs no room on the disk for what an earlier process has written, and goes on by that also
    /// where it would write something else.
    private func settle(_ path: String, _ bytes: [UInt8], durably: Bool = false) throws(LinuxError) {
        let old = isResuming ? try? Files.read(path) : nil
        if old == bytes { return }
        do throws(LinuxError) {
            try Files.replace(path, with: bytes, durably: durably)
        } catch {
            guard let old, path != directory.hostRecord || Self.recorded(directory) != nil, !old.isEmpty else { throw error }
            unwritten.append("\(path) cannot be written (\(error)): it stays as it is")
        }
    }

    var commonArguments: [String] { ["--data-dir", directory.path, "--block", "\(configuration.block ?? 0)"] }

    /// Starts all roles; those that still run are waited for and taken over.
    ///
    /// - Parameter isPlanned: this process became this program in an upgrade.
    package func start(isPlanned: Bool = false) {
        for words in unwritten { RoleLog.say(.warning, words) }
        unwritten = []
        agents.nodes = Set(configuration.nodes.map(\.name))
        agents.onChange = { [unowned self] in tellAbsences() }
        continueUpgrade(isPlanned: isPlanned)
        let common = commonArguments
        let snapshots = ["--snapshot-every", "\(configuration.snapshotInterval)s", "--snapshot-keep", "\(configuration.snapshotKeep)"]
        let past = (configuration.hasState ? [Self.hasStateFlag] : []) + (nothingRuns ? [Self.nothingRunsFlag] : [])
        add("server", ["server"] + common + snapshots + past)
        for node in configuration.nodes {
            var arguments = ["agent"] + common + ["--node", node.name, "--zone", node.zone, "--index", "\(node.index)"]
            arguments += ["--nodes", "\(configuration.nodes.count)"]
            if let runAs = configuration.runAs { arguments += ["--run-as", runAs] }
            add(RoleName.agent(node.name), arguments)
            watchOutput(of: node)
        }
        for name in configuration.proxies { add(name, proxyArguments(name)) }
        let stopping = stopToGoOn(isPlanned: isPlanned)
        for role in roles {
            let isTakenOver = Self.lockHolder(directory.roleLock(role.name)).map { role.adopt($0) } ?? false
            if !isTakenOver, stopping == nil { role.handle(.tick) }
        }
        adoptRetired()
        // Those that ended while this process became another program were told of to nobody.
        reap()
        upgrade?.look()
        onReady(configuration.apiAddress)
        guard let stopping else { return }
        RoleLog.say(.notice, "goes on with the stop that was asked for")
        shutDown(purging: stopping == .purge)
    }

    func add(_ name: String, _ arguments: [String]) {
        let role = RoleProcess(name: name, arguments: arguments, loop: loop, launcher: launcher, directory: directory, program: program)
        if isFailed(name) {
            role.handle(.fail)
            if let node = RoleName.node(ofAgent: name) { agents.isDown(node) }
        }
        role.onHopeless = { [unowned self, unowned role] in neverStarts(role) }
        role.onExit = { [unowned self] in
            custodies[name]?.agentEnded()
            if let node = RoleName.node(ofAgent: name), stop == nil { agents.handle(.went, of: node) }
            stop?.roleEnded()
            forget(retired: name)
            upgrade?.look()
        }
        if name == "server" {
            role.beforeStart = { [unowned self] in if !kept.has(role: "server", name: Self.tcpListener) { try openAPIListeners() } }
        }
        roles.append(role)
    }

    /// Every role holds the claim to the address block, so that no other instance takes it while `up` is away.
    static let heldClaim = HostLink.heldPrefix + "block"
    /// The names under which the server asks for its listeners.
    private static let unixListener = "listener:unix"
    private static let tcpListener = "listener:tcp"

    /// Opened here, so that connections wait for a server that is still starting.
    private func openAPIListeners() throws {
        let tcp: Int32
        do {
            tcp = try Sockets.listen(tcp: configuration.apiAddress)
        } catch {
            throw HostError(
                "the API cannot listen on \(configuration.apiAddress): \(error.reason); choose another address with --api 127.0.0.1:PORT "
                    + "(0 takes a free one)")
        }
        kept.keep(tcp, role: "server", name: Self.tcpListener)
        kept.keep(try Sockets.listen(unix: directory.apiSocket), role: "server", name: Self.unixListener)
        configuration.apiAddress = try Sockets.localAddress(tcp)
        try settle(directory.apiAddressFile, Array("\(configuration.apiAddress)\n".utf8))
    }

    /// While no agent of the node reads what its programs print, it is stored here.
    private func watchOutput(of node: HostConfiguration.Node) {
        guard let role = roles.last else { return }
        let custody = OutputCustody(
            loop: loop, agent: role, drain: { [unowned self] in deputy.drainOutput(directory.node(node.name)) },
            onResume: { [unowned self] in connection(role.name)?.send(["op": "merge"]) })
        role.onAdopted = { [unowned custody, unowned self] in
            custody.agentAdopted()
            agents.handle(.came, of: node.name)
        }
        custody.start()
        custodies[role.name] = custody
    }

    // MARK: - Processes

    /// Orphans of dead agents fall to us: their exit codes are kept for whoever asks.
    private func reap() {
        for name in custodies.keys.sorted() { custodies[name]?.lookAtAgent() }
        while reapsOrphans, let (pid, status) = Processes.peekAny() {
            // A role's own process is reaped through its pidfd.
            if let role = roles.first(where: { $0.pid == pid }) {
                guard let status = Processes.reap(pid: pid) else { return }
                role.reaped(status)
                continue
            }
            guard Processes.reap(pid: pid) != nil else { return }
            exits.add(pid: pid, status: status, at: Clock.realtime())
        }
    }

    // MARK: - Status

    var status: Value {
        [
            "pid": .int(Int64(Processes.current)), "dataDirectory": .string(directory.path), "api": .string("\(configuration.apiAddress)"),
            "block": .int(Int64(configuration.block ?? 0)), "descriptors": .int(Int64(kept.count)),
            "store": .array(storeNotices.map { .string($0) }),
            "roles": .array(
                roles.map { role in
                    var out: Value = [
                        "name": .string(role.name), "state": .string(role.stateText), "restarts": .int(Int64(role.machine.restartCount)),
                        "pid": .int(Int64(role.pid)),
                    ]
                    if let startedAt = role.startedAt { out["startedAt"] = .string(startedAt.rfc3339) }
                    if let failure = role.failure { out["failure"] = .string(failure) }
                    return out
                }),
        ]
    }
}
