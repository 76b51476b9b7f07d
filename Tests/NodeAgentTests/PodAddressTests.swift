import Formats
import Foundation
import Linux
import Testing

@testable import NodeAgent

extension AgentTests {
    /// Each pod has an address of its own, which unmodified programs bind and find.
    @Suite(.serialized) struct PodAddressTests {
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

        @Test func `an address at which somebody listens already is left to him, and the next pod gets another one`() throws {
            let bench = try AgentBench()
            let first = bench.pod("first", sleeper)
            #expect(bench.wait(first) { $0.isReady })
            let taken = try #require(IPv4Address(bench.api[first]["status"]["podIP"].string ?? ""))
            let squatter = try Sockets.listen(tcp: .ipv4(IPv4Address(bits: taken.bits + 1), port: 8080))
            defer { Sockets.close(squatter) }
            let second = bench.pod("second", ["command": ["/bin/sleep", "1000"], "ports": [["containerPort": 8080]]])
            #expect(bench.wait(second) { $0.isReady })
            #expect(bench.api[second]["status"]["podIP"].string == "\(IPv4Address(bits: taken.bits + 2))")
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
            let names = bench.kept.names
            #expect(names.count == 2)
            #expect(names.first?.hasPrefix("bind:\(bench.uid("late"))/main@") == true)
            #expect(names.last == "output:\(bench.uid("late"))/main")
            try bench.restartAgent()
            bench.loop.runUntil(within: .milliseconds(50)) { false }
            _ = FileManager.default.createFile(atPath: PodPaths(bench.configuration, uid: bench.uid("late")).root + "/go", contents: nil)
            #expect(bench.wait(key) { $0.isReady })
            #expect(bench.api[key]["status"].pid == pid)
            bench.delete(key)
            #expect(bench.loop.runUntil(within: patience) { bench.api[key].isNull })
            #expect(bench.kept.names == [])
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
                    let found = bench.loop.runUntil(within: patience) { FileManager.default.fileExists(atPath: file) }
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
                            "exec": [
                                "command": ["/bin/sh", "-c", "curl -sf http://127.0.0.1:8080/ && echo $POD_NAME >> probed"]
                            ],
                            "timeoutSeconds": 5,
                        ],
                    ])
            }
            for key in keys { #expect(bench.wait(key) { $0.isReady }) }
        }
    }
}
