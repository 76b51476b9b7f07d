import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

extension Transcripts {
    /// What a TrafficPolicy says about single requests, with real processes.
    @Suite(.serialized) struct ExchangePolicyTests {
        /// The answer with its fields, whatever its status.
        private func ask(_ siege: Siege, _ more: String = "") throws -> String {
            let words = ["-sS", "-i", "--max-time", "10"] + more.split(separator: " ").map(String.init)
            return try Command("/usr/bin/curl", words + ["http://127.0.0.1:\(siege.instance.port)/"], environment: [:]).finish(within: 30)
                .out
        }

        /// Applies a policy for Service `web` and returns when the proxy follows it.
        private func follow(_ siege: Siege, _ spec: String, mark: Int) throws {
            try siege.apply(
                """
                apiVersion: steady.dev/v1
                kind: TrafficPolicy
                metadata: {name: web}
                spec:
                  targetRefs: [{kind: Service, name: web}]
                  rateLimit: {local: {rules: [{limit: {requests: \(mark), unit: Hour}}]}}
                  \(spec)
                """)
            try siege.wait("the policy acts") { try ask(siege).contains("RateLimit-Limit: \(mark)\r\n") }
        }

        @Test func `A replica that hangs fails no request: another one is asked after the time for an attempt, or at the same time`() throws
        {
            let siege = try Siege(replicas: 3)
            defer { siege.stop() }
            let port = siege.instance.port
            for (index, retry) in ["{perRetry: {timeout: 1s}}", "{numRetries: 0, hedging: {delay: 50ms}}"].enumerated() {
                try follow(siege, "retry: \(retry)", mark: 100_000 + index)
                let hung = try siege.replicas()[index].pid
                #expect(kill(hung, SIGSTOP) == 0)
                defer { kill(hung, SIGCONT) }
                for _ in 0..<12 {
                    let answer = try HandRequest.once(port: port, path: "/")
                    #expect(!answer.hasSuffix(" \(hung)\n"))
                }
                #expect(kill(hung, SIGCONT) == 0)
                try siege.settle(3)
            }
            let metrics = try siege.instance.steady("get --raw /metrics")
            for name in ["retries_total", "hedges_won_total"] {
                let count = metrics.split(separator: "\n").filter { $0.hasPrefix(name + "{") }.compactMap { $0.split(separator: " ").last }
                #expect(count.contains { $0 != "0" }, "\(name) \(count)")
            }
        }

        @Test func `A Service without replicas is answered for by another one, then by a fixed response, and by itself when it is back`()
            throws
        {
            let siege = try Siege(replicas: 1)
            defer { siege.stop() }
            try siege.apply(
                Siege.deployment("spare", replicas: 1, environment: [:]) + """
                    apiVersion: v1
                    kind: Service
                    metadata: {name: spare}
                    spec: {selector: {app: spare}, ports: [{name: http, port: 80, targetPort: http}]}
                    """)
            try siege.settle(1, of: "spare")
            try follow(
                siege,
                """
                fallback:
                  - service: {name: spare, port: 80}
                  - response: {statusCode: 200, contentType: application/json, body: {inline: '{"stale":true}'}}
                """, mark: 100_000)
            #expect(try !ask(siege).contains("Steady-Proxy-Fallback"))
            try siege.instance.steady("scale deployment/web --replicas 0")
            try siege.wait("the spare answers") {
                let answer = try ask(siege)
                return answer.hasPrefix("HTTP/1.1 200") && answer.contains("Steady-Proxy-Fallback: default/spare:80\r\n")
                    && answer.contains("\r\n\r\nspare-")
            }
            try siege.instance.steady("scale deployment/spare --replicas 0")
            try siege.wait("the fixed response comes") {
                let answer = try ask(siege)
                return answer.hasPrefix("HTTP/1.1 200") && answer.contains("Steady-Proxy-Fallback: response\r\n")
                    && answer.hasSuffix("{\"stale\":true}")
            }
            try siege.instance.steady("scale deployment/web --replicas 1")
            try siege.wait("the Service answers itself") { try ask(siege).contains("\r\n\r\nweb-") }
        }
    }
}
