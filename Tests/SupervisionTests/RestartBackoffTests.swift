import Testing
import Timing

@testable import Supervision

@Suite struct RestartBackoffTests {
    private func at(_ seconds: Double) -> Instant { .zero + .milliseconds(Int64(seconds * 1000)) }

    @Test func `what was never ready restarts at once the first time, then after 0.1 s, doubled, up to 300 s`() {
        var backoff = RestartBackoff()
        let delays = (0..<15).map { backoff.delay(afterRunReadyFor: nil, now: at(Double($0))).inSeconds }
        #expect(delays == [0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 300, 300])
    }

    @Test func `what was ready restarts at once up to ten times in ten minutes`() {
        var backoff = RestartBackoff()
        for second in 0..<10 { #expect(backoff.delay(afterRunReadyFor: .seconds(1), now: at(Double(second))) == .zero) }
        #expect(backoff.delay(afterRunReadyFor: .seconds(1), now: at(10)) == .milliseconds(100))
        #expect(backoff.delay(afterRunReadyFor: .seconds(1), now: at(11)) == .milliseconds(200))
        // The first of the ten is ten minutes old.
        #expect(backoff.delay(afterRunReadyFor: .seconds(1), now: at(600)) == .zero)
        #expect(backoff.delay(afterRunReadyFor: .seconds(1), now: at(600.5)) == .milliseconds(400))
    }

    @Test func `being ready for ten seconds, or twice the last delay, forgives everything`() {
        var backoff = RestartBackoff()
        for _ in 0..<8 { _ = backoff.delay(afterRunReadyFor: nil, now: at(0)) }
        // The last delay was 6.4 s: 12.8 s are needed.
        #expect(backoff.delay(afterRunReadyFor: .seconds(12), now: at(100)) == .zero)
        #expect(backoff.delay(afterRunReadyFor: nil, now: at(101)) == .milliseconds(12_800))
        #expect(backoff.delay(afterRunReadyFor: .seconds(26), now: at(200)) == .zero)
        #expect(backoff.delay(afterRunReadyFor: nil, now: at(201)) == .zero)
        #expect(backoff.delay(afterRunReadyFor: nil, now: at(202)) == .milliseconds(100))
    }
}
