import APIClient
import Formats
import Linux
import Resources
import Timing

/// Verbs about the instance as a whole: `status`, `down`, `kubeconfig`, `version`, `doctor`, `install`.
enum InstanceVerbs {
    static let all = [
        Verb(
            "status", group: .instance, summary: "Zones, nodes, workloads and Steady's own parts", usage: "",
            examples: [("once", "steady status"), ("live", "steady status -w")],
            flags: [Flag("watch", "w", .toggle, "redraw as things change")], run: { try StatusView.run($0) }),
        Verb(
            "down", group: .instance, summary: "Stop an instance: requests finish, pods end; the next up starts them again", usage: "",
            examples: [("and delete all that it kept", "steady down --purge")],
            flags: [Flag("purge", nil, .toggle, "delete the stored state, too"), .timeout], run: { try down($0) }),
        Verb(
            "kubeconfig", group: .instance, summary: "Print what kubectl needs to reach the instance", usage: "",
            examples: [("for this shell", "export KUBECONFIG=$(steady kubeconfig --path)")],
            flags: [Flag("path", nil, .toggle, "the file's path instead of its content")],
            run: { invocation in
                let directory = try invocation.dataDirectory
                let path = directory.kubeconfig
                guard Files.exists(path) else {
                    throw CommandError("no instance is kept in \(directory.path); start one with: steady up")
                }
                if invocation.isSet("path") {
                    invocation.terminal.line(path)
                } else {
                    invocation.terminal.write(bytes: try Files.read(path))
                }
                return 0
            }),
        Verb(
            "version", group: .other, summary: "Versions of this program and of the instance", usage: "",
            examples: [("for scripts", "steady version -o json")],
            flags: [Flag("client", nil, .toggle, "this program only"), Flag("output", "o", .value(placeholder: "json"), "json")],
            run: { try version($0) }),
        DoctorVerb.verb, InstallVerb.verb,
    ]

    private static func down(_ invocation: Invocation) throws(CommandError) -> Int32 {
        let directory = try invocation.dataDirectory
        let isPurging = invocation.isSet("purge")
        guard Files.exists(directory.hostSocket), (try? Instance.host(invocation)) != nil else {
            guard isPurging else { throw CommandError("no instance runs on \(directory.path)") }
            try purge(directory)
            invocation.terminal.line("deleted what \(directory.path) kept")
            return 0
        }
        invocation.terminal.complain("stopping: requests finish, pods end in their grace period")
        try askDown(invocation, directory, isPurging)
        // The directory is free again once `up` has let go of its lock.
        do throws(LinuxError) {
            let loop = try EventLoop()
            loop.runUntil(within: .seconds(5)) {
                guard Files.exists(directory.hostLock) else { return true }
                if let lock = (try? FileLock.take(directory.hostLock)) ?? nil {
                    lock.release()
                    return true
                }
                loop.schedule(after: .milliseconds(2)) {}
                return false
            }
            if isPurging { _ = Files.removeEmptyDirectory(directory.path) }
        } catch { throw CommandError("\(error)") }
        invocation.terminal.line(isPurging ? "stopped, and deleted what \(directory.path) kept" : "stopped; steady up starts it again")
        return 0
    }

    /// Until it is stopped. An `up` that dies on the way goes on with it when it comes back, and is asked again.
    private static func askDown(_ invocation: Invocation, _ directory: DataDirectory, _ isPurging: Bool) throws(CommandError) {
        let (loop, link) = try Instance.host(invocation)
        defer { link.close() }
        var (isStopped, isGivenUp) = (false, false)
        var forsaken = ForsakenStop(in: directory)
        link.onHostBack = { forsaken.isBack() }
        link.onHostLost = {
            switch forsaken.lost(now: loop.now) {
            case .wait: break
            case .start(let lock): goOn(directory, lock, isPurging)
            case .giveUp: isGivenUp = true
            }
        }
        func ask() {
            link.request(["op": "down", "purge": .bool(isPurging)]) { answer in
                isStopped = !answer.isNull || !Files.exists(directory.hostSocket)
                if !isStopped { loop.schedule(after: askAgainDelay) { ask() } }
            }
        }
        ask()
        guard loop.runUntil(within: try invocation.timeout(default: .seconds(900)), { isStopped || isGivenUp }) else {
            throw CommandError("steady up did not answer; its log is \(directory.roleLog("up"))")
        }
        if !isStopped {
            throw CommandError(
                "steady up died in the midst of the stop, and dies again when it is started; its log is \(directory.roleLog("up"))")
        }
    }

    /// Brings `up` back, whose end of the stop this is; or deletes the rest where all had ended and it was about to.
    private static func goOn(_ directory: DataDirectory, _ lock: FileLock, _ isPurging: Bool) {
        defer { lock.release() }
        if isPurging, !Files.exists(directory.hostRecord) {
            directory.purge()
        } else if let process = try? HostRevival.start(in: directory, with: lock, by: Launcher()) {
            closeDescriptor(process.pidfd)
        }
    }
    private static let askAgainDelay: Duration = .milliseconds(20)

    private static func purge(_ directory: DataDirectory) throws(CommandError) {
        // The lock alone is what a start leaves that failed early.
        guard [directory.hostRecord, directory.journal, directory.hostLock].contains(where: { Files.exists($0) }) else {
            throw CommandError("no instance is kept in \(directory.path)")
        }
        do throws(LinuxError) {
            guard let lock = try FileLock.take(directory.hostLock) else {
                throw LinuxError(errno: 11, operation: "lock \(directory.hostLock)")
            }
            defer { lock.release() }
            if let failure = directory.purge() { throw failure }
            _ = Files.removeEmptyDirectory(directory.path)
        } catch { throw CommandError("\(error)") }
    }

    private static func version(_ invocation: Invocation) throws(CommandError) -> Int32 {
        var server: Value = .null
        if !invocation.isSet("client"), let api = try? Instance.connect(invocation), let bytes = try? api.get(["version"]) {
            server = (try? JSON.parse(bytes)) ?? .null
        }
        if invocation.value("output") == "json" {
            invocation.terminal.write(
                JSON.text(["clientVersion": ["gitVersion": .string("v\(Program.version)")], "serverVersion": server], pretty: true))
            return 0
        }
        invocation.terminal.line("steady \(Program.version)")
        if let text = server["gitVersion"].string {
            invocation.terminal.line("server \(text) (speaks Kubernetes \(server["major"].plainText).\(server["minor"].plainText))")
        }
        return 0
    }
}
