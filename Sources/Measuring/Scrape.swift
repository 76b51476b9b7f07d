/// What a text in Prometheus' format says, sample by sample.
package struct Scrape: Sendable {
    /// One line.
    package struct Sample: Hashable, Sendable {
        package var name: String
        package var labels: [String: String]
        package var value: Double

        package init(_ name: String, _ labels: [String: String], _ value: Double) {
            self.name = name
            self.labels = labels
            self.value = value
        }
    }

    package private(set) var samples: [Sample] = []

    /// Reads the lines of which `isWanted` says so by their name; a line that cannot be read is passed over.
    package init(_ text: [UInt8], isWanted: (Substring) -> Bool = { _ in true }) {
        for line in text.split(separator: UInt8(ascii: "\n")) where line.first != UInt8(ascii: "#") {
            if let sample = Self.sample(Substring(decoding: line, as: UTF8.self), isWanted) { samples.append(sample) }
        }
    }

    private static func sample(_ line: Substring, _ isWanted: (Substring) -> Bool) -> Sample? {
        let name = line.prefix { $0 != "{" && $0 != " " }
        guard !name.isEmpty, isWanted(name) else { return nil }
        var rest = line[name.endIndex...]
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest = rest.dropFirst()
            while let first = rest.first, first != "}" {
                let key = rest.prefix { $0 != "=" }
                rest = rest[key.endIndex...].dropFirst()
                guard rest.first == "\"" else { return nil }
                rest = rest.dropFirst()
                guard let value = quoted(&rest) else { return nil }
                labels[String(key)] = value
                if rest.first == "," { rest = rest.dropFirst() }
            }
            guard rest.first == "}" else { return nil }
            rest = rest.dropFirst()
        }
        // A timestamp may follow.
        guard let number = rest.split(separator: " ").first, let value = value(number) else { return nil }
        return Sample(String(name), labels, value)
    }

    /// Up to the closing quote, which is taken as well.
    private static func quoted(_ rest: inout Substring) -> String? {
        var out = ""
        while let character = rest.popFirst() {
            switch character {
            case "\"": return out
            case "\\":
                guard let escaped = rest.popFirst() else { return nil }
                out.append(escaped == "n" ? "\n" : escaped)
            default: out.append(character)
            }
        }
        return nil
    }

    private static func value(_ text: Substring) -> Double? {
        switch text {
        case "+Inf": .infinity
        case "-Inf": -.infinity
        default: Double(text)
        }
    }
}
