import Testing
import Timing

@testable import Supervision

@Suite struct HealingBrakeTests {
    private func second(_ number: Double) -> Instant { .zero + .nanoseconds(Int64(number * 1e9)) }
    private func plea(_ pod: String, workload: String? = "web", isTimeout: Bool = false, answersTraffic: Bool = true) -> HealingBrake.Plea {
        HealingBrake.Plea(workload: workload, pod: pod, container: "c", isTimeout: isTimeout, answersTraffic: answersTraffic)
    }
    private func isHeld(_ verdict: HealingBrake.Verdict) -> Bool { verdict != .restart }

    @Test func `without the server one instance of a workload is restarted, and the others wait until it is Ready`() {
        var brake = HealingBrake()
        #expect(brake.judge(plea("a"), .silence, now: second(0)) == .restart)
        #expect(isHeld(brake.judge(plea("b"), .silence, now: second(0.5))))
        #expect(isHeld(brake.judge(plea("b"), .silence, now: second(5))))
        brake.becameReady(pod: "a", workload: "web")
        #expect(brake.judge(plea("b"), .silence, now: second(6)) == .restart)
    }

    @Test func `a second after a restart is too soon, even if the first is Ready at once`() {
        var brake = HealingBrake()
        _ = brake.judge(plea("a"), .silence, now: second(0))
        brake.becameReady(pod: "a", workload: "web")
        #expect(isHeld(brake.judge(plea("b"), .silence, now: second(0.9))))
        #expect(brake.judge(plea("b"), .silence, now: second(1)) == .restart)
    }

    @Test func `what serves is not touched as long as the instance that was restarted does not come back`() {
        var brake = HealingBrake()
        _ = brake.judge(plea("a"), .silence, now: second(0))
        for at in stride(from: 1.0, to: 3600, by: 10) { #expect(isHeld(brake.judge(plea("b"), .silence, now: second(at)))) }
        // The server sees more than one node, and decides.
        #expect(brake.judge(plea("b"), .permitted, now: second(3600)) == .restart)
    }

    @Test func `a restart that serves nobody releases no other`() {
        var brake = HealingBrake()
        _ = brake.judge(plea("a"), .silence, now: second(0))
        #expect(brake.judge(plea("b", answersTraffic: false), .silence, now: second(2)) == .restart)
        brake.becameReady(pod: "b", workload: "web")
        #expect(isHeld(brake.judge(plea("c"), .silence, now: second(9))))
        brake.becameReady(pod: "a", workload: "web")
        #expect(brake.judge(plea("c"), .silence, now: second(9)) == .restart)
    }

    @Test func `the server's word counts where it is heard, and what it permitted counts where it is not`() {
        var brake = HealingBrake()
        #expect(brake.judge(plea("a"), .refused(reason: "no budget"), now: second(0)) == .hold(reason: "no budget"))
        #expect(brake.judge(plea("b"), .permitted, now: second(0)) == .restart)
        #expect(brake.judge(plea("c"), .permitted, now: second(0)) == .restart)
        #expect(isHeld(brake.judge(plea("a"), .silence, now: second(2))))
    }

    @Test func `the one that was restarted may be restarted again, other workloads and lone pods are none of its business`() {
        var brake = HealingBrake()
        _ = brake.judge(plea("a"), .silence, now: second(0))
        #expect(brake.judge(plea("a"), .silence, now: second(2)) == .restart)
        #expect(brake.judge(plea("x", workload: "other"), .silence, now: second(2)) == .restart)
        #expect(brake.judge(plea("y", workload: nil), .silence, now: second(2)) == .restart)
        #expect(brake.judge(plea("z", workload: nil), .silence, now: second(2)) == .restart)
    }

    @Test func `what serves nothing is replaced without delay, and asks nobody`() {
        var brake = HealingBrake()
        _ = brake.judge(plea("a"), .silence, now: second(0))
        #expect(!plea("b", answersTraffic: false).needsLeave && !plea("z", workload: nil).needsLeave && plea("b").needsLeave)
        #expect(brake.judge(plea("b", answersTraffic: false), .refused(reason: "no"), now: second(0)) == .restart)
    }

    @Test func `a pod that is gone is waited for no longer`() {
        var brake = HealingBrake()
        _ = brake.judge(plea("a"), .silence, now: second(0))
        brake.removed(pod: "a", workload: "web")
        #expect(brake.judge(plea("b"), .silence, now: second(2)) == .restart)
    }

    @Test(
        arguments: [
            // timeout, answers traffic, pressure, excused
            (true, true, 80.0, true), (true, true, 20.0, false), (true, true, nil, false), (false, true, 80.0, false),
            (true, false, 80.0, false),
        ] as [(Bool, Bool, Double?, Bool)])
    func `a program is excused only while the machine starves it and it still serves`(
        isTimeout: Bool, answersTraffic: Bool, pressure: Double?, isExcused: Bool
    ) {
        var brake = HealingBrake()
        let excuse = brake.excuse(plea("a", isTimeout: isTimeout, answersTraffic: answersTraffic), pressure: pressure, now: second(0))
        #expect((excuse != nil) == isExcused)
    }

    @Test func `starvation excuses nobody for ever: the program may be its cause`() {
        var brake = HealingBrake()
        let slow = plea("a", isTimeout: true)
        for at in stride(from: 0.0, to: 300, by: 10) { #expect(brake.excuse(slow, pressure: 90, now: second(at)) != nil) }
        #expect(brake.excuse(slow, pressure: 90, now: second(300)) == nil)
    }
}
