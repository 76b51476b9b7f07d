import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

extension Transcripts {
    @Suite(.serialized) struct ForsakenStopTests {
        /// Ignores that it is to end, so that the stop lasts.
        private static let stubborn = Workload.pod(
            "stubborn", "", grace: 8,
            containers: """
                - name: main
                  image: none
                  command: [/bin/sh, -c, "trap '' TERM; while :; do sleep 0.2; done"]
                """)

        @Test(arguments: ["down", "down --purge"])
        func `A stop ends though its up is killed and a service manager, which has asked for it, starts no other`(command: String) throws {
            let instance = try Instance()
            defer { instance.stop() }
            let manifest = instance.directory + "/stubborn.yaml"
            try instance.write(Self.stubborn, to: manifest)
            // Roles that were started by a service manager leave it to that one.
            let started = try instance.shell("STEADY_SUPERVISED=1 steady up --detach --zones a -f \(manifest)")
            #expect(started.code == 0, "\(started.text)")
            try instance.steady("wait pod/stubborn --for=condition=Ready --timeout 60s")
            let files = FileManager.default
            let host = try #require(
                try String(contentsOfFile: instance.dataDirectory + "/up.lock", encoding: .utf8).split(separator: "\n").first.flatMap {
                    Int32($0)
                })
            try #require(host > 1)
            let stopping = try instance.start(command)
            try instance.wait("the stop has begun") { files.fileExists(atPath: instance.dataDirectory + "/roles/up.stop") }
            #expect(kill(host, SIGKILL) == 0)
            let stopped = stopping.finish(within: 90)
            #expect(stopped.code == 0 && stopped.out.contains("stopped"), "\(stopped.text)")
            #expect(!files.fileExists(atPath: instance.dataDirectory + "/up.sock"))
            #expect(files.fileExists(atPath: instance.dataDirectory + "/up.json") == (command == "down"))
        }
    }
}
