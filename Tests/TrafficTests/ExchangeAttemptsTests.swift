import Testing
import Timing
import Traffic

private let a = EndpointID(index: 0)
private let b = EndpointID(index: 1)

@Suite struct ExchangeAttemptsTests {
    @Test(arguments: ["GET", "POST"])
    func `after a refused connection any request goes to another endpoint`(method: String) {
        var attempts = ExchangeAttempts(isIdempotent: ExchangeAttempts.isIdempotent(method: method))
        #expect(attempts.refused(by: a, now: .zero) == .choose)
        #expect(attempts.avoided == [a])
    }

    private static let repeated = ExchangeAttempts.Step.wait(until: .zero + ExchangeAttempts.settlingPause)

    @Test(arguments: [
        // method, anything sent, whole request at hand, then
        ("GET", true, true, repeated), ("GET", true, false, .fail(.endpointReset)), ("POST", true, true, .fail(.endpointReset)),
        ("POST", false, true, .choose), ("PUT", true, true, repeated), ("DELETE", true, true, repeated),
        ("PATCH", true, true, .fail(.endpointReset)),
    ])
    func `a lost request is repeated only where that is safe`(method: String, isSent: Bool, isAtHand: Bool, step: ExchangeAttempts.Step) {
        for isReused in [true, false] {
            var attempts = ExchangeAttempts(isIdempotent: ExchangeAttempts.isIdempotent(method: method))
            #expect(
                attempts.lost(by: a, isAnythingSent: isSent, isWholeRequestAtHand: isAtHand, isConnectionReused: isReused, now: .zero)
                    == step)
        }
    }

    @Test func `a kept connection that ended is no fault of its endpoint, but the next one is new`() {
        var attempts = ExchangeAttempts(isIdempotent: true)
        _ = attempts.lost(by: a, isAnythingSent: true, isWholeRequestAtHand: true, isConnectionReused: true, now: .zero)
        #expect(attempts.avoided.isEmpty)
        #expect(attempts.wantsFreshConnection)
    }

    @Test(arguments: [true, false]) func `a request that kills its servers visits two of them`(isReused: Bool) {
        var attempts = ExchangeAttempts(isIdempotent: true)
        let steps = (0...1).map {
            attempts.lost(
                by: EndpointID(index: $0), isAnythingSent: true, isWholeRequestAtHand: true, isConnectionReused: isReused, now: .zero)
        }
        #expect(steps == [.wait(until: .zero + ExchangeAttempts.settlingPause), .fail(.endpointReset)])
    }

    @Test func `a request that is dropped after a long time has all of its time again, and all other endpoints`() {
        var attempts = ExchangeAttempts(isIdempotent: true)
        _ = attempts.refused(by: a, now: .zero)
        let dropped = Instant.zero + ExchangeAttempts.waitLimit * 3
        _ = attempts.lost(by: b, isAnythingSent: true, isWholeRequestAtHand: true, isConnectionReused: false, now: dropped)
        #expect(attempts.avoided == [b])
        #expect(attempts.foundNone(.allAvoided, now: dropped) == .wait(until: dropped + ExchangeAttempts.firstPause))
    }

    @Test func `with nobody ready it waits, ever longer, until the time is over`() {
        var attempts = ExchangeAttempts(isIdempotent: false)
        var now = Instant.zero
        var pauses: [Duration] = []
        while case .wait(let until) = attempts.foundNone(.noneReady, now: now) {
            pauses.append(until - now)
            now = until
        }
        #expect(
            pauses.prefix(6) == [
                .milliseconds(2), .milliseconds(4), .milliseconds(8), .milliseconds(16), .milliseconds(32), .milliseconds(50),
            ])
        #expect(now.nanoseconds == ExchangeAttempts.waitLimit.nanoseconds)
        #expect(attempts.foundNone(.noneReady, now: now) == .fail(.noReadyEndpoint))
    }

    @Test func `after a round in which all refused each is tried again`() {
        var attempts = ExchangeAttempts(isIdempotent: true)
        _ = attempts.refused(by: a, now: .zero)
        _ = attempts.refused(by: b, now: .zero)
        #expect(attempts.foundNone(.allAvoided, now: .zero) == .wait(until: .zero + ExchangeAttempts.firstPause))
        #expect(attempts.avoided.isEmpty)
        #expect(attempts.foundNone(.allAvoided, now: .zero + ExchangeAttempts.waitLimit) == .fail(.connectFailed))
    }

    @Test func `a backend that left the table is answered at once`() {
        var attempts = ExchangeAttempts(isIdempotent: true)
        #expect(attempts.foundNone(.noBackend, now: .zero) == .fail(.noSuchBackend))
    }
}
