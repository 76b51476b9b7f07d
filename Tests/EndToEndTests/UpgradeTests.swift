import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

extension Siege {
    /// A copy of the program under test that differs by nothing but its version.
    func release(_ version: String) throws -> String {
        let path = instance.directory + "/steady-" + version
        var bytes = try Data(contentsOf: URL(fileURLWithPath: instance.directory + "/steady"))
        let found = Data("steady version 0.1.0".utf8)
        let other = Data("steady version \(version)".utf8)
        try #require(found.count == other.count)
        var count = 0
        while let range = bytes.range(of: found) {
            bytes.replaceSubrange(range, with: other)
            count += 1
        }
        try #require(count > 0)
        try bytes.write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return path
    }

    /// A program that says of itself what a steady of before identities were told says, and does something else as `up`.
    func impostor(_ script: String) throws -> String {
        let path = instance.directory + "/impostor"
        let formats = #"\#(try release("0.1.7")) formats | sed 's/"identity":"[^"]*",*//'"#
        try instance.write("#!/bin/sh\n[ \"$1\" = formats ] && { \(formats); exit; }\n\(script)\n", to: path)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return path
    }

    /// The program file that a process runs.
    func program(of pid: Int32) -> String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")) ?? ""
    }

    /// The port of the API on TCP.
    var apiPort: Int {
        let text = (try? String(contentsOfFile: instance.dataDirectory + "/api.address", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").first?.split(separator: ":").last.flatMap { Int($0) } ?? 0
    }

    private var roleNames: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: instance.dataDirectory + "/roles")) ?? []
        return names.filter { $0.hasSuffix(".lock") }.map { String($0.dropLast(5)) }
    }

    /// The programs that `up` and the living roles run.
    var programs: Set<String> { Set((["up"] + roleNames).map { pid(of: $0) }.filter { Glibc.kill($0, 0) == 0 }.map(program)) }

    /// Whatever was tried, everything runs one program again, nobody noticed, and nothing of the pods was touched.
    func expectUntouched(_ before: [Replica], line: Int = #line) throws {
        try flow()
        #expect(try replicas() == before, "line \(line)")
        // At its own place or where it was kept.
        let places = [instance.directory + "/steady", instance.dataDirectory + "/programs/steady-0.1.0-"]
        try wait("everything runs the old program", line: line) {
            programs.allSatisfy { $0 == places[0] || $0.hasPrefix(places[1]) }
        }
        try end(line: line)
    }
}

/// Asks the API again and again, over a connection for each request.
private final class APILoad: @unchecked Sendable {
    private let condition = NSCondition()
    private var isStopping = false
    private var isOver = false
    private var count = 0
    private var failures: [String] = []

    init(port: Int) {
        Thread.detachNewThread { [self] in
            while !condition.withLock({ isStopping }) {
                do {
                    _ = try HandRequest.once(port: port, path: "/api/v1/namespaces/default/services/web")
                    condition.withLock { count += 1 }
                } catch {
                    condition.withLock { failures.append("\(error)") }
                }
            }
            condition.withLock {
                isOver = true
                condition.broadcast()
            }
        }
    }

    func stop() -> (count: Int, failures: [String]) {
        condition.withLock {
            isStopping = true
            while !isOver { condition.wait() }
            return (count, failures)
        }
    }
}

extension Transcripts {
    /// The instance goes over to another program in place, and comes back by itself when that does not work: under constant load of four kinds.
    @Suite(.serialized) struct UpgradeTests {
        @Test func `An instance is upgraded, and goes back, without a failed request or a restarted process`() throws {
            let siege = try Siege()
            defer { siege.stop() }
            let before = try siege.replicas()
            let up = siege.pid(of: "up")
            let agents = ["a1", "b1", "c1"].map { siege.pid(of: "agent-\($0)") }
            let old = siege.program(of: up)
            let new = try siege.release("0.1.1")
            try siege.begin()
            let api = APILoad(port: siege.apiPort)
            defer { _ = api.stop() }

            var said = try siege.instance.steady("upgrade --binary \(new)")
            #expect(said.contains("goes over to steady 0.1.1") && said.contains("the instance runs steady 0.1.1"))
            try siege.flow(500)
            #expect(try siege.instance.steady("version").contains("server v1.33.0+steady.0.1.1"))
            try siege.wait("the old proxy has finished, and all runs the new program") { siege.programs == [new] }
            #expect(try siege.instance.steady("upgrade --binary \(new)").contains("nothing to do"))

            // The program at the old place may be another one by now: the one that ran was kept.
            try FileManager.default.removeItem(atPath: old)
            try FileManager.default.copyItem(atPath: new, toPath: old)
            said = try siege.instance.steady("upgrade --back")
            #expect(said.contains("the instance runs steady 0.1.0"))
            try siege.flow(500)
            #expect(try siege.instance.steady("version").contains("server v1.33.0+steady.0.1.0"))
            try siege.wait("all runs the old program") {
                siege.programs.count == 1 && siege.programs.allSatisfy { $0.contains("/programs/steady-0.1.0") }
            }
            try siege.end()
            let asked = api.stop()
            #expect(asked.count > 0 && asked.failures == [])

            #expect(try siege.replicas() == before)
            #expect(siege.pid(of: "up") == up)
            #expect(["a1", "b1", "c1"].map { siege.pid(of: "agent-\($0)") } == agents)
            // Who was upgraded twice still looks after what it started.
            try siege.begin()
            try siege.instance.steady("set image deployment/web main=replica:v2")
            try siege.settle(3)
            try siege.end()
        }

        @Test func `An agent that dies of the new program takes everything back to the old one`() throws {
            let siege = try Siege()
            defer { siege.stop() }
            let before = try siege.replicas()
            let new = try siege.release("0.1.2")
            try siege.begin()
            let upgrade = try siege.instance.start("upgrade --binary \(new)")
            #expect(upgrade.waitForOutput("agent-a1 runs steady 0.1.2"))
            // Each time it becomes the new program it dies.
            try siege.wait(within: 60, "the upgrade is given up") {
                let pid = siege.pid(of: "agent-b1")
                if pid > 1, siege.program(of: pid) == new { kill(pid, SIGKILL) }
                return siege.program(of: siege.pid(of: "up")).contains("/programs/steady-0.1.0")
            }
            let output = upgrade.finish()
            #expect(output.code == 1)
            #expect(output.text.contains("agent-b1 ended 3 times"), "\(output.text)")
            #expect(output.text.contains("the instance runs steady 0.1.0 again"), "\(output.text)")
            try siege.expectUntouched(before)
        }

        @Test func `A roll goes on through an upgrade, and a pod that ends on the way is seen by the agent that started it`() throws {
            let siege = try Siege(replicas: 4)
            defer { siege.stop() }
            try siege.begin()
            let new = try siege.release("0.1.4")
            try siege.instance.steady("set image deployment/web main=replica:v2")
            try siege.instance.steady("upgrade --binary \(new)")
            try siege.settle(4)
            try siege.instance.steady("rollout undo deployment/web")
            try siege.instance.steady("upgrade --back")
            try siege.settle(4)
            try siege.end()
            #expect(try siege.replicas().map(\.restartCount) == [0, 0, 0, 0])
            // By a signal that no agent sends: only its parent learns the code.
            let replica = try siege.replicas()[0]
            let upgrade = try siege.instance.start("upgrade --binary \(new)")
            #expect(upgrade.waitForOutput("agent-a1 runs steady 0.1.4"))
            #expect(kill(replica.pid, SIGUSR1) == 0)
            #expect(upgrade.finish().code == 0)
            try siege.instance.wait("its end is known") {
                let pod = try siege.instance.steady("get pod \(replica.name) -o json")
                return pod.contains("\"exitCode\": \(128 + SIGUSR1)")
            }
        }

        @Test func `The death of up in the midst of an upgrade takes everything back`() throws {
            let siege = try Siege()
            defer { siege.stop() }
            let before = try siege.replicas()
            let new = try siege.release("0.1.5")
            try siege.begin()
            for words in ["up runs steady 0.1.5", "agent-b1 runs steady 0.1.5", "proxy-2 runs steady 0.1.5"] {
                let upgrade = try siege.instance.start("upgrade --binary \(new)")
                #expect(upgrade.waitForOutput(words))
                try siege.kill("up")
                let output = upgrade.finish()
                #expect(output.code == 1 && output.text.contains("steady up 0.1.5 ended in the midst of the upgrade"), "\(output.text)")
                #expect(output.text.contains("the instance runs steady 0.1.0 again"), "\(output.text)")
            }
            try siege.expectUntouched(before)
        }

        @Test func `An agent that hangs is killed, and everything goes back`() throws {
            let siege = try Siege()
            defer { siege.stop() }
            let before = try siege.replicas()
            let new = try siege.release("0.1.3")
            try siege.begin()
            #expect(kill(siege.pid(of: "agent-c1"), SIGSTOP) == 0)
            let said = try siege.instance.steady("upgrade --binary \(new)", code: 1)
            #expect(said.contains("agent-c1 said nothing for 5 s"), "\(said)")
            try siege.expectUntouched(before)
        }

        @Test(arguments: ["exit 1", "exec sleep 1000"]) func `A program that fails as up, or hangs, is left again`(script: String) throws {
            let siege = try Siege()
            defer { siege.stop() }
            let before = try siege.replicas()
            try siege.begin()
            let said = try siege.instance.steady("upgrade --binary \(siege.impostor(script))", code: 1)
            #expect(said.contains("/impostor is a script: give the program that it starts"), "\(said)")
            #expect(said.contains("steady up 0.1.7 ended in the midst of the upgrade"), "\(said)")
            #expect(said.contains("the instance runs steady 0.1.0 again"), "\(said)")
            try siege.expectUntouched(before)
        }

        @Test func `An attempt that fails leaves the way back to what ran before the last upgrade that was done`() throws {
            let siege = try Siege(replicas: 1)
            defer { siege.stop() }
            let before = try siege.replicas()
            try siege.instance.steady("upgrade --binary \(siege.release("0.1.8"))")
            let said = try siege.instance.steady("upgrade --binary \(siege.impostor("exit 1"))", code: 1)
            #expect(said.contains("the instance runs steady 0.1.8 again"), "\(said)")
            #expect(try siege.instance.steady("upgrade --back").contains("the instance runs steady 0.1.0"))
            #expect(try siege.replicas() == before)
        }

        @Test func `A script that starts a steady is refused in favour of that, before anything is touched`() throws {
            let siege = try Siege(replicas: 1)
            defer { siege.stop() }
            let up = siege.pid(of: "up")
            let real = try siege.release("0.1.7")
            let script = siege.instance.directory + "/wrapper"
            try siege.instance.write("#!/bin/sh\nexec \(real) \"$@\"\n", to: script)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
            let said = try siege.instance.steady("upgrade --binary \(script)", code: 1)
            #expect(said.contains("is not steady itself, it starts") && said.contains("steady upgrade --binary \(real)"), "\(said)")
            #expect(siege.pid(of: "up") == up)
            #expect(try siege.instance.steady("upgrade --status").contains("the instance was not upgraded yet"))
        }

        @Test func `What is no steady, or too old or too new a one, is refused before anything is touched`() throws {
            let siege = try Siege(replicas: 1)
            defer { siege.stop() }
            let up = siege.pid(of: "up")
            func refusal(_ words: String) throws -> String { try siege.instance.steady("upgrade \(words)", code: 1) }
            #expect(try refusal("--binary /bin/false").contains("/bin/false is not a steady that an instance can be upgraded to"))
            #expect(try refusal("--binary /nowhere/steady").contains("/nowhere/steady is not a program that you may execute"))
            #expect(try refusal("--back").contains("there is nothing to go back to"))
            let path = siege.instance.directory + "/future"
            for (oldest, newest, writes, words) in [
                (2, 3, 3, "reads the journal's layout from format 2 on, and this instance writes format 1"),
                (1, 2, 2, "writes the journal's layout in format 2, which steady 0.1.0 cannot read: there would be no way back"),
                (0, 0, 0, "is older: it reads the journal's layout up to format 0, and this instance writes format 1"),
            ] {
                let format = #"{"name":"the journal's layout","oldest":\#(oldest),"newest":\#(newest),"writes":\#(writes)}"#
                try siege.instance.write("#!/bin/sh\ncat <<.\n{\"version\":\"0.9.9\",\"formats\":[\(format)]}\n.\n", to: path)
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
                #expect(try refusal("--binary \(path)").contains("not upgraded: steady 0.9.9 \(words)"))
            }
            #expect(siege.pid(of: "up") == up)
            #expect(try siege.instance.steady("upgrade --status").contains("the instance was not upgraded yet"))
        }
    }
}
