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
        var line = JSONLine()
        line.add("time", Clock.realtime().rfc3339Micro)
        line.add("request_id", entry.requestID)
        line.add("trace_id", entry.traceID)
        line.add("client", entry.client)
        line.add("method", entry.head.method, limit: 32)
        line.add("authority", entry.head.headers.first(.host).map { String($0) } ?? "", limit: Self.textLimit)
        line.add("path", entry.head.target, limit: Self.textLimit)
        line.add("protocol", entry.head.version == .http11 ? "HTTP/1.1" : "HTTP/1.0")
        line.add("status", entry.status)
        line.add("reason", entry.reason)
        line.add("bytes_received", entry.receivedByteCount)
        line.add("bytes_sent", entry.sentByteCount)
        line.add("duration_us", Int(entry.duration.inSeconds * 1_000_000))
        line.add("namespace", entry.backend.service.namespace)
        line.add("service", entry.backend.service.name)
        line.add("port", Int(entry.backend.port))
        line.add("endpoint", entry.tally?.endpoint ?? "")
        line.add("upstream", entry.address?.description ?? "")
        line.add("zone", entry.tally?.zone ?? "")
        line.add("user_agent", entry.head.headers.first("User-Agent").map { String($0) } ?? "", limit: 256)
        batch += line.end()
        batchLineCount += 1
        if batch.count >= Self.batchByteCount { return handOver() }
        guard !isPlanned else { return }
        isPlanned = true
        loop.schedule(after: Self.batchPeriod) { [weak self] in
            self?.isPlanned = false
            self?.handOver()
        }
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

/// One object of JSON on one line, field by field.
struct JSONLine {
    private var bytes: [UInt8] = [UInt8(ascii: "{")]

    mutating func add(_ name: String, _ value: Int) {
        key(name)
        bytes += String(value).utf8
    }

    /// - Parameter limit: bytes of the text at most; it is cut between characters.
    mutating func add(_ name: String, _ text: String, limit: Int = .max) {
        key(name)
        bytes.append(UInt8(ascii: "\""))
        var count = 0
        for scalar in text.unicodeScalars {
            count += UTF8.width(scalar)
            if count > limit { break }
            switch scalar {
            case "\"": bytes += "\\\"".utf8
            case "\\": bytes += "\\\\".utf8
            case "\u{0}"..<"\u{20}", "\u{7F}":
                let digits = String(scalar.value, radix: 16)
                bytes += ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8
            default: bytes += UTF8.encode(scalar)!
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func key(_ name: String) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        bytes.append(UInt8(ascii: "\""))
        bytes += name.utf8
        bytes += "\":".utf8
    }

    consuming func end() -> [UInt8] {
        bytes += "}\n".utf8
        return bytes
    }
}
