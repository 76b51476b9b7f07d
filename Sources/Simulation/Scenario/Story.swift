import Timing

/// One run as a person reads it: what happened around the fault, seconds counted from it, and requests that were lost one after the other in one line.
package enum Story {
    /// Lines that a story has at most; the middle is left out beyond it.
    package static let lineLimit = 40

    /// One line of a story.
    package struct Line: Sendable, Hashable {
        /// `+1.204 s`; empty where lines are left out.
        package var time: String
        /// Who did something, or what changed; empty where lines are left out.
        package var who: String
        package var what: String
    }

    /// As they are printed, times below each other.
    package static func lines(of outcome: DrillRun.Outcome) -> [String] {
        told(of: outcome).map { line in
            if line.time.isEmpty { return String(repeating: " ", count: 11) + line.what }
            return String(repeating: " ", count: max(0, 10 - line.time.count)) + line.time + " \(line.who): \(line.what)"
        }
    }

    package static func told(of outcome: DrillRun.Outcome) -> [Line] {
        let zero = outcome.struckAt ?? outcome.beganAt
        var moments: [(at: Instant, who: String, what: String)] = []
        // What was lost afterwards is explained as well.
        let told = outcome.beganAt...max(outcome.watchedUntil, outcome.lossTimes.last ?? .zero)
        for line in outcome.history.shortened(to: History.lineLimit) where told.contains(line.at) && isTold(line) {
            moments.append((line.at, line.who, line.what))
        }
        for curve in outcome.curves {
            for step in curve.steps where step.at > outcome.beganAt && told.contains(step.at) {
                moments.append((step.at, curve.workload, "\(step.ready) of \(step.wanted) serve"))
            }
        }
        moments += losses(outcome)
        let ordered = moments.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
        let lines = ordered.map { Line(time: seconds($0.at - zero), who: $0.who, what: $0.what) }
        guard lines.count > lineLimit else { return lines }
        let head = lineLimit * 3 / 4
        let gap = Line(time: "", who: "", what: "... \(lines.count - lineLimit) more ...")
        return Array(lines.prefix(head)) + [gap] + lines.suffix(lineLimit - head)
    }

    private static func isTold(_ line: History.Line) -> Bool {
        if line.isTurningPoint { return true }
        return line.who != "store" && line.who != "client" && line.who != "check"
    }

    /// Losses less than a second apart are one line.
    private static func losses(_ outcome: DrillRun.Outcome) -> [(at: Instant, who: String, what: String)] {
        var groups: [(first: Instant, last: Instant, count: Int)] = []
        for at in outcome.lossTimes where at >= outcome.beganAt {
            if let group = groups.last, at - group.last < .seconds(1) {
                groups[groups.count - 1] = (group.first, at, group.count + 1)
            } else {
                groups.append((at, at, 1))
            }
        }
        return groups.map { group in
            let length = group.last - group.first
            return (
                group.first, "clients",
                "\(group.count) \(group.count == 1 ? "request is" : "requests are") lost"
                    + (length > .milliseconds(50) ? " within \(DurationText.short(length))" : "")
            )
        }
    }

    private static func seconds(_ length: Duration) -> String {
        let milliseconds = length.nanoseconds / 1_000_000
        let text = DurationText.decimal(milliseconds, places: 3)
        return (milliseconds >= 0 ? "+" + text : text) + " s"
    }
}

/// Lengths of time in few letters.
package enum DurationText {
    /// `0 ms`, `340 ms`, `1.2 s`, `95 s`.
    package static func short(_ length: Duration) -> String {
        let milliseconds = length.nanoseconds / 1_000_000
        if milliseconds < 1000 { return "\(milliseconds) ms" }
        if milliseconds < 10_000 { return decimal((milliseconds + 50) / 100, places: 1) + " s" }
        return "\((milliseconds + 500) / 1000) s"
    }

    /// `45 s`, `10 min`, `12 h`, `90 d`, `1 y`: what a person would have written, with one digit behind the point where it does not come out even.
    package static func long(_ length: Duration) -> String {
        let units: [(seconds: Double, name: String, from: Double)] = [
            (365 * 86_400, "y", 1), (86_400, "d", 2), (3600, "h", 1), (60, "min", 2),
        ]
        let seconds = length.inSeconds
        for unit in units where seconds >= unit.seconds * unit.from {
            // 90 d and 400 d are days, 365 d and 2 y are years.
            let tenths = (seconds / unit.seconds * 10).rounded()
            if unit.name == "y", tenths < 100, tenths.truncatingRemainder(dividingBy: 10) != 0 { continue }
            let isWhole = tenths.truncatingRemainder(dividingBy: 10) == 0
            return (isWhole ? "\(Int(tenths / 10))" : decimal(Int64(tenths), places: 1)) + " " + unit.name
        }
        return short(length)
    }

    /// A whole number with its last digits behind a point.
    package static func decimal(_ number: Int64, places: Int) -> String {
        var digits = String(abs(number))
        while digits.count <= places { digits = "0" + digits }
        return (number < 0 ? "-" : "") + digits.dropLast(places) + "." + digits.suffix(places)
    }
}
