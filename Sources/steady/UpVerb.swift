import APIClient
import Commands
import Glibc
import Host
import Linux
import NodeAgent
import Resources
import Timing

/// `steady up`: the instance itself.
enum UpVerb {
    static let verb = Verb(
        "up", group: .instance, summary: "Start an instance and keep it running",
        usage: "[-f FILE ...]",
        notes: """
            Starts the server, one agent per simulated node and the proxies, restarts what dies, and stops everything on Ctrl-C.
            What ran when the instance was stopped runs again. kill -9 of it, or of any part, stops no process of yours.
            """,
        examples: [
            ("three zones, one node each, and a manifest", "steady up -f Manifests/web.yaml"),
            ("in the background, with two nodes a zone", "steady up --zones a,b --nodes-per-zone 2 --detach"),
            ("a second instance beside the first", "steady up --data-dir /tmp/other"),
            ("a snapshot every ten minutes, for a day", "steady up --snapshot-every 10m --snapshot-keep 144"),
        ],
        flags: [
            Flag(
                "filename", "f", .value(placeholder: "FILE"), repeats: true,
                "manifest to apply once the API is ready (file, directory or -)"),
            Flag("zones", nil, .value(placeholder: "LIST"), "zones, comma-separated (default: a,b,c)"),
            Flag("nodes-per-zone", nil, .value(placeholder: "N"), "simulated nodes in each zone (default: 1)"),
            Flag(
                "api", nil, .value(placeholder: "ADDRESS"),
                "where the API listens on TCP (default: 127.0.0.1:0; port 0 takes a free one and keeps it)"),
            Flag("expose", nil, .value(placeholder: "ADDRESS"), "where NodePort and LoadBalancer ports listen (default: 127.0.0.1)"),
            Flag(
                "proxies", nil, .value(placeholder: "N"),
                "proxies on the same ports, each a process of its own (default: 1; at most \(HostConfiguration.proxyLimit))"),
            Flag(
                "block", nil, .value(placeholder: "N"),
                "slice of the loopback addresses, 0 to 15 (default: the first that nobody uses or keeps)"),
            Flag("run-as", nil, .value(placeholder: "USER"), "as root: the user that pods run as (default: steady, where there is one)"),
        ] + SnapshotVerbs.scheduleFlags + [
            Flag("detach", "d", .toggle, "return when the instance is ready, and leave it running"),
            Flag("resume", nil, .toggle, hidden: true, "take over a running instance whose up has died; its lock is standard input"),
            Flag("planned", nil, .toggle, hidden: true, "with --resume: this process was another program until now"),
            Flag("detached", nil, .toggle, hidden: true, "started by --detach"),
        ],
        run: { try run($0) })

    private static func run(_ invocation: Invocation) throws -> Int32 {
        guard invocation.words.isEmpty else {
            throw CommandError.usage("up takes no words, only flags; found \"\(invocation.words[0])\"; manifests go with -f")
        }
        let directory = try invocation.dataDirectory
        let isResuming = invocation.isSet("resume")
        let requested = isResuming ? HostRole.recorded(directory) ?? HostConfiguration() : try configuration(invocation, directory)
        // Another address block than before would leave the Services with addresses that are not the instance's.
        if !isResuming, !invocation.isGiven("block"), Files.exists(directory.hostRecord), HostRole.recorded(directory) == nil {
            throw CommandError(
                "\(directory.hostRecord) is damaged: it says with what the instance was started, and which address block it has; say "
                    + "--block N with the block that it had, or remove the file to take any free one")
        }
        let files = invocation.all("filename")
        if files.contains("-") { try keepStandardInput() }
        // A broken manifest is found before anything starts.
        let manifests = files.isEmpty ? nil : try Manifests.load(files, recursive: false)
        let death = isResuming ? nil : TotalDeath(in: directory)
        if invocation.isSet("detach") { return try detach(invocation, directory, manifests, death) }

        signal(SIGPIPE, SIG_IGN)
        signal(SIGHUP, SIG_IGN)
        Processes.name("steady-up")
        Limits.raiseOpenFiles()
        // BEFORE any role is started: they are born where this process is.
        if !isResuming { ControlGroup.makeRoom() }
        let loop = try EventLoop()
        // What `--detach` started is tidied up by who started it, which reads the log first.
        let firstStart = invocation.isSet("detached") || isResuming ? nil : FirstStart(directory)
        let host: HostRole
        do {
            host = try HostRole(
                loop: loop, directory: directory, requested: requested, isResuming: isResuming,
                inheritedLock: isResuming ? takeInheritedLock() : nil,
                deputy: AgentDeputy(
                    killLeftovers: { [unowned loop] in Leftovers.kill(nodeDirectory: $0, loop: loop, $1) },
                    drainOutput: { [unowned loop] nodeDirectory in
                        let drain = OutputDrain(loop: loop, nodeDirectory: nodeDirectory)
                        return drain.count == 0 ? nil : OutputReading(leave: { drain.leave(pod: $0) }, end: { drain.end() })
                    }), reapsOrphans: true, blocks: .ofThisUser)
        } catch {
            if let firstStart { firstStart.undo(holdsLock: firstStart.isOurs) }
            throw error
        }
        let terminal = invocation.terminal
        var child: ApplyChild?
        var interruptCount = 0
        for number in [SIGINT, SIGTERM] {
            try loop.onSignal(number) {
                interruptCount += 1
                child?.end()
                if interruptCount == 1 {
                    terminal.complain("stopping: requests finish, pods end in their grace period (once more: at once)")
                    host.shutDown()
                } else {
                    terminal.complain("stopping at once: what still runs is killed")
                    host.hurry()
                }
            }
        }
        host.onProgress = { terminal.complain("  \($0)") }
        host.onStopped = { loop.stop() }
        host.onServing = { address in
            let away = death?.words(now: Clock.realtime())
            if let away { RoleLog.say(.notice, away) }
            guard !isResuming, !invocation.isSet("detached") else { return }
            terminal.line("steady is up: API http://\(address), data directory \(directory.path)")
            if let away { terminal.line(away) }
            for notice in host.storeNotices { terminal.complain("Warning: \(notice)") }
            if !files.isEmpty { child = ApplyChild(loop: loop, files: files, directory: directory) }
        }
        RoleLog.begin("up", path: directory.roleLog("up"), output: try Files.open(directory.roleLog("up"), Files.appending))
        RoleLog.say(
            .notice,
            "\(isResuming ? "came back" : "started") (pid \(Processes.current)): API \(host.configuration.apiAddress), block "
                + "\(host.configuration.block ?? 0)")
        host.statement = FormatsVerb.statement
        host.start(isPlanned: invocation.isSet("planned"))
        loop.run()
        withExtendedLifetime((host, child)) {}
        if let failure = host.failure {
            firstStart?.undo(holdsLock: true)
            throw CommandError(failure)
        }
        return 0
    }

    private static func configuration(_ invocation: Invocation, _ directory: DataDirectory) throws(CommandError) -> HostConfiguration {
        // What is not said stays as the instance had it.
        var out = HostRole.recorded(directory) ?? HostConfiguration()
        out.block = nil
        out.apiAddress = .ipv4(.loopback, port: 0)
        if let zones = try invocation.zones() { out.zones = zones }
        if let count = try invocation.integer("nodes-per-zone", in: 1...HostConfiguration.nodeLimit) { out.nodesPerZone = count }
        if let count = try invocation.integer("proxies", in: 1...HostConfiguration.proxyLimit) { out.proxyCount = count }
        if let block = try invocation.integer("block", in: 0...(HostConfiguration.blockCount - 1)) { out.block = block }
        if let interval = try invocation.duration("snapshot-every") {
            guard interval == .zero || interval >= .seconds(1) else {
                throw .usage(
                    "--snapshot-every: found \"\(invocation.value("snapshot-every") ?? "")\", allowed is 1s or more, or 0 for never")
            }
            out.snapshotInterval = Int(interval.inSeconds)
        }
        if let keep = try invocation.integer("snapshot-keep", in: SnapshotVerbs.keepRange) { out.snapshotKeep = keep }
        if let text = invocation.value("api") {
            guard let address = SocketAddress(text), case .ipv4(let host, _) = address, host.bits >> 24 == 127 else {
                throw .usage("--api: found \"\(text)\", allowed is a loopback address and a port such as 127.0.0.1:6443")
            }
            out.apiAddress = address
        }
        if let text = invocation.value("expose") {
            guard let address = IPv4Address(text) else {
                throw .usage("--expose: found \"\(text)\", allowed is an IPv4 address such as 127.0.0.1 or 0.0.0.0")
            }
            do {
                close(try Sockets.listen(tcp: .ipv4(address, port: 0)))
            } catch {
                throw CommandError("--expose: \(text) is no address of this machine; ip address lists those it has, 0.0.0.0 is all of them")
            }
            out.exposeAddress = address
        }
        if let user = invocation.value("run-as") {
            guard Processes.isRoot else { throw .usage("--run-as is for root: pods run as you") }
            guard Ownership.user(user) != nil else {
                throw .usage("--run-as: there is no user \"\(user)\"; make it (useradd --system \(user)) or name another")
            }
            out.runAs = user
        }
        return out
    }

    /// Standard input is read twice, by the check before the start and by `apply` after it: a pipe is made a file.
    private static func keepStandardInput() throws {
        let bytes = try Files.read("/dev/stdin")
        guard let copy = tmpfile() else { throw CommandError("cannot keep standard input in /tmp: \(String(cString: strerror(errno)))") }
        try Files.writeAll(bytes, to: fileno(copy), named: "the copy of standard input")
        dup2(fileno(copy), 0)
        fclose(copy)
    }

    /// The lock came as standard input; its place is given to /dev/null.
    private static func takeInheritedLock() -> Int32 {
        let lock = fcntl(0, F_DUPFD_CLOEXEC, 3)
        let null = open("/dev/null", O_RDONLY)
        dup2(null, 0)
        close(null)
        return lock
    }

    private static func detach(_ invocation: Invocation, _ directory: DataDirectory, _ manifests: [Manifest]?, _ death: TotalDeath?) throws
        -> Int32
    {
        let firstStart = FirstStart(directory)
        // Whoever runs here already is told from the one that is started now.
        try HostRole.lock(directory).release()
        let logPath = directory.roleLog("up")
        let log = try Files.open(logPath, Files.appending)
        let null = try Files.open("/dev/null", 0)
        let logStart = Int(Files.size(logPath))
        var arguments = ["steady", "up", "--detached", "--data-dir", directory.path]
        for flag in ["zones", "nodes-per-zone", "api", "expose", "proxies", "block", "run-as", "snapshot-every", "snapshot-keep"] {
            if let value = invocation.value(flag) { arguments += ["--\(flag)", value] }
        }
        let process = try Launcher().launch(
            Launch(
                "/proc/self/exe", arguments: arguments, environment: Processes.environmentList(), directory: "/", input: null, output: log,
                error: log))
        let loop = try EventLoop()
        var hasEnded = false
        let watch = try loop.watch(process.pidfd, .read) { _ in hasEnded = true }
        var isReady = false
        var silent: [String] = []
        loop.runUntil(within: readyLimit) {
            if hasEnded { return true }
            isReady = isReady || Instance.isReady(directory)
            // Until each of them serves, a role may turn out never to start.
            if isReady { silent = rolesThatDoNotServe(directory) }
            if isReady, silent.isEmpty { return true }
            loop.schedule(after: .milliseconds(3)) {}
            return false
        }
        watch.cancel()
        guard isReady, !hasEnded else {
            let said = String(decoding: ((try? Files.read(logPath)) ?? []).dropFirst(logStart), as: UTF8.self)
            if hasEnded { firstStart.undo(holdsLock: false) }
            throw CommandError(
                lastWords(said)
                    ?? (hasEnded
                        ? "steady up ended at once, and could not write to \(logPath) why: is its file system full?"
                        : "it did not become ready in \(Int(readyLimit.inSeconds)) s; see \(logPath)"))
        }
        for role in silent { invocation.terminal.complain("Warning: \(role) does not serve yet; see: steady logs --role \(role)") }
        let address = ((try? Files.text(directory.apiAddressFile)) ?? "").split(separator: "\n").first ?? ""
        invocation.terminal.line("steady is up: API http://\(address), data directory \(directory.path)")
        if let away = death?.words(now: Clock.realtime()) { invocation.terminal.line(away) }
        guard let manifests else { return 0 }
        return try Manifests.apply(manifests, invocation)
    }
}

extension UpVerb {
    /// How long `--detach` waits.
    fileprivate static let readyLimit: Duration = .seconds(30)

    /// Agents and proxies that nobody answers for; nodes that were failed on purpose are not missed.
    fileprivate static func rolesThatDoNotServe(_ directory: DataDirectory) -> [String] {
        let agents = (HostRole.recorded(directory)?.nodes ?? []).map { RoleName.agent($0.name) }
        return
            (agents.filter { !Files.exists("\(directory.roles)/\($0).failed") }
            + (HostRole.recorded(directory)?.proxies ?? [HostRole.firstProxy])).filter { role in
                guard let socket = try? Sockets.connect(to: .unix(directory.roleSocket(role))) else { return true }
                close(socket)
                return false
            }
    }

    /// The error with which a process ended, with all its lines; else the last line of what it said.
    fileprivate static func lastWords(_ said: String) -> String? {
        let lines = said.split(separator: "\n")
        guard let at = lines.lastIndex(where: { $0.hasPrefix("error: ") }) else { return lines.last.map(String.init) }
        return lines[at...].joined(separator: "\n").dropFirst("error: ".count).description
    }
}

/// `steady apply` of the manifests that `up` was given, in a process of its own that shares the terminal and shows the progress.
private final class ApplyChild {
    private var descriptor: Int32 = -1
    private var watch: EventLoop.Watch?

    init?(loop: EventLoop, files: [String], directory: DataDirectory) {
        var arguments = ["steady", "apply", "--progress", "--data-dir", directory.path]
        for file in files { arguments += ["-f", file] }
        let streams = [Int32](0...2).map { fcntl($0, F_DUPFD_CLOEXEC, 3) }
        defer { streams.forEach { close($0) } }
        guard
            let process = try? Launcher().launch(
                Launch(
                    "/proc/self/exe", arguments: arguments, environment: Processes.environmentList(), input: streams[0], output: streams[1],
                    error: streams[2]))
        else { return nil }
        descriptor = process.pidfd
        watch = try? loop.watch(process.pidfd, .read) { [weak self] _ in self?.ended() }
    }

    func end() { if descriptor >= 0 { try? Processes.signal(descriptor, SIGTERM) } }

    private func ended() {
        watch?.cancel()
        _ = Processes.reap(descriptor)
        close(descriptor)
        descriptor = -1
    }
}
