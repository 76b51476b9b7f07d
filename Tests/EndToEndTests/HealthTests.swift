import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

extension Transcripts {
    /// Policies of health with real processes: who fails is left out, and only he.
    @Suite(.serialized) struct HealthTests {
        private func policy(_ spec: String) -> String {
            """
            apiVersion: steady.dev/v1
            kind: TrafficPolicy
            metadata: {name: health}
            spec:
              targetRefs: [{kind: Service, name: web}]
              \(spec)
            """
        }

        /// Applies a policy for Service `web`, and returns when the proxies act by it.
        private func follow(_ siege: Siege, _ spec: String) throws {
            try siege.apply(policy(spec))
            try siege.instance.waitUntilRouted()
        }

        /// Talks to one replica past the proxy.
        private func tell(_ replica: Siege.Replica, _ path: String) throws {
            var connection = HandRequest(host: replica.address, port: 8080)
            defer { connection.hangUp() }
            _ = try connection.post(path, "x")
        }

        /// Which pods answered so many requests, and what the others were answered with.
        private func ask(_ siege: Siege, _ count: Int) -> (pods: Set<String>, failures: [String]) {
            var pods: Set<String> = []
            var failures: [String] = []
            for _ in 0..<count {
                do {
                    pods.insert(String(try HandRequest.once(port: siege.instance.port, path: "/").prefix { $0 != " " }))
                } catch {
                    failures.append("\(error)")
                }
            }
            return (pods, failures)
        }

        @Test func `A replica that answers 500 gets five requests, then none; kill -9 of another fails no GET, and no POST runs twice`()
            throws
        {
            let siege = try Siege()
            defer { siege.stop() }
            try follow(siege, "healthCheck: {passive: {baseEjectionTime: 10m}}")
            let replicas = try siege.replicas()
            try tell(replicas[0], "/broken")
            let first = ask(siege, 60)
            let rest = ask(siege, 60)
            #expect(first.failures.count == 5 && first.failures.allSatisfy { $0.contains(" 500 ") }, "\(first.failures)")
            #expect(rest.failures == [] && rest.pods == Set(replicas.dropFirst().map(\.name)))
            try siege.instance.wait("an event says so") { try siege.instance.steady("get events").contains("EndpointEjected") }
            #expect(try siege.instance.steady("describe service web").contains("EndpointEjected"))

            try siege.begin()
            let victim = replicas[1]
            #expect(kill(victim.pid, SIGKILL) == 0)
            try siege.instance.wait("\(victim.name) runs again") {
                try siege.replicas().contains { $0.name == victim.name && $0.isReady && $0.restartCount == 1 }
            }
            try siege.end(allowing: .postsInsideTheDead)
        }

        @Test func `Who fails an active check gets nothing, and is back when he passes; where nothing works the breaker refuses at once`()
            throws
        {
            let siege = try Siege()
            defer { siege.stop() }
            try follow(
                siege,
                "healthCheck: {active: {type: HTTP, http: {path: /check}, interval: 50ms, unhealthyThreshold: 2, healthyThreshold: 2}}")
            let replicas = try siege.replicas()
            try tell(replicas[0], "/broken")
            try siege.wait("it is left out") { ask(siege, 30) == (Set(replicas.dropFirst().map(\.name)), []) }
            #expect(ask(siege, 60).failures == [])
            try tell(replicas[0], "/mended")
            try siege.wait("it is back") { ask(siege, 30).pods == Set(replicas.map(\.name)) }

            try follow(siege, "circuitBreaker: {trip: {consecutiveErrors: 5, openTime: 500ms}}")
            for replica in replicas { try tell(replica, "/broken") }
            try siege.wait("it refuses") { ask(siege, 30).failures.contains { $0.contains(" 503 ") } }
            for replica in replicas { try tell(replica, "/mended") }
            try siege.wait("it closes again") { ask(siege, 30).failures == [] }
            #expect(ask(siege, 60).failures == [])
        }
    }
}
