import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// A program that a test starts: its output is collected while it runs, its end awaited with a bound.
final class Command: @unchecked Sendable {
    struct Output: Sendable {
        var code: Int32
        var out: String
        var err: String
        var text: String { "exit \(code)\n\(out)\n\(err)" }
    }

    private let process = Process()
    private let condition = NSCondition()
    private var out = Data()
    private var err = Data()
    private var openCount = 2

    init(_ path: String, _ arguments: [String], input: String? = nil, environment: [String: String]) throws {
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = environment
        let stdout = Pipe()
        let stderr = Pipe()
        let stdin = Pipe()
        process.standardOutput = stdout
        process.standardError = stderr
        process.standardInput = stdin
        collect(stdout) { $0.out.append($1) }
        collect(stderr) { $0.err.append($1) }
        try process.run()
        if let input { try stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8)) }
        try stdin.fileHandleForWriting.close()
    }

    var pid: Int32 { process.processIdentifier }

    private func collect(_ pipe: Pipe, _ take: @escaping @Sendable (Command, Data) -> Void) {
        let handle = pipe.fileHandleForReading
        // A thread that blocks: the end of a pipe is sometimes not reported to a readability handler.
        Thread.detachNewThread { [self] in
            while true {
                let data = handle.availableData
                condition.withLock {
                    if data.isEmpty { openCount -= 1 } else { take(self, data) }
                    condition.broadcast()
                }
                if data.isEmpty { return }
            }
        }
    }

    /// Waits until the output has this text, or the process has ended, or the bound is over; says whether it has.
    func waitForOutput(_ text: String, within seconds: Double = 60) -> Bool {
        let deadline = Date(timeIntervalSinceNow: seconds)
        return condition.withLock {
            while !String(decoding: out, as: UTF8.self).contains(text) {
                if openCount == 0 || !condition.wait(until: deadline) { return false }
            }
            return true
        }
    }

    /// Waits for the end; a process that does not end in time is killed, which its code shows.
    func finish(within seconds: Double = 120) -> Output {
        let deadline = Date(timeIntervalSinceNow: seconds)
        let isOver = condition.withLock {
            while openCount > 0 { if !condition.wait(until: deadline) { return false } }
            return true
        }
        if !isOver { process.terminate() }
        process.waitUntilExit()
        return condition.withLock {
            Output(code: process.terminationStatus, out: String(decoding: out, as: UTF8.self), err: String(decoding: err, as: UTF8.self))
        }
    }

    func terminate() { process.terminate() }

    /// Ends it whatever signals it inherited as blocked, and waits until it is gone.
    func end() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
