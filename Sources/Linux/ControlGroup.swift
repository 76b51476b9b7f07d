import CLinux
import Glibc

/// A directory of a cgroup2 tree that we may write: what is started in it can be killed as a whole, whatever it forked.
package struct ControlGroup: Sendable {
    package let path: String
    package init(path: String) { self.path = path }

    /// A group of this name below the group that this process is in; nil where no cgroup2 tree is writable. Also on hybrid machines: a tree
    /// without controllers kills as well.
    package static func below(own name: String) -> ControlGroup? {
        guard let mounts = try? Files.text("/proc/self/mounts"), let groups = try? Files.text("/proc/self/cgroup") else { return nil }
        let mount = mounts.split(separator: "\n").lazy.map { $0.split(separator: " ") }.first { $0.count > 2 && $0[2] == "cgroup2" }
        let own = groups.split(separator: "\n").first { $0.hasPrefix("0::") }
        guard let mount, let own else { return nil }
        let parent = String(mount[1]) + (own == "0::/" ? "" : String(own.dropFirst(3)))
        return ControlGroup(path: parent).child(name)
    }

    /// Makes a group below this one, or finds it; nil when that is refused, or when the kernel has no `cgroup.kill` (before 5.14).
    package func child(_ name: String) -> ControlGroup? {
        let group = ControlGroup(path: "\(path)/\(name)")
        if mkdir(group.path, 0o755) != 0, errno != EEXIST { return nil }
        return access("\(group.path)/cgroup.kill", W_OK) == 0 ? group : nil
    }

    /// Like `child`, but never one that was killed before: from Linux 6.14 on a process that is started right into such a group (CLONE_INTO_CGROUP)
    /// is killed as if it had raced with that kill. Of an older group nothing may run any more.
    package func emptyChild(_ name: String) -> ControlGroup? {
        rmdir("\(path)/\(name)")
        return child(name)
    }

    /// For `Launch.cgroup`; the caller closes it.
    package func open() -> Int32? { try? Files.open(path, O_RDONLY | O_DIRECTORY) }

    /// Kills everything in it and below.
    package func kill() {
        guard let fd = try? Files.open("\(path)/cgroup.kill", O_WRONLY) else { return }
        _ = Glibc.write(fd, "1", 1)
        Glibc.close(fd)
    }

    /// Whether a process is in it; a zombie that nobody has reaped counts no more.
    package var isPopulated: Bool {
        guard let events = try? Files.text("\(path)/cgroup.events") else { return false }
        return events.contains("populated 1")
    }

    /// The processes in it, those below it not counted.
    package var members: [Int32] {
        ((try? Files.text("\(path)/cgroup.procs")) ?? "").split(separator: "\n").compactMap { Int32($0) }
    }

    /// Only an empty group goes.
    package func remove() { rmdir(path) }
}
