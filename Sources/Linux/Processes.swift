import CLinux
import Glibc

/// How a process ended.
package enum ExitStatus: Hashable, Sendable {
    case exited(code: Int32)
    case killed(signal: Int32)

    init(_ raw: clinux_exit) {
        // CLD_EXITED is 1; killed and dumped carry the signal.
        self = raw.kind == 1 ? .exited(code: raw.status) : .killed(signal: raw.status)
    }

    /// For a log: `exited with 1`, `killed by signal 9`.
    package var words: String {
        switch self {
        case .exited(let code): "exited with \(code)"
        case .killed(let signal): "was killed by signal \(signal)"
        }
    }

    /// As shells and Kubernetes count: 128 + signal for a killed one.
    package var code: Int32 {
        switch self {
        case .exited(let code): code
        case .killed(let signal): 128 + signal
        }
    }
}

/// Which process, beyond pids that wrap: pid and its start time, on this boot.
package struct ProcessIdentity: Hashable, Sendable {
    package var pid: Int32
    /// Clock ticks after boot (field 22 of /proc/PID/stat).
    package var startTime: UInt64
    package init(pid: Int32, startTime: UInt64) {
        self.pid = pid
        self.startTime = startTime
    }
}

/// Processes by pidfd and by what `/proc` says about them.
package enum Processes {
    /// Ctrl-C ends this process with code 130 instead of by the signal. A shell goes on with `a ; b` only then: for what runs until somebody
    /// has seen enough.
    package static func leaveOnInterrupt() { _ = Glibc.signal(SIGINT) { _ in _exit(130) } }

    /// A descriptor that stands for the process and becomes readable when it has ended.
    package static func openDescriptor(_ pid: Int32) throws(LinuxError) -> Int32 {
        try attempt("pidfd_open \(pid)") { clinux_pidfd_open(pid) }
    }

    /// A descriptor for exactly this process; nil when it is gone (also when another has its pid).
    package static func openDescriptor(_ identity: ProcessIdentity) -> Int32? {
        guard let fd = try? openDescriptor(identity.pid) else { return nil }
        // Looked at AFTER the descriptor is held: from then on the pid cannot be given to another.
        if startTime(of: identity.pid) == identity.startTime { return fd }
        close(fd)
        return nil
    }

    /// Sends a signal through the descriptor; ESRCH when the process has ended.
    package static func signal(_ descriptor: Int32, _ signal: Int32) throws(LinuxError) {
        try attempt("send signal \(signal)") { clinux_pidfd_send_signal(descriptor, signal) }
    }

    /// What reaping found.
    package enum Reaped: Hashable, Sendable {
        case running
        case ended(ExitStatus)
        /// It is not a child of this process; whoever is its parent has the status.
        case notOurs
    }

    /// Takes the exit status of a child, if it has ended.
    package static func reap(_ descriptor: Int32) -> Reaped {
        var raw = clinux_exit()
        switch clinux_reap_pidfd(descriptor, &raw) {
        case 1: return .ended(ExitStatus(raw))
        case 0: return .running
        default: return .notOurs
        }
    }

    /// The next ended child of any kind, reaped; nil when there is none.
    package static func reapAny() -> (pid: Int32, status: ExitStatus)? {
        var raw = clinux_exit()
        return clinux_reap_any(&raw) == 1 ? (raw.pid, ExitStatus(raw)) : nil
    }

    /// The next ended child, left for its owner to reap.
    package static func peekAny() -> (pid: Int32, status: ExitStatus)? {
        var raw = clinux_exit()
        return clinux_peek_any(&raw) == 1 ? (raw.pid, ExitStatus(raw)) : nil
    }

    /// Orphans among the descendants become this process's children from now on.
    package static func becomeSubreaper() throws(LinuxError) { try attempt("become subreaper") { clinux_become_subreaper() } }

    /// Nil when there is no such process.
    package static func startTime(of pid: Int32) -> UInt64? {
        guard let text = try? Files.text("/proc/\(pid)/stat"), let close = text.lastIndex(of: ")") else { return nil }
        // After the name in parentheses come fields 3 and up; 22 is the start time.
        let fields = text[text.index(after: close)...].split(separator: " ")
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }

    /// `Z` for a zombie, `T` for a stopped one …; nil when there is no such process.
    package static func state(of pid: Int32) -> Character? {
        guard let text = try? Files.text("/proc/\(pid)/stat"), let close = text.lastIndex(of: ")") else { return nil }
        return text[text.index(after: close)...].first { $0 != " " }
    }

    /// Differs after every boot of the machine, and of the container that this process is in: nothing lives longer.
    package static func bootIdentity() -> String { "\(bootIdentifier())/\(startTime(of: 1) ?? 0)" }

    /// Differs after every boot of the machine.
    package static func bootIdentifier() -> String {
        ((try? Files.text("/proc/sys/kernel/random/boot_id")) ?? "unknown").split(separator: "\n").first.map(String.init) ?? "unknown"
    }

    /// The program file that this process runs.
    package static func executablePath() -> String { Files.linkTarget("/proc/self/exe") ?? CommandLine.arguments[0] }

    /// Nil when the variable is not set.
    package static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}

extension Processes {
    /// Every variable of this process, as `NAME=value`.
    package static func environmentList() -> [String] {
        var out: [String] = []
        var entry: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = environ
        while let text = entry.pointee {
            out.append(String(cString: text))
            entry += 1
        }
        return out
    }
}

extension Processes {
    /// Shows in `ps` as the command's name: 15 bytes of it.
    package static func name(_ name: String) { _ = clinux_set_name(name) }

    /// Lets others run first.
    package static func yield() { sched_yield() }

    /// This process.
    package static var current: Int32 { getpid() }

    /// Takes the exit status of an ended child by pid; nil when it has not ended or is no child.
    @discardableResult
    package static func reap(pid: Int32) -> ExitStatus? {
        var raw = clinux_exit()
        return clinux_wait(P_PID, id_t(pid), 0, &raw) == 1 ? ExitStatus(raw) : nil
    }
}

extension Processes {
    /// Whether this process may do everything.
    package static var isRoot: Bool { geteuid() == 0 }

    /// Whether it may bind ports below 1024 (CAP_NET_BIND_SERVICE is bit 10 of the effective set).
    package static var hasNetBindCapability: Bool {
        guard let status = try? Files.text("/proc/self/status"),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("CapEff:") }),
            let bits = UInt64(line.dropFirst(7).drop { $0 == "\t" || $0 == " " }, radix: 16)
        else { return false }
        return bits & (1 << 10) != 0
    }
}
