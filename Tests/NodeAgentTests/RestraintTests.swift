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
        @Test func `when every instance fails its liveness probe alike, one is restarted, and the others go on serving`() throws {
            let bench = try AgentBench()
            let sick = NSTemporaryDirectory() + "steady-sick-\(UUID().uuidString)"
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
    }
}
