import Linux
import Supervision
import Timing

/// Which process a container has, as a file: written BEFORE the program runs, read by whoever comes after this agent.
///
/// One line of fixed width, `BOOT RESTARTS STARTED PID START-TIME`, the last two by the child itself; when the end was seen, a second line. A
/// record without the child's part: the program never ran. The page cache keeps it as long as its process can live, so it is not synced.
struct ContainerRecord: Hashable {
    var boot: String
    var restartCount: Int
    var startedAt: Timestamp
    /// Nil when the program never ran.
    var identity: ProcessIdentity?
    /// Exit code and time, when somebody saw them.
    var end: (code: Int, at: Timestamp)?

    static func == (a: ContainerRecord, b: ContainerRecord) -> Bool {
        a.boot == b.boot && a.restartCount == b.restartCount && a.startedAt == b.startedAt && a.identity == b.identity
            && a.end?.code == b.end?.code
    }
    func hash(into hasher: inout Hasher) { hasher.combine(identity) }

    /// A child of a dead agent that is between clone and execve still holds the lock: it is waited for, at most this long.
    private static let lockPatience = Duration.seconds(1)

    /// Begins a record; the child's part goes to `offset`. The lock is released by whoever closes the last copy of it: us, or the child's execve.
    /// Throws what forbids the launch: of a program without a record the next agent would know nothing, and start it a second time.
    static func begin(_ path: String, boot: String, restartCount: Int, startedAt: Timestamp) throws(LaunchProblem) -> (
        file: FileLock, offset: Int
    ) {
        try? Files.removeTree(path)
        func problem(_ text: String) -> LaunchProblem {
            LaunchProblem("CreateContainerError", "the record of the container cannot be written, so it is not started: \(text)")
        }
        let line = "\(boot) \(padded(restartCount, 10)) \(padded(startedAt.nanosecondsSince1970, 20)) "
        let taken: FileLock?
        do throws(LinuxError) { taken = try FileLock.take(path) } catch { throw problem("\(error)") }
        guard let file = taken else { throw problem("\(path) is locked by another process") }
        Files.overwrite(file.fd, with: line)
        // A full disk takes a part of it, or nothing.
        guard (try? Files.text(path)) == line else {
            file.release()
            throw problem("\(path) does not keep what is written to it; is the disk full?")
        }
        return (file, line.utf8.count)
    }

    static func append(_ path: String, code: Int, at: Timestamp) {
        guard let fd = try? Files.openForAppending(path) else { return }
        try? Files.writeAll("exit \(code) \(at.nanosecondsSince1970)\n".utf8, to: fd, named: path)
        closeDescriptor(fd)
    }

    /// Nil when there is none that can be read.
    static func read(_ path: String) -> ContainerRecord? {
        guard Files.exists(path) else { return nil }
        let limit = Clock.monotonic() + lockPatience
        while Clock.monotonic() < limit {
            if let lock = try? FileLock.take(path) {
                lock.release()
                break
            }
        }
        return parse((try? Files.text(path)) ?? "")
    }

    static func parse(_ text: String) -> ContainerRecord? {
        let lines = text.split(separator: "\n")
        guard let first = lines.first else { return nil }
        let fields = first.split(separator: " ")
        guard fields.count >= 3, let restarts = Int(fields[1]), let started = Int64(fields[2]) else { return nil }
        var record = ContainerRecord(
            boot: String(fields[0]), restartCount: restarts, startedAt: Timestamp(nanosecondsSince1970: started), identity: nil)
        if fields.count == 5, let pid = Int32(fields[3]), let start = UInt64(fields[4]) {
            record.identity = ProcessIdentity(pid: pid, startTime: start)
        }
        if lines.count > 1 {
            let end = lines[1].split(separator: " ")
            if end.count == 3, end[0] == "exit", let code = Int(end[1]), let at = Int64(end[2]) {
                record.end = (code, Timestamp(nanosecondsSince1970: at))
            }
        }
        return record
    }

    private static func padded(_ number: some BinaryInteger, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
