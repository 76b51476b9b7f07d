/// Writes metric families in Prometheus' text format, version 0.0.4.
package struct PrometheusText: Sendable {
    /// What a scrape answers with.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package private(set) var text = ""

    package init() {}

    /// Adds a family with its values by label.
    package mutating func append(_ family: CounterFamily) {
        head(family.name, family.help, "counter")
        for (labels, total) in family.series { sample(family.name, labels, String(total)) }
    }

    /// Adds a family with its values by label.
    package mutating func append(_ family: GaugeFamily) {
        head(family.name, family.help, "gauge")
        for (labels, value) in family.series { sample(family.name, labels, Self.number(value)) }
    }

    /// Buckets are cumulative on the wire and end with `+Inf`.
    package mutating func append(_ family: HistogramFamily) {
        head(family.name, family.help, "histogram")
        for (labels, histogram) in family.series {
            var below: UInt64 = 0
            for (index, count) in histogram.counts.enumerated() {
                below += count
                let bound = index < histogram.bounds.count ? Self.number(histogram.bounds[index]) : "+Inf"
                sample(family.name + "_bucket", labels.adding("le", bound), String(below))
            }
            sample(family.name + "_sum", labels, Self.number(histogram.sumInSeconds))
            sample(family.name + "_count", labels, String(below))
        }
    }

    private mutating func head(_ name: String, _ help: String, _ type: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    private mutating func sample(_ name: String, _ labels: Labels, _ value: String) { text += "\(name)\(labels.text) \(value)\n" }

    /// Whole numbers without `.0`; the rest as Swift prints them, which reads back exactly.
    private static func number(_ value: Double) -> String {
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        return value == .infinity ? "+Inf" : value == -.infinity ? "-Inf" : value.isNaN ? "NaN" : "\(value)"
    }
}
