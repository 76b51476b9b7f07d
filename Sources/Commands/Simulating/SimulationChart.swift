import Simulation
import Timing

/// Serving replicas over time as a drawing: a line for each Deployment, what is wanted of it, the fault, and each lost request.
struct SimulationChart {
    let outcome: DrillRun.Outcome

    private static let width = 760.0
    private static let height = 200.0
    private static let left = 40.0
    private static let right = 16.0
    private static let top = 26.0
    private static let bottom = 52.0
    /// Lines differ by colour, and from there on by their dashes as well.
    private static let colourCount = 6
    /// So many marks lie on each other that a few hundred are all that can be seen.
    private static let lossLimit = 500
    private static let steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400]

    private var from: Instant { outcome.beganAt - .seconds(1) }
    private var to: Instant {
        outcome.watchedUntil == .never ? outcome.beganAt + .seconds(1) : max(outcome.watchedUntil, from + .seconds(1))
    }
    private var zero: Instant { outcome.struckAt ?? outcome.beganAt }
    private var most: Int { max(1, outcome.curves.flatMap(\.steps).map { max($0.ready, $0.wanted) }.max() ?? 1) }
    private var losses: [Instant] { outcome.lossTimes.filter { $0 >= from && $0 <= to } }

    private func x(_ at: Instant) -> Double {
        Self.left + (Self.width - Self.left - Self.right) * max(0, min(1, (at - from).inSeconds / (to - from).inSeconds))
    }
    private func y(_ count: Int) -> Double {
        Self.height - Self.bottom - (Self.height - Self.bottom - Self.top) * Double(count) / Double(most)
    }

    var text: String {
        let label = "serving replicas over time, \(losses.count) requests lost"
        var out =
            "<div class=\"wide\"><svg class=\"chart\" viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" role=\"img\" aria-label=\"\(label)\">\n"
        out += counts + times
        for (index, curve) in outcome.curves.enumerated() {
            out += "<path d=\"\(path(curve, index) { $0.wanted })\" class=\"wanted\"/>\n"
            out += "<path d=\"\(path(curve, index) { $0.ready })\" class=\"\(Self.look(index))\"><title>"
            out += "\(SimulationPage.escaped(curve.workload))</title></path>\n"
        }
        for at in losses.prefix(Self.lossLimit) {
            out += "<circle class=\"loss\" cx=\"\(Self.number(x(at)))\" cy=\"\(Self.number(y(0) + 9))\" r=\"2.5\"/>"
        }
        return out + "\n</svg></div>\n" + legend
    }

    // MARK: Axes

    private var counts: String {
        let step = Self.steps.first { Double(most) / $0 <= 5 && $0 >= 1 } ?? Double(most)
        var out = Self.text("replicas that serve", x: 4, y: 12, "start")
        for count in stride(from: 0, through: most, by: Int(step)) {
            out +=
                "<line class=\"\(count == 0 ? "axis" : "grid")\" x1=\"\(Self.left)\" x2=\"\(Self.width - Self.right)\" y1=\"\(Self.number(y(count)))\""
            out += " y2=\"\(Self.number(y(count)))\"/>" + Self.text("\(count)", x: Self.left - 6, y: y(count) + 4, "end")
        }
        return out
    }

    private var times: String {
        let length = (to - from).inSeconds
        let step = Self.steps.first { length / $0 <= 10 } ?? length
        let foot = y(0)
        var out = ""
        for index in Int(((from - zero).inSeconds / step).rounded(.up))...max(0, Int(((to - zero).inSeconds / step).rounded(.down))) {
            let seconds = Double(index) * step
            let at = x(zero + .milliseconds(Int64((seconds * 1000).rounded())))
            out +=
                "<line class=\"axis\" x1=\"\(Self.number(at))\" x2=\"\(Self.number(at))\" y1=\"\(Self.number(foot))\" y2=\"\(Self.number(foot + 4))\"/>"
            out += Self.text(step < 1 ? Self.number(seconds) : "\(Int(seconds))", x: at, y: foot + 26, "middle")
        }
        let origin = outcome.struckAt == nil ? "the beginning" : "the fault"
        out += Self.text("seconds from \(origin)", x: (Self.left + Self.width - Self.right) / 2, y: Self.height - 6, "middle")
        if let struck = outcome.struckAt {
            let at = x(struck)
            out += "<line class=\"fault\" x1=\"\(Self.number(at))\" x2=\"\(Self.number(at))\" y1=\"16\" y2=\"\(Self.number(foot))\"/>"
            out += Self.text("fault", x: at, y: 12, at > Self.width - 40 ? "end" : "middle", "bad")
        }
        return out
    }

    // MARK: Lines

    private func path(_ curve: ReadyCurve, _ index: Int, _ value: (ReadyCurve.Step) -> Int) -> String {
        // Lines of equal numbers would hide each other.
        func height(_ count: Int) -> String { Self.number(y(count) - Double(index % Self.colourCount) * 2) }
        var out = "M\(Self.number(x(from))) \(height(curve.steps.last { $0.at <= from }.map(value) ?? 0))"
        for step in curve.steps where step.at > from && step.at <= to { out += "H\(Self.number(x(step.at)))V\(height(value(step)))" }
        return out + "H\(Self.number(x(to)))"
    }

    private static func look(_ index: Int) -> String { "line c\(index % colourCount)\(index < colourCount ? "" : " again")" }

    private var legend: String {
        var keys = outcome.curves.enumerated().map { index, curve in
            "<span><i class=\"key c\(index % Self.colourCount)\"></i>\(SimulationPage.escaped(curve.workload))</span>"
        }
        keys.append("<span><i class=\"key wanted\"></i>wanted</span>")
        if !losses.isEmpty {
            keys.append("<span><i class=\"key dot\"></i>\(losses.count) \(losses.count == 1 ? "request" : "requests") lost</span>")
        }
        return "<p class=\"legend\">\(keys.joined(separator: " "))</p>\n"
    }

    private static func text(_ text: String, x: Double, y: Double, _ anchor: String, _ look: String = "") -> String {
        let look = look.isEmpty ? "" : " class=\"\(look)\""
        return "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\"\(look)>\(text)</text>\n"
    }

    private static func number(_ number: Double) -> String { DurationText.decimal(Int64((number * 10).rounded()), places: 1) }
}
