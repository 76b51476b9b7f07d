import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

extension Transcripts {
    /// Another user of the machine, against an instance that serves: what it can reach, read, take over or break.
    @Suite(.serialized, .enabled(if: Account.available.contains(.nobody), "only root can be somebody else")) struct StrangerTests {
        /// Runs a Python script as the stranger; what it printed.
        private func stranger(_ script: String, _ arguments: [String] = [], within seconds: Double = 60) throws -> Command.Output {
            let (path, words) = Account.nobody.command("/usr/bin/python3", ["-c", script] + arguments)
            return try Command(path, words, environment: ["PATH": "/usr/bin:/bin"]).finish(within: seconds)
        }

        @Test func `A stranger who binds a dead pod's address gets no traffic`() throws {
            let instance = try Instance()
            defer { instance.stop() }
            try instance.steady("up --detach")
            // A pod that never binds its port: to everybody else it is as if it had died.
            try instance.write(
                """
                apiVersion: v1
                kind: Pod
                metadata: { name: dead, labels: { app: dead } }
                spec:
                  containers: [{ name: main, image: none, command: [/bin/sleep, "1000"] }]
                ---
                apiVersion: v1
                kind: Service
                metadata: { name: dead }
                spec:
                  type: NodePort
                  selector: { app: dead }
                  ports: [{ name: http, port: 80, targetPort: 8080, nodePort: \(instance.port) }]

                """, to: instance.manifest)
            try instance.steady("apply -f \(instance.manifest)")
            try instance.steady("wait pod/dead --for=condition=Ready --timeout 30s")
            let address = try instance.steady("get pod dead -o jsonpath={.status.podIP}").trimmingCharacters(in: .whitespacesAndNewlines)
            let (path, words) = Account.nobody.command("/usr/bin/python3", ["-u", "-c", Self.impostor, address])
            let impostor = try Command(path, words, environment: ["PATH": "/usr/bin:/bin"])
            defer { impostor.terminate() }
            #expect(impostor.waitForOutput("listens"))
            try instance.wait("the proxy has the port") {
                (try? HandRequest.once(port: instance.port, path: "/")) == nil && portIsOpen(instance)
            }
            for _ in 0..<3 {
                #expect { try HandRequest.once(port: instance.port, path: "/") } throws: { "\($0)".contains("503") }
            }
            try instance.wait("it is said") { try instance.steady("get events").contains("StrangerAtEndpoint") }
            #expect(!impostor.waitForOutput("taken", within: 0))
        }

        private func portIsOpen(_ instance: Instance) -> Bool {
            let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(socket) }
            return HandRequest.withAddress(instance.port) { connect(socket, $0, $1) } == 0
        }

        private static let impostor = """
            import socket, sys
            server = socket.create_server((sys.argv[1], 8080))
            print("listens")
            while True:
                connection, _ = server.accept()
                print("taken")
                connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\n\\r\\nevil")
            """
    }
}
