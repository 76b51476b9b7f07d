import Testing
import Timing

@testable import Supervision

@Suite struct HealingBrakeTests {
    private func second(_ number: Double) -> Instant { .zero + .nanoseconds(Int64(number * 1e9)) }
    private func plea(
        _ pod: String, workload: String? = "web", _ failure: HealingBrake.Failure = .hung, answersTraffic: Bool = true,
        timeToFail: Double = 31
    ) -> HealingBrake.Plea {
        HealingBrake.Plea(
            workload: workload, pod: pod, container: "c", failure: failure, answersTraffic: answersTraffic,
            timeToFail: second(timeToFail) - .zero)
    }
    private func isHeld(_ verdict: HealingBrake.Verdict) -> Bool { verdict != .restart }

    @Test func `without the server one instance of a workload is restarted, and the others wait until it is Ready`() {
        var brake = HealingBrake()
        #expect(brake.judge(plea("a"), .silence, now: second(0)) == .restart)
        #expect(isHeld(brake.judge(plea("b"), .silence, now: second(0.5))))
        #expect(isHeld(brake.judge(plea("b"), .silence, now: second(5))))
        brake.becameReady(pod: "a", workload: "web", now: second(5))
        #expect(brake.judge(plea("b"), .silence, now: second(5)) == .restart)
    }

    @Test(
        arguments: [
            // how it failed, what the server says, from when on the next one is restarted
            (.hung, .silence, 1), (.silent, .silence, 1), (.silentButReady, .silence, 1),
            (.refused, .silence, 60), (.late(.seconds(3)), .silence, 60),
            (.hung, .undecided, 60), (.silentButReady, .undecided, 60), (.refused, .undecided, 60),
        ] as [(HealingBrake.Failure, HealingBrake.ServerWord, Double)])
    func
        `only what hangs, and only while nobody is there to be asked, is restarted a second after another one, even if that is Ready at once`(
            failure: HealingBrake.Failure, word: HealingBrake.ServerWord, from: Double
        )
    {
        var brake = HealingBrake()
        #expect(brake.judge(plea("a", failure), word, now: second(0)) == .restart)
        #expect(isHeld(brake.judge(plea("b", failure), word, now: second(0.5))))
        brake.becameReady(pod: "a", workload: "web", now: second(0.5))
        #expect(isHeld(brake.judge(plea("b", failure), word, now: second(from - 0.1))))
        #expect(brake.judge(plea("b", failure), word, now: second(from)) == .restart)
    }

    @Test(
        arguments: [
            // when the first failed again, when another one asks, how long its probe takes to fail, held
            (30, 31, 31, true), (30, 120.9, 31, true), (30, 121, 31, false), (61, 62, 31, true), (90, 180.9, 31, true),
            (90, 181, 31, false),
            (91, 92, 31, false), (600, 601, 31, false),
            // With an initial delay of five minutes nothing is known before.
            (331, 332, 331, true), (331, 721.9, 331, true), (331, 722, 331, false),
        ] as [(Double, Double, Double, Bool)])
    func `once a restart has not helped, no other instance is restarted for a minute and the time that the probe takes to fail`(
        again: Double, asks: Double, timeToFail: Double, isHeld held: Bool
    ) {
        var brake = HealingBrake()
        func plea(_ pod: String) -> HealingBrake.Plea { self.plea(pod, timeToFail: timeToFail) }
        _ = brake.judge(plea("a"), .silence, now: second(0))
        brake.becameReady(pod: "a", workload: "web", now: second(0))
        #expect(brake.judge(plea("a"), .silence, now: second(again)) == .restart)
        brake.becameReady(pod: "a", workload: "web", now: second(again))
        #expect(isHeld(brake.judge(plea("b"), .silence, now: second(asks))) == held)
    }

    @Test func `a back-off is no sign of health: what counts is when the instance was Ready again`() {
        var brake = HealingBrake()
        _ = brake.judge(plea("a"), .silence, now: second(0))
        brake.becameReady(pod: "a", workload: "web", now: second(300))
        #expect(brake.judge(plea("a"), .silence, now: second(361)) == .restart)
        brake.becameReady(pod: "a", workload: "web", now: second(661))
        #expect(isHeld(brake.judge(plea("b"), .silence, now: second(751.9))))
        #expect(brake.judge(plea("b"), .silence, now: second(752)) == .restart)
    }

    @Test(
        arguments: [(0.2, 3), (10, 31), (30, 31), (59, 31), (61, 31), (61, 61), (90, 31), (90, 91), (300, 331)]
            as [(failsAfter: Double, timeToFail: Double)],
        [.hung, .refused] as [HealingBrake.Failure])
    func `of many that fail alike, are Ready at once and fail again, one goes on being restarted, every other one at most once`(
        times: (failsAfter: Double, timeToFail: Double), failure: HealingBrake.Failure
    ) {
        var brake = HealingBrake()
        let pods = (0..<10).map { "web-\($0)" }
        var begun = Dictionary(uniqueKeysWithValues: pods.map { ($0, 0.0) })
        var counts: [String: Int] = [:]
        for tick in 1...36_000 {
            let at = Double(tick) / 10
            for pod in pods where at - begun[pod, default: 0] >= times.failsAfter {
                guard brake.judge(plea(pod, failure, timeToFail: times.timeToFail), .silence, now: second(at)) == .restart else { continue }
                begun[pod] = at
                counts[pod, default: 0] += 1
                brake.becameReady(pod: pod, workload: "web", now: second(at))
            }
        }
        let often = counts.filter { $0.value > 1 }
        #expect(often.count == 1 && Double(often.values.first ?? 0) > 3600 / times.failsAfter / 2, "\(counts)")
    }

    @Test func `ten instances that hang are restarted one by one, a second apart`() {
        var brake = HealingBrake()
        var waiting = (0..<10).map { "web-\($0)" }
        var times: [Double] = []
        for tick in 1...200 where !waiting.isEmpty {
            let at = Double(tick) / 10
            guard let pod = waiting.first(where: { brake.judge(plea($0, .hung), .silence, now: second(at)) == .restart }) else { continue }
            brake.becameReady(pod: pod, workload: "web", now: second(at))
            waiting.removeAll { $0 == pod }
            times.append(at)
        }
        #expect(times.count == 10 && zip(times, times.dropFirst()).allSatisfy { $1 - $0 >= 0.999 } && times.last ?? 0 < 11, "\(times)")
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
        brake.becameReady(pod: "b", workload: "web", now: second(2))
        #expect(isHeld(brake.judge(plea("c"), .silence, now: second(90))))
        brake.becameReady(pod: "a", workload: "web", now: second(90))
        #expect(brake.judge(plea("c"), .silence, now: second(90)) == .restart)
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
            // how it failed, Ready, pressure, excused
            (.silentButReady, true, 80.0, true), (.silent, true, 80.0, true), (.late(.seconds(3)), true, 80.0, true),
            (.hung, true, 99.0, false),
            (.refused, true, 80.0, false), (.silentButReady, true, 20.0, false), (.silent, true, 59.9, false),
            (.late(.seconds(3)), true, nil, false),
            (.silent, false, 80.0, false), (.late(.seconds(3)), false, 80.0, false),
        ] as [(HealingBrake.Failure, Bool, Double?, Bool)])
    func `a program is excused only while the machine starves it and something says that it is alive`(
        failure: HealingBrake.Failure, answersTraffic: Bool, pressure: Double?, isExcused: Bool
    ) {
        var brake = HealingBrake()
        let excuse = brake.excuse(plea("a", failure, answersTraffic: answersTraffic), pressure: pressure, now: second(0))
        #expect((excuse != nil) == isExcused)
    }

    @Test func `what is said of an excused program is what is known of it`() {
        for (failure, words) in [
            (.silentButReady, "its readiness probe passes"), (.silent, "it is given 10 s to answer the next time"),
            (.late(.milliseconds(2340)), "it answered after 2.3 s"),
        ] as [(HealingBrake.Failure, String)] {
            var brake = HealingBrake()
            let excuse = brake.excuse(plea("a", failure), pressure: 80.9, now: second(0))
            #expect(excuse == "programs wait for a processor 80 % of the time, and \(words)")
        }
    }

    @Test func `how a try failed follows from its answer, its time and what else is known`() {
        let (timeout, patience) = (Duration.seconds(1), Duration.seconds(10))
        let table: [(Bool, Duration, patience: Duration, byProbe: Bool, HealingBrake.Failure)] = [
            (false, .milliseconds(3), timeout, false, .refused), (false, .milliseconds(3), patience, false, .refused),
            (false, timeout, timeout, true, .silentButReady), (false, timeout, timeout, false, .silent),
            (false, patience, patience, false, .hung), (false, .seconds(4), patience, false, .hung),
            (true, .seconds(4), patience, false, .late(.seconds(4))),
        ]
        for (succeeded, took, patience, byProbe, expected) in table {
            let failure = HealingBrake.Failure(
                succeeded: succeeded, took: took, timeout: timeout, patience: patience, isReadyByProbe: byProbe)
            #expect(failure == expected, "\(took) of \(patience)")
        }
    }

    @Test func `an answer is waited for beyond the timeout only where nothing else tells a starved program from one that hangs`() {
        func patience(_ timeout: Double, isLastTry: Bool = true, hasReadinessProbe: Bool = false, _ pressure: Double?) -> Double {
            HealingBrake.patience(
                timeout: .nanoseconds(Int64(timeout * 1e9)), isLastTry: isLastTry, hasReadinessProbe: hasReadinessProbe, pressure: pressure
            ).inSeconds
        }
        #expect(patience(1, 80) == 10 && patience(30, 80) == 30)
        #expect(patience(1, 20) == 1 && patience(1, nil) == 1)
        #expect(patience(1, isLastTry: false, 80) == 1 && patience(1, hasReadinessProbe: true, 80) == 1)
    }

    @Test func `a program that hangs on a starved machine is restarted at the second last try`() {
        var brake = HealingBrake()
        #expect(brake.excuse(plea("a", .silent), pressure: 90, now: second(0)) != nil)
        #expect(brake.excuse(plea("a", .hung), pressure: 90, now: second(20)) == nil)
    }

    @Test func `starvation excuses nobody for ever: the program may be its cause`() {
        var brake = HealingBrake()
        let slow = plea("a", .late(.seconds(2)))
        for at in stride(from: 0.0, to: 300, by: 10) { #expect(brake.excuse(slow, pressure: 90, now: second(at)) != nil) }
        #expect(brake.excuse(slow, pressure: 90, now: second(300)) == nil)
    }
}
