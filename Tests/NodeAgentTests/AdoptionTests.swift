import Formats
import Foundation
import Linux
import Testing

@testable import NodeAgent

extension AgentTests {
    /// What an agent finds when it starts: what runs goes on, what died is told.
    @Suite(.serialized) struct AdoptionTests {
        @Test func `another agent takes over what runs, without a restart, and sees its end`() throws {
            let bench = try AgentBench()
            let key = bench.pod("web", sleeper)
            #expect(bench.wait(key) { $0.isReady })
            let pid = bench.api[key]["status"].pid
            try bench.restartAgent()
            bench.loop.runUntil(within: .milliseconds(200)) { false }
            #expect(isAlive(pid) && bench.api[key]["status"].pid == pid && bench.api[key]["status"].main["restartCount"] == 0)
            try strike(pid)
            #expect(bench.wait(key) { $0.main["restartCount"] == 1 && $0.isReady })
            #expect(bench.api[key]["status"].main["lastState"]["terminated"]["reason"] == "Error")
        }

        @Test func `what died while no agent was there is restarted, and its end is unknown`() throws {
            let bench = try AgentBench()
            let key = bench.pod("web", sleeper)
            #expect(bench.wait(key) { $0.isReady })
            let pid = bench.api[key]["status"].pid
            bench.agent.close()
            try strike(pid)
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            try bench.restartAgent()
            #expect(bench.wait(key) { $0.main["restartCount"] == 1 && $0.isReady })
            let last = bench.api[key]["status"].main["lastState"]["terminated"]
            #expect(last["reason"] == "ContainerStatusUnknown" && last["exitCode"] == 137)
        }

        @Test func `a pod with a deadline is ended at it by whichever agent there is, and has failed`() throws {
            let bench = try AgentBench()
            let key = bench.pod("web", sleeper)
            #expect(bench.wait(key) { $0.isReady })
            let pid = bench.api[key]["status"].pid
            bench.agent.close()
            var limited = bench.api[key]
            limited["spec"]["activeDeadlineSeconds"] = 1
            bench.api.put(limited, .pods)
            try bench.restartAgent()
            #expect(bench.wait(key) { $0["phase"] == "Failed" && $0["reason"] == "DeadlineExceeded" })
            #expect(!isAlive(pid))
            bench.delete(key)
            #expect(bench.loop.runUntil(within: patience) { bench.api[key].isNull })
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
            try strike(bench.api[first]["status"].pid)
            #expect(bench.wait(first) { $0.main["restartCount"] == 1 && $0.isReady })
            let second = bench.pod("second", sleeper)
            #expect(bench.wait(second) { $0.isReady })
        }
    }
}
