/// How long things took, counted in buckets. Recording costs a search over a few bounds and no allocation.
package struct Histogram: Sendable {
    /// Upper bounds, inclusive, rising, in seconds.
    package let bounds: [Double]
    /// One more than `bounds`: the last takes what is longer than all of them. Not cumulative.
    package private(set) var counts: [UInt64]
    package private(set) var sumInSeconds: Double = 0

    /// From 50 µs, what a cached read takes, to 10 s, where every client has given up.
    package static let requestBounds: [Double] = [
        0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    /// The same, with more between 1 and 250 ms, where services answer: what a quantile says there is off by half a bucket at most, a quarter of its
    /// value. Still few, for each endpoint has its own series of each bound.
    package static let trafficBounds: [Double] = [
        0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.001_5, 0.002_5, 0.003_5, 0.005, 0.007_5, 0.01, 0.015, 0.025, 0.035, 0.05, 0.075, 0.1,
        0.15,
        0.25, 0.5, 1, 2.5, 5, 10,
    ]

    package init(bounds: [Double] = Self.requestBounds) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    package var count: UInt64 { counts.reduce(0, &+) }

    /// Counts one measured duration.
    package mutating func record(seconds: Double) {
        let bucketIndex = bounds.firstIndex { seconds <= $0 } ?? bounds.count
        counts[bucketIndex] &+= 1
        sumInSeconds += seconds
    }

    /// The bound below which this share (0...1) of what was recorded lies; nil while nothing was, infinity beyond the last bound.
    package func quantile(_ share: Double) -> Double? {
        let total = count
        guard total > 0 else { return nil }
        let rank = UInt64((share * Double(total)).rounded(.up))
        var below: UInt64 = 0
        for (index, here) in counts.enumerated() {
            below += here
            if below >= rank { return index < bounds.count ? bounds[index] : .infinity }
        }
        return .infinity
    }
}

/// Histograms of one name, one per set of labels.
package struct HistogramFamily: Sendable {
    package let name: String
    package let help: String
    private let bounds: [Double]
    private var histograms: [Labels: Histogram] = [:]

    /// `name` ends in `_seconds` by Prometheus' convention.
    package init(_ name: String, _ help: String, bounds: [Double] = Histogram.requestBounds) {
        self.name = name
        self.help = help
        self.bounds = bounds
    }

    /// Counts one measured duration.
    package mutating func record(seconds: Double, _ labels: Labels = Labels()) {
        let key = histograms[labels] != nil || histograms.count < CounterFamily.seriesLimit ? labels : labels.overflow
        histograms[key, default: Histogram(bounds: bounds)].record(seconds: seconds)
    }

    package subscript(labels: Labels) -> Histogram? { histograms[labels] }

    /// Puts in a histogram that was recorded elsewhere, with the family's bounds.
    package mutating func set(_ histogram: Histogram, _ labels: Labels) {
        precondition(histogram.bounds == bounds, "a family's histograms have the same bounds")
        if histograms[labels] != nil || histograms.count < CounterFamily.seriesLimit { histograms[labels] = histogram }
    }

    var series: [(labels: Labels, histogram: Histogram)] {
        histograms.map { ($0.key, $0.value) }.sorted { $0.labels.values.lexicographicallyPrecedes($1.labels.values) }
    }
}
