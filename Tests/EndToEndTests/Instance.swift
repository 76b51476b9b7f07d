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
    func shell(_ line: String, within seconds: Double = 120) throws -> Command.Output {
        let (path, arguments) = account.command("/bin/bash", ["-c", line])
        var environment = environment
        environment["PATH"] = "\(directory):/usr/bin:/bin"
        return try Command(path, arguments, environment: environment).finish(within: seconds)
    }

    @discardableResult
    func steady(_ command: String, code: Int32 = 0, within seconds: Double = 120, line: Int = #line) throws -> String {
        let output = try start(command).finish(within: seconds)
        if output.code != code { Issue.record("line \(line): steady \(command): \(output.text)") }
        return output.out + output.err
    }

    /// Starts kubectl under the instance's account: the API lets in nobody else but root.
    @discardableResult
    func kubectl(_ kubectl: Kubectl, _ command: String, code: Int32 = 0, within seconds: Double = 120, line: Int = #line) throws -> String {
        let words = command.split(separator: " ").map(String.init)
        let (path, arguments) = account.command(kubectl.path, words)
        let output = try Command(path, arguments, environment: environment).finish(within: seconds)
        if output.code != code { Issue.record("line \(line): kubectl \(command): \(output.text)") }
        return output.out + output.err
    }

    /// `steady up --detach` with the manifest; returns when every replica is available and reached through the Service.
    func up() throws {
        try steady("up --detach -f \(manifest)")
        try steady("rollout status deployment/web --timeout 90s")
        try waitUntilRouted()
    }

    /// Waits until every proxy routes by the Services, the endpoints and the policies that are stored now: a Ready pod, and an answer to who has
    /// applied something, do not say so.
    func waitUntilRouted(line: Int = #line) throws {
        let path = directory + "/routed"
        if !FileManager.default.fileExists(atPath: path) { try write(Self.routed, to: path) }
        let told = try shell("/bin/bash \(path)")
        if told.code != 0 { Issue.record("line \(line): the proxies are behind: \(told.text)") }
    }

    /// Ends when each proxy's table knows what is stored; after a minute with an error.
    static let routed = #"""
        for kind in services endpointslices trafficpolicies; do
            wanted=$(steady get $kind -A -o 'jsonpath={.items[*].metadata.resourceVersion}' | tr ' ' '\n' | sort -n | tail -n 1)
            for proxy in $(steady get proxystatuses -o 'jsonpath={.items[*].metadata.name}'); do
                for turn in $(seq 600); do
                    known=$(curl -s --unix-socket $STEADY_DATA_DIR/roles/$proxy.sock http://proxy/table | sed -n "1s/.*$kind \([0-9]*\).*/\1/p")
                    [ "${known:-0}" -lt "${wanted:-0}" ] || continue 2
                    sleep 0.1
                done
                echo "$proxy knows $kind up to ${known:-nothing}, not $wanted" >&2
                exit 1
            done
        done
        """#

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

    /// A rollout is done before the last old pod is gone: until then some who ask meet it, and others miss it.
    func waitUntilOldPodsAreGone(line: Int = #line) throws {
        try wait("the old pods are gone", line: line) { try podNames() == Set(pods().map(\.name)) }
    }

    /// The names of all pods of Deployment `web`, those that are being deleted among them.
    func podNames() throws -> Set<String> {
        Set(try steady("get pods -l app=web -o jsonpath={.items[*].metadata.name}").split(separator: " ").map(String.init))
    }

    /// How often each id was recorded.
    func recordedIDs() throws -> [String: Int] {
        try String(contentsOfFile: idFile, encoding: .utf8).split(separator: "\n").reduce(into: [:]) { $0[String($1), default: 0] += 1 }
    }

    /// Asks again and again until it holds or the bound is over.
    func wait(within seconds: Double = 60, _ what: String, line: Int = #line, _ holds: () throws -> Bool) throws {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while try !holds() {
            if Date() > deadline {
                let pods = try steady("get pods -o wide")
                Issue.record("line \(line): not within \(seconds) s: \(what)\n\(pods)")
                return
            }
            Patience.pause()
        }
    }

    // MARK: - End

    /// Stops the instance and removes its directory. An instance that does not stop fails the test.
    func stop() {
        if FileManager.default.fileExists(atPath: dataDirectory + "/up.sock") {
            _ = try? steady("down --purge --timeout 90s")
        }
        try? FileManager.default.removeItem(atPath: directory)
    }
}
