import Host
import Testing
import Timing

/// When a role that misses `up` starts it again.
struct `Bringing up back` {
    private func millisecond(_ number: Int64) -> Instant { .zero + .milliseconds(number) }

    /// The times of the tries of one role that looks every 20 ms, where each `up` ends at once.
    private func tries(until end: Int64) -> [Int64] {
        var pace = RevivalPace()
        return stride(from: Int64(0), to: end, by: 20).filter { at in
            guard pace.isDue(now: millisecond(at)), pace.isFree(now: millisecond(at)) else { return false }
            pace.tried(now: millisecond(at))
            return true
        }
    }

    @Test func `is tried at once, then after 100 ms, and ever more rarely up to every 5 s`() {
        #expect(tries(until: 30_000) == [0, 100, 300, 700, 1500, 3100, 6300, 11_300, 16_300, 21_300, 26_300])
    }

    @Test func `counts a try of another role, but only once that has failed`() {
        var pace = RevivalPace()
        pace.othersTry()
        #expect(pace.isDue(now: millisecond(20)))
        pace.othersTry()
        let isFree = pace.isFree(now: millisecond(40))
        #expect(!isFree && !pace.isDue(now: millisecond(139)) && pace.isDue(now: millisecond(140)))
        let isFreeLater = pace.isFree(now: millisecond(140))
        #expect(isFreeLater)
    }

    @Test func `begins anew when up was back`() {
        var pace = RevivalPace()
        for at in 0..<9 { pace.tried(now: millisecond(Int64(at))) }
        pace.isOver()
        #expect(pace == RevivalPace() && pace.isDue(now: millisecond(9)))
    }
}
