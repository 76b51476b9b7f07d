import Formats
import Foundation
import Linux
import Testing

@testable import NodeAgent

extension AgentTests {
    /// What a program finds: its environment and its volumes.
    @Suite(.serialized) struct PodSettingsTests {
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
            #expect(bench.loop.runUntil(within: patience) { bench.log(key) == expected }, "\(bench.log(key))")
            bench.api.put(["metadata": ["name": "settings", "namespace": "default"], "data": ["color": "blue"]], .configMaps)
            let file = PodPaths(bench.configuration, uid: bench.uid("web")).tree + "/etc/app/color"
            #expect(bench.loop.runUntil(within: patience) { (try? String(contentsOfFile: file, encoding: .utf8)) == "blue" })
        }

        @Test func `a missing ConfigMap keeps the pod waiting, says so, and lets it run when it comes`() throws {
            let bench = try AgentBench()
            let key = bench.pod("web", ["command": ["/bin/sleep", "1000"], "envFrom": [["configMapRef": ["name": "late"]]]])
            #expect(bench.wait(key) { $0.main["state"]["waiting"]["reason"] == "CreateContainerConfigError" })
            #expect(bench.api[key]["status"].main["state"]["waiting"]["message"] == "configmap \"late\" not found")
            bench.api.put(["metadata": ["name": "late", "namespace": "default"], "data": [:]], .configMaps)
            #expect(bench.wait(key, within: patience) { $0.isReady })
        }

        @Test func `files follow what changed while no agent was there, and nothing older stays`() throws {
            let bench = try AgentBench()
            bench.api.put(["metadata": ["name": "settings", "namespace": "default"], "data": ["color": "red"]], .configMaps)
            let key = bench.pod(
                "web", ["command": ["/bin/sleep", "1000"], "volumeMounts": [["name": "config", "mountPath": "/etc/app"]]]
            ) {
                $0["spec"]["volumes"] = [["name": "config", "configMap": ["name": "settings"]]]
            }
            #expect(bench.wait(key) { $0.isReady })
            let volume = PodPaths(bench.configuration, uid: bench.uid("web")).volume("config")
            try Files.makeDirectories(volume + "/..begun")
            bench.agent.close()
            bench.api.put(["metadata": ["name": "settings", "namespace": "default"], "data": ["color": "blue"]], .configMaps)
            try bench.restartAgent()
            #expect(bench.loop.runUntil(within: patience) { (try? Files.text(volume + "/color")) == "blue" })
            #expect(try Files.list(volume).count == 3)
            #expect(bench.api[key]["status"].main["restartCount"] == 0)
        }
    }
}
