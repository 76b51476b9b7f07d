/// What a share of the latest durations stays below, in a few bytes: each one above it lifts the guess a little, each one below lowers it, in the
/// proportion in which they should come.
struct RunningQuantile: Sendable {
    /// By how much of itself the guess moves at most. About a hundred samples lead it through a tenfold change.
    private static let step = 0.05
    /// Before so many samples the guess says nothing.
    static let leastSampleCount = 100

    private let share: Double
    private var guess = 0.0
    private var sampleCount = 0

    /// - Parameter percent: from 1 to 99.
    init(percent: Int) { share = Double(percent) / 100 }

    mutating func note(_ duration: Duration) {
        let seconds = max(duration.inSeconds, 0.000_001)
        sampleCount += 1
        if sampleCount == 1 { guess = seconds }
        if seconds > guess {
            guess *= 1 + Self.step * share
        } else if seconds < guess {
            guess *= 1 - Self.step * (1 - share)
        }
    }

    /// Nil while too little was seen.
    var value: Duration? { sampleCount < Self.leastSampleCount ? nil : .nanoseconds(Int64(guess * 1e9)) }
}
