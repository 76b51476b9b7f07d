import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

extension Transcripts {
    /// Another user of the machine, against an instance that serves: what it can reach, read, take over or break.
    @Suite(.serialized, .enabled(if: Account.available.contains(.nobody), "only root can be somebody else")) struct StrangerTests {
        /// Neither root nor an account of the tests.
        private static let user = 65_533
        private static let value = "hunter2-of-the-tests"

        private func stranger(_ script: String, _ arguments: [String] = []) throws -> Command {
            try Command(
                "/usr/bin/setpriv",
                ["--reuid=\(Self.user)", "--regid=\(Self.user)", "--clear-groups", "/usr/bin/python3", "-u", "-c", script] + arguments,
                environment: ["PATH": "/usr/bin:/bin"])
        }

        @Test(arguments: Account.available) func `Nobody but its owner and root reaches the API, the sockets or the data directory`(
            account: Account
        ) throws {
            let instance = try Instance(as: account)
            defer { instance.stop() }
            // As another than root, as a pod does where there is a user for it: what root may drop to is not known, so its directory is passable.
            try serve(instance, securityContext: account == .own ? "{ runAsUser: 64321, runAsGroup: 64321 }" : "{}")
            let api = try String(contentsOfFile: instance.dataDirectory + "/api.address", encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)

            // Asked politely, in pieces, and sent and closed at once: by the time that the server looks, nobody is there to be asked who it was.
            let asked = try stranger(StrangerScripts.ask, [api]).finish(within: 60)
            #expect(asked.code == 0, "\(asked.text)")
            #expect(asked.out.contains("403") && !asked.out.contains("200"), "\(asked.text)")
            let namespaces = try instance.steady("get namespaces -o name")
            #expect(namespaces.contains("default") && !namespaces.contains("stolen"), "\(namespaces)")

            // Everything that there is, by its path: no guessing is needed.
            let paths = try everything(below: instance.dataDirectory) + Self.volatile()
            #expect(paths.count > 20)
            try instance.write(paths.joined(separator: "\n"), to: instance.directory + "/paths")
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: instance.directory + "/paths")
            let touched = try stranger(StrangerScripts.touch, [instance.directory + "/paths"]).finish(within: 60)
            #expect(touched.code == 0 && touched.out == "", "\(touched.text)")
        }

        @Test(arguments: Account.available) func `A Secret is on disk for its owner alone, and nowhere else to be seen`(account: Account)
            throws
        {
            let instance = try Instance(as: account)
            defer { instance.stop() }
            try serve(instance)
            try instance.wait("the program has its Secret") { try instance.steady("logs keeper").contains("has both") }

            var holders = 0
            for path in try everything(below: instance.dataDirectory) + Self.volatile() {
                let attributes = try? FileManager.default.attributesOfItem(atPath: path)
                // Where a link leads is looked at by its own path.
                guard attributes?[.type] as? FileAttributeType == .typeRegular, let bytes = FileManager.default.contents(atPath: path),
                    mentions(bytes)
                else { continue }
                holders += 1
                let mode = attributes?[.posixPermissions] as? Int ?? 0o777
                #expect(mode & 0o077 == 0, "\(path) has mode \(String(mode, radix: 8))")
                #expect(!path.hasSuffix(".log"), "\(path)")
            }
            #expect(holders >= 2, "the journal and the volume")
            for command in [
                "describe secret password", "describe pod keeper", "get events -o yaml", "get pod keeper -o yaml", "logs keeper",
                "why pod/keeper",
                "get secrets",
            ] {
                let text = try instance.steady(command)
                #expect(!mentions(Data(text.utf8)), "\(command): \(text)")
            }
            // Arguments are for everybody to read, the environment for its owner alone.
            for process in try FileManager.default.contentsOfDirectory(atPath: "/proc") where Int32(process) != nil {
                guard let line = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") else { continue }
                #expect(!mentions(line), "/proc/\(process)/cmdline")
            }
        }

        @Test func `A web page cannot use its reader's right to the API, and a POST without a Content-Type is no exception`() throws {
            let instance = try Instance()
            defer { instance.stop() }
            try instance.steady("up --detach")
            let api = try String(contentsOfFile: instance.dataDirectory + "/api.address", encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            let output = try Command(
                "/usr/bin/python3", ["-c", StrangerScripts.page, api], environment: ["PATH": "/usr/bin:/bin"]
            ).finish(within: 60)
            #expect(output.out == "403 403 403 403 403 201\n", "\(output.text)")
            #expect(try !instance.steady("get namespaces -o name").contains("stolen"))
        }

        private func mentions(_ bytes: Data) -> Bool {
            bytes.range(of: Data(Self.value.utf8)) != nil || bytes.range(of: Data(Data(Self.value.utf8).base64EncodedString().utf8)) != nil
        }

        /// An instance with one pod that has a Secret as a variable and as a file.
        private func serve(_ instance: Instance, securityContext: String = "{}") throws {
            try instance.steady("up --detach")
            try instance.write(
                """
                apiVersion: v1
                kind: Secret
                metadata: { name: password }
                stringData: { word: \(Self.value) }
                ---
                apiVersion: v1
                kind: Pod
                metadata: { name: keeper }
                spec:
                  securityContext: \(securityContext)
                  volumes: [{ name: safe, secret: { secretName: password } }]
                  containers:
                    - name: main
                      image: none
                      command: [/bin/sh, -c, 'test -n "$WORD" && test "$(cat $MOUNT_safe/word)" = "$WORD" && echo has both; exec sleep 1000']
                      env: [{ name: WORD, valueFrom: { secretKeyRef: { name: password, key: word } } }]
                      volumeMounts: [{ name: safe, mountPath: /safe }]

                """, to: instance.manifest)
            // The manifest is its owner's to hide.
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: instance.manifest)
            try instance.steady("apply -f \(instance.manifest)")
            try instance.steady("wait pod/keeper --for=condition=Ready --timeout 90s")
        }

        private func everything(below path: String) throws -> [String] {
            [path] + (try FileManager.default.subpathsOfDirectory(atPath: path)).map { path + "/" + $0 }
        }

        /// Records and pipes that are kept in memory.
        private static func volatile() -> [String] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "/dev/shm")) ?? []
            return names.filter { $0.hasPrefix("steady-") }.flatMap { name in
                ["/dev/shm/" + name]
                    + ((try? FileManager.default.subpathsOfDirectory(atPath: "/dev/shm/" + name)) ?? []).map { "/dev/shm/\(name)/" + $0 }
            }
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
            try instance.steady("wait pod/dead --for=condition=Ready --timeout 90s")
            let address = try instance.steady("get pod dead -o jsonpath={.status.podIP}").trimmingCharacters(in: .whitespacesAndNewlines)
            let impostor = try stranger(StrangerScripts.impostor, [address])
            defer {
                impostor.terminate()
                _ = impostor.finish(within: 10)
            }
            #expect(impostor.waitForOutput("listens"))
            try instance.wait("the proxy has the port") {
                (try? HandRequest.once(port: instance.port, path: "/")) == nil && portIsOpen(instance)
            }
            for _ in 0..<3 {
                #expect { try HandRequest.once(port: instance.port, path: "/") } throws: { "\($0)".contains("503") }
            }
            try instance.wait("it is said") {
                // The endpoint may have come after those.
                #expect { try HandRequest.once(port: instance.port, path: "/") } throws: { "\($0)".contains("503") }
                return try instance.steady("get events").contains("StrangerAtEndpoint")
            }
            #expect(!impostor.waitForOutput("taken", within: 0))
        }

        private func portIsOpen(_ instance: Instance) -> Bool {
            let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(socket) }
            return HandRequest.withAddress(instance.port) { connect(socket, $0, $1) } == 0
        }
    }
}
