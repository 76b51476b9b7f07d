import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// Instances of the real program, one test after the other: they are full of processes, and each wants a slice of the loopback addresses.
@Suite(.serialized) enum Transcripts {}

extension Transcripts {
    /// What a person does with Steady, in order, with the real program, real processes and real traffic.
    @Suite(.serialized) struct TranscriptTests {
        @Test(arguments: Account.available)
        func `A manifest runs over three zones, heals, scales, rolls, is undone, and loses a zone, without a failed request`(
            account: Account
        )
            throws
        {
            let instance = try Instance(as: account)
            defer { instance.stop() }
            try instance.up()

            let pods = try instance.pods()
            #expect(pods.map(\.isReady) == [true, true, true])
            #expect(Set(pods.map(\.node)) == ["a1", "b1", "c1"], "one pod a zone")
            #expect(try instance.steady("get pods -o wide").contains("1/1"))
            let load = Load(port: instance.port)
            #expect(load.waitForMore(20))

            // kill -9 of a replica: it is healed in place.
            let victim = try instance.ask()
            #expect(kill(victim.pid, SIGKILL) == 0)
            try instance.wait("\(victim.pod) is restarted") {
                try instance.pods().contains { $0.name == victim.pod && $0.isReady && $0.restarts == 1 }
            }

            try instance.steady("scale deployment/web --replicas 12")
            try instance.steady("rollout status deployment/web --timeout 90s")
            #expect(try instance.pods().filter(\.isReady).count == 12)

            try instance.steady("set image deployment/web web=web:v2")
            #expect(try instance.steady("rollout status deployment/web --timeout 90s").contains("successfully rolled out"))
            #expect(try instance.ask().version == "v2")

            // A release that exits at once: its rollout stalls, and what runs goes on running.
            try instance.steady("set image deployment/web web=web:v3")
            try instance.steady("rollout status deployment/web --timeout 2s", code: 1)
            try instance.wait("a pod of the broken release shows why") { try instance.steady("get pods").contains("CrashLoopBackOff") }
            #expect(try instance.pods().filter(\.isReady).count >= 9, "no more than maxUnavailable of 12 may be missing")
            #expect(try instance.ask().version == "v2")
            try instance.steady("rollout undo deployment/web")
            try instance.steady("rollout status deployment/web --timeout 90s")
            try instance.steady("rollout undo deployment/web --to-revision 1")
            try instance.steady("rollout status deployment/web --timeout 90s")
            #expect(try instance.ask().version == "v1")
            #expect(load.waitForMore(20))

            // A zone dies with all that runs there. Nothing is told: it is found out, and its pods are replaced elsewhere.
            try instance.steady("zone fail b")
            try instance.wait(within: 60, "twelve replicas are ready without zone b") {
                try instance.pods().filter { $0.isReady && $0.node != "b1" }.count == 12
            }
            #expect(try instance.steady("get nodes").contains("NotReady"))
            try instance.steady("zone recover b")
            try instance.steady("wait node/b1 --for=condition=Ready --timeout 90s")
            #expect(load.waitForMore(20))

            let tally = load.stop()
            #expect(tally.failureCount == 0, "of \(tally.answeredCount) requests failed: \(tally.failures)")
            #expect(tally.versions == ["v1", "v2"])
        }

        @Test(arguments: Account.available) func `Planned changes lose no request and repeat none, POSTs included`(account: Account) throws
        {
            let instance = try Instance(as: account)
            defer { instance.stop() }
            try instance.up()
            let load = Load(port: instance.port, keptConnections: 2, freshConnections: 2, postingConnections: 4)
            #expect(load.waitForMore(20))
            for (change, version) in [
                ("set image deployment/web web=web:v2", "v2"), ("scale deployment/web --replicas 8", "v2"),
                ("rollout undo deployment/web", "v1"),
                ("scale deployment/web --replicas 2", "v1"), ("rollout restart deployment/web", "v1"),
            ] {
                try instance.steady(change)
                try instance.steady("rollout status deployment/web --timeout 90s")
                #expect(try instance.ask().version == version)
                #expect(load.waitForMore(20))
            }
            let node = try #require(try instance.pods().first?.node)
            try instance.steady("drain \(node) --timeout 90s")
            #expect(try instance.pods().allSatisfy { $0.node != node })
            #expect(load.waitForMore(20))

            let tally = load.stop()
            #expect(tally.failureCount == 0, "of \(tally.answeredCount) requests failed: \(tally.failures)")
            let recorded = try instance.recordedIDs()
            #expect(!tally.postedIDs.isEmpty)
            #expect(tally.postedIDs.filter { recorded[$0] != 1 }.isEmpty, "every answered id ran exactly once")
            #expect(recorded.filter { $0.value > 1 }.isEmpty, "no id ran twice")
        }

        @Test(arguments: Account.available) func `What was stopped runs again, and what was purged is gone`(account: Account) throws {
            let instance = try Instance(as: account)
            defer { instance.stop() }
            try instance.up()
            try instance.steady("scale deployment/web --replicas 5")
            try instance.steady("rollout status deployment/web --timeout 90s")
            let old = try instance.ask()
            try instance.steady("down")
            #expect(kill(old.pid, 0) == -1, "processes end with the instance")
            try instance.steady("get pods", code: 1)

            try instance.steady("up --detach")
            try instance.wait("five replicas are ready again") { try instance.pods().filter(\.isReady).count == 5 }
            // A ready pod says nothing about the proxy, which starts at the same time.
            try instance.wait("the Service's port is open again") { (try? instance.ask())?.version == "v1" }

            try instance.steady("down --purge")
            try instance.steady("up --detach")
            #expect(try instance.pods().isEmpty)
        }

        @Test(arguments: Account.available) func `The guide's manifest runs unchanged`(account: Account) throws {
            let instance = try Instance(as: account)
            defer { instance.stop() }
            // Its Service wants port 80 of the machine, which others may hold: that is another test's matter.
            let path = instance.directory + "/ha-guide.yaml"
            try instance.write(Instance.example("ha-guide.yaml"), to: path)
            try instance.steady("up --detach -f \(path)")
            // Its readiness probe first goes after five seconds.
            try instance.steady("rollout status deployment/web-app --timeout 90s")
            #expect(try instance.pods().map(\.isReady) == [true, true, true])
            #expect(try instance.steady("get service web-service").contains("LoadBalancer"))
        }

        @Test func `Two instances run beside each other`() throws {
            let first = try Instance()
            defer { first.stop() }
            let second = try Instance()
            defer { second.stop() }
            try first.up()
            try second.up()
            let own = try Set(first.pods().map(\.name))
            #expect(try own.isDisjoint(with: second.pods().map(\.name)))
            #expect(try own.contains(first.ask().pod))
            #expect(try !own.contains(second.ask().pod))
        }
    }
}
