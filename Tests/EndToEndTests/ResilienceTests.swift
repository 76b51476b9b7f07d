import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

extension Transcripts {
    /// A planned action loses no request, and Steady itself may die: with real processes, real kills and constant load.
    @Suite(.serialized) struct ResilienceTests {
        @Test func `No planned action fails a request, and every answered POST ran exactly once`() throws {
            let siege = try Siege(replicas: 4)
            defer { siege.stop() }
            let instance = siege.instance
            try siege.begin()

            try instance.steady("set image deployment/web main=replica:v2")
            try siege.settle(4)
            try instance.steady("rollout undo deployment/web")
            try siege.settle(4)
            try instance.steady("rollout restart deployment/web")
            try siege.settle(4)
            for count in [10, 2, 1, 4] {
                try instance.steady("scale deployment/web --replicas \(count)")
                try siege.settle(count)
            }
            try instance.steady("delete pod \(siege.replicas()[0].name)")
            try siege.settle(4)
            let node = try siege.replicas()[0].node
            try instance.steady("drain \(node) --timeout 90s")
            #expect(try siege.replicas().allSatisfy { $0.node != node })
            try instance.steady("uncordon \(node)")
            try siege.end()
            #expect(try siege.replicas().map(\.restartCount) == [0, 0, 0, 0])
        }

        @Test func `What a replica has begun is finished before it is told to end, though the server dies meanwhile`() throws {
            let siege = try Siege()
            defer { siege.stop() }
            let port = siege.instance.port
            let answers = Answers(of: 3) { try HandRequest.once(port: port, path: "/slow") }
            try siege.wait("every replica is busy") { answers.begunCount == 3 }
            try siege.instance.steady("rollout restart deployment/web")
            try siege.kill("server")
            #expect(answers.failures() == [])
            try siege.settle(3)
        }

        @Test(arguments: ["http", ""])
        func `One replica is rolled and drained without a failed request, also where the Service does not say what its port carries`(
            portName: String
        ) throws {
            let siege = try Siege(replicas: 1, portName: portName)
            defer { siege.stop() }
            try siege.begin()
            try siege.instance.steady("set image deployment/web main=replica:v2")
            try siege.settle(1)
            let node = try siege.replicas()[0].node
            try siege.instance.steady("drain \(node) --timeout 90s")
            try siege.settle(1)
            #expect(try siege.replicas()[0].node != node)
            try siege.end()
        }

        @Test func `A policy of the traffic acts when it is applied, and no longer than it is there`() throws {
            let siege = try Siege(replicas: 1)
            defer { siege.stop() }
            let port = siege.instance.port
            try siege.apply(
                """
                apiVersion: steady.dev/v1
                kind: TrafficPolicy
                metadata: {name: calm}
                spec:
                  targetRefs: [{kind: Service, name: web}]
                  rateLimit: {local: {rules: [{limit: {requests: 2, unit: Day}}]}}
                """)
            #expect(try siege.instance.steady("get trafficpolicies").contains("web"))
            try siege.wait("the limit acts") { (try? HandRequest.once(port: port, path: "/")) == nil }
            #expect(throws: HandRequest.Failure.self) { try HandRequest.once(port: port, path: "/") }
            try siege.instance.steady("delete trafficpolicy calm")
            try siege.wait("the limit is gone") { (try? HandRequest.once(port: port, path: "/")) != nil }
            for _ in 0..<5 { _ = try HandRequest.once(port: port, path: "/") }
        }

        @Test func `Server, agents and up may be killed in mid-roll: no request fails, and no Ready process is restarted`() throws {
            let siege = try Siege(replicas: 4)
            defer { siege.stop() }
            try siege.begin()
            var image = "v1"
            for roles in [["server"], ["agent-a1", "agent-b1", "agent-c1"], ["up"], ["up", "server", "agent-b1"]] {
                image = image == "v1" ? "v2" : "v1"
                try siege.instance.steady("set image deployment/web main=replica:\(image)")
                for role in roles { try siege.kill(role) }
                try siege.settle(4)
                // Untouched by what comes while nothing rolls.
                let before = try siege.replicas().map(\.pid)
                for role in roles { try siege.kill(role) }
                try siege.flow()
                try siege.settle(4)
                #expect(try siege.replicas().map(\.pid) == before)
            }
            try siege.end()
        }

        @Test func `A stopped server or agent delays a roll and fails nothing`() throws {
            let siege = try Siege()
            defer { siege.stop() }
            try siege.begin()
            var image = "v1"
            for role in ["server", "agent-a1", "up"] {
                image = image == "v1" ? "v2" : "v1"
                try siege.instance.steady("set image deployment/web main=replica:\(image)")
                let stopped = siege.pid(of: role)
                #expect(kill(stopped, SIGSTOP) == 0)
                try siege.flow(500)
                #expect(kill(stopped, SIGCONT) == 0)
                try siege.settle(3)
                #expect(siege.pid(of: role) == stopped)
            }
            try siege.end()
        }

        @Test func `An up that hangs is replaced, so that what dies beside it comes back: no process restarts, no request fails`() throws {
            let siege = try Siege()
            defer { siege.stop() }
            try siege.begin()
            let before = try siege.replicas()
            let (up, server) = (siege.pid(of: "up"), siege.pid(of: "server"))
            try #require(up > 1 && server > 1)
            #expect(kill(up, SIGSTOP) == 0)
            // Nobody but `up` starts another server.
            #expect(kill(server, SIGKILL) == 0)
            // Those who judge may be late themselves on a busy machine, and then wait for as long again.
            try siege.wait(within: 120, "another up runs") { siege.pid(of: "up") > 1 && siege.pid(of: "up") != up }
            try siege.wait("another server runs") { siege.pid(of: "server") > 1 && siege.pid(of: "server") != server }
            try siege.settle(3)
            #expect(try siege.replicas() == before)
            try siege.flow()
            // The next one heals as the first did.
            try siege.kill("agent-a1")
            try siege.settle(3)
            try siege.end()
            #expect(try siege.replicas() == before)
        }

        @Test func `The death of the proxy breaks what was inside it; new connections wait for the next`() throws {
            let siege = try Siege()
            defer { siege.stop() }
            try siege.begin()
            try siege.flow()
            try siege.kill("proxy-1")
            try siege.flow()
            try siege.end(allowing: .everythingInsideTheProxy)
            // What came to be afterwards is whole again.
            try siege.begin()
            try siege.flow()
            try siege.end()
        }

        @Test func `kill -9 of a replica and the loss of its readiness fail no GET`() throws {
            let siege = try Siege()
            defer { siege.stop() }
            try siege.begin()
            for victim in try siege.replicas() {
                #expect(kill(victim.pid, SIGKILL) == 0)
                try siege.instance.wait("\(victim.name) runs again") {
                    try siege.replicas().contains { $0.name == victim.name && $0.isReady && $0.restartCount == 1 }
                }
            }
            try siege.end(allowing: .postsInsideTheDead)

            // Stopped: nothing in it answers any more, so its readiness probe takes it out; what waits in it is answered when it goes on.
            try siege.begin()
            let hanging = try siege.replicas()[0]
            #expect(kill(hanging.pid, SIGSTOP) == 0)
            try siege.instance.wait("\(hanging.name) is not ready") { try !siege.replicas()[0].isReady }
            try siege.flow()
            #expect(kill(hanging.pid, SIGCONT) == 0)
            try siege.settle(3)
            try siege.end()
            #expect(try siege.replicas()[0] == hanging)
        }

        @Test func `Nothing is left of a container: no daemon that it started, nobody who ignores SIGTERM`() throws {
            let siege = try Siege(replicas: 1)
            defer { siege.stop() }
            let mark = "MARK=\(UUID().uuidString)"
            let environment = ["GRANDCHILD": "1", "IGNORE_TERM": "1", "MARK": String(mark.dropFirst(5))]
            try siege.apply(Siege.deployment("stubborn", replicas: 2, environment: environment, grace: 1))
            try siege.settle(2, of: "stubborn")
            try siege.wait("each has its daemon") { siege.processes(with: mark).count == 4 }
            let victim = try siege.replicas(of: "stubborn")[0]
            #expect(kill(victim.pid, SIGKILL) == 0)
            try siege.instance.wait("it is restarted") {
                try siege.replicas(of: "stubborn").contains { $0.name == victim.name && $0.isReady && $0.restartCount == 1 }
            }
            // The daemon of the killed one went with it.
            try siege.wait("each has its daemon") { siege.processes(with: mark).count == 4 }
            // The next agent knows what the one before it had started.
            try siege.kill("agent-\(victim.node)")
            try siege.instance.steady("delete deployment stubborn")
            try siege.instance.wait("the pods are gone") { try siege.replicas(of: "stubborn").isEmpty }
            #expect(siege.processes(with: mark) == [])
        }

        @Test func `A program that fails again and again is held back, and runs as soon as it can`() throws {
            let siege = try Siege(replicas: 1)
            defer { siege.stop() }
            let flag = siege.instance.directory + "/flag"
            try siege.apply(Siege.deployment("crashing", replicas: 1, environment: ["EXIT_UNLESS": flag]))
            try siege.instance.wait("it is held back") { try siege.replicas(of: "crashing").first?.waiting == "CrashLoopBackOff" }
            #expect(try siege.replicas(of: "crashing")[0].restartCount <= 8)
            try siege.instance.write("", to: flag)
            try siege.settle(1, of: "crashing")
        }
    }
}

/// Requests that run beside the test, each on a thread of its own.
private final class Answers: @unchecked Sendable {
    private let condition = NSCondition()
    private var begun = 0
    private var running: Int
    private var failed: [String] = []

    init(of count: Int, _ ask: @escaping @Sendable () throws -> String) {
        running = count
        for _ in 0..<count {
            Thread.detachNewThread { [self] in
                condition.withLock { begun += 1 }
                var failure: String?
                do { _ = try ask() } catch { failure = "\(error)" }
                condition.withLock {
                    if let failure { failed.append(failure) }
                    running -= 1
                    condition.broadcast()
                }
            }
        }
    }

    var begunCount: Int { condition.withLock { begun } }

    /// What went wrong, once all have ended. Each has a bound of its own.
    func failures() -> [String] {
        condition.withLock {
            while running > 0 { condition.wait() }
            return failed
        }
    }
}
