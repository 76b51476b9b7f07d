import Formats
import Timing
import Testing

@testable import Simulation

/// What `steady simulate` makes of a manifest with a TrafficPolicy.
@Suite struct PolicyTests {
    private func lost(_ objects: [Value], _ fault: FaultKind, seeds: ClosedRange<UInt64> = 1...4) -> [LossCause: Int] {
        var losses: [LossCause: Int] = [:]
        for seed in seeds {
            var scenario = Scenario("policy", objects: objects)
            scenario.requestsPerSecond = 50
            let outcome = DrillRun(Drill(fault, during: .steady), of: scenario, seed: seed).run()
            #expect(outcome.violation == nil, "\(Story.lines(of: outcome).joined(separator: "\n"))")
            losses.merge(outcome.losses) { $0 + $1 }
        }
        return losses
    }

    @Test func `A program that answers with errors costs less where its policy ejects it, or repeats`() {
        // Where all replicas fail alike no policy helps: the seed in the middle is one where a part of them does.
        func usual(_ objects: [Value]) -> Int {
            (1...7 as ClosedRange<UInt64>).map { lost(objects, .errors, seeds: $0...$0)[.erring] ?? 0 }.sorted()[3]
        }
        let plain = usual(Samples.web())
        #expect(plain > 20)
        #expect(usual(Samples.sessions()) * 2 < plain)
        // A POST is not repeated.
        #expect(usual(Samples.breaker()) * 2 < plain)
    }

    @Test func `A rate limit is a reason of its own`() {
        var objects = Samples.web()
        objects.append([
            "apiVersion": "steady.dev/v1", "kind": "TrafficPolicy", "metadata": ["name": "web"],
            "spec": [
                "targetRefs": [["kind": "Service", "name": "web"]],
                "rateLimit": ["type": "Local", "local": ["rules": [["limit": ["requests": 1, "unit": "Second"]]]]],
            ],
        ])
        let losses = lost(objects, .serverCrash)
        #expect(losses[.policy] ?? 0 > 100)
        #expect(losses[.nobodyReady] == nil)
    }

    @Test func `A policy's fallback answers when nobody does`() {
        let found = [true, false].map { hasFallback in
            var pinned = Samples.breaker(hasFallback: hasFallback)
            pinned[0]["spec"]["template"]["spec"]["nodeSelector"] = ["topology.kubernetes.io/zone": "a"]
            return lost(pinned, .zoneLoss)[.nobodyReady] ?? 0
        }
        #expect(found[0] == 0)
        #expect(found[1] > 0)
    }

    /// One proxy after another while pods come and go, and requests that take seconds.
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `Drains wait for a proxy that came while they ran`(seed: UInt64) {
        var scenario = Scenario("upgrades", objects: Samples.web())
        scenario.faults = [.serverCrash, .slowNetwork]
        scenario.actions = [.upgrade, .roll]
        scenario.standardProgram.serviceTime = .milliseconds(500)...(.seconds(5))
        let outcome = SimulationRun(scenario, seed: seed).run()
        #expect(outcome.violation == nil, "\(explain(outcome))")
        #expect(outcome.marks.contains(.proxySucceeded))
    }
}
