import Foundation

/// So many requests a second through one entrance, whatever becomes of those before (`Tests/Fixtures/load`), counted from mark to mark.
final class ConstantLoad {
    /// What became of the requests since the last mark.
    struct Tally {
        var requestCount = 0
        var failedCount = 0
        /// The longest time without an answer.
        var silence = 0
        /// How long the slowest answer took, in milliseconds.
        var slowest = 0
        /// How many wait for an answer just now.
        var waitingCount = 0
        /// When the last of the failed requests was begun, in milliseconds since 1970.
        var lastFailedAt = 0
        var kinds: [String: Int] = [:]

        /// Of one line; nil when it is none.
        init?(_ line: Substring) {
            var words: [String: Int] = [:]
            for word in line.split(separator: " ") {
                let parts = word.split(separator: "=")
                if parts.count == 2 { words[String(parts[0])] = Int(parts[1]) }
            }
            guard let count = words.removeValue(forKey: "requests") else { return nil }
            requestCount = count
            failedCount = words.removeValue(forKey: "failed") ?? 0
            silence = words.removeValue(forKey: "silence_ms") ?? 0
            waitingCount = words.removeValue(forKey: "waiting") ?? 0
            lastFailedAt = words.removeValue(forKey: "last_failed_ms") ?? 0
            slowest = words.removeValue(forKey: "max_ms") ?? 0
            kinds = words
        }

        init() {}

        static func += (all: inout Tally, one: Tally) {
            all.requestCount += one.requestCount
            all.failedCount += one.failedCount
            all.silence = max(all.silence, one.silence)
            all.slowest = max(all.slowest, one.slowest)
            all.waitingCount += one.waitingCount
            all.lastFailedAt = max(all.lastFailedAt, one.lastFailedAt)
            all.kinds.merge(one.kinds, uniquingKeysWith: +)
        }
    }

    let name: String
    /// The ids of the POSTs that were answered, one a line; whole once it has ended.
    let answeredIDs: String
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var rest = ""

    /// More requests at once than this wait for a free connection.
    private static let connectionCount = 8

    /// Returns when the first request was answered.
    init(_ program: String, port: Int, method: String, mode: String, rate: Int, ids: String) throws {
        name = "\(method)-\(mode)"
        answeredIDs = ids
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["127.0.0.1", "\(port)", method, mode, "\(Self.connectionCount)", "0", ids, "\(rate)"]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        while true {
            let said = line()
            if said == "started" { return }
            // It has ended; so does the wait for it.
            if said.isEmpty { throw POSIXError(.ECHILD) }
        }
    }

    deinit { terminate() }

    /// What it says next; empty when it has ended.
    private func line() -> String {
        while true {
            if let end = rest.firstIndex(of: "\n") {
                defer { rest.removeSubrange(...end) }
                return String(rest[..<end])
            }
            let data = output.fileHandleForReading.availableData
            if data.isEmpty { return "" }
            rest += String(decoding: data, as: UTF8.self)
        }
    }

    /// The counts since the last mark.
    func mark() throws -> Tally {
        try input.fileHandleForWriting.write(contentsOf: Data("\n".utf8))
        while true {
            let said = line()
            if said.isEmpty { return Tally() }
            if said.hasPrefix("mark "), let tally = Tally(said.dropFirst(5)) { return tally }
        }
    }

    /// Begins no more requests, waits for those that were begun, and tells what became of them.
    func end() -> Tally {
        try? input.fileHandleForWriting.close()
        var last = Tally()
        while case let said = line(), !said.isEmpty { if let tally = Tally(said[...]) { last = tally } }
        process.waitUntilExit()
        return last
    }

    /// Kills it, if it still runs. SIGTERM would not do: tests run on threads that block it, and a child inherits that. Nor does its standard input end
    /// by itself, since a process that runs keeps its pipes.
    func terminate() {
        guard process.isRunning else { return }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
