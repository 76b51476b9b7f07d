import Foundation
import Testing

extension Transcripts {
    /// The examples do what stands in them.
    @Suite(.serialized) struct ExampleTests {
        /// Copies a folder of examples into the instance's directory, with ports and programs of this instance.
        private func copy(_ name: String, to instance: Instance, _ replacements: [String: String]) throws -> String {
            let (from, to) = (Instance.root + "/examples/" + name, instance.directory + "/" + name)
            let files = FileManager.default
            try files.createDirectory(atPath: to, withIntermediateDirectories: false)
            try instance.account.own(to)
            for file in try files.contentsOfDirectory(atPath: from) {
                var text = try String(contentsOfFile: "\(from)/\(file)", encoding: .utf8)
                for (old, new) in replacements { text = text.replacingOccurrences(of: old, with: new) }
                try instance.write(text, to: "\(to)/\(file)")
                if files.isExecutableFile(atPath: "\(from)/\(file)") {
                    try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(to)/\(file)")
                }
            }
            return to
        }

        @Test func `Every policy of examples/resilience does what its manifest says`() throws {
            let instance = try Instance()
            defer { instance.stop() }
            try instance.steady("up --detach")
            var replacements = ["30090": "\(instance.port)", "../../.build/release/web": instance.directory + "/web"]
            for port in ["30091", "30092", "30093"] { replacements[port] = "\(try FreePort.inNodePortRange())" }
            let folder = try copy("resilience", to: instance, replacements)
            let settle = instance.directory + "/settle"
            try instance.write(Instance.routed, to: settle)
            let walk = try instance.shell("SETTLE='/bin/bash \(settle)' \(folder)/walk", within: 900)
            #expect(walk.code == 0, "\(walk.text)")
            let policies = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".yaml") && $0 != "shop.yaml" }
            #expect(walk.out.components(separatedBy: "-- as expected").count - 1 == policies.count)
            // Each is named where the others are.
            let table = try String(contentsOfFile: folder + "/README.md", encoding: .utf8)
            #expect(policies.filter { !table.contains("(\($0))") } == [])
        }

        private static let hasTLS = ["/usr/sbin/haproxy", "/usr/bin/openssl"].allSatisfy(FileManager.default.isExecutableFile)

        @Test(.enabled(if: hasTLS, "no haproxy or no openssl on this machine"))
        func `TLS ends at HAProxy in front of a Service, also while that is rolled`() throws {
            let instance = try Instance()
            defer { instance.stop() }
            try instance.up()
            let port = try FreePort.inNodePortRange()
            let folder = try copy("tls", to: instance, ["30080": "\(instance.port)", "30443": "\(port)"])
            let applied = try instance.shell(
                """
                set -e
                \(folder)/certificate localhost 127.0.0.1 | steady apply -f -
                steady apply -f \(folder)/front.yaml
                steady rollout status deployment/front --timeout 90s
                steady get secret front-tls -o go-template='{{index .data "tls.crt" | base64decode}}' > \(instance.directory)/tls.crt
                """)
            #expect(applied.code == 0, "\(applied.text)")
            let ask = "curl -sS -m 10 --cacert \(instance.directory)/tls.crt"
            for (name, version) in [("localhost", "2"), ("127.0.0.1", "1.1")] {
                let answer = try instance.shell("\(ask) --http\(version) -w '%{http_version}' https://\(name):\(port)/")
                #expect(
                    answer.code == 0 && answer.out.hasPrefix("web v1 from pod web-") && answer.out.hasSuffix("\n\(version)"),
                    "\(answer.text)")
            }
            // Another certificate: one HAProxy after the other brings it, and nobody is refused meanwhile, whichever of the two he is shown.
            let (first, second, either) = ("tls.crt", "second.crt", "either.crt")
            let rolled = try instance.shell(
                """
                cd \(instance.directory)
                ask() { curl -sS -m 10 -o /dev/null --cacert $1 https://localhost:\(port)/; }
                ask \(first) || exit 3
                \(folder)/certificate localhost 127.0.0.1 | steady apply -f - || exit 4
                steady get secret front-tls -o go-template='{{index .data "tls.crt" | base64decode}}' > \(second)
                cat \(first) \(second) > \(either)
                steady rollout restart deployment/front || exit 5
                (code=0; steady rollout status deployment/front --timeout 90s || code=$?; echo over > over; exit $code) & rollout=$!
                until [ -e over ]; do ask \(either) || exit 6; done
                wait $rollout || exit 7
                for turn in 1 2 3 4 5 6; do ask \(second) || exit 8; done
                ! ask \(first) || exit 9
                """, within: 90)
            #expect(rolled.code == 0, "\(rolled.text)")
        }
    }
}
