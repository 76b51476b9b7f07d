/// Writes metric families in Prometheus' text format, version 0.0.4.
package struct PrometheusText: Sendable {
    /// What a scrape answers with.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// What was written so far.
    package private(set) var bytes: [UInt8] = []
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    package init() {}

    /// Adds a family with its values by label.
    package mutating func append(_ family: CounterFamily) {
        head(family.name, family.help, "counter")
        for (labels, total) in family.series { sample(family.name, labels.text, "", total) }
    }

    /// Adds a family with its values by label.
    package mutating func append(_ family: GaugeFamily) {
        head(family.name, family.help, "gauge")
        for (labels, value) in family.series { sample(family.name, labels.text, "", Self.number(value)) }
    }

    /// Adds a family with its values by label.
    package mutating func append(_ family: HistogramFamily) {
        head(family.name, family.help, "histogram")
        for (labels, histogram) in family.series { self.histogram(family.name, labels.text, histogram) }
    }

    // MARK: - By hand

    /// Begins a family; its samples follow. For who keeps labels as text, and has too many series to make them at each scrape.
    package mutating func head(_ name: String, _ help: String, _ type: String) {
        bytes += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n".utf8
    }

    /// `labels` and `more` as `labels(_:)` gives them; either may be empty.
    package mutating func sample(_ name: String, _ labels: String, _ more: String, _ value: some BinaryInteger) {
        sample(name, labels, more, String(value))
    }

    /// Buckets are cumulative on the wire and end with `+Inf`.
    package mutating func histogram(_ name: String, _ labels: String, _ histogram: Histogram) {
        var below: UInt64 = 0
        for (index, count) in histogram.counts.enumerated() {
            below += count
            let bound = index < histogram.bounds.count ? Self.number(histogram.bounds[index]) : "+Inf"
            sample(name + "_bucket", labels, "le=\"" + bound + "\"", String(below))
        }
        sample(name + "_sum", labels, "", Self.number(histogram.sumInSeconds))
        sample(name + "_count", labels, "", String(below))
    }

    /// `verb="GET",code="200"`, escaped.
    package static func labels(_ pairs: [(name: String, value: String)]) -> String { Labels(pairs.map { ($0.name, $0.value) }).text }

    private mutating func sample(_ name: String, _ labels: String, _ more: String, _ value: String) {
        bytes += name.utf8
        if !labels.isEmpty || !more.isEmpty {
            bytes.append(UInt8(ascii: "{"))
            bytes += labels.utf8
            if !labels.isEmpty, !more.isEmpty { bytes.append(UInt8(ascii: ",")) }
            bytes += more.utf8
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: " "))
        bytes += value.utf8
        bytes.append(UInt8(ascii: "\n"))
    }

    /// Whole numbers without `.0`; the rest as Swift prints them, which reads back exactly.
    private static func number(_ value: Double) -> String {
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        return value == .infinity ? "+Inf" : value == -.infinity ? "-Inf" : value.isNaN ? "NaN" : "\(value)"
    }
}
