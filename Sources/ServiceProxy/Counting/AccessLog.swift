import Formats
import Linux
import Resources
import Timing
import Traffic
import Wire

/// Writes a line of JSON for each exchange that a TrafficPolicy wants told, or for a share of them.
///
/// Lines gather in memory and go to a thread of their own that writes them; the loop waits for no disk. What is too much is dropped and counted.
final class AccessLog {
    /// Lines are handed over when so much has gathered, or so long after the first.
    private static let batchByteCount = 64 * 1024
    private static let batchPeriod = Duration.milliseconds(100)
    /// What a client may put into a line, of one field; the rest is cut off.
    private static let textLimit = 1024

    private let loop: EventLoop
    private let path: String?
    private var file: LineFile?
    private var batch: [UInt8] = []
    private var batchLineCount = 0
    private var random: SeededRandom
    private(set) var refusedCount: UInt64 = 0
    private var isPlanned = false

    /// - Parameter path: nil: lines are dropped.
    init(loop: EventLoop, path: String?, seed: UInt64 = UInt64.random(in: 0 ... .max)) {
        self.loop = loop
        self.path = path
        random = SeededRandom(seed: seed)
    }

    /// Lines that were written, and lines that were dropped.
    var counts: (written: UInt64, dropped: UInt64) {
        let counts: (written: UInt64, dropped: UInt64) = file?.counts ?? (0, 0)
        return (counts.written, counts.dropped + refusedCount)
    }

    /// What one line tells.
    struct Entry {
        var head: RequestHead
        var client: String
        var backend: RouteTable.BackendName
        var tally: Tally?
        var address: EndpointAddress?
        var status: Int
        var reason: String
        var duration: Duration
        var receivedByteCount: Int
        var sentByteCount: Int
        /// What the endpoint was told.
        var requestID: String
        var traceID: String
    }

    /// Whether the next exchange is among those that are told.
    func isWanted(_ rule: TelemetryRules.AccessLog) -> Bool {
        rule.percentage >= 100 || Double.random(in: 0..<100, using: &random) < rule.percentage
    }

    func tell(_ entry: Entry) {
        let head = entry.head
        let line: Value = [
            "time": .string(Clock.realtime().rfc3339Micro), "request_id": .string(entry.requestID), "trace_id": .string(entry.traceID),
            "client": .string(entry.client), "method": .string(Self.cut(head.method, 32)),
            "authority": .string(Self.cut(head.headers.first(.host).map { String($0) } ?? "", Self.textLimit)),
            "path": .string(Self.cut(head.target, Self.textLimit)), "protocol": head.version == .http11 ? "HTTP/1.1" : "HTTP/1.0",
            "status": .int(Int64(entry.status)), "reason": .string(entry.reason),
            "bytes_received": .int(Int64(entry.receivedByteCount)), "bytes_sent": .int(Int64(entry.sentByteCount)),
            "duration_us": .int(Int64(entry.duration.inSeconds * 1_000_000)), "namespace": .string(entry.backend.service.namespace),
            "service": .string(entry.backend.service.name), "port": .int(Int64(entry.backend.port)),
            "endpoint": .string(entry.tally?.endpoint ?? ""), "upstream": .string(entry.address?.description ?? ""),
            "zone": .string(entry.tally?.zone ?? ""),
            "user_agent": .string(Self.cut(head.headers.first("User-Agent").map { String($0) } ?? "", 256)),
        ]
        JSON.append(line, to: &batch)
        batch.append(UInt8(ascii: "\n"))
        batchLineCount += 1
        if batch.count >= Self.batchByteCount { return handOver() }
        guard !isPlanned else { return }
        isPlanned = true
        loop.schedule(after: Self.batchPeriod) { [weak self] in
            self?.isPlanned = false
            self?.handOver()
        }
    }

    /// So many bytes of a text at most, cut between characters.
    static func cut(_ text: String, _ limit: Int) -> String {
        if text.utf8.count <= limit { return text }
        var count = 0
        return String(
            String.UnicodeScalarView(
                text.unicodeScalars.prefix {
                    count += UTF8.width($0)
                    return count <= limit
                }))
    }

    private func handOver() {
        guard batchLineCount > 0 else { return }
        if file == nil, let path { file = try? LineFile(path) }
        if let file { file.append(batch, lineCount: batchLineCount) } else { refusedCount += UInt64(batchLineCount) }
        batch.removeAll(keepingCapacity: true)
        batchLineCount = 0
    }

    /// Writes what has gathered. Nothing may be told AFTER.
    func close() {
        handOver()
        file?.close()
        file = nil
    }

    deinit { file?.close() }
}
