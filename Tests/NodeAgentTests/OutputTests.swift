import Formats
import Foundation
import Linux
import Testing

@testable import NodeAgent

extension AgentTests {
    /// What programs print is kept, whoever reads it.
    @Suite(.serialized) struct OutputTests {
        @Test func `logs have times, tails, and the run before`() throws {
            let bench = try AgentBench()
            let key = bench.pod("web", ["command": ["/bin/sh", "-c", "echo one; echo two; echo three; while :; do sleep 0.02; done"]])
            #expect(bench.loop.runUntil(within: patience) { bench.log(key) == "one\ntwo\nthree\n" })
            #expect(bench.log(key, "tailLines=2") == "two\nthree\n")
            #expect(bench.log(key, "limitBytes=5") == "one\nt")
            #expect(bench.log(key, "timestamps=true&tailLines=1").contains("Z three\n"))
            #expect(bench.log(key, "previous=true").contains("previous terminated container"))
            #expect(bench.wait(key) { $0.isReady })
            try strike(bench.api[key]["status"].pid)
            #expect(bench.wait(key) { $0.main["restartCount"] == 1 && $0.isReady })
            #expect(bench.log(key, "previous=true") == "one\ntwo\nthree\n")
        }

        @Test func `a program whose output cannot be watched is not started, and is once it can`() throws {
            let bench = try AgentBench()
            let pipe = PodPaths(bench.configuration, uid: bench.uid("web")).output("main")
            try Files.makeDirectories(String(pipe.prefix(upTo: pipe.lastIndex(of: "/") ?? pipe.endIndex)))
            _ = FileManager.default.createFile(atPath: pipe, contents: nil)
            let key = bench.pod("web", ["command": ["/bin/sh", "-c", "echo one; while :; do sleep 0.02; done"]])
            #expect(bench.wait(key) { $0.main["state"]["waiting"]["reason"] == "CreateContainerError" })
            try FileManager.default.removeItem(atPath: pipe)
            #expect(bench.loop.runUntil(within: patience) { bench.log(key) == "one\n" })
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
                bench.loop.runUntil(within: patience) {
                    if Files.exists(root + "/done") { return true }
                    bench.loop.schedule(after: .milliseconds(2)) {}
                    return false
                })
            // The next agent takes the pod over while the drain still reads it.
            bench.takeOutput = { pod, done in
                if let pod { drain.leave(pod: pod) } else { drain.end() }
                done()
            }
            try bench.restartAgent()
            #expect(bench.wait(key) { $0.isReady })
            let expected = (1...20_000).map { "\($0)\n" }.joined()
            #expect(bench.loop.runUntil(within: patience) { bench.log(key) == expected })
            #expect(!Files.exists(PodPaths(bench.configuration, uid: bench.uid("chatty")).spill("main")))
        }
    }
}
