import Timing

/// Lengths of time as kubectl shows ages: `45s`, `3m20s`, `5h`, `2d3h`.
package enum HumanDuration {
    /// Up to one second below zero counts as clock noise; further below is `<invalid>`.
    package static func text(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        if seconds < -1 { return "<invalid>" }
        if seconds < 0 { return "0s" }
        let minutes = seconds / 60
        let hours = minutes / 60
        let days = hours / 24
        if seconds < 120 { return "\(seconds)s" }
        if minutes < 10 { return two(minutes, "m", seconds % 60, "s") }
        if minutes < 180 { return "\(minutes)m" }
        if hours < 8 { return two(hours, "h", minutes % 60, "m") }
        if hours < 48 { return "\(hours)h" }
        if hours < 192 { return two(days, "d", hours % 24, "h") }
        if days < 730 { return "\(days)d" }
        if days < 2920 { return two(days / 365, "y", days % 365, "d") }
        return "\(days / 365)y"
    }

    /// How long ago `moment` was; `<unknown>` without one.
    package static func age(_ moment: Timestamp?, now: Timestamp) -> String { moment.map { text(now - $0) } ?? "<unknown>" }

    private static func two(_ large: Int64, _ largeUnit: String, _ small: Int64, _ smallUnit: String) -> String {
        small == 0 ? "\(large)\(largeUnit)" : "\(large)\(largeUnit)\(small)\(smallUnit)"
    }
}
