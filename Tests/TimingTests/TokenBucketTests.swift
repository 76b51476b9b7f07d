import Testing
import Timing

@Suite struct TokenBucketTests {
    @Test func `lets a burst through, then fills evenly`() {
        var bucket = TokenBucket(capacity: 4, per: .seconds(2), now: .zero)
        #expect((0..<6).map { _ in bucket.take(now: .zero) } == [true, true, true, true, false, false])
        #expect(bucket.wait(now: .zero) == .milliseconds(500))
        #expect(bucket.take(now: .zero + .milliseconds(499)) == false)
        #expect(bucket.take(now: .zero + .milliseconds(501)) == true)
    }

    @Test func `is never fuller than full, however long it rests, and a clock that stands still gives nothing`() {
        var bucket = TokenBucket(capacity: 2, per: .seconds(1), now: .zero)
        _ = bucket.take(now: .zero)
        #expect(bucket.remaining(now: .zero) == 1)
        #expect(bucket.remaining(now: .zero + .seconds(1_000_000)) == 2)
        #expect(bucket.isFull(now: .zero + .seconds(1_000_000)) == true)
        #expect(bucket.remaining(now: .zero) == 2)
    }
}
