import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

extension Transcripts {
    /// What the proxy counts, as a real Prometheus reads it.
    @Suite(.serialized) struct TelemetryTests {
        /// As `Telemetry.md` has them.
        private static let healthy = #"sum(max without (proxy) (up{namespace="default",service="web"}))"#
        private static let availability = #"avg_over_time((sum(up{namespace="default",service="web"}) > bool 0)[5m:1s])"#
        private static let success = """
            1 - sum(http_requests_total{namespace="default",service="web",code=~"5..|0"} or vector(0)) / \
            sum(http_requests_total{namespace="default",service="web"})
            """

        @Test(.enabled(if: Prometheus.found != nil, "no prometheus on PATH, and STEADY_PROMETHEUS names none"))
        func
            `A real Prometheus says of a Service how many instances were healthy, what share of the requests succeeded, and how long it was there`()
            throws
        {
            let instance = try Instance()
            defer { instance.stop() }
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

            #expect(prometheus.wait(for: Self.healthy) { $0 == 3 } == 3)
            var pids: Set<Int32> = []
            var answered = 0
            for _ in 0..<30 {
                pids.insert(try instance.ask().pid)
                answered += 1
            }
            #expect(pids.count == 3)
            let total = #"sum(http_requests_total{service="web"})"#
            #expect(prometheus.wait(for: total) { Int($0) == answered } == Double(answered))
            #expect(prometheus.value(of: Self.success) == 1)
            #expect(prometheus.value(of: Self.availability) == 1)
            #expect(prometheus.value(of: #"count(count by (zone) (http_requests_total{service="web",code="200"}))"#) == 3)
            #expect(prometheus.value(of: #"sum(http_request_duration_seconds_count{service="web"})"#) == Double(answered))

            // One replica dies and cannot be started again: requests go to the others.
            let program = instance.directory + "/web"
            try FileManager.default.moveItem(atPath: program, toPath: program + ".away")
            kill(try #require(pids.first), SIGKILL)
            #expect(prometheus.wait(for: Self.healthy) { $0 == 2 } == 2)
            for _ in 0..<10 {
                _ = try instance.ask()
                answered += 1
            }
            #expect(prometheus.wait(for: total) { Int($0) == answered } == Double(answered))
            #expect(prometheus.value(of: Self.success) == 1)

            // All of them: the proxy itself says that nobody is there.
            for pid in pids.dropFirst() { kill(pid, SIGKILL) }
            #expect(prometheus.wait(for: Self.healthy) { $0 == 0 } == 0)
            #expect(throws: HandRequest.Failure.self) { try HandRequest.once(port: instance.port, path: "/") }
            let share = Double(answered) / Double(answered + 1)
            let told = prometheus.wait(for: Self.success) { $0 < 1 }
            #expect(abs((told ?? 0) - share) < 1e-9)
            #expect(
                prometheus.value(of: #"sum(http_local_responses_total{service="web",reason="no-ready-endpoint"})"#) == 1)

            // They are back as soon as the program is.
            try FileManager.default.moveItem(atPath: program + ".away", toPath: program)
            #expect(prometheus.wait(for: Self.healthy, within: 120) { $0 == 3 } == 3)
            let available = try #require(prometheus.value(of: Self.availability))
            #expect(available > 0 && available < 1)
        }
    }
}
