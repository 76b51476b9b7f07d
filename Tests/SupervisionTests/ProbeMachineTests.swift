import Testing
import Timing

@testable import Supervision

@Suite struct ProbeMachineTests {
    private func machine(_ kind: ProbeKind, _ policy: ProbePolicy) -> ProbeMachine {
        ProbeMachine(kind, policy, since: .zero, now: .zero, seed: 1)
    }

    /// Fails until a time, then succeeds; says when it tried, in milliseconds, up to a limit.
    private func tries(_ machine: inout ProbeMachine, upAt: Duration, until limit: Duration) -> [Int64] {
        var out: [Int64] = []
        while machine.nextTry <= .zero + limit {
            let now = machine.nextTry
            #expect(machine.begin(now: now) == true)
            out.append((now - Instant.zero).nanoseconds / 1_000_000)
            let outcome = machine.finish(succeeded: now >= .zero + upAt, now: now)
            if outcome.verdict == .passed { break }
        }
        return out
    }

    @Test func `until the first success readiness is tried after 20 ms, doubled, beside its period`() {
        var probe = machine(.readiness, ProbePolicy(period: .seconds(10)))
        #expect(tries(&probe, upAt: .milliseconds(1000), until: .seconds(5)) == [0, 20, 60, 140, 300, 620, 1000])
        #expect(probe.verdict == .passed)
        // From now on its period counts, five per cent more or less.
        let wait = probe.nextTry - (Instant.zero + .milliseconds(1000))
        #expect(wait >= .milliseconds(9500) && wait <= .milliseconds(10_500))
    }

    @Test func `initialDelaySeconds is obeyed, then the first try goes at once`() {
        var probe = machine(.readiness, ProbePolicy(initialDelay: .seconds(5)))
        #expect(probe.nextTry == .zero + .seconds(5))
        #expect(probe.begin(now: .zero + .milliseconds(4999)) == false)
        #expect(probe.begin(now: .zero + .seconds(5)) == true)
    }

    @Test func `a failure in a container's first second does not count, and liveness is tried again after it`() {
        var probe = machine(.liveness, ProbePolicy(period: .seconds(10), failureThreshold: 2))
        #expect(probe.begin(now: .zero) == true)
        #expect(probe.finish(succeeded: false, now: .zero + .milliseconds(1)) == .init(verdict: nil, isCounted: false))
        #expect(probe.nextTry == .zero + .seconds(1))
        #expect(probe.begin(now: .zero + .seconds(1)) == true)
        #expect(probe.finish(succeeded: false, now: .zero + .seconds(1)) == .init(verdict: nil, isCounted: true))
        #expect(probe.nextTry >= .zero + .milliseconds(10_500))
    }

    @Test func `a threshold of one leaves a program its time to bind`() {
        for kind in [ProbeKind.startup, .liveness] {
            var probe = machine(kind, ProbePolicy(period: .seconds(10), failureThreshold: 1))
            while probe.verdict == nil {
                let now = probe.nextTry
                #expect(probe.begin(now: now) == true)
                _ = probe.finish(succeeded: now >= .zero + .milliseconds(300), now: now)
            }
            #expect(probe.verdict == .passed)
        }
    }

    @Test func `a failure after a success counts at any age`() {
        var probe = machine(.liveness, ProbePolicy(period: .milliseconds(100), failureThreshold: 1))
        #expect(probe.begin(now: .zero) == true)
        #expect(probe.finish(succeeded: true, now: .zero).verdict == .passed)
        let now = probe.nextTry
        #expect(now < .zero + .seconds(1) && probe.begin(now: now) == true)
        #expect(probe.finish(succeeded: false, now: now) == .init(verdict: .failed, isCounted: true))
    }

    @Test func `quick tries never count towards the threshold`() {
        var probe = machine(.startup, ProbePolicy(period: .seconds(1), failureThreshold: 3))
        var counted = 0
        var total = 0
        while probe.verdict != .failed {
            let now = probe.nextTry
            #expect(probe.begin(now: now) == true)
            total += 1
            if probe.finish(succeeded: false, now: now).isCounted { counted += 1 }
        }
        #expect(counted == 3 && total > 6)
    }

    @Test func `a verdict falls after failureThreshold failures in a row, and comes back after successThreshold successes`() {
        var probe = machine(.readiness, ProbePolicy(period: .seconds(1), successThreshold: 2, failureThreshold: 2))
        func step(_ succeeded: Bool) -> ProbeMachine.Verdict? {
            #expect(probe.begin(now: probe.nextTry == .never ? .zero : probe.nextTry) == true)
            return probe.finish(succeeded: succeeded, now: .zero + .seconds(100)).verdict
        }
        #expect([true, true, false, true, false, false, true].map { step($0) } == [nil, .passed, nil, .passed, nil, .failed, nil])
    }

    @Test func `a skipped try counts for nothing and comes again`() {
        var probe = machine(.readiness, ProbePolicy(failureThreshold: 1))
        #expect(probe.begin(now: .zero) == true)
        #expect(probe.nextTry == .never)
        probe.skip(now: .zero)
        #expect(probe.nextTry == .zero + .milliseconds(20) && probe.verdict == nil)
    }
}
