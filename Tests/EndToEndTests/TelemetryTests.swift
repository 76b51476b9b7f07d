import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

extension Transcripts {
    /// What the proxy counts, as a real Prometheus reads it.
    @Suite(.serialized) struct TelemetryTests {
        /// The expression that `Telemetry.md` answers a question with.
        private static func expression(_ question: String) throws -> String {
            let page = try String(contentsOfFile: Instance.root + "/Sources/steady/steady.docc/Telemetry.md", encoding: .utf8)
            let rows = page.split(separator: "\n").filter { $0.hasPrefix("| " + question) }
            #expect(rows.count == 1, "\(question)")
            // A table's cell has its bars behind backslashes.
            return try #require(rows.first).split(separator: "`")[1].replacingOccurrences(of: "\\|", with: "|")
        }

        @Test(.enabled(if: Prometheus.found != nil, "no prometheus on PATH, and STEADY_PROMETHEUS names none"))
        func
            `A real Prometheus says of a Service how many instances were healthy, what share of the requests succeeded, and how long it was there`()
            throws
        {
            let instance = try Instance()
            defer { instance.stop() }
            let healthy = try Self.expression("how many instances are healthy")
            let success = try Self.expression("what share of all requests succeeded")
            let recently = try Self.expression("what share of the requests of the last five minutes")
            let availability = try Self.expression("was the Service there")
            // The same of the last seconds: nobody waits here until five minutes are full.
            let presence = availability.replacingOccurrences(of: "[5m:1s]", with: "[5s:1s]")
            #expect(presence != availability)
            try instance.up()
            let address = try String(contentsOfFile: instance.dataDirectory + "/api.address", encoding: .utf8)
            let prometheus = try Prometheus(
                try #require(Prometheus.found), for: instance,
                configuration: """
                    scrape_configs:
                      - job_name: steady
                        scrape_interval: 1s
                        static_configs: [{ targets: ["\(address.trimmingCharacters(in: .whitespacesAndNewlines))"] }]
                    """)
            defer { prometheus.end() }

            #expect(prometheus.wait(for: healthy) { $0 == 3 } == 3)
            var pids: Set<Int32> = []
            var answered = 0
            for _ in 0..<30 {
                pids.insert(try instance.ask().pid)
                answered += 1
            }
            #expect(pids.count == 3)
            let total = #"sum(http_requests_total{service="web"})"#
            #expect(prometheus.wait(for: total) { Int($0) == answered } == Double(answered))
            #expect(prometheus.value(of: success) == 1)
            #expect(prometheus.wait(for: presence) { $0 == 1 } == 1)
            #expect(prometheus.value(of: #"count(count by (zone) (http_requests_total{service="web",code="200"}))"#) == 3)
            #expect(prometheus.value(of: #"sum(http_request_duration_seconds_count{service="web"})"#) == Double(answered))

            // One replica dies and cannot be started again: requests go to the others.
            let program = instance.directory + "/web"
            try FileManager.default.moveItem(atPath: program, toPath: program + ".away")
            kill(try #require(pids.first), SIGKILL)
            #expect(prometheus.wait(for: healthy) { $0 == 2 } == 2)
            for _ in 0..<10 {
                _ = try instance.ask()
                answered += 1
            }
            #expect(prometheus.wait(for: total) { Int($0) == answered } == Double(answered))
            #expect(prometheus.value(of: success) == 1)

            // All of them: the proxy itself says that nobody is there.
            for pid in pids.dropFirst() { kill(pid, SIGKILL) }
            #expect(prometheus.wait(for: healthy) { $0 == 0 } == 0)
            #expect(prometheus.wait(for: presence) { $0 == 0 } == 0)
            #expect(throws: HandRequest.Failure.self) { try HandRequest.once(port: instance.port, path: "/") }
            let share = Double(answered) / Double(answered + 1)
            let told = prometheus.wait(for: success) { $0 < 1 }
            #expect(abs((told ?? 0) - share) < 1e-9)
            #expect(
                prometheus.value(of: #"sum(http_local_responses_total{service="web",reason="no-ready-endpoint"})"#) == 1)
            // From the second failure on the last minutes show it as well.
            #expect(throws: HandRequest.Failure.self) { try HandRequest.once(port: instance.port, path: "/") }
            #expect(prometheus.wait(for: recently) { $0 < 1 } ?? 1 < 1)

            // They are back as soon as the program is.
            try FileManager.default.moveItem(atPath: program + ".away", toPath: program)
            #expect(prometheus.wait(for: healthy, within: 300) { $0 == 3 } == 3)
            #expect(prometheus.wait(for: presence) { $0 == 1 } == 1)
            let available = try #require(prometheus.value(of: availability))
            #expect(available > 0 && available < 1)

            // A time without any figures is one in which nobody was there.
            try instance.steady("down")
            #expect(prometheus.wait(for: presence) { $0 == 0 } == 0)
            #expect(prometheus.value(of: healthy) == nil)
        }

        @Test func `Access logs are JSON line by line, and those of several proxies are told together, each line with its log's name`()
            throws
        {
            let siege = try Siege(replicas: 1, zones: "a", flags: "--proxies 2")
            defer { siege.stop() }
            let instance = siege.instance
            let before = try instance.start("logs --role access").finish()
            #expect(before.code == 1 && before.err.contains("no role \"access\""), "\(before.text)")
            try siege.apply(
                """
                apiVersion: steady.dev/v1
                kind: TrafficPolicy
                metadata: {name: web}
                spec: {targetRefs: [{kind: Service, name: web}], telemetry: {accessLog: {}}}
                """)
            // While one of them sleeps the other one accepts.
            for (sleeper, other) in [("proxy-2", "proxy-1"), ("proxy-1", "proxy-2")] {
                let pid = siege.pid(of: sleeper)
                try #require(pid > 1)
                #expect(kill(pid, SIGSTOP) == 0)
                try siege.wait("\(other) tells of a request") {
                    _ = try HandRequest.once(port: instance.port, path: "/asked")
                    return Siege.text("\(instance.dataDirectory)/roles/access-\(other).log").contains("/asked")
                }
                // Who sleeps for long is ended, and another comes in its place.
                #expect(kill(pid, SIGCONT) == 0 || errno == ESRCH)
                try siege.wait("\(sleeper) is awake") { kill(siege.pid(of: sleeper), 0) == 0 }
            }
            let together = try instance.start("logs --role access").finish().out.split(separator: "\n")
            #expect(Set(together.map { $0.prefix { $0 != " " } }) == ["[access-proxy-1]", "[access-proxy-2]"])
            let alone = try instance.start("logs --role access-proxy-2").finish().out.split(separator: "\n")
            for line in alone + together.map({ $0.drop { $0 != "{" } }) {
                let told = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                #expect(
                    told?["service"] as? String == "web" && told?["path"] as? String == "/asked" && told?["status"] as? Int == 200,
                    "\(line)")
            }
            #expect(!alone.isEmpty)
        }

        @Test func `steady top services tells of each endpoint what it carries, what fails, and who is gone`() throws {
            let siege = try Siege(replicas: 2, zones: "a,b")
            defer { siege.stop() }
            let instance = siege.instance
            let load = try ConstantLoad(
                instance.directory + "/load", port: instance.port, method: "get", mode: "keep", rate: 50,
                ids: instance.directory + "/ids-of-top")
            defer { load.terminate() }
            let replicas = try siege.replicas()
            let table = try instance.start("top services web -n default --once --interval 2s").finish()
            #expect(table.code == 0, "\(table.text)")
            let rows = table.out.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            #expect(rows.first?.prefix(5) == ["NAME", "ZONE", "UP", "RATE", "ERRORS"])
            #expect(rows.count == 4 && rows[1].prefix(2) == ["web:80", "2/2"], "\(table.out)")
            #expect(
                rows.dropFirst(2).map { $0.prefix(3).joined(separator: " ") }.sorted()
                    == replicas.map { "\($0.name) \($0.node.prefix(1)) yes" })

            let service = try top(instance)
            #expect(service.service == "web" && service.up == 2 && service.errorShare == 0, "\(service)")
            // The load is even, so the answer is about its rate, however busy the machine is; and what the endpoints carry adds up to it.
            #expect(
                service.ratePerSecond > 0 && service.p50Seconds ?? 0 > 0 && service.p99Seconds ?? 0 >= service.p50Seconds ?? 0, "\(service)"
            )
            #expect(abs(service.endpoints.reduce(0) { $0 + $1.ratePerSecond } - service.ratePerSecond) < 0.01, "\(service)")
            #expect(service.endpoints.allSatisfy { $0.ratePerSecond > 0 && $0.up }, "\(service)")

            // Nobody is left: each request is an error, which is the Service's own.
            try instance.steady("scale deployment/web --replicas 0")
            try siege.wait("all are gone") { try siege.replicas().isEmpty }
            var last = service
            try instance.wait("each request fails") {
                last = try top(instance)
                return last.errorShare == 1 && last.up == 0
            }
            #expect(last.ratePerSecond > 0, "\(last)")
            let elsewhere = try instance.start("top services web -n kube-system --once").finish()
            #expect(elsewhere.code == 1 && elsewhere.err.contains("no Service \"web\""), "\(elsewhere.text)")
            let unknown = try instance.start("top services wbe --once").finish()
            #expect(unknown.code == 1 && unknown.err.contains("did you mean web?"), "\(unknown.text)")
        }

        /// What `-o json` says of one Service.
        private struct Carried: Decodable {
            struct Endpoint: Decodable {
                var endpoint: String
                var up: Bool
                var ratePerSecond: Double
            }
            var service: String
            var up: Int
            var ratePerSecond: Double
            var errorShare: Double?
            var p50Seconds: Double?
            var p99Seconds: Double?
            var endpoints: [Endpoint]
        }

        private func top(_ instance: Instance) throws -> Carried {
            let told = try instance.start("top services web -o json --interval 1s").finish()
            return try #require(
                try JSONDecoder().decode([String: [Carried]].self, from: Data(told.out.utf8))["services"]?.first, "\(told.text)")
        }
    }
}
