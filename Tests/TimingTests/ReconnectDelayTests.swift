import Testing

@testable import Timing

@Suite struct `A reconnecting client` {
    @Test func `waits longer after every failure`() {
        var delay = ReconnectDelay()
        var random = SeededRandom(seed: 1)
        for full in [20, 40, 80, 160, 320, 640, 1000, 1000] {
            let wait = delay.next(using: &random)
            #expect(wait <= .milliseconds(full) && wait >= .milliseconds(full / 2))
        }
        delay.reset()
        #expect(delay.next(using: &random) <= .milliseconds(20))
    }
}
