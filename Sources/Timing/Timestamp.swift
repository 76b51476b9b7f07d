/// A moment of civil time (UTC), in nanoseconds since 1970. It can jump: never compare it to decide when to act, only show and store it.
package struct Timestamp: Comparable, Hashable, Sendable, CustomStringConvertible {
    package var nanosecondsSince1970: Int64

    package init(nanosecondsSince1970: Int64) { self.nanosecondsSince1970 = nanosecondsSince1970 }
    package init(secondsSince1970: Int64) { self.init(nanosecondsSince1970: secondsSince1970 * 1_000_000_000) }

    package static func < (a: Timestamp, b: Timestamp) -> Bool { a.nanosecondsSince1970 < b.nanosecondsSince1970 }
    package static func + (a: Timestamp, b: Duration) -> Timestamp {
        Timestamp(nanosecondsSince1970: a.nanosecondsSince1970 + b.nanoseconds)
    }
    package static func - (a: Timestamp, b: Timestamp) -> Duration { .nanoseconds(a.nanosecondsSince1970 - b.nanosecondsSince1970) }

    /// Whole seconds since 1970, rounded down.
    package var secondsSince1970: Int64 { floorDivide(nanosecondsSince1970, 1_000_000_000).quotient }

    /// Kubernetes' `Time`: RFC 3339, whole seconds, `2026-01-01T00:00:00Z`.
    package var rfc3339: String { text(fractionDigitCount: 0) }

    /// Kubernetes' `MicroTime`: exactly six fractional digits; client-go refuses any other number of them.
    package var rfc3339Micro: String { text(fractionDigitCount: 6) }

    /// RFC 3339 with nine fractional digits, as log lines carry it.
    package var rfc3339Nano: String { text(fractionDigitCount: 9) }

    package var description: String { rfc3339 }

    private func text(fractionDigitCount: Int) -> String {
        let (seconds, nanoseconds) = floorDivide(nanosecondsSince1970, 1_000_000_000)
        let (days, secondOfDay) = floorDivide(seconds, 86_400)
        let (year, month, day) = civil(fromDays: days)
        var out: [UInt8] = []
        out.reserveCapacity(32)
        func put(_ value: Int64, _ width: Int) {
            var divisor: Int64 = 1
            for _ in 1..<width { divisor *= 10 }
            while divisor > 0 {
                out.append(UInt8(48 + (value / divisor) % 10))
                divisor /= 10
            }
        }
        put(year, 4)
        out.append(UInt8(ascii: "-"))
        put(month, 2)
        out.append(UInt8(ascii: "-"))
        put(day, 2)
        out.append(UInt8(ascii: "T"))
        put(secondOfDay / 3600, 2)
        out.append(UInt8(ascii: ":"))
        put(secondOfDay / 60 % 60, 2)
        out.append(UInt8(ascii: ":"))
        put(secondOfDay % 60, 2)
        if fractionDigitCount > 0 {
            out.append(UInt8(ascii: "."))
            var fraction = nanoseconds
            for _ in fractionDigitCount..<9 { fraction /= 10 }
            put(fraction, fractionDigitCount)
        }
        out.append(UInt8(ascii: "Z"))
        return String(decoding: out, as: UTF8.self)
    }

    /// Reads RFC 3339 (`2026-01-01T00:00:00Z`, any number of fractional digits, `Z` or `+hh:mm`); nil for anything else.
    package init?(rfc3339 text: some StringProtocol) {
        let bytes = Array(text.utf8)
        var at = 0
        func number(_ width: Int) -> Int64? {
            guard at + width <= bytes.count else { return nil }
            var value: Int64 = 0
            for i in at..<(at + width) {
                guard bytes[i] >= 48, bytes[i] <= 57 else { return nil }
                value = value * 10 + Int64(bytes[i] - 48)
            }
            at += width
            return value
        }
        func take(_ allowed: String) -> Bool {
            guard at < bytes.count, allowed.utf8.contains(bytes[at]) else { return false }
            at += 1
            return true
        }
        guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2), take("Tt "),
            let hour = number(2), take(":"), let minute = number(2), take(":"), let second = number(2),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 61
        else { return nil }
        var fraction: Int64 = 0
        if take(".") {
            var scale: Int64 = 100_000_000
            guard at < bytes.count, bytes[at] >= 48, bytes[at] <= 57 else { return nil }
            while at < bytes.count, bytes[at] >= 48, bytes[at] <= 57 {
                fraction += Int64(bytes[at] - 48) * scale
                scale /= 10
                at += 1
            }
        }
        var offset: Int64 = 0
        if !take("Zz") {
            guard at < bytes.count else { return nil }
            let sign: Int64 = bytes[at] == UInt8(ascii: "-") ? -1 : 1
            guard take("+-"), let hours = number(2), take(":"), let minutes = number(2) else { return nil }
            offset = sign * (hours * 3600 + minutes * 60)
        }
        guard at == bytes.count else { return nil }
        let seconds = days(fromCivil: year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
        // Beyond the years 1677 to 2262 nanoseconds do not fit 64 bits: what nobody can mean is no moment.
        let (whole, isTooFar) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (nanoseconds, carry) = whole.addingReportingOverflow(fraction)
        if isTooFar || carry { return nil }
        self.init(nanosecondsSince1970: nanoseconds)
    }
}

private func floorDivide(_ a: Int64, _ b: Int64) -> (quotient: Int64, remainder: Int64) {
    let (q, r) = a.quotientAndRemainder(dividingBy: b)
    return r < 0 ? (q - 1, r + b) : (q, r)
}

/// Days since 1970 to a proleptic Gregorian date, by counting 400-year eras that begin in March.
private func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let (era, dayOfEra) = floorDivide(days + 719_468, 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
}

private func days(fromCivil year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let (era, yearOfEra) = floorDivide(shifted, 400)
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
}
