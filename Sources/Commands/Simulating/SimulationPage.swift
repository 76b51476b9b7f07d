import Formats
import Simulation
import Timing

/// The report of `simulate` for a browser: one file, no script, nothing from elsewhere.
struct SimulationPage {
    let report: SimulationReport

    var text: String {
        var out =
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>steady simulate</title>\n<style>\(Self.style)</style></head><body>\n"
        out += "<h1>What becomes of it when things fail</h1>\n<p>\(Self.escaped(report.header))</p>\n"
        if !report.verdicts.isEmpty { out += scenarios + suggestions + charts }
        if let forecast = report.forecast { out += self.forecast(forecast) }
        return out + "</body></html>\n"
    }

    // MARK: Tables

    private var scenarios: String {
        var out = "<table><tr>" + SimulationReport.headers.map { "<th>\(Self.escaped($0.lowercased()))</th>" }.joined() + "</tr>\n"
        for (index, verdict) in report.verdicts.enumerated() {
            let cells = report.row(verdict).enumerated().map { column, text in
                switch column {
                case 0: "<td><a href=\"#s\(index)\">\(Self.escaped(text))</a></td>"
                case 1: "<td class=\"\(verdict.isSurvived ? "good" : "bad")\">\(Self.escaped(text))</td>"
                default: "<td>\(Self.escaped(text))</td>"
                }
            }
            out += "<tr>\(cells.joined())</tr>\n"
        }
        return out + "</table>\n"
    }

    private var suggestions: String {
        let helpful = report.suggestions.filter(\.helps)
        guard !helpful.isEmpty else { return "" }
        var out = "<h2>What would help</h2>\n<ol>\n"
        for suggestion in helpful {
            out +=
                "<li><code>\(Self.escaped(suggestion.field))</code>: \(Self.escaped(suggestion.from)) &rarr; <b>\(Self.escaped(suggestion.to))</b>"
            out += "<br>because \(Self.escaped(suggestion.evidence))"
            if let after = suggestion.after { out += "<br>with it: \(Self.escaped(SimulationReport.sentence(after)))" }
            out += "</li>\n"
        }
        out += "</ol>\n"
        if let after = report.afterAll { out += "<p>With all of it: \(Self.escaped(after)).</p>\n" }
        return out
    }

    private func forecast(_ forecast: ForecastReport) -> String {
        let share = forecast.forecast.lostShare
        var out = "<h2>Forecast: \(ForecastReport.percent(share))\(ForecastReport.nines(share).map { ", \($0) nines" } ?? "")</h2>\n"
        out += "<table><tr>" + ForecastReport.headers.map { "<th>\($0.lowercased())</th>" }.joined() + "<th></th></tr>\n"
        let causes = forecast.forecast.rates.causes.map { forecast.forecast.lostPerYear(by: $0) } + [forecast.forecast.overlaps.lost]
        let most = max(causes.max() ?? 0, 1e-9)
        for (row, lost) in zip(forecast.rows, causes) {
            let bar = "<svg width=\"200\" height=\"12\"><rect class=\"loss\" width=\"\(Int(200 * lost / most))\" height=\"12\"/></svg>"
            out += "<tr>" + row.map { "<td>\(Self.escaped($0))</td>" }.joined() + "<td>\(bar)</td></tr>\n"
        }
        return out + "</table>\n"
    }

    // MARK: Charts

    private var charts: String {
        var out = "<h2>The worst run of each scenario</h2>\n"
        for (index, verdict) in report.verdicts.enumerated() {
            out += "<section id=\"s\(index)\"><h3>\(Self.escaped(verdict.drill.name)), seed \(verdict.worst.seed): "
            out +=
                "<span class=\"\(verdict.isSurvived ? "good" : "bad")\">\(Self.escaped(SimulationReport.words(verdict.judgement).lowercased()))</span></h3>\n"
            out += chart(verdict.worst)
            out += "<details\(verdict.isSurvived ? "" : " open")><summary>what happened</summary><pre>"
            out += Self.escaped(Story.lines(of: verdict.worst).joined(separator: "\n")) + "</pre></details>\n"
            out += "<p><code>\(Self.escaped(report.order.replay(verdict.drill, seed: verdict.worst.seed)))</code></p></section>\n"
        }
        return out
    }

    private static let width = 760.0
    private static let height = 120.0
    private static let left = 30.0
    private static let colours = ["#1f6feb", "#8250df", "#1a7f37", "#9a6700"]

    /// Serving replicas over time, a line for each Deployment; the fault, and each lost request.
    private func chart(_ outcome: DrillRun.Outcome) -> String {
        let from = outcome.beganAt - .seconds(1)
        let to = outcome.watchedUntil == .never ? outcome.beganAt + .seconds(1) : outcome.watchedUntil
        let most = Double(max(1, outcome.curves.flatMap(\.steps).map { max($0.ready, $0.wanted) }.max() ?? 1))
        func x(_ at: Instant) -> Double {
            Self.left + (Self.width - Self.left - 10) * max(0, min(1, (at - from).inSeconds / max(0.001, (to - from).inSeconds)))
        }
        func y(_ count: Int) -> Double { Self.height - 20 - (Self.height - 35) * Double(count) / most }
        var out = "<svg viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" width=\"\(Int(Self.width))\">\n"
        for count in 0...Int(most) where Int(most) <= 10 || count % (Int(most) / 5) == 0 {
            out +=
                "<line class=\"grid\" x1=\"\(Self.left)\" x2=\"\(Self.width)\" y1=\"\(Self.number(y(count)))\" y2=\"\(Self.number(y(count)))\"/>"
            out += "<text x=\"4\" y=\"\(Self.number(y(count) + 4))\">\(count)</text>\n"
        }
        if let struck = outcome.struckAt {
            out +=
                "<line class=\"fault\" x1=\"\(Self.number(x(struck)))\" x2=\"\(Self.number(x(struck)))\" y1=\"8\" y2=\"\(Self.height - 20)\"/>"
            out += "<text x=\"\(Self.number(x(struck) + 3))\" y=\"12\">fault</text>\n"
        }
        for (index, curve) in outcome.curves.enumerated() {
            let before = curve.steps.last { $0.at <= from }?.ready ?? 0
            var path = "M\(Self.number(x(from))) \(Self.number(y(before)))"
            for step in curve.steps where step.at > from && step.at <= to {
                path += "H\(Self.number(x(step.at)))V\(Self.number(y(step.ready)))"
            }
            path += "H\(Self.number(x(to)))"
            let colour = Self.colours[index % Self.colours.count]
            out += "<path d=\"\(path)\" stroke=\"\(colour)\"><title>\(Self.escaped(curve.workload))</title></path>\n"
        }
        // So many marks lie on each other that a few hundred are all that can be seen.
        let lost = outcome.lossTimes.filter { $0 >= from && $0 <= to }
        for at in lost.prefix(500) { out += "<circle class=\"loss\" cx=\"\(Self.number(x(at)))\" cy=\"\(Self.height - 12)\" r=\"2.5\"/>" }
        let zero = outcome.struckAt ?? outcome.beganAt
        for at in [from, zero, to] {
            let anchor = at == to ? " text-anchor=\"end\"" : ""
            out +=
                "<text x=\"\(Self.number(x(at)))\" y=\"\(Self.height)\"\(anchor)>\(DurationText.decimal((at - zero).nanoseconds / 100_000_000, places: 1)) s</text>"
        }
        return out + "\n</svg>\n"
    }

    // MARK: Text

    private static func number(_ number: Double) -> String { DurationText.decimal(Int64((number * 10).rounded()), places: 1) }

    static func escaped(_ text: String) -> String {
        var out = ""
        for character in text {
            switch character {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            default: out.append(character)
            }
        }
        return out
    }

    private static let style = """
        body{font:15px/1.45 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#1f2328}
        table{border-collapse:collapse;margin:1em 0}th,td{text-align:left;padding:.25em .9em .25em 0;border-bottom:1px solid #d0d7de}
        th{color:#59636e;font-weight:500}.good{color:#1a7f37}.bad{color:#cf222e;font-weight:600}code,pre{font:13px ui-monospace,monospace}
        pre{overflow-x:auto;background:#f6f8fa;padding:.7em}section{margin:1.5em 0}svg text{font:11px sans-serif;fill:#59636e}
        svg path{fill:none;stroke-width:2}.grid{stroke:#eaeef2}.fault{stroke:#cf222e;stroke-dasharray:4 3}circle.loss,rect.loss{fill:#cf222e}
        """
}
