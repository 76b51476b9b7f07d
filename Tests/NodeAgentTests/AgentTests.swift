import APIClient
import Formats
import Foundation
import Linux
import Resources
import Testing
import Timing
import Transport

@testable import NodeAgent

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

    /// What the first agent has told the proxies past the server, with what was stored then.
    final class Hints { var all: [(address: String, objects: [ObjectKey: Value])] = [] }

    /// - Parameter reapsOrphans: takes the ends of orphans that other tests of this process left behind, too.
    init(proxyCount: Int = 0, reapsOrphans: Bool = false) throws {
        directory = NSTemporaryDirectory() + "steady-agent-\(UUID().uuidString.prefix(8))"
        loop = try EventLoop()
        api = MemoryAPI(loop: loop)
        var configuration = AgentConfiguration(nodeName: "a1", zone: "a", directory: DataDirectory(directory))
        configuration.proxyCount = proxyCount
        configuration.reapsOrphans = reapsOrphans
        self.configuration = configuration
        agent = try AgentRole(
            loop: loop, configuration: configuration, api: api, descriptors: kept,
            hintEnd: { [hints, api] in hints.all.append(($0, api.objects)) })
        agent.start()
    }

    deinit {
        for key in api.objects.keys where key.type == .pods { api.remove(key) }
        loop.runUntil(within: .seconds(10)) { agent.podCount == 0 }
        agent.close()
        Leftovers.kill(nodeDirectory: configuration.nodeDirectory)
        for path in configuration.directory.everything { try? Files.removeTree(path) }
        try? FileManager.default.removeItem(atPath: directory)
    }

    func restartAgent() throws {
        agent.close()
        agent = try AgentRole(loop: loop, configuration: configuration, api: api, descriptors: kept)
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

    func wait(_ key: ObjectKey, within limit: Duration = .seconds(10), _ condition: (Value) -> Bool) -> Bool {
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
        loop.runUntil(within: .seconds(5)) { text != nil }
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

@Suite(.serialized) struct AgentTests {
    let sleeper: Value = ["command": ["/bin/sleep", "1000"]]

    @Test func `the node registers itself, and a pod that is bound to it runs and becomes ready`() throws {
        let bench = try AgentBench()
        let key = bench.pod("web", sleeper)
        #expect(bench.wait(key) { $0["phase"] == "Running" && $0.isReady })
        let node = bench.api[ObjectKey(.nodes, name: "a1")]
        #expect(Node(node).isReady && Node(node).zone == "a" && Node(node).internalIP == "127.16.0.1")
        #expect(bench.api[key]["status"]["podIP"] == "127.99.0.1")
        #expect(isAlive(bench.api[key]["status"].pid))
    }

    @Test func `an HTTP probe judges by the status alone, however long the body is`() throws {
        let bench = try AgentBench()
        let program = """
            import socket
            s = socket.create_server(("0.0.0.0", 8080)); kept = []
            while True:
                c, _ = s.accept(); kept.append(c); c.recv(4096)
                c.send(b"HTTP/1.1 200 OK\\r\\nContent-Length: 1099511627776\\r\\n\\r\\nbegin")
            """
        let key = bench.pod(
            "long",
            [
                "command": ["/usr/bin/env", "python3", "-c", .string(program)],
                "readinessProbe": ["httpGet": ["path": "/", "port": 8080], "periodSeconds": 1],
            ])
        #expect(bench.wait(key) { $0.isReady })
    }

    @Test func `an unmodified server on port 8080 runs in two pods, each reached at its own address by its probe`() throws {
        let bench = try AgentBench()
        let server: Value = [
            "command": ["python3", "-m", "http.server", "8080"],
            "readinessProbe": ["httpGet": ["path": "/", "port": 8080], "periodSeconds": 10],
            "livenessProbe": ["tcpSocket": ["port": 8080], "periodSeconds": 1],
        ]
        let keys = ["one", "two"].map { bench.pod($0, server) }
        for key in keys { #expect(bench.wait(key) { $0.isReady }) }
        #expect(Set(keys.map { bench.api[$0]["status"]["podIP"].string }).count == 2)
    }

    @Test func `a killed process is started again, counted, and its end is told`() throws {
        let bench = try AgentBench()
        let key = bench.pod("web", sleeper)
        #expect(bench.wait(key) { $0.isReady })
        let pid = bench.api[key]["status"].pid
        kill(pid, SIGKILL)
        #expect(bench.wait(key) { $0.main["restartCount"] == 1 && $0.isReady })
        let last = bench.api[key]["status"].main["lastState"]["terminated"]
        #expect(last["exitCode"] == 137 && last["reason"] == "Error")
        #expect(bench.api[key]["status"].pid != pid)
    }

    @Test func `the proxies hear of an end before the server does, and not of one that was asked for`() throws {
        let bench = try AgentBench()
        let key = bench.pod("web", sleeper)
        #expect(bench.wait(key) { $0.isReady })
        kill(bench.api[key]["status"].pid, SIGKILL)
        #expect(bench.wait(key) { $0.main["restartCount"] == 1 && $0.isReady })
        #expect(bench.hints.all.map(\.address) == ["127.99.0.1"])
        #expect(bench.hints.all.first?.objects[key]?["status"].isReady == true)
        bench.delete(key)
        #expect(bench.loop.runUntil(within: .seconds(5)) { bench.api[key].isNull })
        #expect(bench.hints.all.count == 1)
    }

    @Test func `a deleted pod is withdrawn before it is terminated, and removed when its last process is gone`() throws {
        let bench = try AgentBench()
        bench.api.put(["metadata": ["name": "p1"], "status": ["routeRevision": "5", "endpoints": []]], .proxyStatuses)
        let key = bench.pod("web", ["command": ["/bin/sh", "-c", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.02; done"]])
        #expect(bench.wait(key) { $0.isReady })
        let pid = bench.api[key]["status"].pid
        #expect(bench.loop.runUntil(within: .seconds(5)) { bench.log(key) == "up\n" })
        bench.delete(key, withdrawnAt: "900")
        // The proxy has not acknowledged yet, then it has but with an exchange open.
        bench.loop.runUntil(within: .milliseconds(100)) { !isAlive(pid) }
        #expect(isAlive(pid))
        let busy: Value = ["routeRevision": "900", "endpoints": [["address": "127.99.0.1:8080", "activeExchanges": 1]]]
        bench.api.put(["metadata": ["name": "p1"], "status": busy], .proxyStatuses)
        bench.loop.runUntil(within: .milliseconds(100)) { !isAlive(pid) }
        #expect(isAlive(pid))
        bench.api.put(["metadata": ["name": "p1"], "status": ["routeRevision": "901", "endpoints": []]], .proxyStatuses)
        #expect(bench.loop.runUntil(within: .seconds(5)) { bench.api[key].isNull })
        #expect(!isAlive(pid))
    }

    @Test func `a server that has forgotten its proxies has not acknowledged a withdrawal`() throws {
        let bench = try AgentBench(proxyCount: 1)
        let key = bench.pod("web", sleeper)
        #expect(bench.wait(key) { $0.isReady })
        let pid = bench.api[key]["status"].pid
        bench.delete(key, withdrawnAt: "900")
        bench.loop.runUntil(within: .milliseconds(100)) { !isAlive(pid) }
        #expect(isAlive(pid))
        bench.api.put(["metadata": ["name": "p1"], "status": ["routeRevision": "900", "endpoints": []]], .proxyStatuses)
        #expect(bench.loop.runUntil(within: .seconds(5)) { bench.api[key].isNull })
    }

    @Test func `a pod that no Service ever listed is terminated at once`() throws {
        let bench = try AgentBench(proxyCount: 1)
        let key = bench.pod("web", sleeper)
        #expect(bench.wait(key) { $0.isReady })
        bench.delete(key, withdrawnAt: "0")
        #expect(bench.loop.runUntil(within: .seconds(5)) { bench.api[key].isNull })
    }

    @Test func `a program that does not exist is named with the remedy, and runs once it is there`() throws {
        let bench = try AgentBench()
        let program = bench.configuration.directory.path + "/later"
        let key = bench.pod("web", ["command": [.string(program)]])
        #expect(bench.wait(key) { $0.main["state"]["waiting"]["reason"] == "RunContainerError" })
        let message = bench.api[key]["status"].main["state"]["waiting"]["message"].string ?? ""
        #expect(message.contains(program) && message.contains("no such file"))
        try "#!/bin/sh\nexec sleep 1000\n".write(toFile: program, atomically: true, encoding: .utf8)
        chmod(program, 0o755)
        #expect(bench.wait(key) { $0.isReady })
    }

    @Test func `an image without an Image is named with the closest reference, and found when it is applied`() throws {
        let bench = try AgentBench()
        bench.api.put(["metadata": ["name": "x"], "spec": ["reference": "web:v1", "command": ["/bin/sleep", "1000"]]], .images)
        let key = bench.pod("web", ["image": "web:v11"])
        #expect(bench.wait(key) { $0.main["state"]["waiting"]["reason"] == "ImageNotFound" })
        #expect(bench.api[key]["status"].main["state"]["waiting"]["message"].string?.contains("\"web:v1\"") == true)
        bench.api.put(["metadata": ["name": "y"], "spec": ["reference": "web:v11", "command": ["/bin/sleep", "1000"]]], .images)
        #expect(bench.wait(key) { $0.isReady && $0.main["imageID"].string?.hasPrefix("steady://") == true })
    }

    @Test func `environment and volumes come from the objects that the pod names, and files follow a change`() throws {
        let bench = try AgentBench()
        bench.api.put(["metadata": ["name": "settings", "namespace": "default"], "data": ["color": "red"]], .configMaps)
        bench.api.put(["metadata": ["name": "keys", "namespace": "default"], "data": ["token": "c2VjcmV0"]], .secrets)
        let script = "echo $COLOR $TOKEN $GREETING $POD_NAME $POD_IP $PORT; cat $MOUNT_config/color; echo; while :; do sleep 0.02; done"
        let key = bench.pod(
            "web",
            [
                "command": ["/bin/sh", "-c", .string(script)], "ports": [["containerPort": 8080]],
                "env": [
                    ["name": "COLOR", "valueFrom": ["configMapKeyRef": ["name": "settings", "key": "color"]]],
                    ["name": "GREETING", "value": "hello-$(COLOR)-$(NOBODY)-$$(COLOR)"],
                ],
                "envFrom": [["secretRef": ["name": "keys"], "prefix": "X_"]],
                "volumeMounts": [["name": "config", "mountPath": "/etc/app"]],
            ]
        ) {
            $0["spec"]["volumes"] = [["name": "config", "configMap": ["name": "settings"]]]
        }
        #expect(bench.wait(key) { $0.isReady })
        let expected = "red hello-red-$(NOBODY)-$(COLOR) web 127.99.0.1 8080\nred\n"
        #expect(bench.loop.runUntil(within: .seconds(5)) { bench.log(key) == expected }, "\(bench.log(key))")
        bench.api.put(["metadata": ["name": "settings", "namespace": "default"], "data": ["color": "blue"]], .configMaps)
        let file = PodPaths(bench.configuration, uid: bench.uid("web")).tree + "/etc/app/color"
        #expect(bench.loop.runUntil(within: .seconds(5)) { (try? String(contentsOfFile: file, encoding: .utf8)) == "blue" })
    }

    @Test func `files follow what changed while no agent was there, and nothing older stays`() throws {
        let bench = try AgentBench()
        bench.api.put(["metadata": ["name": "settings", "namespace": "default"], "data": ["color": "red"]], .configMaps)
        let key = bench.pod("web", ["command": ["/bin/sleep", "1000"], "volumeMounts": [["name": "config", "mountPath": "/etc/app"]]]) {
            $0["spec"]["volumes"] = [["name": "config", "configMap": ["name": "settings"]]]
        }
        #expect(bench.wait(key) { $0.isReady })
        let volume = PodPaths(bench.configuration, uid: bench.uid("web")).volume("config")
        try Files.makeDirectories(volume + "/..begun")
        bench.agent.close()
        bench.api.put(["metadata": ["name": "settings", "namespace": "default"], "data": ["color": "blue"]], .configMaps)
        try bench.restartAgent()
        #expect(bench.loop.runUntil(within: .seconds(5)) { (try? Files.text(volume + "/color")) == "blue" })
        #expect(try Files.list(volume).count == 3)
        #expect(bench.api[key]["status"].main["restartCount"] == 0)
    }

    @Test func `a missing ConfigMap keeps the pod waiting, says so, and lets it run when it comes`() throws {
        let bench = try AgentBench()
        let key = bench.pod("web", ["command": ["/bin/sleep", "1000"], "envFrom": [["configMapRef": ["name": "late"]]]])
        #expect(bench.wait(key) { $0.main["state"]["waiting"]["reason"] == "CreateContainerConfigError" })
        #expect(bench.api[key]["status"].main["state"]["waiting"]["message"] == "configmap \"late\" not found")
        bench.api.put(["metadata": ["name": "late", "namespace": "default"], "data": [:]], .configMaps)
        #expect(bench.wait(key, within: .seconds(2)) { $0.isReady })
    }

    @Test func `another agent takes over what runs, without a restart, and sees its end`() throws {
        let bench = try AgentBench()
        let key = bench.pod("web", sleeper)
        #expect(bench.wait(key) { $0.isReady })
        let pid = bench.api[key]["status"].pid
        try bench.restartAgent()
        bench.loop.runUntil(within: .milliseconds(200)) { false }
        #expect(isAlive(pid) && bench.api[key]["status"].pid == pid && bench.api[key]["status"].main["restartCount"] == 0)
        kill(pid, SIGKILL)
        #expect(bench.wait(key) { $0.main["restartCount"] == 1 && $0.isReady })
        #expect(bench.api[key]["status"].main["lastState"]["terminated"]["reason"] == "Error")
    }

    @Test func `a program that binds only after its agent was replaced still gets its own address`() throws {
        let bench = try AgentBench()
        let script = "while ! test -f go; do sleep 0.02; done; exec python3 -m http.server 8080"
        let key = bench.pod(
            "late",
            [
                "command": ["/bin/sh", "-c", .string(script)],
                "readinessProbe": ["httpGet": ["path": "/", "port": 8080], "periodSeconds": 1],
            ])
        #expect(bench.wait(key) { !$0.main["state"]["running"].isNull })
        let pid = bench.api[key]["status"].pid
        #expect(bench.kept.names == ["bind:\(bench.uid("late"))/main", "output:\(bench.uid("late"))/main"])
        try bench.restartAgent()
        bench.loop.runUntil(within: .milliseconds(50)) { false }
        _ = FileManager.default.createFile(atPath: PodPaths(bench.configuration, uid: bench.uid("late")).root + "/go", contents: nil)
        #expect(bench.wait(key) { $0.isReady })
        #expect(bench.api[key]["status"].pid == pid)
        bench.delete(key)
        #expect(bench.loop.runUntil(within: .seconds(8)) { bench.api[key].isNull })
        #expect(bench.kept.names == [])
    }

    @Test func `programs whose records are lost are ended and started again, never a second time beside themselves`() throws {
        let bench = try AgentBench()
        let key = bench.pod("web", sleeper)
        #expect(bench.wait(key) { $0.isReady })
        let pid = bench.api[key]["status"].pid
        let node = bench.configuration.nodeDirectory
        let target = try #require(Files.linkTarget(RunDirectory.path(node)))
        bench.agent.close()
        try Files.removeTree(target)
        try bench.restartAgent()
        #expect(bench.wait(key) { $0.main["restartCount"] == 1 && $0.isReady && $0.pid != pid })
        #expect(!isRunning(pid))
    }

    @Test func `an agent under which its records are cleared away goes on`() throws {
        let bench = try AgentBench()
        let first = bench.pod("first", sleeper)
        #expect(bench.wait(first) { $0.isReady })
        let target = try #require(Files.linkTarget(RunDirectory.path(bench.configuration.nodeDirectory)))
        try Files.removeTree(target)
        kill(bench.api[first]["status"].pid, SIGKILL)
        #expect(bench.wait(first) { $0.main["restartCount"] == 1 && $0.isReady })
        let second = bench.pod("second", sleeper)
        #expect(bench.wait(second) { $0.isReady })
    }

    @Test func `a program goes on printing while up reads in its agent's place, and no line is lost`() throws {
        let bench = try AgentBench()
        let script = "until [ -e go ]; do sleep 0.01; done; seq 1 20000; touch done; exec sleep 1000"
        let key = bench.pod("chatty", ["command": ["/bin/sh", "-c", .string(script)]])
        #expect(bench.wait(key) { $0.isReady })
        bench.agent.close()
        let root = PodPaths(bench.configuration, uid: bench.uid("chatty")).root
        let drain = OutputDrain(loop: bench.loop, nodeDirectory: bench.configuration.nodeDirectory)
        #expect(drain.count == 1)
        _ = FileManager.default.createFile(atPath: root + "/go", contents: nil)
        // More than a pipe holds: without a reader the program would stand still.
        #expect(
            bench.loop.runUntil(within: .seconds(10)) {
                if Files.exists(root + "/done") { return true }
                bench.loop.schedule(after: .milliseconds(2)) {}
                return false
            })
        drain.end()
        try bench.restartAgent()
        #expect(bench.wait(key) { $0.isReady })
        let expected = (1...20_000).map { "\($0)\n" }.joined()
        #expect(bench.loop.runUntil(within: .seconds(5)) { bench.log(key) == expected })
        #expect(!Files.exists(PodPaths(bench.configuration, uid: bench.uid("chatty")).spill("main")))
    }

    @Test func `what died while no agent was there is restarted, and its end is unknown`() throws {
        let bench = try AgentBench()
        let key = bench.pod("web", sleeper)
        #expect(bench.wait(key) { $0.isReady })
        let pid = bench.api[key]["status"].pid
        bench.agent.close()
        kill(pid, SIGKILL)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        try bench.restartAgent()
        #expect(bench.wait(key) { $0.main["restartCount"] == 1 && $0.isReady })
        let last = bench.api[key]["status"].main["lastState"]["terminated"]
        #expect(last["reason"] == "ContainerStatusUnknown" && last["exitCode"] == 137)
    }

    @Test func `no grandchild is left: what fled into its own session goes with its pod`() throws {
        let bench = try AgentBench(reapsOrphans: true)
        let key = bench.pod("web", ["command": ["/bin/sh", "-c", "setsid sh -c 'setsid sleep 1000 & echo $!; wait' & sleep 1000"]])
        #expect(bench.wait(key) { $0.isReady })
        var grandchild: Int32 = 0
        #expect(
            bench.loop.runUntil(within: .seconds(5)) {
                grandchild = Int32(bench.log(key).split(separator: "\n").first ?? "") ?? 0
                return grandchild > 1
            })
        #expect(isAlive(grandchild))
        bench.delete(key)
        #expect(bench.loop.runUntil(within: .seconds(8)) { bench.api[key].isNull })
        #expect(bench.loop.runUntil(within: .seconds(1)) { !isAlive(grandchild) })
    }

    @Test func `when a node fails, nothing of it is left: not what hid from its agent, nor its control groups`() throws {
        let bench = try AgentBench()
        guard Leftovers.group(of: bench.configuration.nodeDirectory) != nil else { return print("no control group may be written here") }
        let script = "env -i /usr/bin/setsid /bin/sh -c 'echo $$$$; exec /bin/sleep 1000' & exec sleep 1000"
        let keys = (0..<3).map { bench.pod("p\($0)", ["command": ["/bin/sh", "-c", .string(script)]]) }
        var hidden: [Int32] = []
        #expect(
            bench.loop.runUntil(within: .seconds(10)) {
                hidden = keys.compactMap { Int32(bench.log($0).split(separator: "\n").first ?? "") }
                return hidden.count == 3
            })
        let group = try #require(Leftovers.group(of: bench.configuration.nodeDirectory))
        bench.agent.close()
        #expect(hidden.allSatisfy(isAlive) && group.exists)
        Leftovers.kill(nodeDirectory: bench.configuration.nodeDirectory)
        for pid in hidden { waitpid(pid, nil, 0) }
        #expect(!hidden.contains(where: isAlive))
        #expect(!group.exists)
        try bench.restartAgent()
        for key in keys { #expect(bench.wait(key) { $0.main["restartCount"] == 1 && $0.isReady }) }
    }

    @Test func `a sidecar outlives the container that it serves, and mounts may be named after the pod`() throws {
        let bench = try AgentBench()
        let outcome = bench.configuration.directory.path + "/outcome"
        let script = { (name: String) in
            "trap 'sleep 0.2; echo \(name) >> \(outcome); exit 0' TERM; touch $MOUNT_work/\(name); while :; do sleep 0.02; done"
        }
        let mounts: Value = [["name": "work", "mountPath": "/work", "subPathExpr": "of-$(POD_NAME)"]]
        let key = bench.pod("web", ["command": ["/bin/sh", "-c", .string(script("main"))], "volumeMounts": mounts]) {
            $0["spec"]["volumes"] = [["name": "work", "emptyDir": [:]]]
            $0["spec"]["initContainers"] = .array(
                ["first", "second"].map { name in
                    [
                        "name": .string(name), "image": "i", "restartPolicy": "Always", "volumeMounts": mounts,
                        "command": ["/bin/sh", "-c", .string(script(name))],
                    ]
                })
        }
        let work = PodPaths(bench.configuration, uid: bench.uid("web")).volume("work") + "/of-web/"
        #expect(bench.wait(key) { $0.isReady })
        #expect(
            bench.loop.runUntil(within: .seconds(20)) {
                ["first", "second", "main"].allSatisfy { FileManager.default.fileExists(atPath: work + $0) }
            })
        bench.delete(key)
        #expect(bench.loop.runUntil(within: .seconds(8)) { bench.api[key].isNull })
        let told = (try? String(contentsOfFile: outcome, encoding: .utf8)) ?? ""
        #expect(told == "main\nsecond\nfirst\n")
    }

    @Test func `a pod with a deadline is ended at it, also by another agent, and has failed`() throws {
        let bench = try AgentBench()
        let key = bench.pod("web", sleeper) { $0["spec"]["activeDeadlineSeconds"] = 1 }
        #expect(bench.wait(key) { $0.isReady })
        let pid = bench.api[key]["status"].pid
        try bench.restartAgent()
        #expect(bench.wait(key) { $0["phase"] == "Failed" && $0["reason"] == "DeadlineExceeded" })
        #expect(!isAlive(pid))
        bench.delete(key)
        #expect(bench.loop.runUntil(within: .seconds(8)) { bench.api[key].isNull })
    }

    @Test func `init containers run one after the other before the rest, and a pod that is done has succeeded`() throws {
        let bench = try AgentBench()
        let key = bench.pod(
            "job",
            ["command": ["/bin/sh", "-c", "cat $MOUNT_work/order; exit 0"], "volumeMounts": [["name": "work", "mountPath": "/work"]]]
        ) {
            $0["spec"]["restartPolicy"] = "Never"
            $0["spec"]["volumes"] = [["name": "work", "emptyDir": [:]]]
            let mounts: Value = [["name": "work", "mountPath": "/work"]]
            $0["spec"]["initContainers"] = [
                [
                    "name": "first", "image": "i", "command": ["/bin/sh", "-c", "sleep 0.1; echo 1 >> $MOUNT_work/order"],
                    "volumeMounts": mounts,
                ],
                ["name": "second", "image": "i", "command": ["/bin/sh", "-c", "echo 2 >> $MOUNT_work/order"], "volumeMounts": mounts],
            ]
        }
        #expect(bench.wait(key) { $0["phase"] == "Succeeded" })
        #expect(bench.log(key) == "1\n2\n")
        #expect(bench.api[key]["status"].main["state"]["terminated"]["reason"] == "Completed")
    }

    @Test func `logs have times, tails, and the run before`() throws {
        let bench = try AgentBench()
        let key = bench.pod("web", ["command": ["/bin/sh", "-c", "echo one; echo two; echo three; while :; do sleep 0.02; done"]])
        #expect(bench.loop.runUntil(within: .seconds(5)) { bench.log(key) == "one\ntwo\nthree\n" })
        #expect(bench.log(key, "tailLines=2") == "two\nthree\n")
        #expect(bench.log(key, "limitBytes=5") == "one\nt")
        #expect(bench.log(key, "timestamps=true&tailLines=1").contains("Z three\n"))
        #expect(bench.log(key, "previous=true").contains("previous terminated container"))
        #expect(bench.wait(key) { $0.isReady })
        kill(bench.api[key]["status"].pid, SIGKILL)
        #expect(bench.wait(key) { $0.main["restartCount"] == 1 && $0.isReady })
        #expect(bench.log(key, "previous=true") == "one\ntwo\nthree\n")
    }

    @Test func `exec probes and hooks run in the container's surroundings; a failing liveness probe restarts it`() throws {
        let bench = try AgentBench()
        let key = bench.pod(
            "web",
            [
                "command": ["/bin/sh", "-c", "rm -f sick; touch up; while :; do sleep 0.02; done"],
                "lifecycle": ["postStart": ["exec": ["command": ["/bin/sh", "-c", "echo $POD_NAME > started"]]]],
                "readinessProbe": ["exec": ["command": ["/bin/sh", "-c", "test -f up && test -f started"]]],
                "livenessProbe": ["exec": ["command": ["/usr/bin/test", "!", "-f", "sick"]], "periodSeconds": 1, "failureThreshold": 1],
            ])
        #expect(bench.wait(key) { $0.isReady })
        let directory = PodPaths(bench.configuration, uid: bench.uid("web")).root
        #expect((try? String(contentsOfFile: directory + "/started", encoding: .utf8)) == "web\n")
        _ = FileManager.default.createFile(atPath: directory + "/sick", contents: nil)
        #expect(bench.wait(key) { ($0.main["restartCount"].int ?? 0) >= 1 && $0.isReady })
        #expect(
            bench.loop.runUntil(within: .seconds(5)) {
                bench.api.objects.contains { $0.key.type == .events && $0.value["reason"] == "Unhealthy" }
            })
    }

    @Test func `a hook that prints much is not held up`() throws {
        let bench = try AgentBench()
        let key = bench.pod(
            "web",
            [
                "command": ["/bin/sh", "-c", "exec sleep 1000"],
                "lifecycle": ["postStart": ["exec": ["command": ["/bin/sh", "-c", "seq 1 200000 && touch printed"]]]],
                "readinessProbe": ["exec": ["command": ["/usr/bin/test", "-f", "printed"]]],
            ])
        #expect(bench.wait(key) { $0.isReady })
    }

    @Test(.enabled(if: Ownership.isRoot, "users are changed by root only"))
    func `a program of another user may use its directory, and not put aside what the agent has there`() throws {
        let bench = try AgentBench()
        let key = bench.pod(
            "web",
            [
                "command": [
                    "/bin/sh", "-c", "touch mine && [ -d root ] && ! mv root theirs && ! mv volumes theirs && touch done; exec sleep 1000",
                ],
                "securityContext": ["runAsUser": 65534],
                "readinessProbe": ["exec": ["command": ["/usr/bin/test", "-f", "done"]]],
            ]
        ) { $0["spec"]["volumes"] = [["name": "work", "emptyDir": [:]]] }
        #expect(bench.wait(key) { $0.isReady })
    }

    @Test func `containers of one pod find each other at localhost, with curl, python and Node, also under another agent`() throws {
        let bench = try AgentBench()
        let clients = [
            ("curl", "curl -s http://localhost:8080/hello"),
            ("python", "python3 -c 'import urllib.request as r; print(r.urlopen(\"http://127.0.0.1:8080/hello\").read().decode())'"),
            ("node", "node -e \"fetch('http://localhost:8080/hello').then(r => r.text()).then(t => console.log(t))\""),
        ]
        let server: Value = [
            "command": ["/bin/sh", "-c", "cd $MOUNT_work && echo from $POD_NAME > hello && exec python3 -m http.server 8080"]
        ]
        let keys = ["one", "two"].map { name in
            bench.pod(name, server) {
                var containers = $0["spec"]["containers"].elements
                containers[0]["volumeMounts"] = [["name": "work", "mountPath": "/work"]]
                for (client, command) in clients {
                    let script =
                        "until \(command) >$MOUNT_work/\(client).new 2>/dev/null && test -s $MOUNT_work/\(client).new; do sleep 0.1; done; "
                        + "mv $MOUNT_work/\(client).new $MOUNT_work/\(client); exec sleep 1000"
                    containers.append([
                        "name": .string(client), "image": "i", "command": ["/bin/sh", "-c", .string(script)],
                        "volumeMounts": [["name": "work", "mountPath": "/work"]],
                    ])
                }
                $0["spec"]["containers"] = .array(containers)
                $0["spec"]["volumes"] = [["name": "work", "emptyDir": [:]]]
            }
        }
        #expect(bench.wait(keys[0]) { $0.isReady })
        // What an earlier agent led to the pod, the next one leads there, too.
        try bench.restartAgent()
        for key in keys {
            for (client, _) in clients {
                let file = PodPaths(bench.configuration, uid: bench.uid(key.name)).volume("work") + "/" + client
                let found = bench.loop.runUntil(within: .seconds(20)) { FileManager.default.fileExists(atPath: file) }
                #expect(found, "\(client) in \(key.name)")
                #expect((try? String(contentsOfFile: file, encoding: .utf8))?.hasPrefix("from \(key.name)\n") == true, "\(client)")
            }
        }
    }

    @Test func `an exec probe finds its container's server at 127.0.0.1`() throws {
        let bench = try AgentBench()
        let keys = ["one", "two"].map {
            bench.pod(
                $0,
                [
                    "command": ["python3", "-m", "http.server", "8080"],
                    "readinessProbe": [
                        "exec": ["command": ["/bin/sh", "-c", "curl -sf http://127.0.0.1:8080/ && echo $POD_NAME >> probed"]],
                        "timeoutSeconds": 5,
                    ],
                ])
        }
        for key in keys { #expect(bench.wait(key) { $0.isReady }) }
    }

    @Test func `a hundred pods run, each at an address of its own, and all of them go`() throws {
        let bench = try AgentBench()
        let keys = (0..<100).map { bench.pod("p\($0)", sleeper) }
        #expect(bench.loop.runUntil(within: .seconds(20)) { keys.allSatisfy { bench.api[$0]["status"].isReady } })
        #expect(Set(keys.map { bench.api[$0]["status"]["podIP"].string }).count == 100)
        // One write each: what happens in one turn is told once.
        #expect(bench.api.writes.filter { $0 == "patch pods/status" }.count <= 110)
        for key in keys { bench.delete(key) }
        #expect(bench.loop.runUntil(within: .seconds(20)) { keys.allSatisfy { bench.api[$0].isNull } })
        #expect(bench.agent.podCount == 0)
    }

    @Test(.enabled(if: geteuid() == 0)) func `what may not run as root does not`() throws {
        let bench = try AgentBench()
        let key = bench.pod("web", ["command": ["/bin/sleep", "1000"], "securityContext": ["runAsNonRoot": true, "runAsUser": 0]])
        #expect(bench.wait(key) { $0.main["state"]["waiting"]["reason"] == "CreateContainerConfigError" })
        let other = bench.pod(
            "other", ["command": ["/bin/sleep", "1000"], "securityContext": ["runAsNonRoot": true, "runAsUser": 65534]])
        #expect(bench.wait(other) { $0.isReady })
    }

    @Test(.enabled(if: geteuid() == 0)) func `an agent of root runs a pod as the user that it names`() throws {
        let bench = try AgentBench()
        let key = bench.pod(
            "web",
            [
                "command": ["/bin/sh", "-c", "id -u; pwd; echo x > mine; while :; do sleep 0.02; done"],
                "securityContext": ["runAsUser": 65534],
            ])
        #expect(bench.wait(key) { $0.isReady })
        let directory = PodPaths(bench.configuration, uid: bench.uid("web")).root
        #expect(bench.loop.runUntil(within: .seconds(5)) { bench.log(key) == "65534\n\(directory)\n" }, "\(bench.log(key))")
        #expect(bench.loop.runUntil(within: .seconds(5)) { FileManager.default.fileExists(atPath: directory + "/mine") })
    }
}
