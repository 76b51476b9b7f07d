/// Durations as the Gateway API writes them (GEP-2257): one to four parts of up to five digits with a unit, such as `1m30s` or `500ms`.
package enum GatewayDuration {
    private static let units: [(suffix: String, duration: Duration)] = [
        ("ms", .milliseconds(1)), ("h", .seconds(3600)), ("m", .seconds(60)), ("s", .seconds(1)),
    ]

    /// Nil for anything else.
    package static func parse(_ text: String) -> Duration? {
        var rest = text[...]
        var sum = Duration.zero
        var partCount = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard let count = Int(digits), digits.utf8.count <= 5, partCount < 4 else { return nil }
            rest = rest.dropFirst(digits.count)
            guard let unit = units.first(where: { rest.hasPrefix($0.suffix) }) else { return nil }
            rest = rest.dropFirst(unit.suffix.count)
            sum += unit.duration * count
            partCount += 1
        }
        return partCount > 0 ? sum : nil
    }
}
