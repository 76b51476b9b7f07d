import Foundation
import Testing

extension Transcripts {
    /// Every type of Service and what can be said of one, by asking through it.
    @Suite(.serialized) struct ServiceTests {
        private let instance: Instance

        init() throws {
            instance = try Instance()
            try instance.steady("up --detach")
        }

        private func apply(_ manifest: String) throws {
            let path = instance.directory + "/services.yaml"
            try instance.write(manifest, to: path)
            try instance.steady("apply -f \(path)")
            try instance.waitUntilRouted()
        }

        private func pod(_ name: String, _ script: String) -> String {
            Workload.pod(
                name, "restartPolicy: Never\n",
                containers: "- {name: main, image: none, command: [/bin/sh, -c, '\(script.replacingOccurrences(of: "'", with: "''"))']}")
        }

        private func output(of pod: String) throws -> String {
            try instance.steady("wait pod/\(pod) --for=jsonpath={.status.phase}=Succeeded --timeout 90s")
            return try instance.start("logs \(pod)").finish().out
        }

        private func names(of app: String) throws -> [String] {
            try instance.steady("get pods -l app=\(app) -o jsonpath={.items[*].metadata.name}").split(separator: " ").map(String.init)
                .sorted()
        }

        private func curl(_ words: String) throws -> String {
            try Command("/usr/bin/curl", ["-sS", "--max-time", "20"] + words.split(separator: " ").map(String.init), environment: [:])
                .finish()
                .out
        }

        @Test func `A Service of each type leads where it says, by address, by port and by name`() throws {
            defer { instance.stop() }
            let script = instance.directory + "/server.py"
            try instance.write(ServiceScripts.server, to: script)
            let (node, balanced) = (instance.port, try FreePort.inNodePortRange())
            let selector = "selector: {app: pair}"
            var manifest = ServiceScripts.deployment("pair", script: script, replicas: 2, probe: "tcpSocket: {port: first}")
            manifest += ServiceScripts.deployment("early", script: script, replicas: 1, probe: "exec: {command: [/bin/false]}")
            manifest += ServiceScripts.service(
                "multi", "\(selector), ports: [{name: http, port: 80, targetPort: first}, {name: http-admin, port: 81, targetPort: 9090}]")
            manifest += ServiceScripts.service(
                "node", "type: NodePort, \(selector), ports: [{port: 80, targetPort: second, nodePort: \(node)}]")
            manifest += ServiceScripts.service(
                "balanced", "type: LoadBalancer, \(selector), ports: [{port: \(balanced), targetPort: first}]")
            manifest += ServiceScripts.service("alias", "type: ExternalName, externalName: multi.default.svc.cluster.local")
            manifest += ServiceScripts.service("each", "clusterIP: None, \(selector), ports: [{name: http, port: 8080, targetPort: first}]")
            manifest += ServiceScripts.service("patient", "selector: {app: early}, ports: [{port: 80, targetPort: first}]")
            manifest += ServiceScripts.service(
                "eager", "publishNotReadyAddresses: true, selector: {app: early}, ports: [{port: 80, targetPort: first}]")
            manifest += ServiceScripts.service(
                "peers", "clusterIP: None, publishNotReadyAddresses: true, selector: {app: early}, ports: [{port: 8080}]")
            manifest += ServiceScripts.service(
                "sticky",
                "sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 600}}, \(selector), ports: [{port: 80, targetPort: first}]"
            )
            try apply(manifest)
            try instance.steady("rollout status deployment/pair --timeout 90s")
            try instance.waitUntilRouted()
            let pair = try names(of: "pair")
            let early = try names(of: "early")
            try #require(pair.count == 2 && early.count == 1)

            // From outside: node port and load balancer, both pods in turn, the port that was named.
            func asked(_ port: Int, times: Int) throws -> Set<String> {
                Set(try (0..<times).map { _ in try HandRequest.once(port: port, path: "/") })
            }
            #expect(try asked(node, times: 8) == Set(pair.map { "\($0) 9090\n" }))
            try instance.wait("the load balancer has an address") {
                try instance.steady("get service balanced -o jsonpath={.status.loadBalancer.ingress[0].ip}") == "127.0.0.1"
            }
            #expect(try asked(balanced, times: 8) == Set(pair.map { "\($0) 8080\n" }))
            let table = try instance.steady("get services")
            #expect(table.contains("LoadBalancer") && table.contains("multi.default.svc.cluster.local"), "\(table)")
            // What a manual slice names, for a Service without a selector.
            var address = ""
            try instance.wait("the pod that is never ready serves") {
                address = try instance.steady("get pods -l app=early -o jsonpath={.items[0].status.podIP}")
                return ["8080", "9090"].allSatisfy { (try? HandRequest.once(host: address, port: Int($0) ?? 0, path: "/")) != nil }
            }
            try apply(
                ServiceScripts.service("manual", "ports: [{name: http, port: 80}]") + """
                    apiVersion: discovery.k8s.io/v1
                    kind: EndpointSlice
                    metadata: {name: manual-1, labels: {kubernetes.io/service-name: manual}}
                    addressType: IPv4
                    ports: [{name: http, port: 9090}]
                    endpoints: [{addresses: ["\(address)"]}]
                    """)
            #expect(try instance.steady("get endpoints manual").contains("\(address):9090"))
            #expect(try instance.steady("get endpoints patient -o jsonpath={.subsets[0].notReadyAddresses[0].ip}") == address)
            #expect(try instance.steady("get endpoints eager -o jsonpath={.subsets[0].addresses[0].ip}") == address)

            // From a pod, by name.
            var clients = ""
            for (name, url) in [
                ("c-multi", "http://multi/"), ("c-admin", "http://multi:81/"), ("c-alias", "http://alias/"),
                ("c-each", "http://each:8080/"),
                ("c-eager", "http://eager/"), ("c-peers", "http://peers:8080/"), ("c-manual", "http://manual/"),
            ] {
                clients += pod(name, "for n in 1 2 3 4; do /usr/bin/curl -sS \(url); done")
            }
            clients += pod("c-sticky", "for n in 1 2 3 4 5 6 7 8 9; do /usr/bin/curl -sS http://sticky/; done")
            clients += pod("c-patient", "/usr/bin/curl -s -m 20 -o /dev/null -w '%{http_code}' http://patient/")
            try apply(clients)
            func lines(_ name: String) throws -> Set<String> { Set(try output(of: name).split(separator: "\n").map(String.init)) }
            // Two clients of one port may take turns so that each meets one pod alone: together they meet both.
            let (multi, alias) = (try lines("c-multi"), try lines("c-alias"))
            #expect(!multi.isEmpty && !alias.isEmpty && multi.union(alias) == Set(pair.map { "\($0) 8080" }))
            #expect(try lines("c-admin") == Set(pair.map { "\($0) 9090" }))
            #expect(try lines("c-each").isSubset(of: pair.map { "\($0) 8080" }) && !lines("c-each").isEmpty)
            #expect(try lines("c-eager") == ["\(early[0]) 8080"])
            #expect(try lines("c-peers") == ["\(early[0]) 8080"])
            #expect(try lines("c-manual") == ["\(early[0]) 9090"])
            #expect(try lines("c-sticky").count == 1 && lines("c-sticky").isSubset(of: pair.map { "\($0) 8080" }))
            #expect(try output(of: "c-patient") == "503")

            // A Service may become another one: the ports follow.
            try apply(ServiceScripts.service("node", "type: ClusterIP, \(selector), ports: [{port: 80, targetPort: second}]"))
            try instance.wait("the node port is closed") { (try? HandRequest.once(port: node, path: "/")) == nil }
            try apply(
                ServiceScripts.service(
                    "balanced", "type: NodePort, \(selector), ports: [{port: 80, targetPort: second, nodePort: \(node)}]"))
            try instance.wait("another Service has the port") { (try? HandRequest.once(port: node, path: "/"))?.contains(" 9090") == true }
        }

        private static let openssl = "/usr/bin/openssl"
        private static let hasServers = ["/usr/sbin/nginx", openssl].allSatisfy(FileManager.default.isExecutableFile)

        @Test(.enabled(if: hasServers, "no nginx or no openssl on this machine"))
        func `HTTP/2 and TLS pass through a Service that does not say what it carries`() throws {
            defer { instance.stop() }
            let (http2, tls) = (instance.port, try FreePort.inNodePortRange())
            let made = try Command(
                Self.openssl,
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=inside",
                    "-addext", "subjectAltName=DNS:inside", "-keyout", "\(instance.directory)/key.pem", "-out",
                    "\(instance.directory)/cert.pem",
                ], environment: ["PATH": "/usr/bin:/bin"]
            ).finish()
            try #require(made.code == 0, "\(made.text)")
            for name in ["cert.pem", "key.pem"] {
                try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: "\(instance.directory)/\(name)")
            }
            try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: instance.directory)
            try apply(ServiceScripts.passing(directory: instance.directory, http2: http2, tls: tls))
            try instance.steady("wait pod/http2 --for=condition=Ready --timeout 90s")
            try instance.steady("wait pod/tls --for=condition=Ready --timeout 90s")
            try instance.waitUntilRouted()
            #expect(
                try curl("--http2-prior-knowledge http://127.0.0.1:\(http2)/")
                    == "HTTP/2.0 h2c\n")
            // The certificate is the pod's: nobody on the way has another one.
            let page = try curl(
                "--cacert \(instance.directory)/cert.pem --resolve inside:\(tls):127.0.0.1 https://inside:\(tls)/")
            #expect(page.contains("s_server") && page.contains("Protocol"), "\(page)")
        }
    }
}
