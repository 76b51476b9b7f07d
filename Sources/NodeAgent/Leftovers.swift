import Linux
import Timing

/// Kills what a node's records and control groups name, with all that it started: for `up` when a node fails, and for pods that are no more.
package enum Leftovers {
    /// How often the machine is looked over for processes that appear while others die.
    private static let roundLimit = 20
    /// A killed process that is in no uninterruptible wait is gone within a few milliseconds.
    private static let deathLimit = Duration.seconds(1)

    /// Where a node's agents note their control group, for those who come when they are dead.
    static func groupNote(_ nodeDirectory: String) -> String { nodeDirectory + "/control-group" }

    static func note(_ group: ControlGroup, in nodeDirectory: String) {
        try? Files.replace(groupNote(nodeDirectory), with: "\(group.kind == .unified ? "unified" : "freezer") \(group.path)\n".utf8)
    }

    /// The group that the node's last agent had.
    static func group(of nodeDirectory: String) -> ControlGroup? {
        guard let fields = (try? Files.text(groupNote(nodeDirectory)))?.split(whereSeparator: { $0 == " " || $0 == "\n" }),
            fields.count == 2
        else { return nil }
        return ControlGroup(path: String(fields[1]), kind: fields[0] == "freezer" ? .freezer : .unified)
    }

    /// Returns AFTER the signals were sent and nothing more was found. The machine is looked over for all pods at once: its cost grows with the
    /// processes of the machine, not with the pods of the node.
    package static func kill(nodeDirectory: String) {
        let group = group(of: nodeDirectory)
        if let group { for name in group.children { empty(ControlGroup(path: "\(group.path)/\(name)", kind: group.kind)) } }
        let pods = Set(((try? Files.list(nodeDirectory + "/pods")) ?? []) + RunDirectory.pods(nodeDirectory))
        kill(pods.sorted(), nodeDirectory)
        group?.remove()
    }

    /// The same for some pods; `group` is their agent's.
    static func kill(pods: [String], node: String, group: ControlGroup?) {
        if let group { kill(groupsOf: Set(pods), in: group) }
        kill(pods, node)
    }

    /// Kills what is in these pods' control groups, and removes them.
    private static func kill(groupsOf pods: Set<String>, in group: ControlGroup) {
        for name in group.children where pods.contains(String(name.prefix { $0 != "." })) {
            empty(ControlGroup(path: "\(group.path)/\(name)", kind: group.kind))
        }
    }

    /// Kills what is in control groups of pods that nobody knows, and removes the groups.
    static func clear(_ group: ControlGroup, except pods: Set<String>) {
        for name in group.children where !pods.contains(String(name.prefix { $0 != "." })) {
            empty(ControlGroup(path: "\(group.path)/\(name)", kind: group.kind))
        }
    }

    private static func empty(_ group: ControlGroup) {
        if group.isPopulated { group.kill() }
        let limit = Clock.monotonic() + deathLimit
        while group.isPopulated, Clock.monotonic() < limit { Processes.yield() }
        group.remove()
    }

    private static func kill(_ pods: [String], _ node: String) {
        guard !pods.isEmpty else { return }
        let boot = Processes.bootIdentifier()
        // Also of pods without a record: it may be lost.
        let markers = Set(pods.map { Array("STEADY_CONTAINER=\($0)".utf8)[...] })
        for uid in pods {
            let paths = PodPaths(node: node, uid: uid)
            for name in paths.containerNames {
                guard let record = ContainerRecord.read(paths.record(name)), record.boot == boot else { continue }
                guard let identity = record.identity, let descriptor = Processes.openDescriptor(identity) else { continue }
                Survivors.signal(group: identity.pid, 9)
                try? Processes.signal(descriptor, 9)
                closeDescriptor(descriptor)
            }
        }
        for _ in 0..<roundLimit {
            let found = Survivors.everybody().filter { Survivors.isMarked($0, amongst: markers) }
            if found.isEmpty { return }
            for pid in found { Survivors.signal(pid, 9) }
        }
    }
}
