import CLinux
import Glibc
import Timing

/// What a role tells whoever looks after the machine: one line an event, on standard error.
///
/// Under journald each line bears its priority (`<3>`, sd-daemon(3)) and the role's name; into a file it bears the time, and the file is cut by
/// size while the role runs. Meant for events that a person wants to find later, not for progress: a line costs a write.
package enum RoleLog {
    /// syslog's numbers.
    package enum Priority: Int, Sendable {
        case error = 3
        case warning = 4
        case notice = 5
        case information = 6

        var word: String {
            switch self {
            case .error: "error"
            case .warning: "warning"
            case .notice: "notice"
            case .information: "info"
            }
        }
    }

    /// A role's file is cut here; the older part is kept once, as `.1`.
    package static let fileLimit = 16 << 20

    /// The line without its end. Line breaks in the text would make entries of their own: they become spaces.
    package static func line(_ priority: Priority, _ role: String, _ text: String, at: Timestamp, isJournal: Bool) -> String {
        let flat = String(text.map { $0.isNewline ? " " : $0 })
        return isJournal ? "<\(priority.rawValue)>\(role): \(flat)" : "\(at.rfc3339Nano) \(priority.word) \(role): \(flat)"
    }

    /// Writes one line to standard error. A full disk loses it.
    package static func say(_ priority: Priority, _ role: String, _ text: String, path: String? = nil) {
        let line = line(priority, role, text, at: Clock.realtime(), isJournal: isJournal)
        try? Files.writeAll((line + "\n").utf8, to: STDERR_FILENO, named: "standard error")
        if !isJournal, let path { cut(path) }
    }

    /// Whether standard error is journald's: `JOURNAL_STREAM` names its device and inode (systemd.exec(5)).
    package static let isJournal: Bool = {
        guard let named = Processes.environment("JOURNAL_STREAM") else { return false }
        var status = stat()
        return fstat(STDERR_FILENO, &status) == 0 && named == "\(status.st_dev):\(status.st_ino)"
    }()

    /// Moves a full file aside and goes on in a new one: both outputs of this process.
    package static func cut(_ path: String, limit: Int = fileLimit) {
        guard Files.size(of: path) > limit, (try? Files.move(path, to: path + ".1")) != nil,
            let file = try? Files.open(path, Files.appending)
        else { return }
        for output in [STDOUT_FILENO, STDERR_FILENO] { dup2(file, output) }
        close(file)
    }
}
