import Foundation
import Testing

/// One kubectl binary, run against a server with a home directory of its own.
struct Kubectl: Sendable, CustomTestStringConvertible {
    let path: String
    var testDescription: String { path }

    /// The clients to test with: those in `STEADY_KUBECTL` (separated by colons); else the one on PATH, two of those that Google's SDK brings, and
    /// Debian's 1.20 where `STEADY_KUBECTL_OLD` names it.
    static let found: [Kubectl] = {
        let environment = ProcessInfo.processInfo.environment
        if let named = environment["STEADY_KUBECTL"] { return named.split(separator: ":").map { Kubectl(path: String($0)) } }
        var paths = (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/kubectl" }.filter(FileManager.default.isExecutableFile)
            .prefix(1)
        for version in ["1.33", "1.27"] {
            let path = "/usr/lib/google-cloud-sdk/bin/kubectl.\(version)"
            if FileManager.default.isExecutableFile(atPath: path) { paths.append(path) }
        }
        if let old = environment["STEADY_KUBECTL_OLD"], FileManager.default.isExecutableFile(atPath: old) { paths.append(old) }
        return paths.map { Kubectl(path: $0) }
    }()

    typealias Output = Command.Output

    func start(
        _ arguments: [String], input: String? = nil, on server: RunningServer, environment: [String: String] = [:]
    ) throws -> Command {
        let home = server.directory + "/home"
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        let config = home + "/config"
        try """
        {"apiVersion":"v1","kind":"Config","clusters":[{"name":"s","cluster":{"server":"http://\(server.address)"}}],
        "contexts":[{"name":"s","context":{"cluster":"s","user":"s"}}],"users":[{"name":"s","user":{}}],"current-context":"s"}
        """.write(toFile: config, atomically: true, encoding: .utf8)
        let standard = ["HOME": home, "KUBECONFIG": config, "PATH": "/usr/bin:/bin"]
        return try Command(path, arguments, input: input, environment: standard.merging(environment) { $1 })
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
