import Formats
import Foundation
import Testing

@testable import NodeAgent

extension AgentTests {
    /// The containers of a pod share a loopback address.
    @Suite(.serialized) struct LoopbackTests {
        /// Answers one byte to whoever connects to 127.0.0.1:7070.
        private var server: Value {
            [
                "name": "server",
                "command": [
                    "python3", "-c",
                    """
                    import socket
                    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('127.0.0.1', 7070)); s.listen()
                    while True:
                        c, peer = s.accept(); c.sendall(peer[0].encode()); c.close()
                    """,
                ],
            ]
        }
        /// Prints what each way to the server says, and what a port of nobody does.
        private var client: Value {
            [
                "name": "main",
                "command": [
                    "python3", "-u", "-c",
                    """
                    import socket, time
                    def ask(family, host):
                        while True:
                            s = socket.socket(family)
                            if s.connect_ex((host, 7070)) == 0: return s.recv(99).decode()
                            time.sleep(0.01)
                    print(ask(socket.AF_INET, '127.0.0.1'), ask(socket.AF_INET6, '::1'), socket.socket().connect_ex(('127.0.0.1', 1)))
                    time.sleep(1000)
                    """,
                ],
            ]
        }

        @Test func `containers of a pod meet on 127.0.0.1, each replica for itself, and come from the pod's address`() throws {
            let bench = try AgentBench()
            let keys = ["one", "two"].map { name in
                bench.pod(name, client) { $0["spec"]["containers"] = .array([server, client]) }
            }
            for key in keys {
                #expect(bench.wait(key) { $0.isReady })
                let address = bench.api[key]["status"]["podIP"].string ?? ""
                let printed = bench.loop.runUntil(within: patience) { bench.log(key).contains("\n") }
                #expect(printed)
                // 111 is ECONNREFUSED: what the pod does not have is looked for on the machine.
                #expect(bench.log(key) == "\(address) \(address) 111\n")
            }
        }

        @Test func `a command beside a single container reaches its server on localhost`() throws {
            let bench = try AgentBench()
            var alone = server
            alone["name"] = "main"
            alone["readinessProbe"] = [
                "exec": ["command": ["python3", "-c", "import socket; socket.create_connection(('localhost', 7070), 1)"]],
                "timeoutSeconds": 5,
            ]
            let key = bench.pod("alone", alone)
            #expect(bench.wait(key) { $0.isReady })
        }
    }
}
