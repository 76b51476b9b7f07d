/// Makes one scrape of several: of the same families of many processes, each told apart by a label more.
///
/// Prometheus' text format wants the samples of a family in one group, so texts cannot simply be put one behind the other. Cost: linear in the text.
package struct ScrapeMerging: Sendable {
    private struct Family {
        /// The lines that say what it is, as the first text had them.
        var head: [UInt8] = []
        var samples: [UInt8] = []
    }

    /// In the order in which they were seen first.
    private var names: [String] = []
    private var families: [String: Family] = [:]

    package init() {}

    /// Adds a text that `PrometheusText` wrote: each family's `# HELP` and `# TYPE` before its samples.
    ///
    /// - Parameter label: name and value of the label that every sample gets; nil: none.
    package mutating func add(_ text: [UInt8], label: (name: String, value: String)? = nil) {
        let added = label.map { Array(PrometheusText.labels([($0.name, $0.value)]).utf8) } ?? []
        var current: String?
        var isNew = false
        var family = Family()
        for line in text.split(separator: UInt8(ascii: "\n")) {
            if line.starts(with: Self.help) {
                if let current { families[current] = family }
                let name = String(decoding: line.dropFirst(Self.help.count).prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self)
                isNew = families[name] == nil
                if isNew { names.append(name) }
                family = families.updateValue(Family(), forKey: name) ?? Family()
                current = name
            }
            guard current != nil else { continue }
            if line.first == UInt8(ascii: "#") {
                if isNew { family.head += line + [UInt8(ascii: "\n")] }
            } else {
                Self.append(line, added, to: &family.samples)
            }
        }
        if let current { families[current] = family }
    }

    private static let help = Array("# HELP ".utf8)

    /// A sample's line with labels more: behind the opening brace, or in braces of their own.
    private static func append(_ line: ArraySlice<UInt8>, _ labels: [UInt8], to samples: inout [UInt8]) {
        let nameEnd = line.firstIndex { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: " ") } ?? line.endIndex
        if labels.isEmpty || nameEnd == line.endIndex {
            samples += line
        } else {
            let hasLabels = line[nameEnd] == UInt8(ascii: "{")
            samples += line[..<nameEnd]
            samples.append(UInt8(ascii: "{"))
            samples += labels
            if hasLabels {
                // `name{} 1` is allowed.
                if line.dropFirst(nameEnd + 1 - line.startIndex).first != UInt8(ascii: "}") { samples.append(UInt8(ascii: ",")) }
                samples += line[(nameEnd + 1)...]
            } else {
                samples.append(UInt8(ascii: "}"))
                samples += line[nameEnd...]
            }
        }
        samples.append(UInt8(ascii: "\n"))
    }

    /// Everything that was added, family by family.
    package var bytes: [UInt8] {
        var all: [UInt8] = []
        all.reserveCapacity(families.values.reduce(0) { $0 + $1.head.count + $1.samples.count })
        for name in names {
            guard let family = families[name] else { continue }
            all += family.head
            all += family.samples
        }
        return all
    }
}
