import APIClient
import Commands
import Formats
import Host
import Linux
import Resources
import Storage
import Timing

/// `steady upgrade`: the running instance goes over to another program, and back when that does not work.
enum UpgradeVerb {
    static let verb = Verb(
        "upgrade", group: .instance, summary: "Move the running instance to this program, or another one, in place",
        usage: "[--binary PATH | --back]",
        notes: """
            Takes a snapshot, then moves steady up, the server, the agents and the proxy, one after the other. No process of yours is restarted
            and no request fails: the old proxy finishes what it has while the new one accepts. A role that is not healthy within 10 s, or dies
            three times, takes everything back to the program that ran before; the exit code is 1 then. The program that ran before is kept
            for --back, also through attempts that fail.
            PATH has to be the program itself: a script that starts it is refused, and the program that it starts is named.
            Under systemd, replace the program of the unit first, then upgrade: the unit goes on, with the same main process.
            """,
        examples: [
            ("to the program that is typed", "/opt/steady-0.2/steady upgrade"),
            ("to another one", "steady upgrade --binary /opt/steady-0.2/steady"),
            ("to what ran before the last upgrade that was done", "steady upgrade --back"),
            ("how the last one went", "steady upgrade --status"),
        ],
        flags: [
            Flag("binary", nil, .value(placeholder: "PATH"), "the program to move to (default: this one)"),
            Flag("back", nil, .toggle, "to the program that ran before the last upgrade that was done"),
            Flag("status", nil, .toggle, "only say how the last upgrade went, or goes"),
        ], run: { try run($0) })

    /// A pipe's usual room, in bytes: a program that says more is none.
    private static let statementSize = 64 * 1024
    /// A program that does not print its formats in this time is none.
    private static let statementLimit: Duration = .seconds(10)
    private static let answerLimit: Duration = .seconds(60)
    /// Each role has 10 s, and as long again on the way back.
    private static let patience: Duration = .seconds(3600)
    /// An `up` that hangs is ended after 12 s, and the roles bring it back at once.
    private static let silenceLimit: Duration = .seconds(30)
    private static let lookPeriod: Duration = .milliseconds(20)

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let directory = try invocation.dataDirectory
        guard invocation.words.isEmpty else {
            throw CommandError.usage("upgrade takes no words, only flags; found \"\(invocation.words[0])\"")
        }
        let loop = try EventLoop()
        let link: HostLink
        do throws(LinuxError) {
            link = try HostLink(loop: loop, socketPath: directory.hostSocket, role: "verb")
        } catch {
            throw CommandError("no instance runs on \(directory.path) (\(error.reason)); start one with: steady up")
        }
        defer { link.close() }
        let line = HostLine(loop: loop, link: link)
        if invocation.isSet("status") { return try status(line, invocation.terminal) }

        let running = try line.ask(["op": "program"], within: answerLimit)
        guard let now = ProgramStatement(running), let identity = running["identity"].string else {
            throw CommandError(
                "the running steady up cannot be upgraded in place; stop it with steady down, and start the new one with steady up")
        }
        let path = try self.path(invocation, line)
        let said = try statement(of: path, loop)
        guard let next = ProgramStatement(said) else {
            throw CommandError(
                "\(path) is not a steady that an instance can be upgraded to: it does not print its formats (steady formats)")
        }
        // A program of before this answer says nothing of it.
        if let other = said["identity"].string, other != Release.identity(path, version: next.version) {
            let real = said["path"].string ?? ""
            if real == path { throw CommandError("\(path) has changed while it was asked what it is; upgrade again when it is whole") }
            throw CommandError(
                "\(path) is not steady itself, it starts \(real): the new steady up could not tell that it is the one that was asked for; "
                    + "give that program: steady upgrade --binary \(real)")
        }
        if Release.identity(path, version: next.version) == identity {
            invocation.terminal.line("nothing to do: the instance runs this program (steady \(now.version)) already")
            return 0
        }
        if let obstacle = now.obstacle(to: next) { throw CommandError("not upgraded: \(obstacle)") }
        let snapshot = try takeSnapshot(invocation, directory)
        let answer = try line.answer(to: ["op": "upgrade", "path": .string(path), "version": .string(next.version)], within: answerLimit)
        if answer["error"].string != nil {
            // Nothing has changed that it would be needed for: each attempt would leave one more, also on a disk that is full.
            try? Files.removeTree(snapshot)
            invocation.terminal.line("removed again: \(snapshot)")
        }
        try HostLine.check(answer)
        removeOldSnapshots(directory)
        do { return try follow(line, invocation.terminal, to: next.version, directory) } catch let error as CommandError {
            // A program of before identities were told says nothing by which a script around it could be known.
            guard said["identity"].string == nil, isScript(path) else { throw error }
            throw CommandError("\(error.message); \(path) is a script: give the program that it starts")
        }
    }

    private static func isScript(_ path: String) -> Bool {
        guard let text = try? Files.read(path, atMost: scriptLimit) else { return false }
        return text.starts(with: "#!".utf8)
    }
    /// A script that starts a program is short, in bytes.
    private static let scriptLimit = 64 * 1024

    /// Snapshots of this kind that stay; the hourly ones are counted apart.
    private static let snapshotLimit = 5
    private static let snapshotPrefix = "before-upgrade-"

    /// Its path.
    private static func takeSnapshot(_ invocation: Invocation, _ directory: DataDirectory) throws -> String {
        try Files.makeDirectories(directory.snapshots)
        let time = Clock.realtime().rfc3339.split(separator: ":").joined(separator: "-")
        let path = "\(directory.snapshots)/\(snapshotPrefix)\(time).steady"
        let contents = try SnapshotVerbs.receive(invocation, path)
        invocation.terminal.line("snapshot: \(path) (revision \(contents.revision))")
        return path
    }

    /// AFTER the upgrade has begun.
    private static func removeOldSnapshots(_ directory: DataDirectory) {
        // Names sort as their times do.
        let all = ((try? Files.list(directory.snapshots)) ?? []).sorted().filter { $0.hasPrefix(snapshotPrefix) && $0.hasSuffix(".steady") }
        for name in all.dropLast(snapshotLimit) { try? Files.removeTree("\(directory.snapshots)/\(name)") }
    }

    private static func path(_ invocation: Invocation, _ line: HostLine) throws -> String {
        let path: String
        if invocation.isSet("back") {
            guard !invocation.isGiven("binary") else { throw CommandError.usage("--back and --binary name two programs; give one of them") }
            let last = try line.ask(["op": "upgrade-status"], within: answerLimit)
            // An `up` of before this answer says it by its last upgrade alone.
            let before = last["back"].isNull && last["phase"] == "done" ? last["from"] : last["back"]
            guard let kept = before["path"].string else {
                throw CommandError("there is nothing to go back to: the instance was not upgraded")
            }
            path = kept
        } else {
            path = invocation.value("binary").map { Files.absolute($0) } ?? Processes.executablePath()
        }
        guard Files.isExecutable(path) else { throw CommandError("\(path) is not a program that you may execute") }
        return path
    }

    /// What the program says of itself: proves that it starts on this machine.
    private static func statement(of path: String, _ loop: EventLoop) throws -> Value {
        // Not a file: the disk may be full, and a program that is none may print for ever. What it says fits into a pipe.
        let pipe = try CommandPipe(owner: nil)
        defer { for end in [pipe.source, pipe.sink] { closeDescriptor(end) } }
        let null = try Files.openNull()
        defer { closeDescriptor(null) }
        let process: LaunchedProcess
        do {
            process = try Launcher().launch(
                Launch(
                    path, arguments: ["steady", "formats"], environment: Processes.environmentList(), directory: "/", input: null,
                    output: pipe.sink, error: null))
        } catch {
            throw CommandError("\(path) cannot be started: \(error)")
        }
        var end: Processes.Reaped = .running
        let watch = try loop.watch(process.pidfd, .read) { _ in end = Processes.reap(process.pidfd) }
        defer {
            watch.cancel()
            closeDescriptor(process.pidfd)
        }
        guard loop.runUntil(within: statementLimit, { end != .running }) else {
            try? Processes.signal(process.pidfd, 9)
            _ = loop.runUntil(within: statementLimit) { end != .running }
            throw CommandError("\(path) did not say within \(Int(statementLimit.inSeconds)) s what it is (steady formats)")
        }
        guard end == .ended(.exited(code: 0)) else { return .null }
        var bytes = [UInt8](repeating: 0, count: statementSize)
        let count = Files.readAvailable(pipe.source, into: &bytes)
        return (try? JSON.parse(Array(bytes[..<count]))) ?? .null
    }

    // MARK: - How it goes

    private static func follow(_ line: HostLine, _ terminal: Terminal, to version: String, _ directory: DataDirectory) throws -> Int32 {
        var shown = 0
        let end = Clock.monotonic() + patience
        var silentAt = Clock.monotonic() + silenceLimit
        while Clock.monotonic() < end {
            // While `up` becomes another program nobody answers.
            if let record = try? line.ask(["op": "upgrade-status"], within: max(lookPeriod, silentAt - Clock.monotonic())),
                record["phase"] != .null
            {
                silentAt = Clock.monotonic() + silenceLimit
                let lines = record["lines"].elements.compactMap(\.string)
                for text in lines.dropFirst(shown) { terminal.line(text) }
                shown = max(shown, lines.count)
                switch record["phase"].string {
                case "done": return 0
                case "reverted": throw CommandError("not upgraded to steady \(version): \(record["reason"].string ?? "it went back")")
                default: break
                }
            }
            guard Clock.monotonic() < silentAt else {
                throw CommandError(
                    "steady up has said nothing of the upgrade for \(Int(silenceLimit.inSeconds)) s; \(UpgradeRecord.lastWord(in: directory)); "
                        + "see: steady logs --role up. When no up runs, start the instance again with: steady up")
            }
            line.pause(lookPeriod)
        }
        throw CommandError("the upgrade does not end; see: steady logs --role up")
    }

    private static func status(_ line: HostLine, _ terminal: Terminal) throws -> Int32 {
        let record = try line.ask(["op": "upgrade-status"], within: answerLimit)
        guard let phase = record["phase"].string else {
            terminal.line("the instance was not upgraded yet")
            return 0
        }
        let (from, to) = (record["from"]["version"].string ?? "", record["to"]["version"].string ?? "")
        for text in record["lines"].elements.compactMap(\.string) { terminal.line(text) }
        switch phase {
        case "done": terminal.line("upgraded from steady \(from) to steady \(to)")
        case "reverted": terminal.line("not upgraded from steady \(from) to steady \(to): \(record["reason"].string ?? "")")
        case "back": terminal.line("under way, back to steady \(from)")
        default: terminal.line("under way, from steady \(from) to steady \(to)")
        }
        return phase == "reverted" ? 1 : 0
    }
}

/// Questions to `up`, one after the other, over a line that survives its becoming another program.
private struct HostLine {
    let loop: EventLoop
    let link: HostLink

    func ask(_ message: Value, within limit: Duration) throws(CommandError) -> Value {
        let answer = try answer(to: message, within: limit)
        try Self.check(answer)
        return answer
    }

    /// May be a refusal; throws where nothing was answered, and nobody knows what came of it.
    func answer(to message: Value, within limit: Duration) throws(CommandError) -> Value {
        var answer: Value?
        link.request(message) { answer = $0 }
        guard loop.runUntil(within: limit, { answer != nil }), let answer, !answer.isNull else {
            throw CommandError("steady up did not answer; see: steady logs --role up")
        }
        return answer
    }

    /// Throws a refusal.
    static func check(_ answer: Value) throws(CommandError) {
        if let error = answer["error"].string {
            throw CommandError(
                error == "unknown request"
                    ? "the running steady up knows no upgrades; stop it with steady down, and start the new one with steady up" : error)
        }
    }

    func pause(_ duration: Duration) {
        var isOver = false
        loop.schedule(after: duration) { isOver = true }
        loop.runUntil(within: duration * 2) { isOver }
    }
}
