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
        var lastWords: [String: String] = [:]
        for line in outcome.history.shortened(to: History.lineLimit) where told.contains(line.at) && isTold(line) {
            // A probe that fails again for the same reason, with the same answer, is no news.
            guard lastWords.updateValue(line.what, forKey: line.who) != line.what || line.isTurningPoint else { continue }
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
