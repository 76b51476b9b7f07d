import APIClient
import Linux
import Timing

/// What one node's agent is started with.
package struct AgentConfiguration: Sendable {
    package var nodeName: String
    package var zone: String
    /// The node's number in its instance: makes its address.
    package var index: Int
    /// The instance's slice of the loopback ranges.
    package var block: Int
    package var directory: DataDirectory
    /// As whom pods run when the agent is root; nil: the user `steady` where there is one.
    package var runAs: String?
    /// `NAME` and value, for every process: what `up` was started with.
    package var baseEnvironment: [(String, String)]
    package var leaseDuration = Duration.seconds(10)
    package var leasePeriod = Duration.seconds(2)
    /// How many proxies must have acknowledged a withdrawal; 0 where pods are not routed to.
    package var proxyCount = 0
    /// How many pods the node takes.
    package var podLimit = 1000
    /// Whether every child of this process that the agent did not start is an orphan of its programs; false where others in the process have
    /// children, whose ends would be taken from them.
    package var reapsOrphans = false

    package init(
        nodeName: String, zone: String, index: Int = 0, block: Int = 0, directory: DataDirectory, runAs: String? = nil,
        baseEnvironment: [(String, String)]? = nil
    ) {
        self.nodeName = nodeName
        self.zone = zone
        self.index = index
        self.block = block
        self.directory = directory
        self.runAs = runAs
        self.baseEnvironment =
            baseEnvironment
            ?? ["PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR"].compactMap { name in Processes.environment(name).map { (name, $0) } }
    }

    var nodeDirectory: String { directory.node(nodeName) }
    var podsDirectory: String { nodeDirectory + "/pods" }
    var socket: String { directory.roleSocket("agent-\(nodeName)") }
    /// 127.16.(16 * block).0/20, the first address for the first node.
    var nodeAddress: IPv4Address { IPv4Address(bits: 0x7F10_0000 + UInt32(block) << 12 + UInt32(index) + 1) }
}

/// Where one pod has its files.
struct PodPaths: Sendable {
    let root: String
    init(_ configuration: AgentConfiguration, uid: String) { root = configuration.podsDirectory + "/" + uid }
    init(root: String) { self.root = root }

    /// What a restarted agent has to know of the pod as a whole.
    var memory: String { root + "/pod.json" }
    /// The files of all containers, `NAME.WHAT`: a name has no dot. Making a directory costs as much as starting a program, so there is one.
    var containers: String { root + "/containers" }
    /// The containers that were ever begun.
    var containerNames: [String] {
        ((try? Files.list(containers)) ?? []).filter { $0.hasSuffix(".record") }.map { String($0.dropLast(".record".count)) }
    }
    func record(_ name: String) -> String { "\(containers)/\(name).record" }
    func output(_ name: String) -> String { "\(containers)/\(name).output" }
    /// What `up` stored of the output while no agent was there.
    func spill(_ name: String) -> String { "\(containers)/\(name).spill" }
    /// The log of one run.
    func log(_ name: String, run: Int) -> String { "\(containers)/\(name).\(run).log" }
    var volumes: String { root + "/volumes" }
    func volume(_ name: String) -> String { volumes + "/" + name }
    /// Where mount paths are found: `root/etc/app`.
    var tree: String { root + "/root" }
}
