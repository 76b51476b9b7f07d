import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// An instance under siege: replicas that die of SIGTERM at once (`Tests/Fixtures/replica`), and four loads that count every failure
/// (`Tests/Fixtures/load`): GET and POST, over connections that stay and with a connection for each request. Each POST has an id, which the
/// replica that runs it records.
final class Siege {
    let instance: Instance
    /// Where the replicas note the POSTs that they run: `ID POD`, one a line.
    let record: String
    private var loads: [Load] = []

    /// Breaks of a kind that nothing can save: a request was inside a process that died.
    enum Allowance { case nothing, postsInsideTheDead, everythingInsideTheProxy }

    private struct Load {
        var name: String
        var process: Process
        var input: Pipe
        var output: String
        var ids: String
    }

    /// What the Service says of its port.
    private let portName: String

    /// - Parameters:
    ///   - zones: of which each has one node.
    ///   - portName: empty: the Service does not say what its port carries.
    ///   - flags: further ones of `up`.
    init(replicas: Int = 3, zones: String = "a,b,c", portName: String = "http", flags: String = "") throws {
        self.portName = portName
        instance = try Instance()
        record = instance.directory + "/record"
        for program in ["replica", "load"] {
            try FileManager.default.copyItem(
                atPath: Instance.products + "/" + program, toPath: instance.directory + "/" + program)
        }
        try Data().write(to: URL(fileURLWithPath: record))
        // Pods may run as another user.
        try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: record)
        try instance.steady("up --detach --zones \(zones) \(flags)")
        var manifest = ""
        for version in ["v1", "v2"] {
            manifest += """
                apiVersion: steady.dev/v1
                kind: Image
                metadata: {name: replica-\(version)}
                spec: {reference: "replica:\(version)", command: ["\(instance.directory)/replica"], env: [{name: VERSION, value: \(version)}]}
                ---

                """
        }
        try apply(manifest + Self.deployment("web", replicas: replicas, environment: ["RECORD": record]) + service)
        try settle(replicas)
    }

    /// Ends everything, whatever came before.
    func stop() {
        // A child of a test's thread inherits that SIGTERM is blocked.
        for load in loads where load.process.isRunning { Glibc.kill(load.process.processIdentifier, SIGKILL) }
        instance.stop()
    }

    private var service: String {
        """
        apiVersion: v1
        kind: Service
        metadata: {name: web}
        spec:
          type: NodePort
          selector: {app: web}
          ports: [{name: "\(portName)", port: 80, targetPort: http, nodePort: \(instance.port)}]
        """
    }

    static func deployment(_ name: String, replicas: Int, environment: [String: String], grace: Int = 30) -> String {
        let variables = environment.sorted { $0.key < $1.key }.map { "{name: \($0.key), value: \"\($0.value)\"}" }
        return Workload.deployment(
            name, replicas: replicas, grace: grace,
            containers: """
                - name: main
                  image: replica:v1
                  ports: [{name: http, containerPort: 8080}]
                  env: [\(variables.joined(separator: ", "))]
                  readinessProbe: {httpGet: {path: /ready, port: http}, periodSeconds: 1}
                """)
    }

    func apply(_ manifest: String) throws {
        let path = instance.directory + "/applied.yaml"
        try instance.write(manifest, to: path)
        try instance.steady("apply -f \(path)")
    }

    // MARK: - What is seen

    struct Replica: Equatable {
        var name = ""
        var node = ""
        var address = ""
        var pid: Int32 = 0
        var isReady = false
        var isEnding = false
        var restartCount = 0
        var waiting = ""
    }

    func replicas(of name: String = "web") throws -> [Replica] {
        let text = try instance.steady("get pods -l app=\(name) -o json")
        let list = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        return (list?["items"] as? [[String: Any]] ?? []).map { pod in
            let metadata = pod["metadata"] as? [String: Any] ?? [:]
            let status = pod["status"] as? [String: Any] ?? [:]
            let container = (status["containerStatuses"] as? [[String: Any]])?.first ?? [:]
            let identity = (container["containerID"] as? String ?? "").split(separator: "/").last ?? ""
            let waiting = (container["state"] as? [String: Any])?["waiting"] as? [String: Any]
            return Replica(
                name: metadata["name"] as? String ?? "", node: (pod["spec"] as? [String: Any])?["nodeName"] as? String ?? "",
                address: status["podIP"] as? String ?? "", pid: Int32(identity) ?? 0, isReady: container["ready"] as? Bool ?? false,
                isEnding: metadata["deletionTimestamp"] != nil, restartCount: container["restartCount"] as? Int ?? 0,
                waiting: waiting?["reason"] as? String ?? "")
        }.sorted { $0.name < $1.name }
    }

    /// Waits until so many replicas are Ready and nothing else is left of the Deployment.
    func settle(_ count: Int, of name: String = "web", line: Int = #line) throws {
        try instance.steady("rollout status deployment/\(name) --timeout 90s", line: line)
        try instance.wait("\(count) replicas of \(name), and no others", line: line) {
            let found = try replicas(of: name)
            return found.count == count && found.allSatisfy { $0.isReady && !$0.isEnding }
        }
    }

    /// The process of a role: `server`, `agent-a1`, `proxy-1`, `up`.
    func pid(of role: String) -> Int32 {
        let path = role == "up" ? "up.lock" : "roles/\(role).lock"
        let text = (try? String(contentsOfFile: instance.dataDirectory + "/" + path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").first.flatMap { Int32($0) } ?? 0
    }

    /// Kills a role and waits for the next one in its place.
    func kill(_ role: String, line: Int = #line) throws {
        let old = pid(of: role)
        try #require(old > 1)
        #expect(Glibc.kill(old, SIGKILL) == 0)
        try wait("another \(role) runs", line: line) { pid(of: role) != old && Glibc.kill(pid(of: role), 0) == 0 }
    }

    /// Looks again and again, without asking anybody.
    func wait(within seconds: Double = 60, _ what: String, line: Int = #line, _ holds: () throws -> Bool) throws {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while try !holds() {
            guard Date() < deadline else { return _ = Issue.record("line \(line): not within \(seconds) s: \(what)") }
            Patience.pause()
        }
    }

    /// The living processes that were started with this text in their environment.
    func processes(with mark: String) -> [Int32] { Self.processes(with: mark) }

    static func processes(with mark: String) -> [Int32] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap { Int32($0) }.filter { pid in
            (try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(pid)/environ")))?.range(of: Data(mark.utf8)) != nil
        }
    }

    // MARK: - Load

    /// Starts the four loads; returns when each has had an answer.
    func begin() throws {
        try FileHandle(forWritingTo: URL(fileURLWithPath: record)).truncate(atOffset: 0)
        for method in ["get", "post"] {
            for mode in ["keep", "close"] {
                let base = instance.directory + "/\(method)-\(mode)"
                try Data().write(to: URL(fileURLWithPath: base))
                let process = Process()
                let input = Pipe()
                process.executableURL = URL(fileURLWithPath: instance.directory + "/load")
                process.arguments = ["127.0.0.1", "\(instance.port)", method, mode, "4", "0", base + ".ids"]
                process.standardInput = input
                process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: base))
                try process.run()
                loads.append(Load(name: "\(method)-\(mode)", process: process, input: input, output: base, ids: base + ".ids"))
            }
        }
        for load in loads { try wait("\(load.name) is answered") { Self.text(load.output).contains("started") } }
    }

    /// Waits until the replicas have run so many more POSTs.
    func flow(_ count: Int = 100) throws {
        let goal = Self.text(record).utf8.count + count * 8
        try wait("traffic flows") { Self.text(record).utf8.count >= goal }
    }

    /// Ends the loads: nothing but what is allowed has failed, and every answered POST ran exactly once.
    func end(allowing allowance: Allowance = .nothing, line: Int = #line) throws {
        var answered: [Substring] = []
        for load in loads {
            try load.input.fileHandleForWriting.close()
            load.process.waitUntilExit()
            let said = Self.text(load.output).split(separator: "\n")
            let isAllowed =
                switch allowance {
                case .nothing: false
                case .postsInsideTheDead: load.name.hasPrefix("post")
                case .everythingInsideTheProxy: true
                }
            if load.process.terminationStatus != 0, !isAllowed {
                Issue.record("line \(line): \(load.name): \(said.suffix(6).joined(separator: "; "))")
            }
            if allowance == .everythingInsideTheProxy {
                #expect(
                    !said.contains { $0.contains("refused") || $0.contains("status") || $0.contains("no-answer") },
                    "line \(line): \(said.suffix(6))")
            }
            if load.name.hasPrefix("post") { answered += Self.text(load.ids).split(separator: "\n").map { $0[...] } }
        }
        loads = []
        var ran: [Substring: Int] = [:]
        for row in Self.text(record).split(separator: "\n") { ran[row.prefix { $0 != " " }, default: 0] += 1 }
        #expect(answered.count > 0, "line \(line)")
        #expect(answered.filter { ran[$0] == nil } == [], "line \(line): answered, but no replica ran them")
        #expect(ran.filter { $0.value > 1 }.map(\.key) == [], "line \(line): ran more than once")
    }

    static func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
}
