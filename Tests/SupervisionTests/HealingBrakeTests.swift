import Testing
import Timing

@testable import Supervision

@Suite struct HealingBrakeTests {
    private func second(_ number: Double) -> Instant { .zero + .nanoseconds(Int64(number * 1e9)) }
    private func plea(_ pod: String, workload: String? = "web", isTimeout: Bool = false, answersTraffic: Bool = true) -> HealingBrake.Plea {
        HealingBrake.Plea(workload: workload, pod: pod, container: "c", isTimeout: isTimeout, answersTraffic: answersTraffic)
    }
    private func isHeld(_ verdict: HealingBrake.Verdict) -> Bool { verdict != .restart }

    @Test func `when all instances of a workload fail alike, one is restarted, and the others wait until it is Ready`() {
        var brake = HealingBrake()
        #expect(brake.judge(plea("a"), pressure: 0, now: second(0)) == .restart)
        #expect(isHeld(brake.judge(plea("b"), pressure: 0, now: second(0.5))))
        #expect(isHeld(brake.judge(plea("b"), pressure: 0, now: second(5))))
        brake.becameReady(pod: "a", workload: "web")
        #expect(brake.judge(plea("b"), pressure: 0, now: second(6)) == .restart)
    }

    @Test func `a second after a restart is too soon, even if the first is Ready at once`() {
        var brake = HealingBrake()
        _ = brake.judge(plea("a"), pressure: 0, now: second(0))
        brake.becameReady(pod: "a", workload: "web")
        #expect(isHeld(brake.judge(plea("b"), pressure: 0, now: second(0.9))))
        #expect(brake.judge(plea("b"), pressure: 0, now: second(1)) == .restart)
    }

    @Test func `an instance that never comes back does not keep the others broken for ever`() {
        var brake = HealingBrake()
        _ = brake.judge(plea("a"), pressure: 0, now: second(0))
        #expect(isHeld(brake.judge(plea("b"), pressure: 0, now: second(59))))
        #expect(brake.judge(plea("b"), pressure: 0, now: second(60)) == .restart)
    }

    @Test func `the one that was restarted may be restarted again, other workloads and lone pods are none of its business`() {
        var brake = HealingBrake()
        _ = brake.judge(plea("a"), pressure: 0, now: second(0))
        #expect(brake.judge(plea("a"), pressure: 0, now: second(2)) == .restart)
        #expect(brake.judge(plea("x", workload: "other"), pressure: 0, now: second(2)) == .restart)
        #expect(brake.judge(plea("y", workload: nil), pressure: 0, now: second(2)) == .restart)
        #expect(brake.judge(plea("z", workload: nil), pressure: 0, now: second(2)) == .restart)
    }

    @Test func `what serves nothing is replaced without delay`() {
        var brake = HealingBrake()
        _ = brake.judge(plea("a"), pressure: 0, now: second(0))
        #expect(brake.judge(plea("b", answersTraffic: false), pressure: 0, now: second(0)) == .restart)
    }

    @Test func `a pod that is gone is waited for no longer`() {
        var brake = HealingBrake()
        _ = brake.judge(plea("a"), pressure: 0, now: second(0))
        brake.removed(pod: "a", workload: "web")
        #expect(brake.judge(plea("b"), pressure: 0, now: second(2)) == .restart)
    }

    @Test(
        arguments: [
            // timeout, answers traffic, pressure, held
            (true, true, 80.0, true), (true, true, 20.0, false), (true, true, nil, false), (false, true, 80.0, false),
            (true, false, 80.0, false),
        ] as [(Bool, Bool, Double?, Bool)])
    func `a program is excused only while the machine starves it and it still serves`(
        isTimeout: Bool, answersTraffic: Bool, pressure: Double?, isHeld: Bool
    ) {
        var brake = HealingBrake()
        let verdict = brake.judge(plea("a", isTimeout: isTimeout, answersTraffic: answersTraffic), pressure: pressure, now: second(0))
        #expect(self.isHeld(verdict) == isHeld)
    }

    @Test func `starvation excuses nobody for ever: the program may be its cause`() {
        var brake = HealingBrake()
        let slow = plea("a", isTimeout: true)
        for at in stride(from: 0.0, to: 300, by: 10) { #expect(isHeld(brake.judge(slow, pressure: 90, now: second(at)))) }
        #expect(brake.judge(slow, pressure: 90, now: second(300)) == .restart)
    }
}
