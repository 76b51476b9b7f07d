import Formats
import Timing

/// The lines of `steady top services`.
enum TopTable {
    private static let headers = ["NAME", "ZONE", "UP", "RATE", "ERRORS", "P50", "P99", "OPEN", "BREAKER", "EJECTIONS", "RETRIES"]

    /// - Parameter showsNamespaces: `shop/web:80` instead of `web:80`.
    static func text(_ services: [TrafficFigures.Service], showsNamespaces: Bool, _ terminal: Terminal) -> String {
        var lines: [(cells: [String], isFailing: Bool, isService: Bool)] = [(headers, false, true)]
        for service in services {
            let name = (showsNamespaces ? service.namespace + "/" : "") + "\(service.name):\(service.port)"
            let up = "\(service.upCount)/\(service.endpoints.count)" + (service.isPanicking ? " panic" : "")
            let ejections = service.row.ejections == 0 ? "0" : "\(service.row.ejections) (\(service.ejectedCount) now)"
            lines.append(
                (
                    [name, "", up] + cells(service.row, ejections: ejections),
                    service.upCount < service.endpoints.count || isFailing(service.row), true
                ))
            for endpoint in service.endpoints {
                lines.append(
                    (
                        ["  " + endpoint.name, endpoint.zone, endpoint.isUp ? "yes" : "no"]
                            + cells(endpoint.row, ejections: String(endpoint.row.ejections)),
                        !endpoint.isUp || isFailing(endpoint.row), false
                    ))
            }
        }
        let texts = TextTable.text(lines.map(\.cells)).split(separator: "\n")
        return zip(texts, lines).enumerated().map { index, line in
            let text = String(line.0)
            if index == 0 { return terminal.coloured(text, .bold) }
            if line.1.isFailing { return terminal.coloured(text, line.1.isService ? .yellow : .red) }
            return text
        }.joined(separator: "\n") + "\n"
    }

    private static func isFailing(_ row: TrafficFigures.Row) -> Bool { row.errorShare ?? 0 > 0 || row.breaker > 0 }

    private static func cells(_ row: TrafficFigures.Row, ejections: String) -> [String] {
        [
            rate(row.rate), row.errorShare.map(percent) ?? "-", row.p50.map(duration) ?? "-", row.p99.map(duration) ?? "-",
            String(row.openCount), word(breaker: row.breaker), ejections, rate(row.retryRate),
        ]
    }

    static func word(breaker: Int) -> String { breaker == 0 ? "closed" : breaker == 1 ? "half-open" : "open" }

    /// `0/s`, `0.4/s`, `12/s`.
    static func rate(_ value: Double) -> String { "\(value == 0 || value >= 10 ? String(Int(value.rounded())) : tenths(value))/s" }

    /// `0%`, `0.3%`, `<0.1%`, `12%`.
    static func percent(_ share: Double) -> String {
        let percent = share * 100
        if percent == 0 || percent >= 10 { return "\(Int(percent.rounded()))%" }
        return percent < 0.1 ? "<0.1%" : "\(tenths(percent))%"
    }

    /// `85µs`, `1.2ms`, `340ms`, `2.5s`.
    static func duration(_ seconds: Double) -> String {
        if seconds < 0.001 { return "\(Int((seconds * 1_000_000).rounded()))µs" }
        if seconds < 0.01 { return "\(tenths(seconds * 1000))ms" }
        if seconds < 1 { return "\(Int((seconds * 1000).rounded()))ms" }
        return "\(tenths(seconds))s"
    }

    private static func tenths(_ value: Double) -> String { DurationText.decimal(Int64((value * 10).rounded()), places: 1) }

    /// For programs: the same as objects.
    static func json(_ services: [TrafficFigures.Service]) -> Value {
        .array(
            services.map { service in
                let place: Object = [
                    "namespace": .string(service.namespace), "service": .string(service.name),
                    "port": Int64(service.port).map { .int($0) } ?? .string(service.port), "up": .int(Int64(service.upCount)),
                    "ejected": .int(Int64(service.ejectedCount)), "panic": .bool(service.isPanicking),
                ]
                let endpoints: Object = [
                    "endpoints": .array(
                        service.endpoints.map { endpoint in
                            let place: Object = [
                                "endpoint": .string(endpoint.name), "zone": .string(endpoint.zone), "up": .bool(endpoint.isUp),
                            ]
                            return object(place, figures(endpoint.row))
                        })
                ]
                return object(place, figures(service.row), endpoints)
            })
    }

    private static func object(_ parts: Object...) -> Value { .object(Object(parts.flatMap { $0.map { ($0.key, $0.value) } })) }

    private static func figures(_ row: TrafficFigures.Row) -> Object {
        [
            "ratePerSecond": .double(row.rate), "errorShare": row.errorShare.map { .double($0) } ?? .null,
            "p50Seconds": row.p50.map { .double($0) } ?? .null, "p99Seconds": row.p99.map { .double($0) } ?? .null,
            "open": .int(Int64(row.openCount)), "breaker": .string(word(breaker: row.breaker)), "ejections": .int(Int64(row.ejections)),
            "retriesPerSecond": .double(row.retryRate),
        ]
    }
}
