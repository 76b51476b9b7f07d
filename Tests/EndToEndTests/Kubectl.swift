import Foundation
import Testing

/// One kubectl binary, run against a server with a home directory of its own.
struct Kubectl: Sendable, CustomTestStringConvertible {
    let path: String
    var testDescription: String { path }

    /// The clients to test with: those in `STEADY_KUBECTL` (separated by colons); else the one on PATH, and two of those that Google's SDK brings.
    static let found: [Kubectl] = {
        let environment = ProcessInfo.processInfo.environment
        if let named = environment["STEADY_KUBECTL"] { return named.split(separator: ":").map { Kubectl(path: String($0)) } }
        var paths = (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/kubectl" }.filter(FileManager.default.isExecutableFile)
            .prefix(1)
        for version in ["1.33", "1.27"] {
            let path = "/usr/lib/google-cloud-sdk/bin/kubectl.\(version)"
            if FileManager.default.isExecutableFile(atPath: path) { paths.append(path) }
        }
        return paths.map { Kubectl(path: $0) }
    }()

    struct Output: Sendable {
        var code: Int32
        var out: String
        var err: String
        var text: String { "exit \(code)\n\(out)\n\(err)" }
    }

    /// A process that runs on while the test does other things.
    final class Running: @unchecked Sendable {
        private let process = Process()
        private let condition = NSCondition()
        private var out = Data()
        private var err = Data()
        private var openCount = 2

        init(_ path: String, _ arguments: [String], input: String?, server: RunningServer, environment: [String: String]) throws {
            let home = server.directory + "/home"
            try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
            let config = home + "/config"
            try """
            {"apiVersion":"v1","kind":"Config","clusters":[{"name":"s","cluster":{"server":"http://\(server.address)"}}],
            "contexts":[{"name":"s","context":{"cluster":"s","user":"s"}}],"users":[{"name":"s","user":{}}],"current-context":"s"}
            """.write(toFile: config, atomically: true, encoding: .utf8)
            process.executableURL = URL(fileURLWithPath: path)
            process.arguments = arguments
            process.environment = ["HOME": home, "KUBECONFIG": config, "PATH": "/usr/bin:/bin"].merging(environment) { $1 }
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

        private func collect(_ pipe: Pipe, _ take: @escaping @Sendable (Running, Data) -> Void) {
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
        func waitForOutput(_ text: String, within seconds: Double = 20) -> Bool {
            let deadline = Date(timeIntervalSinceNow: seconds)
            return condition.withLock {
                while !String(decoding: out, as: UTF8.self).contains(text) {
                    if openCount == 0 || !condition.wait(until: deadline) { return false }
                }
                return true
            }
        }

        /// Waits for the end; a process that does not end in time is killed, which its code shows.
        func finish(within seconds: Double = 30) -> Output {
            let deadline = Date(timeIntervalSinceNow: seconds)
            let isOver = condition.withLock {
                while openCount > 0 { if !condition.wait(until: deadline) { return false } }
                return true
            }
            if !isOver { process.terminate() }
            process.waitUntilExit()
            return condition.withLock {
                Output(
                    code: process.terminationStatus, out: String(decoding: out, as: UTF8.self), err: String(decoding: err, as: UTF8.self))
            }
        }

        func terminate() { process.terminate() }
    }

    func start(_ arguments: [String], input: String? = nil, on server: RunningServer, environment: [String: String] = [:]) throws -> Running
    {
        try Running(path, arguments, input: input, server: server, environment: environment)
    }

    func run(_ arguments: [String], input: String? = nil, on server: RunningServer, environment: [String: String] = [:]) throws -> Output {
        try start(arguments, input: input, on: server, environment: environment).finish()
    }

    /// `1.33` of `--client`'s version; 0 where it cannot be told.
    var minor: Int {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = ["version", "--client", "-o", "json"]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return 0 }
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard let text = String(decoding: data, as: UTF8.self).firstMatch(of: #/"minor": "(\d+)/#) else { return 0 }
        return Int(text.1) ?? 0
    }
}
