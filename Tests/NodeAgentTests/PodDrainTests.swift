import Formats
import Foundation
import Linux
import Resources
import Testing
import Timing

@testable import NodeAgent

extension AgentTests {
    /// How a pod ends: withdrawn first, then terminated, and nothing of it is left.
    @Suite(.serialized) struct PodDrainTests {
        @Test func `a deleted pod is withdrawn before it is terminated, and removed when its last process is gone`() throws {
            let bench = try AgentBench()
            bench.api.put(["metadata": ["name": "p1"], "status": ["routeRevision": "5", "endpoints": []]], .proxyStatuses)
            let key = bench.pod(
                "web", ["command": ["/bin/sh", "-c", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.02; done"]])
            #expect(bench.wait(key) { $0.isReady })
            let pid = bench.api[key]["status"].pid
            #expect(bench.loop.runUntil(within: patience) { bench.log(key) == "up\n" })
            bench.delete(key, withdrawnAt: "900")
            // The proxy has not acknowledged yet, then it has but with an exchange open.
            bench.loop.runUntil(within: .milliseconds(100)) { !isAlive(pid) }
            #expect(isAlive(pid))
            let busy: Value = ["routeRevision": "900", "endpoints": [["address": "127.99.0.1:8080", "activeExchanges": 1]]]
            bench.api.put(["metadata": ["name": "p1"], "status": busy], .proxyStatuses)
            bench.loop.runUntil(within: .milliseconds(100)) { !isAlive(pid) }
            #expect(isAlive(pid))
            bench.api.put(["metadata": ["name": "p1"], "status": ["routeRevision": "901", "endpoints": []]], .proxyStatuses)
            #expect(bench.loop.runUntil(within: patience) { bench.api[key].isNull })
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
            #expect(bench.loop.runUntil(within: patience) { bench.api[key].isNull })
        }

        @Test func `of two proxies one that has not been heard of again keeps a drain, until up names it no more`() throws {
            let bench = try AgentBench(proxyCount: 1)
            bench.agent.live(proxies: ["p1", "p2"])
            func acknowledge(_ proxy: String, _ revision: String) {
                bench.api.put(
                    ["metadata": ["name": .string(proxy)], "status": ["routeRevision": .string(revision), "endpoints": []]], .proxyStatuses)
            }
            let keys = [bench.pod("first", sleeper), bench.pod("second", sleeper)]
            for key in keys { #expect(bench.wait(key) { $0.isReady }) }
            let pids = keys.map { bench.api[$0]["status"].pid }
            // As after a death of the server: the first to report again is not all.
            acknowledge("p1", "900")
            bench.delete(keys[0], withdrawnAt: "900")
            bench.loop.runUntil(within: .milliseconds(100)) { !isAlive(pids[0]) }
            #expect(isAlive(pids[0]))
            acknowledge("p2", "899")
            bench.loop.runUntil(within: .milliseconds(100)) { !isAlive(pids[0]) }
            #expect(isAlive(pids[0]))
            acknowledge("p2", "900")
            #expect(bench.loop.runUntil(within: patience) { bench.api[keys[0]].isNull })
            // The first has ended, and taken its word away.
            bench.api.remove(ObjectKey(.proxyStatuses, name: "p1"))
            acknowledge("p2", "950")
            bench.delete(keys[1], withdrawnAt: "950")
            bench.loop.runUntil(within: .milliseconds(100)) { !isAlive(pids[1]) }
            #expect(isAlive(pids[1]))
            bench.agent.live(proxies: ["p2"])
            #expect(bench.loop.runUntil(within: patience) { bench.api[keys[1]].isNull })
        }

        @Test func `a pod that no Service ever listed is terminated at once`() throws {
            let bench = try AgentBench(proxyCount: 1)
            let key = bench.pod("web", sleeper)
            #expect(bench.wait(key) { $0.isReady })
            bench.delete(key, withdrawnAt: "0")
            #expect(bench.loop.runUntil(within: patience) { bench.api[key].isNull })
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
                bench.loop.runUntil(within: patience) {
                    ["first", "second", "main"].allSatisfy { FileManager.default.fileExists(atPath: work + $0) }
                })
            bench.delete(key)
            #expect(bench.loop.runUntil(within: patience) { bench.api[key].isNull })
            let told = (try? String(contentsOfFile: outcome, encoding: .utf8)) ?? ""
            #expect(told == "main\nsecond\nfirst\n")
        }

        @Test func `no grandchild is left: what fled into its own session goes with its pod`() throws {
            let bench = try AgentBench(reapsOrphans: true)
            let key = bench.pod("web", ["command": ["/bin/sh", "-c", "setsid sh -c 'setsid sleep 1000 & echo $!; wait' & sleep 1000"]])
            #expect(bench.wait(key) { $0.isReady })
            var grandchild: Int32 = 0
            #expect(
                bench.loop.runUntil(within: patience) {
                    grandchild = Int32(bench.log(key).split(separator: "\n").first ?? "") ?? 0
                    return grandchild > 1
                })
            #expect(isAlive(grandchild))
            bench.delete(key)
            #expect(bench.loop.runUntil(within: patience) { bench.api[key].isNull })
            #expect(bench.loop.runUntil(within: patience) { !isAlive(grandchild) })
        }

        @Test func `when a node fails, nothing of it is left: not what hid from its agent, nor its control groups`() throws {
            let bench = try AgentBench()
            guard Leftovers.group(of: bench.configuration.nodeDirectory) != nil else {
                return print("no control group may be written here")
            }
            let script = "env -i /usr/bin/setsid /bin/sh -c 'echo $$$$; exec /bin/sleep 1000' & exec sleep 1000"
            let keys = (0..<3).map { bench.pod("p\($0)", ["command": ["/bin/sh", "-c", .string(script)]]) }
            var hidden: [Int32] = []
            #expect(
                bench.loop.runUntil(within: patience) {
                    hidden = keys.compactMap { Int32(bench.log($0).split(separator: "\n").first ?? "") }
                    return hidden.count == 3
                })
            let group = try #require(Leftovers.group(of: bench.configuration.nodeDirectory))
            bench.agent.close()
            #expect(hidden.allSatisfy(isAlive) && group.exists)
            bench.killLeftovers()
            for pid in hidden { waitpid(pid, nil, 0) }
            #expect(!hidden.contains(where: isAlive))
            #expect(!group.exists)
            try bench.restartAgent()
            for key in keys { #expect(bench.wait(key) { $0.main["restartCount"] == 1 && $0.isReady }) }
        }

        @Test func `all of a grace period is given by an agent that was there, and what is left of it by one that comes later`() {
            let asked = Timestamp(nanosecondsSince1970: 1_000_900_000_000)
            let until = Timestamp(nanosecondsSince1970: 1_001_000_000_000)
            #expect(PodDriver.graceLeft(.seconds(1), until: until, isStart: false, at: asked) == .seconds(1))
            #expect(PodDriver.graceLeft(.seconds(1), until: until, isStart: true, at: asked) == .milliseconds(100))
            #expect(PodDriver.graceLeft(.seconds(1), until: asked, isStart: true, at: until) == .seconds(1))
        }
    }
}
