/// Numbers that only grow, one per set of labels. Confined to its owner's loop: no lock, no atomics.
package struct CounterFamily: Sendable {
    /// A family keeps at most this many series; further ones are added up under `other`, so that a client that invents paths cannot grow memory.
    package static let seriesLimit = 512

    package let name: String
    package let help: String
    private var totals: [Labels: UInt64] = [:]

    /// `name` ends in `_total` by Prometheus' convention.
    package init(_ name: String, _ help: String) {
        self.name = name
        self.help = help
    }

    /// Counts further, under these labels.
    package mutating func add(_ count: UInt64 = 1, _ labels: Labels = Labels()) {
        let key = totals[labels] != nil || totals.count < Self.seriesLimit ? labels : labels.overflow
        totals[key, default: 0] &+= count
    }

    package subscript(labels: Labels) -> UInt64 { totals[labels] ?? 0 }

    /// Sorted by label values, so that two scrapes list the series in one order.
    var series: [(labels: Labels, total: UInt64)] {
        totals.map { ($0.key, $0.value) }.sorted { $0.labels.values.lexicographicallyPrecedes($1.labels.values) }
    }
}

/// Numbers that go up and down, one per set of labels.
package struct GaugeFamily: Sendable {
    package let name: String
    package let help: String
    private var values: [Labels: Double] = [:]

    package init(_ name: String, _ help: String) {
        self.name = name
        self.help = help
    }

    /// Setting nil removes the series.
    package subscript(labels: Labels) -> Double? {
        get { values[labels] }
        set {
            if newValue != nil, values[labels] == nil, values.count >= CounterFamily.seriesLimit { return }
            values[labels] = newValue
        }
    }

    /// Changes the value under these labels; it may go down.
    package mutating func add(_ change: Double, _ labels: Labels = Labels()) { self[labels] = (self[labels] ?? 0) + change }

    var series: [(labels: Labels, value: Double)] {
        values.map { ($0.key, $0.value) }.sorted { $0.labels.values.lexicographicallyPrecedes($1.labels.values) }
    }
}
