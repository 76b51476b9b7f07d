import Foundation
import Testing

extension Transcripts {
    /// Who gets a request: by zone, by priority, and by what the client had before.
    @Suite(.serialized) struct BalancingTests {
        private func apply(_ manifest: String, to instance: Instance) throws {
            let path = instance.directory + "/balancing.yaml"
            try instance.write(manifest, to: path)
            try instance.steady("apply -f \(path)")
            try instance.waitUntilRouted()
        }

        /// The replies to so many requests of a pod in zone a, one after the other.
        private func replies(_ count: Int, of name: String, in instance: Instance) throws -> [Instance.Replica] {
            let script = "for i in $(seq \(count)); do curl -sS -H \"Accept: application/json\" http://web/; echo; done"
            let pod = Workload.pod(
                name, "nodeSelector: {topology.kubernetes.io/zone: a}\nrestartPolicy: Never\n",
                containers: "- {name: main, image: none, command: [/bin/sh, -c, '\(script)']}")
            try apply(pod, to: instance)
            try instance.steady("wait pod/\(name) --for=jsonpath={.status.phase}=Succeeded --timeout 90s")
            let lines = try instance.start("logs \(name)").finish().out.split(separator: "\n")
            return try lines.map { try JSONDecoder().decode(Instance.Replica.self, from: Data($0.utf8)) }
        }

        @Test(arguments: Account.available)
        func `A pod's requests stay in its zone, and as many leave it as replicas are missing there`(account: Account) throws {
            let instance = try Instance(as: account)
            defer { instance.stop() }
            // What hangs is to stay so: nothing restarts it.
            let manifest = try String(contentsOfFile: instance.manifest, encoding: .utf8)
            try instance.write(
                manifest.replacingOccurrences(of: "failureThreshold: 3", with: "failureThreshold: 100")
                    .replacingOccurrences(of: "replicas: 3", with: "replicas: 9"), to: instance.manifest)
            try instance.up()
            #expect(Set(try replies(30, of: "before", in: instance).map(\.zone)) == ["a", "b", "c"])
            let whole = try String(contentsOfFile: instance.manifest, encoding: .utf8)
            try apply(
                whole.replacingOccurrences(of: "  type: NodePort\n", with: "  type: NodePort\n  trafficDistribution: PreferSameZone\n"),
                to: instance)
            let near = try replies(60, of: "near", in: instance)
            #expect(Set(near.map(\.zone)) == ["a"] && Set(near.map(\.pod)).count == 3)
            // It hangs: not ready, and still listed.
            let victim = near[0]
            kill(victim.pid, SIGSTOP)
            defer { kill(victim.pid, SIGCONT) }
            try instance.wait("a replica that hangs is not ready") {
                try instance.pods().contains { $0.name == victim.pod && !$0.isReady }
                    && !instance.steady("get endpoints web -o jsonpath={.subsets[*].notReadyAddresses[*].ip}").isEmpty
            }
            try instance.waitUntilRouted()
            let overflowing = try replies(60, of: "overflowing", in: instance)
            #expect(overflowing.count { $0.zone == "a" } == 40)
            #expect(overflowing.count { $0.zone == "b" } > 0 && overflowing.count { $0.zone == "c" } > 0)
            #expect(!overflowing.contains { $0.pod == victim.pod })
        }

        /// One request with what the jar holds, as curl sends it.
        private func visit(_ instance: Instance, jar: String) throws -> Instance.Replica {
            let words = [
                "-sS", "--max-time", "20", "-b", jar, "-c", jar, "-H", "Accept: application/json", "http://127.0.0.1:\(instance.port)/",
            ]
            let output = try Command("/usr/bin/curl", words, environment: [:]).finish()
            #expect(output.code == 0, "\(output.text)")
            return try JSONDecoder().decode(Instance.Replica.self, from: Data(output.out.utf8))
        }

        @Test(arguments: Account.available)
        func `A client's cookie leads it to its replica, and over a roll and a restart of the proxy without a failed request`(
            account: Account
        ) throws {
            let instance = try Instance(as: account)
            defer { instance.stop() }
            try instance.up()
            try apply(
                """
                apiVersion: steady.dev/v1
                kind: TrafficPolicy
                metadata: {name: web}
                spec:
                  targetRefs: [{kind: Service, name: web}]
                  sessionPersistence: {sessionName: shop, absoluteTimeout: 1h, cookieConfig: {lifetimeType: Permanent}}
                """, to: instance)
            let jars = (0..<3).map { instance.directory + "/jar-\($0)" }
            var homes = try jars.map { try visit(instance, jar: $0).pod }
            for jar in jars { #expect(try String(contentsOfFile: jar, encoding: .utf8).contains("shop"), "the policy is in force") }
            #expect(Set(homes).count == 3, "clients are spread")
            for _ in 0..<3 { #expect(try jars.map { try visit(instance, jar: $0).pod } == homes) }
            let jar = try String(contentsOfFile: jars[0], encoding: .utf8)
            #expect(!jar.contains(homes[0]) && !jar.contains("127.6"), "the cookie names neither pod nor address")

            let old = try instance.podNames()
            let roll = try instance.start("rollout restart deployment/web").finish()
            #expect(roll.code == 0)
            var moves = 0
            var isRolled = false
            while !isRolled {
                isRolled =
                    try instance.start("rollout status deployment/web --timeout 1s").finish().code == 0
                    && old.isDisjoint(with: instance.podNames())
                if isRolled { try instance.waitUntilRouted() }
                for index in jars.indices {
                    let home = try visit(instance, jar: jars[index]).pod
                    if home != homes[index] { moves += 1 }
                    homes[index] = home
                }
            }
            #expect(moves >= 3, "each replica is another one")
            #expect(Set(homes).isSubset(of: Set(try instance.pods().map(\.name))))
            let proxy = try String(contentsOfFile: instance.dataDirectory + "/roles/proxy-1.lock", encoding: .utf8)
            kill(try #require(pid_t(proxy.trimmingCharacters(in: .whitespacesAndNewlines))), SIGKILL)
            for _ in 0..<3 { #expect(try jars.map { try visit(instance, jar: $0).pod } == homes, "another proxy knows the cookies") }
            let key = try FileManager.default.attributesOfItem(atPath: instance.dataDirectory + "/session.key")
            #expect(key[.posixPermissions] as? Int == 0o600)
        }

        @Test(arguments: Account.available)
        func `Standby replicas get nothing until the others are gone, and nothing again when they are back`(account: Account) throws {
            let instance = try Instance(as: account)
            defer { instance.stop() }
            try instance.up()
            try apply(
                Workload.deployment(
                    "standby", replicas: 1, labels: "app: web, role: standby",
                    containers: """
                        - name: web
                          image: web:v1
                          ports: [{name: http, containerPort: 8080}]
                          readinessProbe: {httpGet: {path: /ready, port: http}, periodSeconds: 1}
                        """) + """
                        apiVersion: steady.dev/v1
                        kind: TrafficPolicy
                        metadata: {name: web}
                        spec:
                          targetRefs: [{kind: Service, name: web}]
                          backends: [{selector: {matchLabels: {role: standby}}, priority: 1}]
                        """, to: instance)
            try instance.steady("rollout status deployment/standby --timeout 90s")
            func standbyShare() throws -> Int { try (0..<20).count { _ in try instance.ask().pod.hasPrefix("standby-") } }
            try instance.wait("the standby is left alone") { try standbyShare() == 0 }
            try instance.steady("scale deployment/web --replicas 0")
            try instance.wait("all traffic goes to the standby") { try standbyShare() == 20 }
            try instance.steady("scale deployment/web --replicas 3")
            try instance.wait("the standby is left alone again") { try standbyShare() == 0 }
            // Events are written behind what matters, and one that flaps is told of seconds later.
            try instance.wait("both turns are told of") {
                let events = try instance.steady("get events")
                return events.contains("FailedOver") && events.contains("FailedBack")
            }
        }
    }
}
