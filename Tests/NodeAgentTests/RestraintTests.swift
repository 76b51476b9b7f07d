import Formats
import Foundation
import Linux
import Resources
import Testing
import Timing

@testable import NodeAgent

extension AgentTests {
    /// Restarts that would do more harm than good.
    @Suite(.serialized) struct RestraintTests {
        private let sick = NSTemporaryDirectory() + "steady-sick-\(UUID().uuidString)"

        /// A pod of the workload `web` whose liveness probe fails while the file is there.
        private func pod(_ name: String, _ bench: AgentBench) -> ObjectKey {
            bench.pod(
                name,
                [
                    "command": ["/bin/sh", "-c", "exec sleep 1000"],
                    "livenessProbe": [
                        "exec": ["command": ["/usr/bin/test", "!", "-f", .string(sick)]], "periodSeconds": 1, "failureThreshold": 1,
                    ],
                ]
            ) { pod in
                pod["metadata"]["ownerReferences"] = [
                    ["apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "set-1", "controller": true]
                ]
            }
        }

        private func held(_ bench: AgentBench, _ key: ObjectKey) -> Value {
            bench.api[key]["status"]["conditions"].elements.first { $0["type"].string == Condition.restartHeldBack } ?? .null
        }

        @Test func `what the server does not permit is held back and said, and done when it does`() throws {
            let bench = try AgentBench()
            defer { try? FileManager.default.removeItem(atPath: sick) }
            let key = pod("web-1", bench)
            var isPermitted = false
            var asked: [ObjectKey] = []
            bench.api.leave = { key in
                asked.append(key)
                let success: Value = ["kind": "Status", "status": "Success", "reason": "Permitted"]
                if isPermitted { return .success(Reply(.status(success))) }
                let cause = StatusError.Cause(reason: "DisruptionBudget", message: "the budget is spent", field: "")
                return .failure(
                    StatusError(
                        code: 429, reason: "TooManyRequests", message: "no",
                        details: StatusError.Details(name: "", group: "", kind: "", causes: [cause])))
            }
            #expect(bench.wait(key) { $0.isReady })
            _ = FileManager.default.createFile(atPath: sick, contents: nil)
            #expect(bench.loop.runUntil(within: patience) { held(bench, key)["status"] == "True" && asked.count > 1 })
            #expect(
                held(bench, key)["message"] == "liveness probe of container main fails (command exited with 1), but the budget is spent")
            #expect(bench.api[key]["status"].isReady && bench.api[key]["status"].main["restartCount"] == 0)
            #expect(Set(asked) == [key])
            isPermitted = true
            #expect(bench.wait(key) { $0.main["restartCount"].int ?? 0 > 0 })
            try FileManager.default.removeItem(atPath: sick)
            #expect(bench.loop.runUntil(within: patience) { held(bench, key)["status"] == "False" && bench.api[key]["status"].isReady })
        }

        @Test func `one success of the probe ends what is held back`() throws {
            let bench = try AgentBench()
            defer { try? FileManager.default.removeItem(atPath: sick) }
            let key = pod("web-1", bench)
            bench.api.leave = { _ in .success(Reply(.status(["kind": "Status", "status": "Success", "reason": "ReplacedFirst"]))) }
            #expect(bench.wait(key) { $0.isReady })
            _ = FileManager.default.createFile(atPath: sick, contents: nil)
            #expect(bench.loop.runUntil(within: patience) { held(bench, key)["status"] == "True" })
            #expect(held(bench, key)["message"].string?.contains("a replacement is made first") == true)
            try FileManager.default.removeItem(atPath: sick)
            #expect(bench.loop.runUntil(within: patience) { held(bench, key)["status"] == "False" })
            #expect(bench.api[key]["status"].main["restartCount"] == 0)
        }

        @Test func `a server that is away delays no restart for long`() throws {
            let bench = try AgentBench()
            defer { try? FileManager.default.removeItem(atPath: sick) }
            let key = pod("web-1", bench)
            #expect(bench.wait(key) { $0.isReady })
            bench.api.isAway = true
            _ = FileManager.default.createFile(atPath: sick, contents: nil)
            let runs = bench.api[key]["status"].main["containerID"]
            #expect(bench.loop.runUntil(within: patience) { !isRunning(bench.api[key]["status"].pid) })
            bench.api.isAway = false
            #expect(bench.wait(key) { $0.main["containerID"] != runs && $0.main["restartCount"].int ?? 0 > 0 })
        }

        @Test func `when every instance fails its liveness probe alike, one is restarted, and the others go on serving`() throws {
            let bench = try AgentBench()
            defer { try? FileManager.default.removeItem(atPath: sick) }
            let keys = ["web-1", "web-2", "web-3"].map { name in
                bench.pod(
                    name,
                    [
                        "command": ["/bin/sh", "-c", "echo run >> runs; exec sleep 1000"],
                        // Ready in its first run, and in later ones only once the trouble is over: a restart does not help.
                        "readinessProbe": [
                            "exec": ["command": ["/bin/sh", "-c", .string("test $(wc -l < runs) = 1 || ! test -f \(sick)")]],
                            "periodSeconds": 1,
                        ],
                        "livenessProbe": [
                            "exec": ["command": ["/usr/bin/test", "!", "-f", .string(sick)]], "periodSeconds": 1, "failureThreshold": 1,
                        ],
                    ]
                ) { pod in
                    pod["metadata"]["ownerReferences"] = [
                        ["apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "set-1", "controller": true]
                    ]
                }
            }
            for key in keys { #expect(bench.wait(key) { $0.isReady }) }
            _ = FileManager.default.createFile(atPath: sick, contents: nil)
            func heldBack() -> Set<String> {
                Set(
                    bench.api.objects.filter { $0.key.type == .events && $0.value["reason"] == "LivenessHeldBack" }
                        .compactMap { $0.value["involvedObject"]["name"].string })
            }
            func restartedPods() -> [ObjectKey] { keys.filter { (bench.api[$0]["status"].main["restartCount"].int ?? 0) > 0 } }
            #expect(bench.loop.runUntil(within: patience) { heldBack().count == 2 && !restartedPods().isEmpty })
            let restarted = restartedPods()
            #expect(restarted.count == 1 && !heldBack().contains(restarted.first?.name ?? ""))
            for key in keys where key != restarted.first { #expect(bench.api[key]["status"].isReady) }
            try FileManager.default.removeItem(atPath: sick)
            for key in keys { #expect(bench.wait(key, within: patience) { $0.isReady }) }
            for key in keys where key != restarted.first { #expect(bench.api[key]["status"].main["restartCount"] == 0) }
        }

        @Test func `on a starved machine what hangs is restarted, and what is only slow is not`() throws {
            let bench = try AgentBench()
            bench.agent.context.pressure = { 95 }
            func pod(_ name: String, probe: String) -> ObjectKey {
                bench.pod(
                    name,
                    [
                        "command": ["/bin/sleep", "1000"],
                        "livenessProbe": [
                            "exec": ["command": ["/bin/sh", "-c", .string(probe)]], "periodSeconds": 1, "timeoutSeconds": 1,
                            "failureThreshold": 1,
                        ],
                    ])
            }
            let hung = pod("hung", probe: "exec sleep 1000")
            let slow = pod("slow", probe: "exec sleep 1.2")
            for key in [hung, slow] { #expect(bench.wait(key) { $0.isReady }) }
            #expect(bench.wait(hung, within: patience) { $0.main["restartCount"] == 1 })
            func said(_ key: ObjectKey) -> [String] {
                bench.api.objects.filter {
                    $0.key.type == .events && $0.value["reason"] == "LivenessHeldBack"
                        && $0.value["involvedObject"]["name"].string == key.name
                }.compactMap { $0.value["message"].string }
            }
            #expect(
                bench.loop.runUntil(within: patience) { said(slow).contains { $0.contains("95 % of the time, and it answered after 1.") } })
            #expect(!said(hung).contains { $0.contains("answered after") })
            #expect(bench.api[slow]["status"].main["restartCount"] == 0 && bench.api[slow]["status"].isReady)
        }
    }
}
