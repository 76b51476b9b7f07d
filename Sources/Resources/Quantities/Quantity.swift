/// An amount of cpu, memory or anything countable, as Kubernetes writes it: `250m`, `64Mi`, `1.5`, `2e3`.
///
/// Held exactly in billionths (Kubernetes' finest unit, `n`); finer fractions are rounded up, as Kubernetes does.
package struct Quantity: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Which suffixes the canonical text uses. It is kept from what was parsed and takes no part in comparisons.
    package enum Format: Sendable {
        case decimal
        case binary
        case exponent
    }

    /// The amount in billionths.
    package private(set) var nanos: Int128
    package private(set) var format: Format

    private static let nanosPerUnit: Int128 = 1_000_000_000
    /// Larger amounts are capped here, as Kubernetes caps at 2^63-1 units.
    private static let nanosLimit: Int128 = Int128(Int64.max) * nanosPerUnit

    package init(nanos: Int128, format: Format = .decimal) {
        self.nanos = min(max(nanos, -Self.nanosLimit), Self.nanosLimit)
        self.format = format
    }

    /// Whole units: bytes, cores, pods.
    package init(_ units: Int64, format: Format = .decimal) { self.init(nanos: Int128(units) * Self.nanosPerUnit, format: format) }

    /// Thousandths: `Quantity(milli: 250)` is `250m`.
    package init(milli: Int64) { self.init(nanos: Int128(milli) * 1_000_000) }

    package static let zero = Quantity(0)

    /// Thousandths, rounded up: how cpu is counted.
    package var milliRoundedUp: Int64 { Int64(clamping: Self.dividedUp(nanos, by: 1_000_000)) }
    /// Whole units, rounded up: how bytes and pods are counted.
    package var unitsRoundedUp: Int64 { Int64(clamping: Self.dividedUp(nanos, by: Self.nanosPerUnit)) }
    package var isNegative: Bool { nanos < 0 }
    package var isWhole: Bool { nanos % Self.nanosPerUnit == 0 }

    package static func == (a: Quantity, b: Quantity) -> Bool { a.nanos == b.nanos }
    package func hash(into hasher: inout Hasher) { hasher.combine(nanos) }
    package static func < (a: Quantity, b: Quantity) -> Bool { a.nanos < b.nanos }
    /// The sum, in the format of the left side unless that is zero.
    package static func + (a: Quantity, b: Quantity) -> Quantity {
        Quantity(nanos: a.nanos + b.nanos, format: a.nanos == 0 ? b.format : a.format)
    }
    package static func - (a: Quantity, b: Quantity) -> Quantity {
        Quantity(nanos: a.nanos - b.nanos, format: a.nanos == 0 ? b.format : a.format)
    }
    package static func += (a: inout Quantity, b: Quantity) { a = a + b }
    package static func -= (a: inout Quantity, b: Quantity) { a = a - b }

    private static func dividedUp(_ a: Int128, by b: Int128) -> Int128 {
        let (quotient, remainder) = a.quotientAndRemainder(dividingBy: b)
        return remainder > 0 ? quotient + 1 : quotient
    }
}

// MARK: - Text

extension Quantity {
    private static let decimalSuffixes: [(text: String, power: Int)] = [
        ("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18),
    ]
    private static let binarySuffixes: [(text: String, shift: Int)] = [
        ("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60),
    ]

    /// Reads `[+-]digits[.digits][suffix]`; nil for anything else.
    package init?(_ text: String) {
        var rest = Array(text.utf8)[...]
        var isNegative = false
        if let first = rest.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
            isNegative = first == UInt8(ascii: "-")
            rest = rest.dropFirst()
        }
        var digits: Int128 = 0
        var fractionDigitCount = 0
        var digitCount = 0
        var hasPoint = false
        var hasLostDigits = false
        while let byte = rest.first {
            if byte == UInt8(ascii: "."), !hasPoint {
                hasPoint = true
            } else if byte >= 48, byte <= 57 {
                digitCount += 1
                if hasPoint, fractionDigitCount >= 18 {
                    if byte != 48 { hasLostDigits = true }
                } else {
                    guard digits < 1_000_000_000_000_000_000_000 else { return nil }
                    digits = digits * 10 + Int128(byte - 48)
                    if hasPoint { fractionDigitCount += 1 }
                }
            } else {
                break
            }
            rest = rest.dropFirst()
        }
        guard digitCount > 0 else { return nil }
        let suffix = String(decoding: rest, as: UTF8.self)
        var multiplier: Int128 = 1
        var power = 9 - fractionDigitCount
        let format: Format
        if let binary = Self.binarySuffixes.first(where: { $0.text == suffix }) {
            format = .binary
            multiplier = Int128(1) << Int128(binary.shift)
        } else if let decimal = Self.decimalSuffixes.first(where: { $0.text == suffix }) {
            format = .decimal
            power += decimal.power
        } else if let mark = rest.first, mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E"), let exponent = Int(suffix.dropFirst()),
            (-24...24).contains(exponent)
        {
            format = .exponent
            power += exponent
        } else {
            return nil
        }
        var (nanos, overflow) = digits.multipliedReportingOverflow(by: multiplier)
        if overflow { nanos = Self.nanosLimit }
        if power >= 0 {
            for _ in 0..<power where nanos < Self.nanosLimit { nanos *= 10 }
        } else {
            var divisor: Int128 = 1
            for _ in 0..<min(-power, 36) { divisor *= 10 }
            nanos = Self.dividedUp(nanos, by: divisor)
        }
        if hasLostDigits, digits == 0 { nanos = 1 }
        self.init(nanos: isNegative ? -nanos : nanos, format: format)
    }

    /// The canonical text: no fraction, the largest suffix that loses nothing.
    package var description: String {
        if nanos == 0 { return "0" }
        if format == .binary, abs(nanos) >= 1024 * Self.nanosPerUnit {
            var units = Self.dividedUp(nanos, by: Self.nanosPerUnit)
            var suffix = ""
            for step in Self.binarySuffixes {
                guard units % 1024 == 0 else { break }
                units /= 1024
                suffix = step.text
            }
            return "\(units)\(suffix)"
        }
        var amount = nanos
        var index = 0
        while index < Self.decimalSuffixes.count - 1, amount % 1000 == 0 {
            amount /= 1000
            index += 1
        }
        let (suffix, power) = Self.decimalSuffixes[index]
        if format == .exponent { return power == 0 ? "\(amount)" : "\(amount)e\(power)" }
        return "\(amount)\(suffix)"
    }
}

private func abs(_ value: Int128) -> Int128 { value < 0 ? -value : value }
