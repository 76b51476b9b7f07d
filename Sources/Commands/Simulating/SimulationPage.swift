import Formats
import Simulation

/// The report of `simulate` for a browser: one file, no script, nothing from elsewhere; in light and dark, on wide and narrow screens, and on paper.
struct SimulationPage {
    let report: SimulationReport

    var text: String {
        var out = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        out += "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">"
        out += "<title>\(Self.escaped(title))</title>\n<style>\(Self.style)</style></head><body>\n"
        out += "<h1>What becomes of it when things fail</h1>\n<p>\(Self.escaped(report.header))</p>\n"
        if !report.verdicts.isEmpty { out += summary + scenarios + suggestions + runs }
        if let forecast = report.forecast { out += self.forecast(forecast) }
        return out + "</body></html>\n"
    }

    private var title: String {
        let names = report.order.scenario.objects.filter { $0["kind"].string == "Deployment" }.compactMap { $0["metadata"]["name"].string }
        return "\(names.joined(separator: ", ")) - steady simulate"
    }

    // MARK: Tables

    private static func mark(_ isGood: Bool) -> String { isGood ? "good" : "bad" }

    private var summary: String {
        let (words, isGood) = report.summary
        return "<p class=\"verdict \(Self.mark(isGood))\">\(words)</p>\n"
    }

    private var scenarios: String {
        var out = "<div class=\"wide\"><table><tr>"
        out += SimulationReport.headers.map { "<th>\(Self.escaped($0.lowercased()))</th>" }.joined() + "</tr>\n"
        for (index, verdict) in report.verdicts.enumerated() {
            let cells = report.row(verdict).enumerated().map { column, text in
                switch column {
                case 0: "<td><a href=\"#s\(index)\">\(Self.escaped(text))</a></td>"
                case 1: "<td class=\"\(Self.mark(verdict.isSurvived))\">\(Self.escaped(text.lowercased()))</td>"
                default: "<td>\(Self.escaped(text))</td>"
                }
            }
            out += "<tr>\(cells.joined())</tr>\n"
        }
        return out + "</table></div>\n"
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
        if let words = forecast.targetWords {
            out += "<p class=\"verdict \(Self.mark(forecast.isReached))\">\(Self.escaped(words))</p>\n"
        }
        out += "<p>From \(Self.escaped(forecast.years)); \(Self.escaped(forecast.loss)).</p>\n"
        if let cut = forecast.cut { out += "<p>\(Self.escaped(cut))</p>\n" }
        out +=
            "<div class=\"wide\"><table><tr>" + ForecastReport.headers.map { "<th>\($0.lowercased())</th>" }.joined() + "<th></th></tr>\n"
        let causes = forecast.forecast.rates.causes.map { forecast.forecast.lostPerYear(by: $0) } + [forecast.forecast.overlaps.lost]
        let most = max(causes.max() ?? 0, 1e-9)
        for (row, lost) in zip(forecast.rows, causes) {
            let length = Int((200 * lost / most).rounded(.up))
            let bar =
                "<svg class=\"bar\" width=\"200\" height=\"12\" aria-hidden=\"true\"><rect class=\"loss\" width=\"\(length)\" height=\"12\"/></svg>"
            out += "<tr>" + row.map { "<td>\(Self.escaped($0))</td>" }.joined() + "<td>\(bar)</td></tr>\n"
        }
        out += "</table></div>\n<p class=\"note\">\(Self.escaped(forecast.conditions))</p>\n"
        for problem in forecast.problems { out += "<p>Did not come to rest by itself: \(Self.escaped(problem))</p>\n" }
        return out
    }

    // MARK: Runs

    private var runs: String {
        var out = "<h2>The worst run of each scenario</h2>\n"
        for (index, verdict) in report.verdicts.enumerated() {
            out += "<section id=\"s\(index)\"><h3>\(Self.escaped(verdict.drill.name)), seed \(verdict.worst.seed): "
            out += "<span class=\"\(Self.mark(verdict.isSurvived))\">"
            out += "\(Self.escaped(SimulationReport.words(verdict.judgement).lowercased()))</span></h3>\n"
            let problem = verdict.worst.startProblem ?? verdict.worst.remainder ?? verdict.worst.violation?.description
            if let problem { out += "<p class=\"bad\">\(Self.escaped(problem))</p>\n" }
            out += SimulationChart(outcome: verdict.worst).text
            out += "<details\(verdict.isSurvived ? "" : " open")><summary>what happened</summary>\n\(story(verdict.worst))</details>\n"
            out +=
                "<p class=\"note\">again: <code>\(Self.escaped(report.order.replay(verdict.drill, seed: verdict.worst.seed)))</code></p></section>\n"
        }
        return out
    }

    private func story(_ outcome: DrillRun.Outcome) -> String {
        var out = "<div class=\"wide\"><table class=\"story\">\n"
        for line in Story.told(of: outcome) {
            let look = line.who == "fault" ? " class=\"struck\"" : line.who == "clients" ? " class=\"bad\"" : ""
            out += "<tr\(look)><td>\(line.time)</td><td>\(Self.escaped(line.who))</td><td>\(Self.escaped(line.what))</td></tr>\n"
        }
        return out + "</table></div>\n"
    }

    // MARK: Text

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
        :root{--text:#1f2328;--dim:#59636e;--page:#fff;--line:#d0d7de;--faint:#eaeef2;--box:#f6f8fa;--good:#1a7f37;--bad:#cf222e;--link:#0969da;
        --c0:#1f6feb;--c1:#8250df;--c2:#1a7f37;--c3:#9a6700;--c4:#bf3989;--c5:#1b7c83}
        @media(prefers-color-scheme:dark){:root{--text:#e6edf3;--dim:#9198a1;--page:#0d1117;--line:#3d444d;--faint:#21262d;--box:#151b23;--good:#3fb950;
        --bad:#f85149;--link:#58a6ff;--c0:#58a6ff;--c1:#bc8cff;--c2:#3fb950;--c3:#d29922;--c4:#f778ba;--c5:#39c5cf}}
        *{box-sizing:border-box}body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:0 auto;padding:1.5em 1em 4em;color:var(--text);
        background:var(--page);overflow-wrap:anywhere}h1{font-size:1.6em;line-height:1.2;margin:.2em 0}h2{font-size:1.25em;margin:1.8em 0 .5em}
        h3{font-size:1.05em;margin:0 0 .4em}a{color:var(--link)}.wide{overflow-x:auto}
        table{border-collapse:collapse;margin:.6em 0;overflow-wrap:normal;font-variant-numeric:tabular-nums}
        th,td{text-align:left;vertical-align:top;padding:.3em 1em .3em 0;border-bottom:1px solid var(--line)}th{color:var(--dim);font-weight:500}
        th,td:not(:first-child){white-space:nowrap}td:first-child{min-width:9em}.good{color:var(--good)}.bad{color:var(--bad)}
        .verdict{font-weight:600}.note,.legend{color:var(--dim);font-size:.9em}code{font:.92em ui-monospace,monospace;background:var(--box);
        padding:.1em .3em;border-radius:4px}section{margin:1.2em 0;padding:1em;border:1px solid var(--line);border-radius:8px}
        summary{cursor:pointer;color:var(--dim)}.story{font-size:.9em}.story td{border:0;padding:.08em .9em .08em 0}.story td:first-child{min-width:6em;
        text-align:right;color:var(--dim);white-space:nowrap}.story td:last-child{white-space:normal;min-width:20em}.struck td{font-weight:600}
        .chart{display:block;width:100%;min-width:600px}.chart text{font:11px system-ui,sans-serif;fill:var(--dim)}.chart text.bad{fill:var(--bad)}
        .grid{stroke:var(--faint)}.axis{stroke:var(--line)}.fault{stroke:var(--bad);stroke-dasharray:4 3}path{fill:none}
        path.line{stroke-width:2}path.wanted{stroke:var(--dim);stroke-dasharray:2 4}path.again{stroke-dasharray:8 3}.loss{fill:var(--bad)}
        .c0{stroke:var(--c0);background:var(--c0)}.c1{stroke:var(--c1);background:var(--c1)}.c2{stroke:var(--c2);background:var(--c2)}
        .c3{stroke:var(--c3);background:var(--c3)}.c4{stroke:var(--c4);background:var(--c4)}.c5{stroke:var(--c5);background:var(--c5)}
        .legend span{margin-right:1.2em;display:inline-block}.key{display:inline-block;width:18px;height:3px;margin-right:.4em;vertical-align:middle}
        .key.wanted{background:none;border-top:2px dotted var(--dim)}.key.dot{width:6px;height:6px;border-radius:3px;background:var(--bad)}
        .bar{display:block;margin-top:.35em}li{margin:.5em 0}@media print{section{break-inside:avoid}}
        """
}
