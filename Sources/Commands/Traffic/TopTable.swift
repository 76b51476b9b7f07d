import Formats

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
        let widths = headers.indices.map { column in lines.map { $0.cells[column].count }.max() ?? 0 }
        return lines.enumerated().map { index, line in
            var text = ""
            for (column, cell) in line.cells.enumerated() {
                let isLast = column == headers.count - 1
                text += isLast ? cell : cell.padded(to: widths[column] + 3)
            }
            if index == 0 { return terminal.coloured(text, .bold) }
            if line.isFailing { return terminal.coloured(text, line.isService ? .yellow : .red) }
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

    private static func tenths(_ value: Double) -> String {
        let count = Int((value * 10).rounded())
        return "\(count / 10).\(count % 10)"
    }

    /// For programs: the same as objects.
    static func json(_ services: [TrafficFigures.Service]) -> Value {
        .array(
            services.map { service in
                var object: [String: Value] = fields(service.row)
                object["namespace"] = .string(service.namespace)
                object["service"] = .string(service.name)
                object["port"] = Int64(service.port).map { .int($0) } ?? .string(service.port)
                object["up"] = .int(Int64(service.upCount))
                object["ejected"] = .int(Int64(service.ejectedCount))
                object["panic"] = .bool(service.isPanicking)
                object["endpoints"] = .array(
                    service.endpoints.map { endpoint in
                        var object: [String: Value] = fields(endpoint.row)
                        object["endpoint"] = .string(endpoint.name)
                        object["zone"] = .string(endpoint.zone)
                        object["up"] = .bool(endpoint.isUp)
                        return value(object)
                    })
                return value(object)
            })
    }

    private static func value(_ fields: [String: Value]) -> Value {
        var object = Object()
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) { object[key] = value }
        return .object(object)
    }

    private static func fields(_ row: TrafficFigures.Row) -> [String: Value] {
        [
            "ratePerSecond": .double(row.rate), "errorShare": row.errorShare.map { .double($0) } ?? .null,
            "p50Seconds": row.p50.map { .double($0) } ?? .null, "p99Seconds": row.p99.map { .double($0) } ?? .null,
            "open": .int(Int64(row.openCount)), "breaker": .string(word(breaker: row.breaker)), "ejections": .int(Int64(row.ejections)),
            "retriesPerSecond": .double(row.retryRate),
        ]
    }
}
