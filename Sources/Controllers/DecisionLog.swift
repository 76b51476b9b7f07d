import APIClient
import Formats
import Linux
import Reconciling
import Resources
import Timing

/// Keeps decisions on disk, apart from resources: one JSON record a line, appended as they come and written anew when half of it is stale.
///
/// They explain, nothing rests on them: they are not synchronized, a torn line is skipped, and a disk that is full loses the newest.
final class DecisionLog {
    /// Beyond it the file is written anew with what the book still knows, which is at most half of it.
    static let fileByteLimit = 2 * DecisionBook.byteLimit
    /// Lines that wait to be written. Beyond it they are dropped: the book has them.
    static let waitingByteLimit = 1 << 20
    private static let pace: Duration = .milliseconds(100)
    /// After the file could not be written anew, which takes the loop's time, until that is tried again. What comes meanwhile is in the book.
    static let rewritePause: Duration = .seconds(60)

    private let loop: EventLoop
    /// Nil: kept in memory alone.
    private let path: String?
    private let now: () -> Timestamp
    private var book = DecisionBook()
    private var descriptor: Int32 = -1
    private var fileByteCount: Int64 = 0
    private var waiting: [UInt8] = []
    private var isFlushing = false
    /// A write failed half way: the next one begins a line of its own.
    private var isTorn = false
    private var rewriteFailedAt: Timestamp?

    init(loop: EventLoop, path: String?, now: @escaping () -> Timestamp = Clock.realtime) {
        self.loop = loop
        self.path = path
        self.now = now
        read()
    }

    deinit { if descriptor >= 0 { closeDescriptor(descriptor) } }

    func record(_ decision: Decision) {
        guard let written = book.record(decision), path != nil else { return }
        let line = JSON.serialize(written.value) + [UInt8(ascii: "\n")]
        guard waiting.count + line.count <= Self.waitingByteLimit else { return }
        waiting += line
        guard !isFlushing else { return }
        isFlushing = true
        loop.schedule(after: Self.pace) { [weak self] in self?.flush() }
    }

    /// About one object, in the order of deciding; none that is older than the book keeps them.
    func decisions(about object: DecidedObject) -> [Decision] { book.decisions(about: object, now: now()) }

    /// Writes what waits.
    func flush() {
        isFlushing = false
        guard let path, !waiting.isEmpty else { return }
        defer { waiting.removeAll(keepingCapacity: true) }
        if fileByteCount + Int64(waiting.count) > Int64(Self.fileByteLimit) { return rewrite() }
        if descriptor < 0 { descriptor = (try? Files.open(path, Files.appending)) ?? -1 }
        guard descriptor >= 0 else { return }
        if isTorn { waiting.insert(UInt8(ascii: "\n"), at: 0) }
        isTorn = (try? Files.writeAll(waiting, to: descriptor, named: path)) == nil
        // What was written of a torn one counts too, and is not known.
        fileByteCount += Int64(waiting.count)
    }

    private func read() {
        guard let path, let bytes = try? Files.read(path) else { return }
        fileByteCount = Int64(bytes.count)
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            if let value = try? JSON.parse(Array(line)), let decision = Decision(value) { book.restore(decision) }
        }
        book.expire(now: now())
        // A torn last line would swallow the next one.
        if bytes.last.map({ $0 != UInt8(ascii: "\n") }) ?? false { rewrite() }
    }

    /// The book as it is, in place of the file.
    private func rewrite() {
        let now = now()
        // Either way: the clock may have been set back.
        if let failed = rewriteFailedAt, abs((now - failed).nanoseconds) < Self.rewritePause.nanoseconds { return }
        guard let path else { return }
        book.expire(now: now)
        var bytes: [UInt8] = []
        for decision in book.all { bytes += JSON.serialize(decision.value) + [UInt8(ascii: "\n")] }
        guard (try? Files.replace(path, with: bytes)) != nil else {
            rewriteFailedAt = now
            return
        }
        rewriteFailedAt = nil
        isTorn = false
        if descriptor >= 0 { closeDescriptor(descriptor) }
        descriptor = -1
        fileByteCount = Int64(bytes.count)
    }
}
