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
