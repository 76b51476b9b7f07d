import Formats
import Linux
import Timing

/// How orphans ended whose agent was not there to see it: kept until their agent asks.
struct ExitLedger {
    private var entries: [(pid: Int32, value: Value)] = []

    /// The oldest are forgotten beyond this; their containers are then reported as `ContainerStatusUnknown`.
    private static let limit = 16_384

    mutating func add(pid: Int32, status: ExitStatus, at: Timestamp) {
        if entries.count >= Self.limit { entries.removeFirst(Self.limit / 4) }
        var value: Value = ["pid": .int(Int64(pid)), "at": .string(at.rfc3339Nano)]
        switch status {
        case .exited(let code): value["code"] = .int(Int64(code))
        case .killed(let signal): value["signal"] = .int(Int64(signal))
        }
        entries.append((pid, value))
    }

    /// Hands out, and forgets, what is known of these processes.
    mutating func take(_ pids: [Int32]) -> [Value] {
        let asked = Set(pids)
        let found = entries.filter { asked.contains($0.pid) }.map(\.value)
        entries.removeAll { asked.contains($0.pid) }
        return found
    }
}
