import APIClient
import Linux

/// `steady install`: a systemd unit.
enum InstallVerb {
    static let verb = Verb(
        "install", group: .other, summary: "Write a systemd unit that keeps an instance up", usage: "[--user | --system]",
        notes: "The unit restarts steady up, and leaves the roles and all pods running while it does (KillMode=process).",
        examples: [
            ("for this user", "steady install --user && systemctl --user enable --now steady"),
            ("away with it", "steady install --user --purge"),
        ],
        flags: [
            Flag("user", nil, .toggle, "a unit of this user (default unless root)"), Flag("system", nil, .toggle, "a unit of the machine"),
            Flag("purge", nil, .toggle, "remove the unit"), Flag("print", nil, .toggle, "only print it"),
        ],
        run: { try run($0) })

    private static func run(_ invocation: Invocation) throws(CommandError) -> Int32 {
        guard !(invocation.isSet("user") && invocation.isSet("system")) else { throw .usage("--user and --system exclude each other") }
        let isSystem = invocation.isSet("system") || !invocation.isSet("user") && Processes.isRoot
        let home = Processes.environment("HOME") ?? "/root"
        let folder = isSystem ? "/etc/systemd/system" : (Processes.environment("XDG_CONFIG_HOME") ?? home + "/.config") + "/systemd/user"
        let path = folder + "/steady.service"
        let scope = isSystem ? "" : "--user "
        let unit = text(
            isSystem: isSystem, program: Processes.executablePath(),
            directory: invocation.value("data-dir") ?? Processes.environment("STEADY_DATA_DIR"))
        if invocation.isSet("print") {
            invocation.terminal.write(unit)
            return 0
        }
        do throws(LinuxError) {
            if invocation.isSet("purge") {
                guard Files.exists(path) else { throw LinuxError(errno: 2, operation: "remove \(path)") }
                try Files.removeTree(path)
                invocation.terminal.line("removed \(path)\nnow run: systemctl \(scope)daemon-reload")
            } else {
                try Files.makeDirectories(folder, mode: 0o755)
                try Files.replace(path, with: unit.utf8, mode: 0o644)
                invocation.terminal.line("wrote \(path)\nnow run: systemctl \(scope)daemon-reload && systemctl \(scope)enable --now steady")
            }
        } catch { throw CommandError("\(error)\(error.errno == 13 ? "; --system needs root" : "")") }
        return 0
    }

    static func text(isSystem: Bool, program: String, directory: String?) -> String {
        let data = directory.map { Files.absolute($0) } ?? (isSystem ? "/var/lib/steady" : nil)
        let option = data.map { " --data-dir \($0)" } ?? ""
        return """
            [Unit]
            Description=Steady keeps services running
            After=network.target
            StartLimitIntervalSec=0

            [Service]
            Type=exec
            ExecStart=\(program) up\(option)
            ExecStop=\(program) down\(option)
            # kill -9 of steady up: systemd brings it back, not its roles. After steady down it stays down.
            Restart=on-failure
            RestartSec=100ms
            Environment=STEADY_SUPERVISED=1
            # Only steady up is stopped with the unit's main process: roles and pods go on, and the next up takes them over.
            KillMode=process
            # The control groups below the unit are Steady's to make.
            Delegate=yes
            LimitNOFILE=1048576
            TasksMax=infinity
            TimeoutStopSec=900
            \(isSystem ? "StateDirectory=steady\nAmbientCapabilities=CAP_NET_BIND_SERVICE" : "# Ports below 1024: sysctl net.ipv4.ip_unprivileged_port_start, or the system unit.")

            [Install]
            WantedBy=\(isSystem ? "multi-user.target" : "default.target")

            """
    }
}
