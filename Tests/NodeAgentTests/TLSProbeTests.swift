import Formats
import Foundation
import Linux
import Resources
import Testing
import Timing

@testable import NodeAgent

extension AgentTests {
    /// `httpGet` with scheme HTTPS: the port has to begin a TLS handshake.
    @Suite(.serialized) struct TLSProbeTests {
        private static let openssl = "/usr/bin/openssl"
        private static let hasOpenSSL = FileManager.default.isExecutableFile(atPath: openssl)

        private let probe: Value = [
            "httpGet": ["path": "/healthz", "port": 8443, "scheme": "HTTPS"], "periodSeconds": 1, "timeoutSeconds": 2,
            "failureThreshold": 1,
        ]

        @Test(
            .enabled(if: hasOpenSSL, "openssl is not installed"),
            arguments: [
                ("ec -pkeyopt ec_paramgen_curve:prime256v1", "-tls1_3"), ("ec -pkeyopt ec_paramgen_curve:prime256v1", "-tls1_2"),
                ("rsa:2048", "-tls1_2"), ("rsa:2048", "-tls1_3 -curves P-384"),
            ])
        func `is answered by openssl's server, whatever its key and its version`(key: String, options: String) throws {
            let bench = try AgentBench()
            let script =
                "\(Self.openssl) req -x509 -nodes -newkey \(key) -keyout k -out c -subj /CN=web -days 1 2>/dev/null && "
                + "exec \(Self.openssl) s_server -accept $POD_IP:8443 -key k -cert c -quiet \(options)"
            let pod = bench.pod("tls", ["command": ["/bin/sh", "-c", .string(script)], "readinessProbe": probe])
            #expect(bench.wait(pod) { $0.isReady })
        }

        /// What a listener says to everybody, at once or after it has heard something, and what is told of it.
        @Test(
            arguments: [
                ("b'HTTP/1.1 400 Bad Request\\r\\n\\r\\n'", "the first record does not look like a TLS handshake"),
                ("bytes([21,3,3,0,2,2,40])", "the server refused with alert 40 (handshake failure)"),
                ("bytes([22,3,3,0,5,11,0,0,0,0])", "the first handshake message has type 11"), ("b''", "EOF"), ("None", "i/o timeout"),
            ])
        func `fails where something else listens, and says what it was answered`(answer: String, told: String) throws {
            let bench = try AgentBench()
            let script = """
                import os, socket, time
                listener = socket.create_server((os.environ['POD_IP'], 8443))
                kept = []
                while True:
                    peer, _ = listener.accept()
                    heard = peer.recv(4096)
                    assert heard[:3] in (b'', bytes([22, 3, 1])), heard
                    answer = \(answer)
                    if answer is None:
                        kept.append(peer)
                        continue
                    peer.sendall(answer)
                    peer.close()
                """
            let pod = bench.pod("odd", ["command": ["/usr/bin/env", "python3", "-c", .string(script)], "readinessProbe": probe])
            #expect(
                bench.loop.runUntil(within: patience) {
                    bench.api.objects.contains {
                        $0.key.type == .events && $0.value["reason"] == "Unhealthy"
                            && ($0.value["message"].string ?? "").contains("/healthz\": \(told)")
                    }
                })
            #expect(bench.api[pod]["status"].isReady == false)
        }

        @Test func `takes a ServerHello that comes in pieces`() throws {
            let bench = try AgentBench()
            let script = """
                import os, socket, time
                listener = socket.create_server((os.environ['POD_IP'], 8443))
                while True:
                    peer, _ = listener.accept()
                    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    if not peer.recv(3): continue
                    for byte in bytes([22, 3, 3, 0, 122, 2]):
                        peer.sendall(bytes([byte]))
                    peer.recv(4096)
                """
            let pod = bench.pod("slow", ["command": ["/usr/bin/env", "python3", "-c", .string(script)], "readinessProbe": probe])
            #expect(bench.wait(pod) { $0.isReady })
        }
    }
}
