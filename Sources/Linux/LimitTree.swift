import CLinux
import Glibc

/// Where limits of one controller are set: a directory of control groups that we may write, of either version.
package struct LimitTree: Hashable, Sendable {
    /// `memory`, `cpu`, `pids`.
    package let controller: String
    package let path: String
    /// Of a cgroup2 tree: then it is the group in which programs are born, and entered with it.
    package let isUnified: Bool

    /// The tree of a controller in which a group of this name may be made below the one that this process is in; nil where there is none.
    ///
    /// On a cgroup2 machine that is `group`, once its parents pass the controller on; they do not while processes are in them (see
    /// `ControlGroup.makeRoom`). On a v1 or hybrid machine every controller has a tree of its own.
    package static func find(_ controller: String, name: String, unified group: ControlGroup?) -> LimitTree? {
        if let group, group.kind == .unified, passOn(controller, to: group) {
            return LimitTree(controller: controller, path: group.path, isUnified: true)
        }
        guard let parent = ownGroup(v1: controller), access(parent, W_OK) == 0 else { return nil }
        return LimitTree(controller: controller, path: "\(parent)/\(name)", isUnified: false)
    }

    /// Has the parent and the group itself give the controller to what is below them.
    private static func passOn(_ controller: String, to group: ControlGroup) -> Bool {
        for path in [Files.directory(of: group.path), group.path] {
            let file = "\(path)/cgroup.subtree_control"
            func isOn() -> Bool { ((try? Files.text(file)) ?? "").split(whereSeparator: \.isWhitespace).contains { $0 == controller } }
            if isOn() { continue }
            guard let fd = try? Files.open(file, O_WRONLY) else { return false }
            defer { Glibc.close(fd) }
            guard (try? Files.writeAll(Array("+\(controller)".utf8), to: fd, named: file)) != nil, isOn() else { return false }
        }
        return true
    }

    /// This process's group in the v1 tree of a controller.
    static func ownGroup(v1 controller: String) -> String? {
        guard let mounts = try? Files.text("/proc/self/mounts"), let groups = try? Files.text("/proc/self/cgroup") else { return nil }
        let mount = mounts.split(separator: "\n").lazy.map { $0.split(separator: " ") }.first { fields in
            fields.count > 3 && fields[2] == "cgroup" && names(fields[3], controller)
        }
        let memberships = groups.split(separator: "\n").lazy.map {
            $0.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        }
        let own = memberships.first { $0.count == 3 && names($0[1], controller) }
        guard let mount, let own else { return nil }
        return String(mount[1]) + (own[2] == "/" ? "" : String(own[2]))
    }

    /// Whether a list with commas has a word.
    private static func names(_ list: Substring, _ word: String) -> Bool { list.split(separator: ",").contains { $0 == word } }

    // MARK: - One program's group

    /// Makes the group of a program, without what an earlier one left, and writes its settings; false when one is refused.
    ///
    /// Of a cgroup2 tree the group was made already, to be born in.
    package func set(_ name: String, _ settings: [(file: String, value: String, isOptional: Bool)]) -> Bool {
        let group = "\(path)/\(name)"
        if !isUnified {
            // The first program to be limited makes the tree. Counters of an earlier one of the name would be taken for this one's.
            if mkdir(group, 0o755) != 0, errno == ENOENT { mkdir(path, 0o755) } else { rmdir(group) }
            guard mkdir(group, 0o755) == 0 || errno == EEXIST else { return false }
        }
        for setting in settings {
            guard let fd = try? Files.open("\(group)/\(setting.file)", O_WRONLY) else {
                if setting.isOptional { continue }
                return false
            }
            defer { Glibc.close(fd) }
            let isWritten = setting.value.withCString { Glibc.write(fd, $0, strlen($0)) } >= 0
            guard isWritten || setting.isOptional else { return false }
        }
        return true
    }

    /// What `Launch` enters: a descriptor that the caller closes. Nil of a cgroup2 tree, and where it is refused.
    package func members(of name: String) -> Int32? { isUnified ? nil : try? Files.open("\(path)/\(name)/cgroup.procs", O_WRONLY) }

    /// How many processes of the group the kernel has killed for want of memory. Asked of the tree of `memory`.
    package func outOfMemoryKills(in name: String) -> Int {
        let text = (try? Files.text("\(path)/\(name)/\(isUnified ? "memory.events" : "memory.oom_control")")) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("oom_kill ") }
        return line.flatMap { Int($0.dropFirst("oom_kill ".count)) } ?? 0
    }

    /// Removes the group of a program that is gone.
    package func remove(_ name: String) { if !isUnified { rmdir("\(path)/\(name)") } }

    /// Removes what is empty, and the tree itself when nothing is left in it.
    package func clear() {
        guard !isUnified else { return }
        for name in (try? Files.list(path)) ?? [] { rmdir("\(path)/\(name)") }
        rmdir(path)
    }
}

extension ControlGroup {
    /// Lets controllers be passed on below the group that this process is in, on a cgroup2 machine: moves this process to a group below it, for a group
    /// with processes of its own passes on nothing. Only where nobody else is in it: what a service manager has delegated to us alone.
    ///
    /// BEFORE the roles are started: they are born where this process is, and look for their groups beside it.
    package static func makeRoom() {
        guard let own = below(own: roles, .unified).map({ Files.directory(of: $0.path) }), own != "/sys/fs/cgroup",
            let controllers = try? Files.text("\(own)/cgroup.controllers"), controllers.contains("memory"),
            ControlGroup(path: own).members == [getpid()], let fd = try? Files.open("\(own)/\(roles)/cgroup.procs", O_WRONLY)
        else { return removeRoom() }
        _ = Glibc.write(fd, "0", 1)
        Glibc.close(fd)
    }

    private static func removeRoom() { below(own: roles, .unified)?.remove() }

    /// The group of `up` and its roles, beside which the nodes' groups are made.
    static let roles = "steady-roles"
}
