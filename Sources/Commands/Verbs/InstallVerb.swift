import APIClient
import Linux

/// `steady install`: a systemd unit.
enum InstallVerb {
    static let verb = Verb(
        "install", group: .other, summary: "Write a systemd unit that keeps an instance up", usage: "[--user | --system]",
        notes: """
            When steady up dies, the unit starts it again, and leaves the roles and all pods running meanwhile (KillMode=process).
            systemctl stop and restart stop the pods, too, in order (steady down); what is stored stays.
            """,
        examples: [
            ("for this user", "steady install --user && systemctl --user enable --now steady"),
            ("away with it", "steady install --user --purge && systemctl --user stop steady"),
        ],
        flags: [
            Flag("user", nil, .toggle, "a unit of this user (default unless root)"), Flag("system", nil, .toggle, "a unit of the machine"),
            Flag("purge", nil, .toggle, "remove the unit"), Flag("print", nil, .toggle, "only print it"),
        ],
        run: { try run($0) })

    private static func run(_ invocation: Invocation) throws(CommandError) -> Int32 {
        guard !(invocation.isSet("user") && invocation.isSet("system")) else { throw .usage("--user and --system exclude each other") }
        let isSystem = invocation.isSet("system") || !invocation.isSet("user") && Processes.isRoot
        let folder = isSystem ? "/etc/systemd/system" : try userFolder()
        let path = "\(folder)/\(SystemdUnit.fileName)"
        let scope = isSystem ? "" : "--user "
        let program = Processes.executablePath()
        guard invocation.isSet("purge") || SystemdUnit.allows(program: program) else {
            throw CommandError(
                "systemd runs no program whose path has quotes, backslashes or control characters; put \(program) somewhere else")
        }
        // A user's unit names its directory: the service manager may know another XDG_STATE_HOME than this shell.
        let named = invocation.value("data-dir") ?? Processes.environment("STEADY_DATA_DIR").flatMap { $0.isEmpty ? nil : $0 }
        let directory = isSystem ? DataDirectory(named ?? systemDirectory) : try invocation.dataDirectory
        let unit = SystemdUnit(isSystem: isSystem, program: program, directory: directory.path).text
        if invocation.isSet("print") {
            invocation.terminal.write(unit)
            return 0
        }
        do throws(LinuxError) {
            if invocation.isSet("purge") {
                guard Files.exists(path) else { throw LinuxError(errno: 2, operation: "remove \(path)") }
                try Files.removeTree(path)
                // What `systemctl enable` made.
                for target in SystemdUnit.targets {
                    let link = "\(folder)/\(target).wants/\(SystemdUnit.fileName)"
                    if Files.linkTarget(link) == path { try Files.removeTree(link) }
                }
                // In this order: systemd forgets how to stop what it has no unit of.
                invocation.terminal.line(
                    "removed \(path)\nnow run: systemctl \(scope)stop steady; systemctl \(scope)daemon-reload\n"
                        + "(what is stored stays; steady down --purge deletes it)")
            } else {
                try Files.makeDirectories(folder, mode: 0o755)
                try Files.replace(path, with: unit.utf8, mode: 0o644)
                invocation.terminal.line("wrote \(path)\nnow run: systemctl \(scope)daemon-reload && systemctl \(scope)enable --now steady")
            }
        } catch { throw CommandError("\(error)\(error.errno == 13 ? "; --system needs root" : "")") }
        return 0
    }

    private static let systemDirectory = "/var/lib/steady"

    /// Where systemd looks for the units of this user.
    private static func userFolder() throws(CommandError) -> String {
        let configuration =
            [
                Processes.environment("XDG_CONFIG_HOME"),
                (Processes.environment("HOME").flatMap { $0.isEmpty ? nil : $0 } ?? Ownership.home).map { $0 + "/.config" },
            ]
            .compactMap { $0 }.first { $0.hasPrefix("/") }
        guard let configuration else {
            throw CommandError("this user has no home to write a unit in; steady install --print prints it, --system is the machine's")
        }
        return configuration + "/systemd/user"
    }
}
