import Linux
import Supervision
import Timing

/// Which process a container has, as a file: written BEFORE the program runs, read by whoever comes after this agent.
///
/// One line of fixed width, `BOOT RESTARTS STARTED PID START-TIME`, the last two by the child itself; when the end was seen, a line `exit CODE TIME`.
/// The page cache keeps it as long as its process can live, so it is not synced.
///
/// The file is also a ballot between a child whose agent died in the midst of the launch, and the next agent: both only append, and what stands first
/// behind `STARTED` counts. A child that finds the other's word there ends without having run the program; an agent that finds the child's takes its
/// process over. So no program is started twice, however long the child was held up.
struct ContainerRecord: Hashable {
    var boot: String
    var restartCount: Int
    var startedAt: Timestamp
    /// Nil when the program never ran.
    var identity: ProcessIdentity?
    /// It will not run by this record any more.
    var isCalledOff = false
    /// Exit code and time, when somebody saw them.
    var end: (code: Int, at: Timestamp)?

    static func == (a: ContainerRecord, b: ContainerRecord) -> Bool {
        a.boot == b.boot && a.restartCount == b.restartCount && a.startedAt == b.startedAt && a.identity == b.identity
            && a.end?.code == b.end?.code
    }
    func hash(into hasher: inout Hasher) { hasher.combine(identity) }

    /// Stands in the child's place when the launch was called off.
    private static let calledOff = "never"

    /// Begins a record; the child appends its part at `offset`. The descriptor is the caller's.
    ///
    /// Throws what forbids the launch: of a program without a record the next agent would know nothing, and start it a second time.
    static func begin(_ path: String, boot: String, restartCount: Int, startedAt: Timestamp) throws(LaunchProblem) -> (
        descriptor: Int32, offset: Int
    ) {
        func problem(_ text: String) -> LaunchProblem {
            LaunchProblem("CreateContainerError", "the record of the container cannot be written, so it is not started: \(text)")
        }
        // Nobody may be about to run by the old one.
        _ = settle(path)
        try? Files.removeTree(path)
        let line = "\(boot) \(padded(restartCount, 10)) \(padded(startedAt.nanosecondsSince1970, 20)) "
        do throws(LinuxError) {
            let descriptor = try Files.open(path, Files.ballot)
            try? Files.writeAll(line.utf8, to: descriptor, named: path)
            // A full disk takes a part of it, or nothing.
            if (try? Files.text(path)) == line { return (descriptor, line.utf8.count) }
            closeDescriptor(descriptor)
        } catch { throw problem("\(error)") }
        throw problem("\(path) does not keep what is written to it; is the disk full?")
    }

    static func append(_ path: String, code: Int, at: Timestamp) {
        guard let fd = try? Files.openForAppending(path) else { return }
        try? Files.writeAll("exit \(code) \(at.nanosecondsSince1970)\n".utf8, to: fd, named: path)
        closeDescriptor(fd)
    }

    /// The record, AFTER it is certain whether its program runs: a launch that has not come that far is called off. Nil when there is none that
    /// can be read. Only for whoever comes after the agent that launched.
    static func settle(_ path: String) -> ContainerRecord? {
        guard let record = read(path) else { return nil }
        if record.identity != nil || record.isCalledOff { return record }
        guard let fd = try? Files.openForAppending(path) else { return record }
        try? Files.writeAll((calledOff + "\n").utf8, to: fd, named: path)
        closeDescriptor(fd)
        return read(path)
    }

    /// As it stands; a launch may be under way.
    static func read(_ path: String) -> ContainerRecord? { (try? Files.text(path)).flatMap(parse) }

    static func parse(_ text: String) -> ContainerRecord? {
        let lines = text.split(separator: "\n")
        guard let first = lines.first else { return nil }
        let fields = first.split(separator: " ")
        guard fields.count >= 3, let restarts = Int(fields[1]), let started = Int64(fields[2]) else { return nil }
        var record = ContainerRecord(
            boot: String(fields[0]), restartCount: restarts, startedAt: Timestamp(nanosecondsSince1970: started), identity: nil)
        if fields.count == 5, let pid = Int32(fields[3]), let start = UInt64(fields[4]) {
            record.identity = ProcessIdentity(pid: pid, startTime: start)
        } else {
            record.isCalledOff = first.hasSuffix(calledOff)
        }
        for line in lines.dropFirst() {
            let end = line.split(separator: " ")
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
