/// Times of the proleptic Gregorian calendar in UTC as RFC 3339 writes them.
enum CivilTime {
    /// `2024-05-06T07:08:09Z`, with six decimals where microseconds are given; nil outside of the years 1 to 9999.
    static func text(secondsSince1970 seconds: Int64, microseconds: Int64?) -> String? {
        guard seconds >= -62_135_596_800, seconds <= 253_402_300_799 else { return nil }
        var days = seconds / 86_400
        var rest = seconds % 86_400
        if rest < 0 {
            rest += 86_400
            days -= 1
        }
        // Counted in years that begin in March, so that the leap day is the last of a year; 400 such years are 146,097 days.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let calendarMonth = month < 10 ? month + 3 : month - 9
        let year = yearOfEra + era * 400 + (calendarMonth <= 2 ? 1 : 0)
        let date = "\(padded(year, 4))-\(padded(calendarMonth, 2))-\(padded(day, 2))"
        let time = "\(padded(rest / 3600, 2)):\(padded(rest / 60 % 60, 2)):\(padded(rest % 60, 2))"
        let fraction = microseconds.map { "." + padded($0, 6) } ?? ""
        return "\(date)T\(time)\(fraction)Z"
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
