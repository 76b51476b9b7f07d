import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// A real Prometheus that scrapes the API of an instance, and is asked by its HTTP API.
final class Prometheus {
    /// The one that `STEADY_PROMETHEUS` names, else the one on PATH; nil: there is none.
    static let found: String? = {
        let environment = ProcessInfo.processInfo.environment
        let paths =
            environment["STEADY_PROMETHEUS"].map { [$0] } ?? (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/prometheus" }
        return paths.first(where: FileManager.default.isExecutableFile)
    }()

    private let process: Command
    private let port: Int

    /// - Parameter configuration: a scrape configuration, as README shows it.
    init(_ path: String, for instance: Instance, configuration: String) throws {
        port = try FreePort.inNodePortRange()
        let file = instance.directory + "/prometheus.yml"
        try instance.write(configuration, to: file)
        let (program, words) = instance.account.command(
            path,
            [
                "--config.file=\(file)", "--storage.tsdb.path=\(instance.directory)/prometheus", "--web.listen-address=127.0.0.1:\(port)",
                "--log.level=warn",
            ])
        process = try Command(program, words, environment: ["HOME": instance.directory, "PATH": "/usr/bin:/bin"])
    }

    /// The value of an expression that has one; nil while it has none.
    func value(of expression: String) -> Double? {
        let allowed = CharacterSet.alphanumerics
        guard let query = expression.addingPercentEncoding(withAllowedCharacters: allowed),
            let body = try? HandRequest.once(port: port, path: "/api/v1/query?query=\(query)"),
            let answer = try? JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any],
            let result = (answer["data"] as? [String: Any])?["result"] as? [[String: Any]], result.count == 1,
            let sample = result[0]["value"] as? [Any], let text = sample.last as? String
        else { return nil }
        return Double(text)
    }

    /// Asks until the expression's value is as wanted, or the bound is over; what it was last.
    func wait(for expression: String, within seconds: Double = 60, _ isWanted: (Double) -> Bool) -> Double? {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while true {
            let value = value(of: expression)
            if value.map(isWanted) ?? false || Date() > deadline { return value }
            Patience.pause()
        }
    }

    func end() { process.end() }
}
