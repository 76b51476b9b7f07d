import APIClient
import Formats
import Linux
import Resources
import Supervision
import Timing
import Transport

/// What all pods of one agent share.
final class AgentContext {
    let loop: EventLoop
    let configuration: AgentConfiguration
    let launcher = Launcher()
    let bootIdentifier = Processes.bootIdentifier()
    /// Standard input of every program.
    let null: Int32
    let tray: OutputTray
    /// Nil: programs are killed by process group and by what survives it.
    private(set) var controlGroup: ControlGroup?
    /// Where containers are held to their limits.
    let limits: LimitTrees
    /// As whom programs run where their pod says nothing; nil: as this agent.
    let user: Launch.User?
    let descriptors: any DescriptorStore
    let http: HTTPClient
    /// Whose listeners probes have met.
    let listeners = ListenerInquiry()
    /// Asks `up` how processes ended that were ours before this agent.
    var askExits: ([Int32], @escaping ([Value]) -> Void) -> Void = { _, done in done([]) }
    /// Tells the proxies, past the server, that a process of the pod at this address has ended.
    var hintEnd: (_ podIP: String) -> Void = { _ in }
    /// Probes under way: more are skipped.
    var probesInFlight = 0
    /// Keeps liveness probes from doing harm.
    var brake = HealingBrake()
    /// How much programs wait for a processor; another answer in tests.
    var pressure: () -> Double? = CPUPressure.share
    /// The first processes of all containers: what else is our child is an orphan.
    var leaders: Set<Int32> = []
    /// Whether the kernel lets us answer for a child's bind; learnt from the first launch that it refuses.
    var canHandOff = true

    /// The machine's own resolver configuration.
    let resolver = MachineResolver()
    /// Where connections of pods go that use names.
    private(set) lazy var detours: Detours = {
        let addresses = InstanceAddresses(block: configuration.block)
        return Detours(
            resolvers: { [resolver] in Set(resolver.servers.compactMap(\.hostOctets)) }, nameServer: addresses.nameServer,
            nameServerPort: InstanceAddresses.nameServerPort,
            isService: { [services = addresses.services] in services.contains($0) }, standIn: { InstanceAddresses.standIn(for: $0) })
    }()

    /// What pods keep to over restarts.
    let memories: PodMemories
    /// There are pods, and no record says what of them runs.
    let hasLostRecords: Bool

    static let probeLimit = 32

    init(loop: EventLoop, configuration: AgentConfiguration, descriptors: any DescriptorStore) throws(LinuxError) {
        self.loop = loop
        self.configuration = configuration
        self.descriptors = descriptors
        null = try Files.openNull()
        tray = try OutputTray()
        // For probes, which look at the head alone: no body is too long.
        var limits = ClientLimits.standard
        limits.wire = .streaming
        http = HTTPClient(loop: loop, limits: limits)
        user = Ownership.isRoot ? Ownership.user(configuration.runAs ?? "steady") : nil
        try Files.makeDirectories(configuration.podsDirectory)
        hasLostRecords = try RunDirectory.prepare(configuration.nodeDirectory)
        memories = PodMemories(configuration.memoriesFile, pods: Set((try? Files.list(configuration.podsDirectory)) ?? []))
        if Ownership.isRoot {
            // The users that pods run as have to get through to their directories.
            for path in [
                configuration.directory.path, configuration.directory.nodes, configuration.nodeDirectory, configuration.podsDirectory,
            ] {
                Ownership.openPassage(path)
            }
        }
        let groupName = Self.groupName(configuration)
        controlGroup = configuration.usesControlGroups ? ControlGroup.below(own: groupName) : nil
        self.limits = configuration.usesControlGroups ? LimitTrees(name: groupName, group: controlGroup) : LimitTrees()
        if let controlGroup {
            Leftovers.note(controlGroup, in: configuration.nodeDirectory)
            controlGroup.removeEmptyNeighbours(prefix: Self.groupPrefix)
        }
        try Processes.becomeSubreaper()
    }

    private static let groupPrefix = "steady-"

    /// Differs between instances and nodes, and is the same after a restart.
    static func groupName(_ configuration: AgentConfiguration) -> String {
        "\(groupPrefix)\(configuration.nodeName)-\(Fingerprint.text(of: Array(configuration.nodeDirectory.utf8)))"
    }

    /// A control group could not be entered: from now on it goes without.
    func giveUpControlGroups() { controlGroup = nil }

    /// Takes the ends of what our programs left behind. First processes are reaped through their pidfds.
    func reapOrphans() {
        guard configuration.reapsOrphans else { return }
        for pid in Survivors.children() where !leaders.contains(pid) { _ = Processes.reap(pid: pid) }
    }

    /// The variables that every program of this user begins with. HOME and USER are the program's user's, not ours.
    func environment(for user: Launch.User?) -> [(String, String)] {
        let base = configuration.baseEnvironment
        guard let user, user.user != Ownership.own.user else { return base }
        let account = Ownership.account(user.user)
        return base.filter { $0.0 != "HOME" && $0.0 != "USER" } + [("HOME", account?.home ?? "/")]
            + (account.map { [("USER", $0.name)] } ?? [])
    }

    /// As whom a container's program runs.
    func user(for pod: PodSpec, _ container: Container) -> Launch.User? {
        guard Ownership.isRoot else { return nil }
        let wanted = container.securityContext.runAsUser ?? pod.securityContext.runAsUser
        let group = container.securityContext.runAsGroup ?? pod.securityContext.runAsGroup
        let groups = pod.securityContext.supplementalGroups + (pod.securityContext.fsGroup.map { [$0] } ?? [])
        guard wanted != nil || group != nil || !groups.isEmpty else { return user }
        let base = user ?? Launch.User(user: 0, group: 0)
        let number = wanted.map { UInt32(clamping: $0) } ?? base.user
        let known = Ownership.user("\(number)")
        return Launch.User(
            user: number, group: group.map { UInt32(clamping: $0) } ?? known?.group ?? base.group,
            groups: groups.map { UInt32(clamping: $0) })
    }
}

/// A short name for content: the same bytes give the same text on every machine (FNV-1a, 64 bits).
enum Fingerprint {
    static func text(of bytes: [UInt8]) -> String {
        let hash = bytes.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
