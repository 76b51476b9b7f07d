import Formats
import Foundation
import Linux
import Resources
import Testing

@testable import NodeAgent

extension AgentTests {
    /// Whose programs may listen at a pod's address.
    @Suite(.serialized, .enabled(if: Stranger.isPossible, Comment(rawValue: Stranger.reason))) struct ListenerTests {
        private static let probe: Value = ["tcpSocket": ["port": 8080], "periodSeconds": 1]

        @Test(arguments: [probe, ["httpGet": ["path": "/", "port": 8080], "periodSeconds": 1]])
        func `a pod whose address a stranger holds is not Ready, whatever the stranger answers`(probe: Value) throws {
            let bench = try AgentBench()
            let key = bench.pod("web", ["command": ["/bin/sleep", "1000"], "readinessProbe": probe])
            #expect(bench.wait(key) { !$0.main["state"]["running"].isNull })
            let address = try #require(IPv4Address(bench.api[key]["status"]["podIP"].string ?? ""))
            let listener = try Stranger.acting { try Sockets.listen(tcp: .ipv4(address, port: 8080)) }
            var answered = 0
            let watch = try bench.loop.watch(listener, .read) { _ in
                guard let (connection, _) = try? Sockets.accept(listener) else { return }
                answered += 1
                let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".utf8)
                _ = write(connection, answer, answer.count)
                Sockets.close(connection)
            }
            let refusal = "is held by a program of user \(Stranger.user), not of the pod's (0)"
            #expect(
                bench.loop.runUntil(within: patience) {
                    bench.api.objects.contains {
                        $0.key.type == .events && $0.value["reason"] == "Unhealthy" && ($0.value["message"].string ?? "").contains(refusal)
                    }
                })
            #expect(answered > 0)
            #expect(!bench.api[key]["status"].isReady)
            watch.cancel()
            Sockets.close(listener)
        }

        @Test func `a status says as whom a container runs and who may listen for it`() throws {
            let bench = try AgentBench()
            let key = bench.pod("web", sleeper) { $0["spec"]["securityContext"] = ["runAsUser": 1234, "runAsGroup": 77] }
            #expect(bench.wait(key) { $0.isReady })
            let user = bench.api[key]["status"].main["user"]
            #expect(user["linux"]["uid"] == 1234 && user["linux"]["gid"] == 77)
            #expect(user["listeners"] == [1234])
        }

        @Test func `a program that began as root and drops its rights is known by its binds, also to the next agent`() throws {
            let bench = try AgentBench()
            let script = """
                import os, socket
                os.setgid(65534); os.setuid(65534)
                server = socket.create_server(("", 8080))
                while True: server.accept()[0].close()
                """
            let key = bench.pod(
                "web", ["command": ["python3", "-c", .string(script)], "readinessProbe": Self.probe])
            #expect(bench.wait(key) { $0.isReady })
            let expected: Value = [0, 65534]
            #expect(bench.wait(key) { $0.main["user"]["listeners"] == expected })
            try bench.restartAgent()
            bench.loop.runUntil(within: .milliseconds(200)) { false }
            #expect(bench.api[key]["status"].main["user"]["listeners"] == expected)
            #expect(bench.api[key]["status"].isReady)
        }
    }
}
