import Testing
import Timing

@testable import Supervision

@Suite struct MachineExplanationTests {
    private let at = Timestamp(secondsSince1970: 1_700_000_000)
    private func second(_ number: Int64) -> Instant { .zero + .seconds(number) }

    private func running(_ container: ContainerPolicy) -> PodMachine {
        var machine = PodMachine(PodPolicy(containers: [container]))
        _ = machine.begin()
        _ = machine.handle(.prepared, now: .zero, at: at)
        _ = machine.handle(.container(container.name, .launched(containerID: "steady://1")), now: .zero, at: at)
        return machine
    }

    private func sentences(_ machine: PodMachine, _ now: Instant) -> [String] { machine.explanation(now: now).map(\.text) }

    @Test func `a pod without probes is ready because it runs`() {
        let machine = running(ContainerPolicy(name: "web"))
        #expect(machine.explanation(now: .zero) == [Explained("runs and is ready: it has no probes", container: "web")])
    }

    @Test func `what was never started says what it waits for`() {
        var machine = PodMachine(PodPolicy(containers: [ContainerPolicy(name: "web")]))
        _ = machine.begin()
        #expect(machine.waitingReason(of: "web") == "ContainerCreating")
        _ = machine.handle(
            .preparationFailed(reason: "FailedMount", message: "no ConfigMap has the name \"c\""), now: .zero, at: at)
        #expect(machine.waitingReason(of: "web") == "ContainerCreating: no ConfigMap has the name \"c\"")
        #expect(running(ContainerPolicy(name: "web")).waitingReason(of: "web") == "")
    }

    @Test func `a readiness probe says what it was answered, and what its next threshold changes`() {
        var machine = running(ContainerPolicy(name: "web", readiness: ProbePolicy(period: .seconds(10), failureThreshold: 3)))
        #expect(sentences(machine, .zero) == ["readiness probe has not passed yet; a try is under way"])
        _ = machine.handle(.container("web", .probed(.readiness, succeeded: false, message: "statuscode: 503")), now: .zero, at: at)
        #expect(sentences(machine, .zero) == ["readiness probe has not passed yet (statuscode: 503); next try in 20 ms"])
        _ = machine.handle(.tick, now: .zero + .milliseconds(20), at: at)
        _ = machine.handle(.container("web", .probed(.readiness, succeeded: true, message: "")), now: second(1), at: at)
        #expect(sentences(machine, second(1)) == ["readiness probe passes; next try in 10 s"])
        for count in 1...2 {
            let now = machine.nextDeadline
            _ = machine.handle(.tick, now: now, at: at)
            _ = machine.handle(.container("web", .probed(.readiness, succeeded: false, message: "refused")), now: now, at: at)
            let text = sentences(machine, now).first ?? ""
            #expect(text.hasPrefix("readiness probe fails (refused), \(count) of 3; next try in "))
            #expect(text.hasSuffix("; not ready after \(3 - count) more"))
        }
        let now = machine.nextDeadline
        _ = machine.handle(.tick, now: now, at: at)
        _ = machine.handle(.container("web", .probed(.readiness, succeeded: false, message: "refused")), now: now, at: at)
        #expect(sentences(machine, now).first?.hasSuffix("; ready after 1 success") == true)
    }

    @Test func `a crash loop says how it ended and when it starts again`() {
        var machine = running(ContainerPolicy(name: "web", readiness: ProbePolicy()))
        for _ in 0..<5 {
            let now = max(.zero, machine.nextDeadline == .never ? .zero : machine.nextDeadline)
            _ = machine.handle(.tick, now: now, at: at)
            if case .launching = machine["web"]?.state {
                _ = machine.handle(.container("web", .launched(containerID: "steady://2")), now: now, at: at)
            }
            _ = machine.handle(.container("web", .ended(Termination(exitCode: 3))), now: now, at: at)
            _ = machine.handle(.container("web", .cleared), now: now, at: at)
            if case .launching = machine["web"]?.state {
                _ = machine.handle(.container("web", .launched(containerID: "steady://3")), now: now, at: at)
                _ = machine.handle(.container("web", .ended(Termination(exitCode: 3))), now: now, at: at)
                _ = machine.handle(.container("web", .cleared), now: now, at: at)
            }
        }
        guard case .backingOff(let until, _, _)? = machine["web"]?.state else {
            Issue.record("no back-off: \(sentences(machine, .zero))")
            return
        }
        let text = sentences(machine, until - .seconds(1)).first ?? ""
        #expect(text.hasPrefix("has ended (exit code 3); starts again in 1 s (back-off of "), "\(text)")
    }

    @Test func `a pod that is being stopped says what TERM waits for`() {
        var machine = running(ContainerPolicy(name: "web", hasPreStop: true))
        _ = machine.handle(.delete(within: .seconds(30)), now: .zero, at: at)
        #expect(
            sentences(machine, .zero) == [
                "is being stopped with its pod: TERM waits for every proxy to confirm that no request is left (until at most 28 s more) and its "
                    + "preStop hook (until at most 28 s more); KILL in 30 s"
            ])
        _ = machine.handle(.drained, now: second(1), at: at)
        _ = machine.handle(.container("web", .hookFinished(.preStop, failure: nil)), now: second(2), at: at)
        #expect(sentences(machine, second(2)) == ["is being stopped with its pod: TERM was sent; KILL in 28 s"])
    }

    @Test func `a pod that cannot be prepared says why and when it is tried again`() {
        var machine = PodMachine(PodPolicy(containers: [ContainerPolicy(name: "web")]))
        _ = machine.begin()
        _ = machine.handle(.preparationFailed(reason: "FailedMount", message: "configmap \"x\" not found"), now: .zero, at: at)
        #expect(sentences(machine, .zero) == ["cannot be prepared: configmap \"x\" not found; tried again in 2 s"])
    }
}
