import CLinux
import Glibc

/// A control group that we may write: what is started in it can be killed as a whole, whatever it forked.
package struct ControlGroup: Hashable, Sendable {
    /// Which hierarchy the group is in.
    package enum Kind: Hashable, Sendable {
        /// Of a cgroup2 tree, entered at birth and killed by `cgroup.kill` (Linux 5.14). Also on hybrid machines: a tree without controllers kills as well.
        case unified
        /// Of the v1 freezer: frozen, so that nothing can fork, then killed, then thawed to die.
        case freezer
    }

    package let path: String
    package let kind: Kind
    package init(path: String, kind: Kind = .unified) {
        self.path = path
        self.kind = kind
    }

    /// How often a group that is being frozen is looked at. A process in an uninterruptible wait freezes only behind it.
    private static let freezeLookLimit = 2000

    /// A group of this name below the group that this process is in; nil where no tree is writable.
    package static func below(own name: String) -> ControlGroup? {
        for kind in [Kind.unified, .freezer] { if let group = below(own: name, kind) { return group } }
        return nil
    }

    package static func below(own name: String, _ kind: Kind) -> ControlGroup? {
        own(kind).flatMap { ControlGroup(path: $0, kind: kind).child(name) }
    }

    /// The directory of the group that this process is in; nil where the tree is not mounted.
    static func own(_ kind: Kind) -> String? {
        guard let mounts = try? Files.text("/proc/self/mounts"), let groups = try? Files.text("/proc/self/cgroup") else { return nil }
        let mount = mounts.split(separator: "\n").lazy.map { $0.split(separator: " ") }.first { fields in
            guard fields.count > 3 else { return false }
            switch kind {
            case .unified: return fields[2] == "cgroup2"
            case .freezer: return fields[2] == "cgroup" && fields[3].split(separator: ",").contains("freezer")
            }
        }
        // `NUMBER:CONTROLLERS:PATH`
        let own = groups.split(separator: "\n").lazy.map { $0.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false) }.first
        {
            guard $0.count == 3 else { return false }
            return kind == .unified ? $0[0] == "0" : $0[1].split(separator: ",").contains("freezer")
        }
        guard let mount, let own else { return nil }
        var path = String(mount[1]) + (own[2] == "/" ? "" : String(own[2]))
        // The roles' own group passes nothing on: nodes are beside it.
        if kind == .unified, path.hasSuffix("/\(roles)") { path.removeLast(roles.utf8.count + 1) }
        return path
    }

    /// How often a group is made again that others remove as empty while it is made. Each loss takes another agent's start at this very moment.
    private static let makeAttemptLimit = 16

    /// Makes a group below this one, or finds it, and this one, too, should another have removed it as empty; nil when that is refused.
    package func child(_ name: String) -> ControlGroup? {
        let group = ControlGroup(path: "\(path)/\(name)", kind: kind)
        let control = "\(group.path)/\(kind == .unified ? "cgroup.kill" : "freezer.state")"
        for _ in 0..<Self.makeAttemptLimit {
            // What may be written there says whether the tree is ours. ENOENT: gone already, or a kernel without the file.
            if make(group), access(control, W_OK) == 0 { return group }
            guard errno == ENOENT || errno == ENODEV else { return nil }
        }
        return nil
    }

    /// False with ENOENT when another removed this group meanwhile.
    private func make(_ group: ControlGroup) -> Bool {
        if mkdir(group.path, 0o755) == 0 || errno == EEXIST { return true }
        guard errno == ENOENT, mkdir(path, 0o755) == 0 || errno == EEXIST else { return false }
        return mkdir(group.path, 0o755) == 0 || errno == EEXIST
    }

    /// Like `child`, but never one that was killed before: from Linux 6.14 on a process that is started right into such a group (CLONE_INTO_CGROUP)
    /// is killed as if it had raced with that kill. Of an older group nothing may run any more.
    package func emptyChild(_ name: String) -> ControlGroup? {
        // Nearly always there is none.
        let group = ControlGroup(path: "\(path)/\(name)", kind: kind)
        if mkdir(group.path, 0o755) == 0 { return group }
        rmdir(group.path)
        return child(name)
    }

    package var exists: Bool { Files.isDirectory(path) }

    /// What `Launch` needs to start a program in the group: a descriptor that the caller closes.
    package func open() -> Int32? {
        switch kind {
        case .unified: try? Files.open(path, O_RDONLY | O_DIRECTORY)
        case .freezer: try? Files.open("\(path)/cgroup.procs", O_WRONLY)
        }
    }

    /// Kills everything in it and, of a cgroup2 tree, below. Returns AFTER the signals were sent.
    package func kill() {
        switch kind {
        case .unified: write("1", to: "cgroup.kill")
        case .freezer:
            write("FROZEN", to: "freezer.state")
            for _ in 0..<Self.freezeLookLimit where (try? Files.text("\(path)/freezer.state")) != "FROZEN\n" { sched_yield() }
            for pid in members { Glibc.kill(pid, SIGKILL) }
            write("THAWED", to: "freezer.state")
        }
    }

    private func write(_ text: String, to file: String) {
        guard let fd = try? Files.open("\(path)/\(file)", O_WRONLY) else { return }
        _ = text.withCString { Glibc.write(fd, $0, strlen($0)) }
        Glibc.close(fd)
    }

    /// Whether a process is in it; a zombie that nobody has reaped counts no more.
    package var isPopulated: Bool {
        switch kind {
        case .unified: ((try? Files.text("\(path)/cgroup.events")) ?? "").contains("populated 1")
        case .freezer: members.contains { Processes.state(of: $0).map { $0 != "Z" } ?? false }
        }
    }

    /// The processes in it, those below it not counted.
    package var members: [Int32] {
        ((try? Files.text("\(path)/cgroup.procs")) ?? "").split(separator: "\n").compactMap { Int32($0) }
    }

    /// The names of the groups below it.
    package var children: [String] {
        ((try? Files.list(path)) ?? []).filter { Files.isDirectory("\(path)/\($0)") }.sorted()
    }

    /// Only an empty group goes.
    package func remove() { rmdir(path) }

    /// Removes empty groups beside this one whose names begin so: of agents that were killed.
    package func removeEmptyNeighbours(prefix: String) {
        let parent = Files.directory(of: path)
        for name in (try? Files.list(parent)) ?? [] where name.hasPrefix(prefix) && "\(parent)/\(name)" != path {
            rmdir("\(parent)/\(name)")
        }
    }
}

extension Launch {
    /// Starts in this group; the descriptor is borrowed. Nil: where the caller is.
    package mutating func enter(_ group: ControlGroup?, by descriptor: Int32?) {
        cgroup = nil
        cgroupMembers = []
        guard let group, let descriptor else { return }
        switch group.kind {
        case .unified: cgroup = descriptor
        case .freezer: cgroupMembers = [descriptor]
        }
    }
}
