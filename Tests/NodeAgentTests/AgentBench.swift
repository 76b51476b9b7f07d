import APIClient
import Formats
import Foundation
import Linux
import Resources
import Testing
import Timing
import Transport

@testable import NodeAgent

/// How long a test waits for what must come. It comes in milliseconds; only a machine with too much to do needs more.
let patience = Duration.seconds(60)

/// What `up` does for descriptors, without `up`.
final class KeptDescriptors: DescriptorStore {
    private var kept: [String: Int32] = [:]
    var names: [String] { kept.keys.sorted() }
    func store(_ name: String, _ descriptor: Int32) {
        remove(name)
        kept[name] = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
    }
    func remove(_ name: String) { if let old = kept.removeValue(forKey: name) { close(old) } }
    func fetchAll() -> [(name: String, descriptor: Int32)] {
        kept.sorted { $0.key < $1.key }.map { ($0.key, fcntl($0.value, F_DUPFD_CLOEXEC, 3)) }
    }
}

/// One agent over a memory API, in a directory of its own; whatever it started is gone afterwards.
final class AgentBench {
    let loop: EventLoop
    let api: MemoryAPI
    var agent: AgentRole
    let configuration: AgentConfiguration
    private let directory: String
    let kept = KeptDescriptors()
    let hints = Hints()
    /// What `up` does when the next agent asks for a pod's output, or for all.
    var takeOutput: (_ pod: String?, _ done: @escaping () -> Void) -> Void = { _, done in done() }

    /// What the first agent has told the proxies past the server, with what was stored then.
    final class Hints { var all: [(address: String, objects: [ObjectKey: Value])] = [] }

    /// - Parameter reapsOrphans: takes the ends of orphans that other tests of this process left behind, too.
    init(proxyCount: Int = 0, reapsOrphans: Bool = false, usesControlGroups: Bool = true) throws {
        directory = NSTemporaryDirectory() + "steady-agent-\(UUID().uuidString.prefix(8))"
        loop = try EventLoop()
        api = MemoryAPI(loop: loop)
        var configuration = AgentConfiguration(nodeName: "a1", zone: "a", directory: DataDirectory(directory))
        configuration.proxyCount = proxyCount
        configuration.reapsOrphans = reapsOrphans
        configuration.usesControlGroups = usesControlGroups
        self.configuration = configuration
        agent = try AgentRole(
            loop: loop, configuration: configuration, api: api, descriptors: kept,
            hintEnd: { [hints, api] in hints.all.append(($0, api.objects)) })
        agent.start()
    }

    deinit {
        for key in api.objects.keys where key.type == .pods { api.remove(key) }
        loop.runUntil(within: patience) { agent.podCount == 0 }
        agent.close()
        killLeftovers()
        for path in configuration.directory.everything { try? Files.removeTree(path) }
        try? FileManager.default.removeItem(atPath: directory)
    }

    func killLeftovers() {
        var isDone = false
        Leftovers.kill(nodeDirectory: configuration.nodeDirectory, loop: loop) { isDone = true }
        loop.runUntil(within: .seconds(30)) { isDone }
    }

    func restartAgent() throws {
        agent.close()
        agent = try AgentRole(loop: loop, configuration: configuration, api: api, descriptors: kept, takeOutput: takeOutput)
        agent.start()
    }

    /// As unique as a real one: what is left of a pod is found by its uid on the whole machine, where other tests may run.
    func uid(_ name: String) -> String { "\(name)-\(directory.suffix(8))" }

    func pod(_ name: String, _ container: Value, _ change: (inout Value) -> Void = { _ in }) -> ObjectKey {
        var container = container
        if container["name"].isNull { container["name"] = "main" }
        if container["image"].isNull { container["image"] = "none" }
        var pod: Value = [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name), "namespace": "default", "uid": .string(uid(name))],
            "spec": [
                "nodeName": "a1", "restartPolicy": "Always", "terminationGracePeriodSeconds": 10, "containers": .array([container]),
                "enableServiceLinks": true,
            ],
        ]
        change(&pod)
        api.put(pod, .pods)
        return ObjectKey(.pods, namespace: "default", name: name)
    }

    func wait(_ key: ObjectKey, within limit: Duration = patience, _ condition: (Value) -> Bool) -> Bool {
        let held = loop.runUntil(within: limit) { condition(api[key]["status"]) }
        if !held { print("status of \(key): \(JSON.text(api[key]["status"]))") }
        return held
    }

    func delete(_ key: ObjectKey, grace: Int64 = 10, withdrawnAt: String? = "0") {
        var pod = api[key]
        pod["metadata"]["deletionTimestamp"] = .string((Clock.realtime() + .seconds(grace)).rfc3339)
        pod["metadata"]["deletionGracePeriodSeconds"] = .int(grace)
        if let withdrawnAt {
            let condition: Value = ["type": "steady.dev/Withdrawn", "status": "True", "observedRevision": .string(withdrawnAt)]
            pod["status"]["conditions"] = .array(pod["status"]["conditions"].elements + [condition])
        }
        api.put(pod, .pods)
    }

    func log(_ key: ObjectKey, _ query: String = "") -> String {
        var text: String?
        let client = HTTPClient(loop: loop)
        client.send(ClientRequest("GET", "/logs/default/\(key.name)/main?\(query)"), to: .unix(configuration.socket)) { result in
            text = (try? result.get()).map { String(decoding: $0.body, as: UTF8.self) } ?? "no answer"
        }
        loop.runUntil(within: patience) { text != nil }
        client.close()
        return text ?? "no answer"
    }
}

extension Value {
    var isReady: Bool { self["conditions"].elements.contains { $0["type"] == "Ready" && $0["status"] == "True" } }
    var main: Value { self["containerStatuses"][0] }
    var pid: Int32 { Int32(main["containerID"].string?.split(separator: "/").last ?? "") ?? 0 }
}

func isAlive(_ pid: Int32) -> Bool { pid > 1 && kill(pid, 0) == 0 }

/// Alive, and no zombie.
func isRunning(_ pid: Int32) -> Bool {
    guard isAlive(pid), let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
    return !(status.split(separator: ")").last?.hasPrefix(" Z") ?? true)
}

/// Kills a process that must be there. Never pid 0, which is the whole process group of the tests.
func strike(_ pid: Int32) throws {
    try #require(pid > 1)
    kill(pid, SIGKILL)
}

/// An agent with real processes, one test after the other: two agents in one process would reap each other's children.
@Suite(.serialized) enum AgentTests {}

let sleeper: Value = ["command": ["/bin/sleep", "1000"]]
