import APIClient
import Linux
import Resources
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
    /// How many nodes the instance has: their agents share the server's connections.
    package var nodeCount = 1
    /// How many pods the node takes.
    package var podLimit = 1000
    /// Whether every child of this process that the agent did not start is an orphan of its programs; false where others in the process have
    /// children, whose ends would be taken from them.
    package var reapsOrphans = false
    /// False: as on a machine where no control group may be written.
    package var usesControlGroups = true

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
    /// What pods keep to: see `PodMemories`.
    var memoriesFile: String { nodeDirectory + "/memories" }
    var socket: String { directory.roleSocket(RoleName.agent(nodeName)) }
    /// Behind the address that carries the claim, one for each node.
    var nodeAddress: IPv4Address { IPv4Address(bits: InstanceAddresses(block: block).nodes.first + UInt32(index) + 1) }
}

/// Where one pod has its files: its own directory, in which its programs may write, and beside it what is the agent's alone.
struct PodPaths: Sendable {
    let node: String
    let uid: String
    let root: String
    init(_ configuration: AgentConfiguration, uid: String) { self.init(node: configuration.nodeDirectory, uid: uid) }
    init(node: String, uid: String) {
        self.node = node
        self.uid = uid
        root = "\(node)/pods/\(uid)"
    }

    /// The records and pipes of all containers, `NAME.WHAT`: a name has no dot. In memory where there is a place: see `RunDirectory`.
    var containers: String { "\(RunDirectory.path(node))/\(uid)" }
    /// The containers that were ever begun.
    var containerNames: [String] { Self.names(in: containers) }
    func record(_ name: String) -> String { Self.record(name, in: containers) }
    func output(_ name: String) -> String { "\(containers)/\(name).output" }

    static func names(in containers: String) -> [String] {
        ((try? Files.list(containers)) ?? []).filter { $0.hasSuffix(".record") }.map { String($0.dropLast(".record".count)) }
    }
    static func record(_ name: String, in containers: String) -> String { "\(containers)/\(name).record" }

    /// What containers printed. Made with the first output, so it is not in the pod's own directory: a program could have put a link there.
    var logs: String { "\(node)/logs/\(uid)" }
    /// What `up` stored of the output while no agent was there.
    func spill(_ name: String) -> String { "\(logs)/\(name).spill" }
    /// The log of one run.
    func log(_ name: String, run: Int) -> String { "\(logs)/\(name).\(run).log" }

    var volumes: String { root + "/volumes" }
    func volume(_ name: String) -> String { volumes + "/" + name }
    /// Where mount paths are found: `root/etc/app`.
    var tree: String { root + "/root" }

    /// AFTER the last process is gone. The pod's own directory goes last: while it is there, the next agent clears away the rest.
    func remove() {
        for path in [containers, logs, root] { try? Files.removeTree(path) }
    }
}
