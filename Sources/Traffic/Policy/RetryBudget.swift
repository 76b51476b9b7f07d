import Timing

/// Keeps repeats a small share of the requests: where everything fails, repeats would only be more of what fails already.
struct RetryBudget: Sendable {
    /// Requests are counted for so long, a second at a time.
    static let seconds = 10

    private struct Second {
        var number: Int64 = -1
        var requests = 0
        var repeats = 0
    }
    private var ring = [Second](repeating: Second(), count: seconds)

    mutating func noteRequest(now: Instant) { ring[place(now)].requests += 1 }
    mutating func noteRepeat(now: Instant) { ring[place(now)].repeats += 1 }

    /// Whether one more request may be repeated now; `noteRepeat` counts it.
    mutating func mayRepeat(percent: Int, minPerSecond: Int, now: Instant) -> Bool {
        let current = place(now)
        let oldest = ring[current].number - Int64(Self.seconds) + 1
        var requests = 0
        var repeats = 0
        for second in ring where second.number >= oldest {
            requests += second.requests
            repeats += second.repeats
        }
        return repeats < max(minPerSecond * Self.seconds, requests * percent / 100)
    }

    private mutating func place(_ now: Instant) -> Int {
        let number = (now - .zero).components.seconds
        let place = Int(number % Int64(Self.seconds))
        if ring[place].number != number { ring[place] = Second(number: number) }
        return place
    }
}
