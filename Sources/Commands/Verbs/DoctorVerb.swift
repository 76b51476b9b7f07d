import APIClient
import Linux
import Resources

/// `steady doctor`: what works on this machine, and the remedy for what does not.
enum DoctorVerb {
    static let verb = Verb(
        "doctor", group: .other, summary: "Check what this machine allows, with remedies", usage: "",
        examples: [("before the first start", "steady doctor")], run: { run($0) })

    struct Finding: Equatable {
        enum Verdict { case good, limited, bad }
        var name: String
        var verdict: Verdict
        var words: String
        var remedy = ""
    }

    private static func run(_ invocation: Invocation) -> Int32 {
        let findings =
            [
                kernel(), seccomp(), yama(), controlGroups(),
            ] + ["memory", "cpu", "pids"].map { limit($0, LimitProspect.look($0)) } + [
                openFiles(), processes(), lowPorts(), clientPorts(), loopback(), names(), dataDirectory(invocation),
            ]
        for finding in findings {
            let (mark, colour): (String, Terminal.Colour) =
                switch finding.verdict {
                case .good: ("ok     ", .green)
                case .limited: ("limited", .yellow)
                case .bad: ("missing", .red)
                }
            invocation.terminal.line("\(invocation.terminal.coloured(mark, colour))  \(finding.name.padded(to: 22)) \(finding.words)")
            if !finding.remedy.isEmpty { invocation.terminal.line("         \("".padded(to: 22)) remedy: \(finding.remedy)") }
        }
        return findings.contains { $0.verdict == .bad } ? 1 : 0
    }

    private static func number(_ path: String) -> Int? { (try? Files.text(path)).flatMap { Int($0.split(separator: "\n").first ?? "") } }

    private static func kernel() -> Finding {
        let release =
            ((try? Files.text("/proc/sys/kernel/osrelease")) ?? "unknown").split(separator: "\n").first.map(String.init) ?? "unknown"
        let parts = release.split(separator: ".").prefix(2).map { Int($0.prefix { $0.isNumber }) ?? 0 }
        let isEnough = parts.count == 2 && (parts[0], parts[1]) >= (5, 19)
        return Finding(
            name: "kernel", verdict: isEnough ? .good : .bad, words: release,
            remedy: isEnough ? "" : "5.19 or newer is needed (seccomp notifications that wait killably)")
    }

    private static func seccomp() -> Finding {
        let actions = (try? Files.text("/proc/sys/kernel/seccomp/actions_avail")) ?? ""
        let isThere = actions.contains("user_notif")
        return Finding(
            name: "seccomp notification", verdict: isThere ? .good : .limited,
            words: isThere ? "programs that bind 0.0.0.0 get their pod's address" : "not available: programs must bind $POD_IP themselves",
            remedy: isThere ? "" : "a kernel with CONFIG_SECCOMP_FILTER, and a container runtime that allows seccomp(2)")
    }

    private static func yama() -> Finding {
        let scope = number("/proc/sys/kernel/yama/ptrace_scope") ?? 0
        let isFine = scope <= 1 || Processes.isRoot
        return Finding(
            name: "Yama ptrace_scope", verdict: isFine ? .good : .limited, words: "\(scope)",
            remedy: isFine
                ? ""
                : "sysctl kernel.yama.ptrace_scope=1: with \(scope) the sockets of pods that were adopted after a crash cannot be taken")
    }

    private static func controlGroups() -> Finding {
        let mounts = (try? Files.text("/proc/self/mountinfo")) ?? ""
        let hasV2 = mounts.contains(" - cgroup2 ")
        let hasV1 = mounts.contains(" - cgroup cgroup") || mounts.contains(" - cgroup ")
        let own =
            (try? Files.text("/proc/self/cgroup"))?.split(separator: "\n").first { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) }
            ?? "/"
        let isWritable = hasV2 && Files.isWritable("/sys/fs/cgroup" + own) || Processes.isRoot && (hasV2 || hasV1)
        let words =
            (hasV2 ? "v2" : "") + (hasV1 ? (hasV2 ? " and v1" : "v1") : "")
            + (isWritable ? ", writable: groups are killed whole" : ", not ours to write")
        return Finding(
            name: "control groups", verdict: isWritable ? .good : .limited, words: hasV1 || hasV2 ? words : "none",
            remedy: isWritable
                ? ""
                : "systemd: steady install --user (Delegate=yes); without it groups are killed by process group, children and environment")
    }

    /// Whether a container's limit of this controller holds for an `up` that is started from here.
    static func limit(_ controller: String, _ prospect: LimitProspect) -> Finding {
        let instead =
            switch controller {
            case "memory": "each process is held to its container's limit by itself"
            case "pids": Processes.isRoot ? "root's programs are not bounded" : "all programs together may have half of what their user may"
            default: "not enforced"
            }
        var finding = Finding(name: "limits: \(controller)", verdict: .limited, words: "")
        switch prospect {
        case .holds(let version):
            finding.verdict = .good
            finding.words = "hold (cgroup v\(version))"
        case .crowded(let group):
            finding.words = "\(instead): other programs are in \(group), which then passes no limit on"
            finding.remedy =
                "a group for it alone: steady install, or systemd-run \(Processes.isRoot ? "" : "--user ")--scope -p Delegate=yes steady up"
        case .foreign(let directory):
            finding.words = "\(instead): \(directory) is not ours to write"
            finding.remedy = "systemd: steady install --user (Delegate=yes), or steady install --system; elsewhere: run as root"
        case .withheld(let group):
            finding.words = "\(instead): \(group) was not given this controller"
            finding.remedy =
                "systemd: Delegate=yes in the unit that it belongs to (systemctl edit user@.service); elsewhere, as root: echo +\(controller) > "
                + "\(Files.directory(of: group))/cgroup.subtree_control"
        case .absent:
            finding.words = "\(instead): no control groups with this controller are mounted"
            finding.remedy = "mount -t cgroup2 none /sys/fs/cgroup, with a kernel that has the controller"
        }
        return finding
    }

    private static func openFiles() -> Finding {
        let limit = Int(clamping: Limits.raiseOpenFiles())
        return Finding(
            name: "open files", verdict: limit >= 16_384 ? .good : .limited, words: "\(limit)",
            remedy: limit >= 16_384 ? "" : "ulimit -Hn 65536 (LimitNOFILE= in a unit): about 8 a pod are needed")
    }

    private static func processes() -> Finding {
        let limit = number("/proc/sys/kernel/pid_max") ?? 32_768
        return Finding(name: "process ids", verdict: limit >= 32_768 ? .good : .limited, words: "\(limit)")
    }

    private static func lowPorts() -> Finding {
        let first = number("/proc/sys/net/ipv4/ip_unprivileged_port_start") ?? 1024
        let mayBind = Processes.isRoot || first <= 80 || Processes.hasNetBindCapability
        return Finding(
            name: "ports below 1024", verdict: mayBind ? .good : .limited, words: mayBind ? "may be bound" : "from \(first) on",
            remedy: mayBind
                ? ""
                : "sysctl net.ipv4.ip_unprivileged_port_start=80, or setcap cap_net_bind_service=+ep \(Processes.executablePath()), or steady install --system"
        )
    }

    /// NodePorts are opened at 127.0.0.1, which is also where the kernel gives clients their ports. Pods' own addresses are nobody else's: there any
    /// port will do.
    private static func clientPorts() -> Finding {
        let words = ((try? Files.text("/proc/sys/net/ipv4/ip_local_port_range")) ?? "").split { $0 == "\t" || $0 == " " || $0 == "\n" }
        let first = words.first.flatMap { Int($0) } ?? 32_768
        let reserved = (try? Files.text("/proc/sys/net/ipv4/ip_local_reserved_ports")) ?? ""
        let isFree = first > 32_767 || reserved.contains("30000-32767")
        return Finding(
            name: "ports of clients", verdict: isFree ? .good : .limited,
            words: "from \(first) on" + (isFree ? "" : ": a client may sit on a NodePort (30000 to 32767) when it is opened"),
            remedy: isFree ? "" : "sysctl net.ipv4.ip_local_reserved_ports=30000-32767")
    }

    private static func loopback() -> Finding {
        guard let socket = try? Sockets.listen(tcp: .ipv4(IPv4Address(bits: 0x7F40_0001), port: 0)) else {
            return Finding(
                name: "loopback addresses", verdict: .bad, words: "127.64.0.1 cannot be bound", remedy: "ip addr add 127.0.0.1/8 dev lo")
        }
        closeDescriptor(socket)
        return Finding(name: "loopback addresses", verdict: .good, words: "all of 127.0.0.0/8")
    }

    private static func dataDirectory(_ invocation: Invocation) -> Finding {
        guard let directory = try? invocation.dataDirectory else {
            return Finding(
                name: "data directory", verdict: .bad, words: "this user has no home", remedy: "name one: --data-dir or STEADY_DATA_DIR")
        }
        let longest = directory.roleSocket(RoleName.agent("zz999"))
        if longest.utf8.count > SocketAddress.unixPathLimit {
            return Finding(
                name: "data directory", verdict: .bad, words: "\(directory.path) is too long for sockets",
                remedy: "a shorter one: --data-dir or STEADY_DATA_DIR")
        }
        do throws(LinuxError) {
            try Files.makeDirectories(directory.path)
            let probe = directory.path + "/.doctor"
            try Files.replace(probe, with: [1], durably: true)
            try Files.removeTree(probe)
        } catch {
            return Finding(name: "data directory", verdict: .bad, words: "\(error)", remedy: "another one: --data-dir or STEADY_DATA_DIR")
        }
        return Finding(name: "data directory", verdict: .good, words: directory.path)
    }
}
