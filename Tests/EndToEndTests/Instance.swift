import Foundation
import Testing

/// An instance of the real program: `steady up` in a directory of its own, with the example's manifest on a free node port. Whatever happens, its
/// `stop` leaves no process behind.
final class Instance: Sendable {
    let directory: String
    let account: Account
    /// The node port of the Service `web`.
    let port: Int

    var dataDirectory: String { directory + "/data" }
    var manifest: String { directory + "/web.yaml" }
    /// Where all replicas record the ids that are POSTed to them.
    private var idFile: String { directory + "/ids" }

    /// The programs as they were built, beside the tests' own bundle.
    static let products: String = {
        let bundle = Bundle.allBundles.map(\.bundlePath).first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: bundle).deletingLastPathComponent().path
    }()

    static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    init(as account: Account = .own) throws {
        self.account = account
        directory = "/tmp/steady-e2e-\(UUID().uuidString.prefix(8))"
        port = try FreePort.inNodePortRange()
        let files = FileManager.default
        try files.createDirectory(atPath: directory, withIntermediateDirectories: false)
        try account.own(directory)
        // The programs may lie where an ordinary user cannot read.
        for program in ["steady", "web"] {
            try files.copyItem(atPath: Self.products + "/" + program, toPath: directory + "/" + program)
        }
        try write(
            try Self.example("web.yaml").replacingOccurrences(of: "nodePort: 30080", with: "nodePort: \(port)")
                .replacingOccurrences(of: "  env:\n", with: "  env:\n    - name: ECHO_ID_FILE\n      value: \(idFile)\n"), to: manifest)
        // Replicas may run under yet another account.
        try write("", to: idFile)
        try files.setAttributes([.posixPermissions: 0o666], ofItemAtPath: idFile)
    }

    /// A manifest of the repository, with the programs of this instance.
    static func example(_ name: String) throws -> String {
        try String(contentsOfFile: root + "/Manifests/" + name, encoding: .utf8)
            .replacingOccurrences(of: "../.build/release/web", with: "./web")
    }

    func write(_ text: String, to path: String) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        try account.own(path)
    }

    private var environment: [String: String] {
        ["HOME": directory, "PATH": "/usr/bin:/bin", "STEADY_DATA_DIR": dataDirectory, "KUBECONFIG": dataDirectory + "/kubeconfig"]
    }

    // MARK: - Programs

    /// Starts `steady` with these words, under the instance's account.
    func start(_ command: String) throws -> Command { try start(command.split(separator: " ").map(String.init)) }

    /// Starts `steady` with words that may hold spaces.
    func start(_ words: [String], input: String? = nil) throws -> Command {
        let (path, arguments) = account.command(directory + "/steady", words)
        return try Command(path, arguments, input: input, environment: environment)
    }

    /// A line of a shell under the instance's account, with `steady` on its PATH.
    func shell(_ line: String, within seconds: Double = 60) throws -> Command.Output {
        let (path, arguments) = account.command("/bin/bash", ["-c", line])
        var environment = environment
        environment["PATH"] = "\(directory):/usr/bin:/bin"
        return try Command(path, arguments, environment: environment).finish(within: seconds)
    }

    @discardableResult
    func steady(_ command: String, code: Int32 = 0, within seconds: Double = 60, line: Int = #line) throws -> String {
        let output = try start(command).finish(within: seconds)
        if output.code != code { Issue.record("line \(line): steady \(command): \(output.text)") }
        return output.out + output.err
    }

    /// Starts kubectl under the instance's account: the API lets in nobody else but root.
    @discardableResult
    func kubectl(_ kubectl: Kubectl, _ command: String, code: Int32 = 0, within seconds: Double = 60, line: Int = #line) throws -> String {
        let words = command.split(separator: " ").map(String.init)
        let (path, arguments) = account.command(kubectl.path, words)
        let output = try Command(path, arguments, environment: environment).finish(within: seconds)
        if output.code != code { Issue.record("line \(line): kubectl \(command): \(output.text)") }
        return output.out + output.err
    }

    /// `steady up --detach` with the manifest; returns when every replica is available.
    func up() throws {
        try steady("up --detach -f \(manifest)")
        try steady("rollout status deployment/web --timeout 30s")
    }

    // MARK: - What is seen

    /// One of the replicas, as it says itself.
    struct Replica: Decodable, Hashable {
        var version: String
        var pod: String
        var zone: String
        var pid: Int32
    }

    /// What one request is answered with.
    func ask() throws -> Replica {
        let body = try HandRequest.once(port: port, path: "/", accept: "application/json")
        return try JSONDecoder().decode(Replica.self, from: Data(body.utf8))
    }

    /// The pods of Deployment `web` that are not being deleted, with their node and readiness, by name.
    func pods() throws -> [(name: String, node: String, isReady: Bool, restarts: Int)] {
        let list = try JSONSerialization.jsonObject(with: Data(steady("get pods -l app=web -o json").utf8)) as? [String: Any]
        let items = list?["items"] as? [[String: Any]] ?? []
        return items.compactMap { pod in
            let metadata = pod["metadata"] as? [String: Any]
            if metadata?["deletionTimestamp"] != nil { return nil }
            let status = pod["status"] as? [String: Any]
            let conditions = status?["conditions"] as? [[String: Any]] ?? []
            let containers = status?["containerStatuses"] as? [[String: Any]] ?? []
            return (
                metadata?["name"] as? String ?? "", (pod["spec"] as? [String: Any])?["nodeName"] as? String ?? "",
                conditions.contains { $0["type"] as? String == "Ready" && $0["status"] as? String == "True" },
                containers.reduce(0) { $0 + ($1["restartCount"] as? Int ?? 0) }
            )
        }.sorted { $0.name < $1.name }
    }

    /// How often each id was recorded.
    func recordedIDs() throws -> [String: Int] {
        try String(contentsOfFile: idFile, encoding: .utf8).split(separator: "\n").reduce(into: [:]) { $0[String($1), default: 0] += 1 }
    }

    /// Asks again and again, each time a whole command long, until it holds or the bound is over.
    func wait(within seconds: Double = 30, _ what: String, line: Int = #line, _ holds: () throws -> Bool) throws {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while try !holds() {
            if Date() > deadline {
                let pods = try steady("get pods -o wide")
                Issue.record("line \(line): not within \(seconds) s: \(what)\n\(pods)")
                return
            }
        }
    }

    // MARK: - End

    /// Stops the instance and removes its directory. An instance that does not stop fails the test.
    func stop() {
        if FileManager.default.fileExists(atPath: dataDirectory + "/up.sock") {
            _ = try? steady("down --purge --timeout 30s")
        }
        try? FileManager.default.removeItem(atPath: directory)
    }
}
