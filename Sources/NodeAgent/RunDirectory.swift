import APIClient
import Linux

/// Where a node keeps what need not outlive a boot: the records and the pipes of its containers.
///
/// `run` in the node's directory is a link to a directory in memory; where none is to be had it is a directory itself. Whoever comes later goes by
/// it, whatever their environment says.
enum RunDirectory {
    /// In the directory in memory: the node's own directory, by which one is known whose instance is gone.
    private static let backLink = "node"

    static func path(_ nodeDirectory: String) -> String { DataDirectory.run(ofNode: nodeDirectory) }
    private static func target(_ nodeDirectory: String) -> String {
        VolatileDirectory.path(Fingerprint.text(of: Array(Files.absolute(nodeDirectory).utf8)))
    }

    /// The pods that have something here.
    static func pods(_ nodeDirectory: String) -> [String] {
        ((try? Files.list(path(nodeDirectory))) ?? []).filter { $0 != backLink }
    }

    /// Makes it where it is not there. True: there are pods, and what was kept of them is lost, by a boot or by somebody who clears memory when its
    /// user logs out. Processes of them may run, and no record says which.
    static func prepare(_ nodeDirectory: String) throws(LinuxError) -> Bool {
        let path = path(nodeDirectory)
        let target = target(nodeDirectory)
        let link = Files.linkTarget(path)
        if link == target, VolatileDirectory.isOurs(target) { return false }
        if link == nil, Files.isDirectory(path) { return false }
        let isNew: Bool
        if let made = VolatileDirectory.make(target) {
            isNew = made
            removeForgotten()
            try Files.link("\(target)/\(backLink)", to: Files.absolute(nodeDirectory))
            try Files.link(path, to: target)
        } else {
            isNew = true
            try Files.removeTree(path)
            try Files.makeDirectories(path)
        }
        return isNew && !((try? Files.list(nodeDirectory + "/pods")) ?? []).isEmpty
    }

    /// Clears away what instances left whose data directory was deleted by hand, unless a process of theirs runs.
    private static func removeForgotten() {
        for directory in VolatileDirectory.all {
            guard let node = Files.linkTarget("\(directory)/\(backLink)"), !Files.exists(node), !isAlive(directory) else { continue }
            try? Files.removeTree(directory)
        }
    }

    private static func isAlive(_ directory: String) -> Bool {
        for pod in (try? Files.list(directory)) ?? [] where pod != backLink {
            for name in PodPaths.names(in: "\(directory)/\(pod)") {
                let record = ContainerRecord.read(PodPaths.record(name, in: "\(directory)/\(pod)"))
                if let identity = record?.identity, Processes.startTime(of: identity.pid) == identity.startTime { return true }
            }
        }
        return false
    }
}
