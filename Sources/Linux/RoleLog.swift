import Glibc
import Synchronization
import Timing

/// What a role tells whoever looks after the machine: one line an event.
///
/// Under journald each line bears its priority (`<3>`, sd-daemon(3)) and the role's name; into a file it bears the time, and the file is cut by
/// size while the role runs. Meant for events that a person wants to find later, not for progress: a line costs a write. Before `begin` nothing
/// is said.
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

    private struct Place: Sendable {
        var role: String
        var path: String
        var output: Int32
        var isJournal: Bool
    }
    private static let place = Mutex<Place?>(nil)

    /// From now on this process speaks as the role.
    ///
    /// - Parameters:
    ///   - path: the role's file, to be cut when it is full.
    ///   - output: what the file is open as: standard error where `up` started the role. Standard error also where that is journald's.
    package static func begin(_ role: String, path: String, output: Int32 = STDERR_FILENO) {
        let isJournal = isJournal(STDERR_FILENO)
        place.withLock { $0 = Place(role: role, path: path, output: isJournal ? STDERR_FILENO : output, isJournal: isJournal) }
    }

    /// Writes one line. A full disk loses it.
    package static func say(_ priority: Priority, _ text: String) {
        guard let place = place.withLock({ $0 }) else { return }
        let line = line(priority, place.role, text, at: Clock.realtime(), isJournal: place.isJournal)
        try? Files.writeAll((line + "\n").utf8, to: place.output, named: "log")
        if !place.isJournal { cut(place.path, outputs: place.output == STDERR_FILENO ? [STDOUT_FILENO, STDERR_FILENO] : [place.output]) }
    }

    /// The line without its end. Line breaks in the text would make entries of their own: they become spaces.
    package static func line(_ priority: Priority, _ role: String, _ text: String, at: Timestamp, isJournal: Bool) -> String {
        let flat = String(text.map { $0.isNewline ? " " : $0 })
        return isJournal ? "<\(priority.rawValue)>\(role): \(flat)" : "\(at.rfc3339Micro) \(priority.word) \(role): \(flat)"
    }

    /// Whether the descriptor is journald's: `JOURNAL_STREAM` names its device and inode (systemd.exec(5)).
    package static func isJournal(_ descriptor: Int32) -> Bool {
        guard let named = Processes.environment("JOURNAL_STREAM") else { return false }
        var status = stat()
        return fstat(descriptor, &status) == 0 && named == "\(status.st_dev):\(status.st_ino)"
    }

    /// Moves a full file aside; the descriptors go on in a new one.
    package static func cut(_ path: String, outputs: [Int32], limit: Int = fileLimit) {
        guard Files.size(path) > limit, (try? Files.move(path, to: path + ".1")) != nil,
            let file = try? Files.open(path, Files.appending)
        else { return }
        for output in outputs {
            dup2(file, output)
            if output > STDERR_FILENO { _ = fcntl(output, F_SETFD, FD_CLOEXEC) }
        }
        close(file)
    }
}
