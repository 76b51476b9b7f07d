import Formats
import Foundation
import Linux
import Resources
import Testing

@testable import NodeAgent

extension AgentTests {
    /// How a pod runs on a node: from its start over restarts, probes and hooks to its end.
    @Suite(.serialized) struct PodLifeTests {
        @Test func `the node registers itself, and a pod that is bound to it runs and becomes ready`() throws {
            let bench = try AgentBench()
            let key = bench.pod("web", sleeper)
            #expect(bench.wait(key) { $0["phase"] == "Running" && $0.isReady })
            let node = bench.api[ObjectKey(.nodes, name: "a1")]
            #expect(Node(node).isReady && Node(node).zone == "a" && Node(node).internalIP == "127.16.0.1")
            #expect(bench.api[key]["status"]["podIP"] == "127.99.0.1")
            #expect(isAlive(bench.api[key]["status"].pid))
        }

        @Test func `a killed process is started again, counted, and its end is told`() throws {
            let bench = try AgentBench()
            let key = bench.pod("web", sleeper)
            #expect(bench.wait(key) { $0.isReady })
            let pid = bench.api[key]["status"].pid
            try strike(pid)
            #expect(bench.wait(key) { $0.main["restartCount"] == 1 && $0.isReady })
            let last = bench.api[key]["status"].main["lastState"]["terminated"]
            #expect(last["exitCode"] == 137 && last["reason"] == "Error")
            #expect(bench.api[key]["status"].pid != pid)
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

        @Test func `exec probes and hooks run in the container's surroundings; a failing liveness probe restarts it`() throws {
            let bench = try AgentBench()
            let key = bench.pod(
                "web",
                [
                    "command": ["/bin/sh", "-c", "rm -f sick; touch up; while :; do sleep 0.02; done"],
                    "lifecycle": ["postStart": ["exec": ["command": ["/bin/sh", "-c", "echo $POD_NAME > started"]]]],
                    "readinessProbe": ["exec": ["command": ["/bin/sh", "-c", "test -f up && test -f started"]]],
                    "livenessProbe": [
                        "exec": ["command": ["/usr/bin/test", "!", "-f", "sick"]], "periodSeconds": 1, "failureThreshold": 1,
                    ],
                ])
            #expect(bench.wait(key) { $0.isReady })
            let directory = PodPaths(bench.configuration, uid: bench.uid("web")).root
            #expect((try? String(contentsOfFile: directory + "/started", encoding: .utf8)) == "web\n")
            _ = FileManager.default.createFile(atPath: directory + "/sick", contents: nil)
            #expect(bench.wait(key) { ($0.main["restartCount"].int ?? 0) >= 1 && $0.isReady })
            #expect(
                bench.loop.runUntil(within: patience) {
                    bench.api.objects.contains { $0.key.type == .events && $0.value["reason"] == "Unhealthy" }
                })
        }

        @Test func `what a finished pod printed is read through the next agent, too`() throws {
            let bench = try AgentBench()
            let key = bench.pod("job", ["command": ["/bin/echo", "result 42"]]) { $0["spec"]["restartPolicy"] = "Never" }
            #expect(bench.wait(key) { $0["phase"] == "Succeeded" })
            try bench.restartAgent()
            #expect(bench.wait(bench.pod("other", sleeper)) { $0.isReady })
            #expect(bench.log(key) == "result 42\n")
            #expect(bench.log(key, "follow=true") == "result 42\n")
        }

        @Test func `who follows the log of a program has all of it when the program has ended`() throws {
            let bench = try AgentBench()
            let key = bench.pod("job", ["command": ["/bin/sh", "-c", "echo begun; until [ -e go ]; do sleep 0.01; done; echo done"]]) {
                $0["spec"]["restartPolicy"] = "Never"
            }
            #expect(bench.wait(key) { $0.isReady })
            let go = PodPaths(bench.configuration, uid: bench.uid("job")).root + "/go"
            bench.loop.later { _ = FileManager.default.createFile(atPath: go, contents: nil) }
            #expect(bench.log(key, "follow=true") == "begun\ndone\n")
            #expect(bench.log(key, "follow=true") == "begun\ndone\n")
        }

        @Test func `a liveness probe that cannot be asked restarts nothing`() throws {
            let bench = try AgentBench()
            let probe: Value = ["httpGet": ["port": "nope"], "periodSeconds": 1, "failureThreshold": 1]
            let key = bench.pod("web", ["command": ["/bin/sleep", "1000"], "livenessProbe": probe])
            #expect(
                bench.loop.runUntil(within: patience) {
                    bench.api.objects.contains {
                        $0.key.type == .events && $0.value["message"] == "Liveness probe errored: unknown port nope"
                    }
                })
            // Events do not wait for the lease, statuses do.
            #expect(bench.wait(key) { $0.isReady })
            #expect(bench.api[key]["status"].main["restartCount"] == 0)
        }

        @Test func `a probe may open its output by name`() throws {
            let bench = try AgentBench()
            let probe: Value = ["exec": ["command": ["/bin/sh", "-c", "echo fine > /dev/stdout && echo fine > /dev/stderr"]]]
            #expect(bench.wait(bench.pod("web", ["command": ["/bin/sleep", "1000"], "readinessProbe": probe])) { $0.isReady })
        }

        @Test func `a deleted pod whose finalizers keep it is not started again, and says that it has ended`() throws {
            let bench = try AgentBench()
            bench.api.keepsFinalized = true
            let key = bench.pod("web", ["command": ["/bin/sh", "-c", "echo x >> started; exec sleep 1000"]]) {
                $0["metadata"]["finalizers"] = ["example.com/x"]
            }
            #expect(bench.wait(key) { $0.isReady })
            let uid = bench.uid("web")
            bench.delete(key)
            #expect(bench.wait(key) { $0["phase"] == "Failed" && !$0.isReady })
            try bench.restartAgent()
            let other = bench.pod("other", sleeper)
            #expect(bench.wait(other) { $0.isReady })
            #expect(bench.api[key]["status"]["phase"] == "Failed")
            #expect(!Files.exists(PodPaths(bench.configuration, uid: uid).root))
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

        @Test func `a hundred pods run, each at an address of its own, and all of them go`() throws {
            let bench = try AgentBench()
            let keys = (0..<100).map { bench.pod("p\($0)", sleeper) }
            #expect(bench.loop.runUntil(within: patience) { keys.allSatisfy { bench.api[$0]["status"].isReady } })
            #expect(Set(keys.map { bench.api[$0]["status"]["podIP"].string }).count == 100)
            // One write each: what happens in one turn is told once.
            #expect(bench.api.writes.filter { $0 == "patch pods/status" }.count <= 110)
            for key in keys { bench.delete(key) }
            #expect(bench.loop.runUntil(within: patience) { keys.allSatisfy { bench.api[$0].isNull } })
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
            #expect(bench.loop.runUntil(within: patience) { bench.log(key) == "65534\n\(directory)\n" }, "\(bench.log(key))")
            #expect(bench.loop.runUntil(within: patience) { FileManager.default.fileExists(atPath: directory + "/mine") })
        }

        @Test(.enabled(if: Ownership.isRoot, "users are changed by root only"))
        func `a program of another user may use its directory, and not put aside what the agent has there`() throws {
            let bench = try AgentBench()
            let key = bench.pod(
                "web",
                [
                    "command": [
                        "/bin/sh", "-c",
                        "touch mine && [ -d root ] && ! mv root theirs && ! mv volumes theirs && touch done; exec sleep 1000",
                    ],
                    "securityContext": ["runAsUser": 65534],
                    "readinessProbe": ["exec": ["command": ["/usr/bin/test", "-f", "done"]]],
                ]
            ) { $0["spec"]["volumes"] = [["name": "work", "emptyDir": [:]]] }
            #expect(bench.wait(key) { $0.isReady })
        }

        @Test func `the proxies hear of an end before the server does, and not of one that was asked for`() throws {
            let bench = try AgentBench()
            let key = bench.pod("web", sleeper)
            #expect(bench.wait(key) { $0.isReady })
            try strike(bench.api[key]["status"].pid)
            #expect(bench.wait(key) { $0.main["restartCount"] == 1 && $0.isReady })
            #expect(bench.hints.all.map(\.address) == ["127.99.0.1"])
            #expect(bench.hints.all.first?.objects[key]?["status"].isReady == true)
            bench.delete(key)
            #expect(bench.loop.runUntil(within: patience) { bench.api[key].isNull })
            #expect(bench.hints.all.count == 1)
        }
    }
}
