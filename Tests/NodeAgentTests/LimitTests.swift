import Formats
import Foundation
import Linux
import Resources
import Testing
import Timing

@testable import NodeAgent

/// What a container may take, and what becomes of what it hides.
@Suite(.serialized) struct LimitTests {
    /// As an agent looks for it.
    private static func isLimitable(_ controller: String) -> Bool {
        let name = "steady-limitable-\(getpid())"
        let group = ControlGroup.below(own: name)
        defer { group?.remove() }
        return LimitTree.find(controller, name: name, unified: group) != nil
    }

    @Test(.enabled(if: isLimitable("memory"), "no control group with memory may be written here"))
    func `a container that takes more memory than its limit is OOMKilled, and its neighbour lives`() throws {
        let bench = try AgentBench()
        let neighbour = bench.pod("calm", ["command": ["/bin/sleep", "1000"], "resources": ["limits": ["memory": "32Mi"]]])
        #expect(bench.wait(neighbour) { $0.isReady })
        let key = bench.pod(
            "greedy",
            [
                "command": ["/bin/sh", "-c", "exec python3 -c 'x = bytearray(200 << 20); print(len(x))'"],
                "resources": ["limits": ["memory": "32Mi"]],
            ]
        ) { $0["spec"]["restartPolicy"] = "Never" }
        #expect(bench.wait(key) { !$0.main["state"]["terminated"].isNull })
        let end = bench.api[key]["status"].main["state"]["terminated"]
        #expect(end["reason"] == "OOMKilled" && end["exitCode"] == 137)
        #expect(bench.api[neighbour]["status"].isReady)
    }

    @Test func `where no control group may be written a process is held to its memory by itself, and what is not enforced is said`() throws
    {
        let bench = try AgentBench(usesControlGroups: false)
        let key = bench.pod(
            "greedy",
            [
                "command": ["/bin/sh", "-c", "exec python3 -c 'x = bytearray(200 << 20); print(len(x))'"],
                "resources": ["limits": ["memory": "64Mi", "cpu": "500m"]],
            ]
        ) { $0["spec"]["restartPolicy"] = "Never" }
        #expect(bench.wait(key) { $0.main["state"]["terminated"]["exitCode"] == 1 })
        #expect(
            bench.loop.runUntil(within: .seconds(10)) {
                bench.api.objects.contains {
                    $0.key.type == .events && $0.value["reason"] == "LimitsNotEnforced"
                        && ($0.value["message"].string ?? "").contains("cpu")
                }
            })
    }

    /// Says how many children it could make before the kernel refused, and keeps them.
    private static let bomb = """
        import os, sys, time
        made = 0
        while made < 100:
            try: pid = os.fork()
            except OSError: break
            if pid == 0: time.sleep(1000)
            made += 1
        print("made", made, flush=True)
        time.sleep(1000)
        """

    @Test(.enabled(if: isLimitable("pids"), "no control group with pids may be written here"))
    func `a program that multiplies is stopped at its limit, and its neighbour, which names none, lives and has one as well`() throws {
        let bench = try AgentBench()
        let neighbour = bench.pod("calm", sleeper)
        #expect(bench.wait(neighbour) { $0.isReady })
        let limited = bench.pod(
            "few", ["command": ["python3", "-c", .string(Self.bomb)], "resources": ["limits": ["steady.dev/pids": "20"]]])
        #expect(bench.loop.runUntil(within: patience) { bench.log(limited).contains("made 19") })
        // Of its group where entering one costs nothing, else of its user.
        let pid = bench.api[neighbour]["status"].pid
        let groups = try Files.text("/proc/\(pid)/cgroup").split(separator: "\n").map {
            $0.split(separator: ":", omittingEmptySubsequences: false)
        }
        let maximum = groups.compactMap { fields -> String? in
            let tree = fields[1] == "pids" ? "/sys/fs/cgroup/pids" : fields[0] == "0" ? "/sys/fs/cgroup" : "/none"
            return try? Files.text("\(tree)\(fields[2])/pids.max")
        }
        let ofUser = try Files.text("/proc/\(pid)/limits").split(separator: "\n").first { $0.hasPrefix("Max processes") } ?? ""
        let half = Limits.processes.map { ofUser.contains(" \($0 / 2) ") }
        #expect(maximum.contains("4096\n") || half == true, "\(maximum), \(ofUser)")
        #expect(bench.api[neighbour]["status"].isReady && bench.api[neighbour]["status"].main["restartCount"] == 0)
        bench.delete(limited, grace: 1)
        #expect(bench.loop.runUntil(within: patience) { bench.api[limited].isNull })
    }

    @Test func `no container gains rights by a file that it executes`() throws {
        let bench = try AgentBench()
        let key = bench.pod("web", ["command": ["/bin/sh", "-c", "grep NoNewPrivs /proc/self/status; exec sleep 1000"]]) {
            $0["spec"]["hostNetwork"] = true
        }
        #expect(bench.wait(key) { $0.isReady })
        #expect(bench.loop.runUntil(within: .seconds(5)) { bench.log(key).contains("NoNewPrivs:\t1") })
    }

    @Test func `without control groups a grandchild that cleared its environment and left its session goes with its pod`() throws {
        let bench = try AgentBench(reapsOrphans: true, usesControlGroups: false)
        let key = bench.pod("web", ["command": ["/bin/sh", "-c", "(setsid env -i sleep 1000 & echo $!); exec sleep 1000"]])
        #expect(bench.wait(key) { $0.isReady })
        var grandchild: Int32 = 0
        #expect(
            bench.loop.runUntil(within: .seconds(5)) {
                grandchild = Int32(bench.log(key).split(separator: "\n").first ?? "") ?? 0
                return grandchild > 1
            })
        #expect(isAlive(grandchild))
        bench.delete(key)
        #expect(bench.loop.runUntil(within: .seconds(10)) { bench.api[key].isNull })
        #expect(bench.loop.runUntil(within: .seconds(2)) { !isAlive(grandchild) })
    }
}
