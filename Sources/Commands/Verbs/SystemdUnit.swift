/// The unit that keeps an instance up, as `systemd.unit(5)`, `systemd.service(5)` and `systemd.exec(5)` have it.
struct SystemdUnit: Hashable {
    static let fileName = "steady.service"
    /// What wants the unit once it is enabled: the machine's, and a user's.
    static let targets = ["multi-user.target", "default.target"]

    let isSystem: Bool
    /// Absolute, both.
    let program: String
    let directory: String

    var text: String {
        let option = "--data-dir \(Self.argument(directory))"
        return """
            [Unit]
            Description=Steady keeps services running
            After=network.target
            StartLimitIntervalSec=0

            [Service]
            Type=exec
            ExecStart=\(Self.word(program)) up \(option)
            # Everything stops, in order: also on a restart of the unit. steady up alone: systemctl kill --kill-whom=main --signal=KILL steady
            # systemd runs it also after a steady down by hand, when nothing is left to stop: that is no failure (-), and it stays down.
            ExecStop=-\(Self.word(program)) down \(option)
            # kill -9 of steady up: systemd brings it back, not its roles.
            Restart=on-failure
            RestartSec=100ms
            Environment=STEADY_SUPERVISED=1
            # Only steady up dies with the unit's main process: roles and pods go on, and the next up takes them over.
            KillMode=process
            # A new version: replace the program above, then: steady upgrade. The main process stays, and so does everything else.
            # The control groups below the unit are Steady's to make.
            Delegate=yes
            LimitNOFILE=1048576
            TasksMax=infinity
            TimeoutStopSec=900
            \(isSystem ? systemLines : "# Ports below 1024: sysctl net.ipv4.ip_unprivileged_port_start, or the system unit.")

            [Install]
            WantedBy=\(Self.targets[isSystem ? 0 : 1])

            """
    }

    private var systemLines: String {
        let state = directory == "/var/lib/steady" ? "StateDirectory=steady\nStateDirectoryMode=0711\n" : ""
        return state + "AmbientCapabilities=CAP_NET_BIND_SERVICE"
    }

    /// Whether systemd takes the path as that of a program, however it is quoted.
    static func allows(program: String) -> Bool {
        !program.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F || ["\"", "'", "\\"].contains($0) }
    }

    /// One word of a command line, where `%` begins a specifier; quoted as soon as it holds more than plain characters.
    static func word(_ text: String) -> String {
        var out = ""
        var isPlain = !text.isEmpty
        for scalar in text.unicodeScalars {
            switch scalar {
            case "%": out += "%%"
            case "\"", "\\":
                out += "\\\(scalar)"
                isPlain = false
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                out += "\\x" + (digits.utf8.count == 1 ? "0" : "") + digits
                isPlain = false
            case "a"..."z", "A"..."Z", "0"..."9", "/", ".", "-", "_", "+", ",", ":", "=", "@", "$": out.unicodeScalars.append(scalar)
            default:
                out.unicodeScalars.append(scalar)
                isPlain = false
            }
        }
        return isPlain ? out : "\"\(out)\""
    }

    /// A word behind the program's: there, unlike in the program's own path, `$` begins a variable.
    static func argument(_ text: String) -> String {
        word(text.split(separator: "$", omittingEmptySubsequences: false).joined(separator: "$$"))
    }
}
